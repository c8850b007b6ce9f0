"""Laws and worked figures of the intraday features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import talib

from quant.features import INTRADAY, Feature, MinutePanel, minute_features

SESSIONS, BARS, SYMBOLS = 8, 120, 3


def random_minutes(seed: int) -> MinutePanel:
    rng = np.random.default_rng(seed)
    n = SESSIONS * BARS
    close = 40.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, (SYMBOLS, n)), axis=1)).ravel()
    open_ = close * np.exp(rng.normal(0.0, 0.0005, close.size))
    return MinutePanel(
        symbols=("A", "B", "C"),
        offsets=np.arange(SYMBOLS + 1, dtype=np.int64) * n,
        sessions=np.tile(np.repeat(np.arange(15_000, 15_000 + SESSIONS), BARS), SYMBOLS).astype(
            np.int32
        ),
        minutes=np.tile(570 + np.arange(BARS), SYMBOLS * SESSIONS).astype(np.int32),
        open=open_,
        high=np.maximum(open_, close) * 1.0004,
        low=np.minimum(open_, close) * 0.9996,
        close=close,
        volume=np.round(1e4 * np.exp(rng.normal(0.0, 0.5, close.size))),
    )


PANEL = random_minutes(5)
WHOLE = minute_features(PANEL)
START = (15_000 + SESSIONS - 1, 570 + 70)
WANTED = (PANEL.sessions == START[0]) & (PANEL.minutes >= START[1])
every_feature = pytest.mark.parametrize("feature", list(INTRADAY), ids=lambda feature: feature.name)


def column(matrix: np.ndarray, name: str) -> np.ndarray:
    return matrix[:, INTRADAY.names.index(name)]


@every_feature
def test_the_bars_from_a_minute_on_equal_the_whole_to_the_bit(feature: Feature) -> None:
    part = minute_features(PANEL, start=START)

    np.testing.assert_array_equal(column(part, feature.name), column(WHOLE[WANTED], feature.name))


@every_feature
def test_another_future_leaves_the_past_as_it_was(feature: Feature) -> None:
    rng = np.random.default_rng(1)
    factor = np.where(WANTED, np.exp(rng.normal(0.0, 0.5, PANEL.n_rows)), 1.0)
    names = ("open", "high", "low", "close", "volume")
    changed = {name: getattr(PANEL, name) * factor for name in names}

    other = minute_features(replace(PANEL, **changed))

    np.testing.assert_array_equal(
        column(other, feature.name)[~WANTED], column(WHOLE, feature.name)[~WANTED]
    )


@every_feature
def test_values_are_finite_once_history_is_there(feature: Feature) -> None:
    values = column(WHOLE, feature.name)[: PANEL.offsets[1]]

    assert np.isnan(values[: feature.look_back]).all()
    varied = PANEL.minutes[: values.size] > 570  # one bar alone has no deviation
    varied[: feature.look_back + 1] = False
    varied[: feature.sessions_back * BARS] = False
    assert np.isfinite(values[varied]).all()


def hand_made() -> MinutePanel:
    """Two bars of one session, then one of the next."""
    return MinutePanel(
        symbols=("A",),
        offsets=np.array([0, 3]),
        sessions=np.array([15_000, 15_000, 15_001], dtype=np.int32),
        minutes=np.array([570, 572, 570], dtype=np.int32),
        open=np.array([10.0, 10.0, 20.0]),
        high=np.array([10.0, 13.0, 22.0]),
        low=np.array([10.0, 10.0, 20.0]),
        close=np.array([10.0, 13.0, 21.0]),
        volume=np.array([300.0, 100.0, 50.0]),
    )


def test_figures_of_a_session_start_anew_with_it() -> None:
    matrix = minute_features(hand_made())

    # Typical prices 10 and 12: VWAP of the second bar is (300 · 10 + 100 · 12) / 400 = 10.5,
    # the deviation from it √((300 · 0.5² + 100 · 1.5²) / 400) = √0.75. The third bar is a session
    # of its own: its typical price is 21.
    assert column(matrix, "vwap_distance") == pytest.approx([0.0, 13 / 10.5 - 1, 0.0], abs=1e-7)
    assert column(matrix, "vwap_z")[1] == pytest.approx(2.5 / np.sqrt(0.75), rel=1e-6)
    assert np.isnan(column(matrix, "vwap_z")[[0, 2]]).all()
    assert column(matrix, "volume_share_so_far") == pytest.approx([1.0, 0.25, 1.0])
    assert column(matrix, "minutes_since_open") == pytest.approx([0.0, 2.0, 0.0])
    assert column(matrix, "session_return_so_far") == pytest.approx(
        [0.0, np.log(1.3), np.log(21 / 20)], abs=1e-7
    )
    assert column(matrix, "close_in_session_range")[1:] == pytest.approx([1.0, 0.5])
    # The overnight gap from 13 to 20 is no minute's return.
    assert column(matrix, "minute_return")[1:] == pytest.approx([np.log(1.3), np.log(21 / 20)])


def test_rsi_equals_talib_up_to_the_weight_of_older_bars() -> None:
    rng = np.random.default_rng(3)
    close = 40.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, 390)))
    one = replace(
        PANEL,
        symbols=("A",),
        offsets=np.array([0, 390]),
        sessions=np.full(390, 15_000, dtype=np.int32),
        minutes=np.arange(570, 960, dtype=np.int32),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.ones(390),
    )

    ours = column(minute_features(one), "rsi_14m")

    # Bars older than 126 would weigh (13/14)^126 = 9e-5 of the whole.
    np.testing.assert_allclose(ours[130:], talib.RSI(close, 14)[130:], atol=0.02)


def test_bars_out_of_order_are_refused_with_the_place() -> None:
    with pytest.raises(ValueError, match=r"row 1 holds A on 2011-01-26 at 09:30"):
        replace(hand_made(), minutes=np.array([570, 570, 570], dtype=np.int32))
