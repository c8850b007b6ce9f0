"""Rows a model learns from, with labels redone by hand."""

import numpy as np
import pytest

from quant.features import DailyPanel
from quant.models import Dataset
from quant.samples import VOLATILITY_FEATURE, samples, session_ordinals, volatility_daily
from quant.typing import Float64Array

NAMES = ("momentum", VOLATILITY_FEATURE)
HORIZON = 2
DAYS = np.arange(15_000, 15_010, dtype=np.int32)


def panel(opens: Float64Array, *, days: np.ndarray = DAYS) -> DailyPanel:
    """One symbol; an index that stands still."""
    n = opens.size
    ones = np.ones(n)
    return DailyPanel(
        symbols=("A",),
        offsets=np.array([0, n], dtype=np.int64),
        sessions=days[:n].astype(np.int32),
        open=opens, high=opens, low=opens, close=opens, volume=ones * 100,
        split_factor=ones, return_factor=ones,
        index_sessions=DAYS[:n].astype(np.int32), index_close=ones * 50,
    )  # fmt: skip


def made(n: int, *, minimum_history: int = 3) -> Dataset:
    """Opens that grow by a tenth a session; 5 % daily volatility throughout."""
    opens: Float64Array = 100.0 * 1.1 ** np.arange(n, dtype=np.float64)
    features = np.zeros((n, 2), dtype=np.float32)
    features[:, 0] = np.arange(n)
    features[:, 1] = 0.05 * np.sqrt(252.0)
    return samples(
        panel(opens), features, NAMES, np.full(n, 50.0),
        horizon=HORIZON, minimum_history=minimum_history,
    )  # fmt: skip


def test_a_label_runs_from_the_next_open_for_its_horizon_and_is_scaled() -> None:
    data = made(10)

    # 1.1 * 1.1 - 1 = 0.21 above an index that stands, over 0.05 * sqrt(2)
    assert data.labels[:5] == pytest.approx(0.21 / (0.05 * np.sqrt(2.0)), rel=1e-6)
    assert data.label_start[0] == data.sessions[0] + 1
    assert data.label_end[0] == data.sessions[0] + 1 + HORIZON


def test_rows_begin_when_history_suffices_and_end_with_the_last_bar() -> None:
    data = made(10, minimum_history=3)

    assert data.sessions.tolist() == [2, 3, 4, 5, 6, 7, 8, 9]  # the third row has three sessions
    # The exit of row t is the open of t + 3, and the last open is that of session 9.
    assert np.isfinite(data.labels).tolist() == [True] * 5 + [False] * 3


def test_the_next_days_return_is_from_open_to_open() -> None:
    assert made(10).daily_excess is not None
    assert made(10).daily_excess[:6] == pytest.approx(0.10)  # type: ignore[index]  # asserted above


def test_three_labels_share_each_session_of_a_two_session_horizon() -> None:
    # Closed intervals [t + 1, t + 3] of 10 rows: inside, three are alive in every session.
    assert made(10).weights[2:4] == pytest.approx(1.0 / 3.0)


def test_later_sessions_change_no_label_that_had_matured() -> None:
    early, late = made(8), made(10)
    n = early.n_rows
    matured = np.isfinite(early.labels)

    np.testing.assert_array_equal(early.features, late.features[:n])
    np.testing.assert_array_equal(early.labels[matured], late.labels[:n][matured])
    np.testing.assert_array_equal(early.label_end, late.label_end[:n])


def test_a_bar_without_an_index_bar_is_named_by_its_day() -> None:
    strange = DAYS.copy()
    strange[-1] += 1  # day 15,010 since 1970

    with pytest.raises(ValueError, match="2011-02-05"):
        session_ordinals(panel(np.full(10, 10.0), days=strange))


def test_without_the_volatility_there_are_no_labels() -> None:
    with pytest.raises(ValueError, match=VOLATILITY_FEATURE):
        volatility_daily(np.zeros((3, 1)), ("momentum",))
