"""Whatever has a row per session or minute is as it was, whatever comes later or does not come.

The features' own tests alter everything at once; here each input is altered alone, so that none
is looked at ahead of time behind another, and what is no feature is asked the same.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from quant import indicators
from quant.features import DAILY, INTRADAY, DailyPanel, MinutePanel, daily_features, minute_features
from quant.features.panel import ROW_COLUMNS
from quant.labels import forward_excess
from quant.performance import drawdowns
from quant.resampling import IntradayBars, session_vwap
from quant.risk import ewma_volatility, horizon_returns
from quant.signals import Policy, target_weight_panel
from quant.strategies import bars_of
from tests.unit.quant.panels import random_panel

RNG = np.random.default_rng(17)
N, CUT = 400, 300
CLOSE = 50.0 * np.exp(np.cumsum(RNG.normal(0.0, 0.01, N)))
OPEN = CLOSE * np.exp(RNG.normal(0.0, 0.004, N))
SERIES = {
    "open": OPEN,
    "high": np.maximum(OPEN, CLOSE) * 1.004,
    "low": np.minimum(OPEN, CLOSE) / 1.004,
    "close": CLOSE,
    "values": CLOSE,
    "volume": np.round(1e6 * np.exp(RNG.normal(0.0, 0.4, N))),
}
FACTOR = np.where(np.arange(N) < CUT, 1.0, np.exp(RNG.normal(0.0, 0.3, N)))
FUNCTIONS: dict[str, Callable[..., object]] = {
    name: getattr(indicators, name)
    for name in indicators.__all__
    if inspect.isfunction(getattr(indicators, name))
}


def _arrays(told: object) -> list[np.ndarray]:
    """An indicator's series: one, or those of its record."""
    return [told] if isinstance(told, np.ndarray) else list(vars(told).values())


def _called(name: str, series: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    asked = inspect.signature(FUNCTIONS[name]).parameters.values()
    needed = {p.name: 14 for p in asked if p.name == "periods" and p.default is p.empty}
    given = [series[p.name] for p in asked if p.kind is p.POSITIONAL_OR_KEYWORD]
    return _arrays(FUNCTIONS[name](*given, **needed))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_no_indicator_looks_ahead(name: str) -> None:
    whole = _called(name, SERIES)
    other = _called(name, {key: values * FACTOR for key, values in SERIES.items()})
    ended = _called(name, {key: values[:CUT] for key, values in SERIES.items()})

    for before, after, then in zip(whole, other, ended, strict=True):
        np.testing.assert_array_equal(before[:CUT], after[:CUT])
        np.testing.assert_array_equal(before[:CUT], then)
        assert np.isfinite(before[:CUT]).any()


PANEL = random_panel(n_symbols=4, n_sessions=400, seed=31)
LAST_DAYS = int(np.unique(PANEL.sessions)[-30])
PAST = PANEL.sessions < LAST_DAYS
WHOLE = daily_features(PANEL)


def _altered(what: str) -> DailyPanel:
    """The panel with another future of one input."""
    rng = np.random.default_rng(5)
    factor = np.where(PAST, 1.0, np.exp(rng.normal(0.0, 0.3, PANEL.n_rows)))
    if what == "member":
        assert PANEL.member is not None
        return replace(PANEL, member=np.where(PAST, PANEL.member, ~PANEL.member))
    if what == "sector":
        assert PANEL.sector is not None
        return replace(PANEL, sector=np.where(PAST, PANEL.sector, 0).astype(np.int32))
    if what == "index_close":
        later = PANEL.index_sessions >= LAST_DAYS
        return replace(PANEL, index_close=PANEL.index_close * np.where(later, 1.4, 1.0))
    return replace(PANEL, **{what: getattr(PANEL, what) * factor})


@pytest.mark.parametrize("what", [*ROW_COLUMNS, "member", "sector", "index_close"])
def test_no_daily_feature_looks_ahead_at_any_single_input(what: str) -> None:
    other = daily_features(_altered(what))

    np.testing.assert_array_equal(other[PAST], WHOLE[PAST])
    assert not np.array_equal(other[~PAST], WHOLE[~PAST], equal_nan=True)


def test_a_symbol_that_is_listed_later_changes_no_earlier_value() -> None:
    """Its rows all lie in the future, among them what sessions' ranks and means are made of."""
    columns = ("sessions", *ROW_COLUMNS)
    first = slice(0, int(PANEL.offsets[1]))
    added = {
        name: np.concatenate(
            (getattr(PANEL, name), getattr(PANEL, name)[first][PANEL.sessions[first] >= LAST_DAYS])
        )
        for name in columns
    }
    assert PANEL.member is not None
    assert PANEL.sector is not None
    more = added["sessions"].size - PANEL.n_rows

    other = daily_features(
        replace(
            PANEL,
            symbols=(*PANEL.symbols, "NEW"),
            offsets=np.append(PANEL.offsets, added["sessions"].size),
            member=np.concatenate((PANEL.member, np.ones(more, dtype=np.bool_))),
            sector=np.concatenate((PANEL.sector, np.zeros(more, dtype=np.int32))),
            **added,
        )
    )

    np.testing.assert_array_equal(other[: PANEL.n_rows][PAST], WHOLE[PAST])


def minute_panel() -> MinutePanel:
    """Two symbols with gaps; the last session is longer than all before it."""
    rng = np.random.default_rng(9)
    parts = []
    for _ in range(2):
        for session, length in zip(
            range(15_000, 15_007), (90, 90, 60, 90, 90, 90, 240), strict=True
        ):
            kept = np.flatnonzero((rng.random(length) > 0.05) | (np.arange(length) == 0))
            parts.append(np.column_stack((np.full(kept.size, session), 570 + kept)))
    rows = np.concatenate(parts).astype(np.int32)
    sizes = [sum(len(p) for p in parts[7 * s : 7 * s + 7]) for s in range(2)]
    close = 40.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, len(rows))))
    open_ = close * np.exp(rng.normal(0.0, 0.0005, close.size))
    return MinutePanel(
        symbols=("A", "B"),
        offsets=np.array([0, sizes[0], sum(sizes)], dtype=np.int64),
        sessions=rows[:, 0].copy(),
        minutes=rows[:, 1].copy(),
        open=open_,
        high=np.maximum(open_, close) * 1.0004,
        low=np.minimum(open_, close) * 0.9996,
        close=close,
        volume=np.round(1e4 * np.exp(rng.normal(0.0, 0.5, close.size))),
    )


