"""Laws that every daily feature keeps: no look-ahead, increments equal the whole, no guesses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from quant.features import (
    CORE,
    DAILY,
    INTRADAY,
    DailyPanel,
    Feature,
    daily_features,
    explain_lookback,
)
from quant.features.panel import ROW_COLUMNS
from quant.typing import Float32Array
from tests.unit.quant.panels import random_panel, since

PANEL = random_panel(n_symbols=6, n_sessions=420, seed=11)
WHOLE = daily_features(PANEL)
CUT = int(np.unique(PANEL.sessions)[-40])
BEFORE = PANEL.sessions < CUT

every_feature = pytest.mark.parametrize("feature", list(DAILY), ids=lambda feature: feature.name)


def column(matrix: Float32Array, feature: Feature) -> np.ndarray:
    return matrix[:, DAILY.names.index(feature.name)]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return (
        bool(np.array_equal(np.isnan(a), np.isnan(b)))
        and a[~np.isnan(a)].tobytes() == b[~np.isnan(b)].tobytes()
    )


def with_another_future() -> DailyPanel:
    """PANEL with other rows, actions, members, sectors and index closes from CUT on."""
    rng = np.random.default_rng(99)
    later = ~BEFORE
    changed = {name: getattr(PANEL, name).copy() for name in ROW_COLUMNS}
    for values in changed.values():
        values[later] *= np.exp(rng.normal(0.0, 0.3, int(later.sum())))
    assert PANEL.member is not None
    member = np.where(later, ~PANEL.member, PANEL.member)
    assert PANEL.sector is not None
    sector = np.where(later, 0, PANEL.sector).astype(np.int32)
    index = PANEL.index_close.copy()
    index[PANEL.index_sessions >= CUT] *= np.exp(rng.normal(0.0, 0.3, 40))
    return replace(PANEL, member=member, sector=sector, index_close=index, **changed)


ANOTHER = daily_features(with_another_future())
ENDED = daily_features(
    replace(
        PANEL,
        offsets=np.concatenate([[0], np.cumsum(PANEL.firsts(CUT))]).astype(np.int64),
        sessions=PANEL.sessions[BEFORE],
        member=None if PANEL.member is None else PANEL.member[BEFORE],
        sector=None if PANEL.sector is None else PANEL.sector[BEFORE],
        index_sessions=PANEL.index_sessions[PANEL.index_sessions < CUT],
        index_close=PANEL.index_close[PANEL.index_sessions < CUT],
        **{name: getattr(PANEL, name)[BEFORE] for name in ROW_COLUMNS},
    )
)
LATER = daily_features(PANEL, from_session=CUT)


@every_feature
def test_another_future_leaves_the_past_as_it_was(feature: Feature) -> None:
    past = column(WHOLE, feature)[BEFORE]

    assert same_bits(column(ANOTHER, feature)[BEFORE], past)


@every_feature
def test_a_panel_without_the_future_gives_the_same_past(feature: Feature) -> None:
    assert same_bits(column(ENDED, feature), column(WHOLE, feature)[BEFORE])


@every_feature
def test_the_sessions_from_a_date_on_equal_the_whole_to_the_bit(feature: Feature) -> None:
    assert same_bits(column(LATER, feature), column(WHOLE, feature)[~BEFORE])


# What a session's members or its index do is known for a newcomer too.
OF_THE_SESSION = {
    "dispersion_1", "dispersion_21", "breadth_21", "breadth_sma_50", "common_variance_63",
    "sector_lead_21",
    *(f.name for f in DAILY if f.group == "regime"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(DAILY.names) - OF_THE_SESSION))
def test_there_is_no_value_before_the_look_back_is_full(name: str) -> None:
    for first, end in pairwise(PANEL.offsets.tolist()):
        values = column(WHOLE, DAILY[name])[first:end]

        assert np.isnan(values[: DAILY[name].look_back]).all()


@pytest.mark.parametrize("name", sorted(OF_THE_SESSION))
def test_a_figure_of_the_session_is_missing_while_nobody_has_the_look_back(name: str) -> None:
    days = np.unique(PANEL.sessions)[: DAILY[name].look_back]

    assert np.isnan(column(WHOLE, DAILY[name])[np.isin(PANEL.sessions, days)]).all()


@every_feature
def test_a_value_stands_once_the_look_back_is_full(feature: Feature) -> None:
    longest = int(np.argmax(np.diff(PANEL.offsets)))
    rows = slice(PANEL.offsets[longest], PANEL.offsets[longest + 1])

    assert np.isfinite(column(WHOLE, feature)[rows][feature.look_back :]).any()


@every_feature
def test_no_value_is_infinite(feature: Feature) -> None:
    assert not np.isinf(column(WHOLE, feature)).any()


@every_feature
def test_history_before_the_look_back_does_not_matter_to_the_bit(feature: Feature) -> None:
    tail = since(PANEL, CUT, rows_before=DAILY.exact_look_back)
    keep = tail.sessions >= CUT

    assert same_bits(column(daily_features(tail), feature)[keep], column(LATER, feature))


def test_another_future_was_indeed_another() -> None:
    same = [f.name for f in DAILY if same_bits(column(ANOTHER, f), column(WHOLE, f))]

    # What made-up bars never show is looked at on real ones, in test_features_figures.
    unseen = {feature.name for feature in DAILY if feature.group in {"calendar", "pattern"}}
    assert set(same) <= unseen | {"zero_return_share_63"}


def test_a_later_split_changes_no_earlier_value() -> None:
    split = replace(
        PANEL,
        split_factor=np.where(BEFORE, PANEL.split_factor, 2.0 * PANEL.split_factor),
        return_factor=np.where(BEFORE, PANEL.return_factor, 2.0 * PANEL.return_factor),
    )

    assert same_bits(daily_features(split)[BEFORE], WHOLE[BEFORE])


def test_a_split_that_the_quotes_follow_moves_no_feature() -> None:
    """Halve the quotes and double the shares from the ex-date on: nothing happened to holders."""
    later = ~BEFORE
    halved = {
        name: np.where(later, getattr(PANEL, name) / 2.0, getattr(PANEL, name))
        for name in ("open", "high", "low", "close")
    }
    doubled = {
        name: np.where(later, getattr(PANEL, name) * 2.0, getattr(PANEL, name))
        for name in ("volume", "split_factor", "return_factor")
    }

    # Powers of two change no digit, so that even the bits agree.
    assert same_bits(daily_features(replace(PANEL, **halved, **doubled)), WHOLE)


def test_a_missing_input_leaves_gaps_and_is_never_filled() -> None:
    row = int(PANEL.offsets[1] - 60)
    holed = replace(PANEL, close=PANEL.close.copy())
    holed.close[row] = np.nan

    matrix = daily_features(holed)

    for name in ("return_1", "volatility_21", "close_to_sma_50", "rsi_14", "amihud_21"):
        feature = DAILY[name]
        values = column(matrix, feature)[row : PANEL.offsets[1]]
        assert np.isnan(values[: min(feature.look_back, values.size)]).all(), name
        assert same_bits(
            values[feature.look_back + 1 :],
            column(WHOLE, feature)[row : PANEL.offsets[1]][feature.look_back + 1 :],
        )


@pytest.mark.parametrize("seed", range(4))
def test_a_price_that_stands_still_has_no_shape_and_no_bands(seed: int) -> None:
    panel = random_panel(n_symbols=1, n_sessions=900, seed=seed)
    prices = {name: getattr(panel, name).copy() for name in ("open", "high", "low", "close")}
    for values in prices.values():
        values[400:700] = panel.close[400]
    matrix = daily_features(replace(panel, **prices))

    # 63 returns, and 10 times 9 true ranges, after the last session that moved.
    for name, first in (("skewness_63", 463), ("kurtosis_63", 463), ("keltner_20", 490)):
        figures = column(matrix, DAILY[name])
        assert np.isnan(figures[first:700]).all()
        assert np.nanmax(np.abs(figures)) <= 63.0


def test_only_members_are_ranked() -> None:
    assert PANEL.member is not None
    outside = ~PANEL.member

    assert np.isnan(column(WHOLE, DAILY["rank_return_21"])[outside]).all()
    assert np.isfinite(column(WHOLE, DAILY["return_21"])[outside]).any()


def test_the_registry_says_what_each_column_is() -> None:
    assert len(DAILY) == len(DAILY.names) == WHOLE.shape[1] >= 134
    assert WHOLE.dtype == np.float32
    assert DAILY.max_look_back == 252
    assert len(INTRADAY) >= 30
    for feature in (*DAILY, *INTRADAY):
        assert feature.dtype == "float32"
        assert "NaN" in feature.nan_policy
        assert feature.meaning
        assert "\n" not in feature.meaning
        assert feature.inputs
        assert feature.source


def test_the_version_follows_names_and_parameters() -> None:
    assert DAILY.version == DAILY.select(DAILY.names).version
    assert DAILY.version != DAILY.select(DAILY.names[::-1]).version
    assert DAILY.version != DAILY.select(DAILY.names[1:]).version
    assert len({DAILY.version, CORE.version, INTRADAY.version}) == 3


def test_a_set_holds_another_whose_columns_are_all_its_own() -> None:
    assert DAILY.holds(CORE.version, CORE.names)
    assert not CORE.holds(DAILY.version, DAILY.names)
    assert not DAILY.holds("another", CORE.names)
    assert not DAILY.holds(CORE.version, CORE.names[::-1])


def test_a_selection_has_the_columns_of_the_whole() -> None:
    some = DAILY.select(["rank_return_21", "beta_126", "adx_14"])

    columns = [DAILY.names.index(name) for name in some.names]
    assert same_bits(daily_features(PANEL, registry=some), WHOLE[:, columns])


def test_a_symbol_with_little_history_is_named() -> None:
    young = random_panel(n_symbols=1, n_sessions=31, seed=3)

    assert explain_lookback(young) == {"S0": "S0: 30 sessions of history, 252 needed"}
    assert explain_lookback(random_panel(n_symbols=1, n_sessions=253, seed=3)) == {}


def test_an_empty_panel_has_no_rows() -> None:
    later = int(PANEL.sessions.max()) + 1

    assert daily_features(PANEL, from_session=later).shape == (0, len(DAILY))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"close": -PANEL.close}, "`close` must be positive"),
        ({"volume": PANEL.volume - 1e12}, "`volume` must be 0 or more"),
        ({"sessions": PANEL.sessions[::-1].copy()}, "must ascend within each symbol"),
        ({"open": PANEL.open[:-1]}, "`open` must be a one-dimensional float64 array"),
        ({"split_factor": np.full(PANEL.n_rows, np.nan)}, "`split_factor` must be positive"),
        ({"symbols": ("A",) * 6}, "'A' occurs more often"),
        ({"offsets": PANEL.offsets + 1}, "`offsets` must rise from 0"),
    ],
)
def test_a_wrong_panel_is_refused_with_the_place(change: dict[str, object], words: str) -> None:
    given = {field.name: getattr(PANEL, field.name) for field in fields(PANEL)}

    with pytest.raises(ValueError, match=words):
        DailyPanel(**{**given, **change})


def test_a_market_on_several_cores_equals_its_symbols_one_by_one() -> None:
    many = random_panel(n_symbols=64, n_sessions=420, seed=2)
    alone = DAILY.select([name for name in DAILY.names if DAILY[name].group == "trend"])

    matrix = daily_features(many, registry=alone)

    for i in (0, 31, 63):
        first, end = many.offsets[i : i + 2]
        own = {name: getattr(many, name)[first:end] for name in ROW_COLUMNS}
        single = replace(
            many,
            symbols=(many.symbols[i],),
            offsets=np.array([0, end - first]),
            sessions=many.sessions[first:end],
            member=None,
            sector=None,
            **own,
        )
        assert same_bits(daily_features(single, registry=alone), matrix[first:end])


def test_threads_may_compute_at_the_same_time() -> None:
    many = random_panel(n_symbols=64, n_sessions=420, seed=2)
    once = daily_features(many)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: daily_features(many), range(4)))

    assert all(same_bits(result, once) for result in results)