@pytest.mark.parametrize("end", [(15_006, 570), (15_005, 600)])
def test_minutes_that_never_came_change_no_intraday_feature(end: tuple[int, int]) -> None:
    panel = minute_panel()
    past = panel.times < end[0] * 1440 + end[1]
    counts = np.add.reduceat(past, panel.offsets[:-1], dtype=np.int64)
    columns = ("sessions", "minutes", "open", "high", "low", "close", "volume")
    ended = replace(
        panel,
        offsets=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        **{name: getattr(panel, name)[past] for name in columns},
    )

    np.testing.assert_array_equal(minute_features(ended), minute_features(panel)[past])


@pytest.mark.parametrize("what", ["open", "high", "low", "close", "volume"])
def test_no_intraday_feature_looks_ahead_at_any_single_input(what: str) -> None:
    panel = minute_panel()
    past = panel.times < 15_005 * 1440 + 600
    factor = np.where(past, 1.0, np.exp(RNG.normal(0.0, 0.3, panel.n_rows)))

    other = minute_features(replace(panel, **{what: getattr(panel, what) * factor}))

    whole = minute_features(panel)
    np.testing.assert_array_equal(other[past], whole[past])
    assert not np.array_equal(other[~past], whole[~past], equal_nan=True)


def test_every_feature_of_either_registry_was_looked_at() -> None:
    assert WHOLE.shape[1] == len(DAILY)
    assert minute_features(minute_panel()).shape[1] == len(INTRADAY)
    # One that is missing throughout would look at nothing and pass.
    assert np.isfinite(WHOLE[PAST]).any(axis=0).all()


def test_a_label_that_has_ended_does_not_know_the_later_index() -> None:
    index = 1_000.0 * np.exp(np.cumsum(RNG.normal(0.0, 0.01, N)))
    ends, days = np.array([0, N]), np.arange(N)

    before, after = (
        forward_excess(OPEN, bench, ends, days, horizon=5, volatility=np.full(N, 0.01))
        for bench in (index, index * FACTOR)
    )

    ended = before.end_session < CUT
    np.testing.assert_array_equal(before.value[ended], after.value[ended])
    assert not np.array_equal(before.value[~ended], after.value[~ended], equal_nan=True)


def _weights(table: np.ndarray) -> np.ndarray:
    return target_weight_panel(table, policy=Policy(k=2, threshold=0.5))


def _vwap(prices: np.ndarray) -> np.ndarray:
    series = np.arange(prices.size) // 80
    bars = IntradayBars(
        series=series, start=np.arange(prices.size) % 80, open=prices, high=prices * 1.01,
        low=prices * 0.99, close=prices, volume=prices * 1e3,
        minutes=np.ones(prices.size, dtype=np.int64),
    )  # fmt: skip
    return session_vwap(bars)


RETURNS = np.diff(np.log(CLOSE), prepend=np.log(CLOSE[0]))
RUNNING: dict[str, tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]] = {
    "target weights": (_weights, RNG.random((N, 5))),
    "a session's VWAP": (_vwap, CLOSE),
    "volatility": (ewma_volatility, RETURNS),
    "drawdowns": (drawdowns, RETURNS),
    "returns over a horizon": (
        lambda r: np.concatenate((np.zeros(9), horizon_returns(r, horizon=10))),
        RETURNS,
    ),
}


@pytest.mark.parametrize("what", list(RUNNING))
def test_a_running_figure_does_not_know_what_comes(what: str) -> None:
    function, values = RUNNING[what]
    other = values.copy()
    other[CUT:] *= 0.7

    np.testing.assert_array_equal(function(values)[:CUT], function(other)[:CUT])
    np.testing.assert_array_equal(function(values)[:CUT], function(values[:CUT]))


def test_bars_that_are_laid_out_stand_on_a_basis_that_later_actions_leave() -> None:
    later = replace(
        PANEL,
        split_factor=PANEL.split_factor * np.where(PAST, 1.0, 3.0),
        return_factor=PANEL.return_factor * np.where(PAST, 1.0, 3.1),
    )
    known = PANEL.index_sessions < LAST_DAYS

    before, after = bars_of(PANEL), bars_of(later)

    for name in ("opens", "highs", "lows", "closes", "volumes"):
        np.testing.assert_array_equal(getattr(before, name)[known], getattr(after, name)[known])
