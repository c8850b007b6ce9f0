"""Swing trend following: buy the pull-back within a rising trend, and follow it with a stop."""

from dataclasses import dataclass

import numpy as np

from quant.indicators import average_true_range, directional_movement, exponential_mean
from quant.jit import kernel
from quant.strategies.bars import Bars
from quant.typing import BoolArray, FloatArray, Int32Array

_MINIMUM_BARS = 2


@dataclass(frozen=True)
class SwingRules:
    """When to buy, when to leave, and how much of equity.

    Attributes
    ----------
    fast, slow : int
        Spans of the two exponential averages, in sessions: the trend rises while the fast one
        is above the slow one.
    strength : float
        The average directional index (14 sessions) must be above it.
    stop_ranges : float
        Average true ranges (14 sessions) between the highest close since the decision and the
        stop, which never falls.
    longest : int
        Sessions a position is held at most; it is held for one at least.
    gross, position : float
        Shares of equity, all positions together and each.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems, 21-23 and 35-47, for the range and
    the index; LeBeau & Lucas (1992), Technical Traders Guide to Computer Analysis of the Futures
    Market, for the stop that hangs from the highest close.
    """

    fast: int = 20
    slow: int = 50
    strength: float = 20.0
    stop_ranges: float = 3.0
    longest: int = 10
    gross: float = 0.15
    position: float = 0.05

    def __post_init__(self) -> None:
        if not 1 <= self.fast < self.slow or self.longest < 1:
            raise ValueError(
                "`fast` must lie below `slow` and `longest` be 1 session or more, were "
                f"{self.fast}, {self.slow} and {self.longest}."
            )
        if not 0.0 < self.position <= self.gross or not self.stop_ranges > 0.0:
            raise ValueError(
                "`position` must lie above 0 and not above `gross`, and `stop_ranges` above 0, "
                f"were {self.position}, {self.gross} and {self.stop_ranges}."
            )

    @property
    def places(self) -> int:
        """Positions that fit at the same time."""
        return max(1, int(self.gross / self.position + 1e-9))


@dataclass(frozen=True)
class Swing:
    """What the rules want after each close; arrays of shape (n_sessions, n_symbols).

    Attributes
    ----------
    held : bool array
        Whether a position is wanted from the next open on.
    entered : bool array
        Whether it was decided on at this close.
    stops : float64 array
        Close below which it is left, adjusted as the bars; NaN where none is wanted.
    """

    held: BoolArray
    entered: BoolArray
    stops: FloatArray

    def weights(self, position: float) -> FloatArray:
        """Target weights as `quant.backtest.backtest` takes them.

        A position is sized once, when it is decided on; then NaN leaves it alone until it is
        left: a trend is not traded every day to keep its weight.
        """
        return np.where(self.entered, position, np.where(self.held, np.nan, 0.0))


def swing(bars: Bars, *, rules: SwingRules, allowed: BoolArray | None = None) -> Swing:
    """Follow the rules through all sessions.

    A symbol is bought when its trend rises, is strong, its low has come back to the fast average
    and its close is above it again. It is left at the next open after a close below the stop,
    after the trend has turned, or after the longest time. Where more ask than there are places,
    the strongest trend goes first, then the order of symbols.

    Parameters
    ----------
    bars : Bars
        A session uses its own bar and earlier ones.
    rules : SwingRules
        When, and how much.
    allowed : bool array of shape (n_sessions, n_symbols), optional
        Where a position may be begun, such as the model's word after the same close; positions
        are left without asking it. By default everywhere.

    Returns
    -------
    Swing
        One row per session.

    Raises
    ------
    ValueError
        If `allowed` has another shape than the bars.
    """
    may = np.ones(bars.closes.shape, dtype=np.bool_) if allowed is None else allowed
    if may.shape != bars.closes.shape:
        raise ValueError(
            f"`allowed` must have the bars' shape {bars.closes.shape}, had {may.shape}."
        )
    asks, turned = np.zeros((2, *bars.closes.shape), dtype=np.bool_)
    ranges, strength = np.full((2, *bars.closes.shape), np.nan)
    for symbol in range(bars.closes.shape[1]):
        _indicators(bars, symbol, rules, asks, turned, ranges, strength)
    order = np.argsort(-np.nan_to_num(strength), axis=1, kind="stable").astype(np.int32)
    held, entered, stops = _followed(
        np.ascontiguousarray(bars.closes),
        ranges,
        asks & may,
        turned,
        order,
        rules.places,
        rules.stop_ranges,
        rules.longest,
    )
    return Swing(held=held, entered=entered, stops=stops)


def swing_weights(bars: Bars, *, rules: SwingRules, allowed: BoolArray | None = None) -> FloatArray:
    """Target weights of the rules after each close: what `target_weight_panel` is to forecasts.

    Parameters
    ----------
    bars, rules, allowed
        As in `swing`.

    Returns
    -------
    array of shape (n_sessions, n_symbols)
        Fractions of equity; NaN keeps a position as it is.
    """
    return swing(bars, rules=rules, allowed=allowed).weights(rules.position)


def _indicators(
    bars: Bars,
    symbol: int,
    rules: SwingRules,
    asks: BoolArray,
    turned: BoolArray,
    ranges: FloatArray,
    strength: FloatArray,
) -> None:
    """Fill in one symbol's columns, from the sessions in which it traded."""
    high, low, close = (table[:, symbol] for table in (bars.highs, bars.lows, bars.closes))
    traded = np.flatnonzero(np.isfinite(high) & np.isfinite(low) & np.isfinite(close))
    if traded.size < _MINIMUM_BARS:
        return
    high, low, close = high[traded], low[traded], close[traded]
    fast = exponential_mean(close, periods=rules.fast)
    slow = exponential_mean(close, periods=rules.slow)
    ranges[traded, symbol] = average_true_range(high, low, close)
    strength[traded, symbol] = directional_movement(high, low, close).adx
    turned[traded, symbol] = fast <= slow
    back = (low <= fast) & (close > fast)
    asks[traded, symbol] = (fast > slow) & back & (strength[traded, symbol] > rules.strength)


@kernel
def _followed(
    closes: FloatArray,
    ranges: FloatArray,
    asks: BoolArray,
    turned: BoolArray,
    order: Int32Array,
    places: int,
    stop_ranges: float,
    longest: int,
) -> tuple[BoolArray, BoolArray, FloatArray]:
    """Whether each symbol is held after each close, was decided on at it, and its stop."""
    n_sessions, n_symbols = closes.shape
    held = np.zeros((n_sessions, n_symbols), dtype=np.bool_)
    entered = np.zeros((n_sessions, n_symbols), dtype=np.bool_)
    stops = np.full((n_sessions, n_symbols), np.nan)
    age = np.full(n_symbols, -1, dtype=np.int32)  # sessions since the decision; -1: nothing held
    top, stop = np.zeros(n_symbols), np.zeros(n_symbols)
    for now in range(n_sessions):
        reach = stop_ranges * ranges[now]
        left = _left(closes[now], reach, turned[now], longest, age, top, stop)
        free = places - int(np.sum(age >= 0))
        for s in order[now]:
            begins = asks[now, s] and reach[s] > 0.0 and age[s] < 0 and not left[s]
            if begins and free > 0:
                age[s], top[s], free = 0, closes[now, s], free - 1
                stop[s] = closes[now, s] - reach[s]
                entered[now, s] = True
        held[now] = age >= 0
        stops[now] = np.where(held[now], stop, np.nan)
    return held, entered, stops


@kernel
def _left(
    closes: FloatArray,
    reach: FloatArray,
    turned: BoolArray,
    longest: int,
    age: Int32Array,
    top: FloatArray,
    stop: FloatArray,
) -> BoolArray:
    """Trail the stops of what is held, and say what is left; a session without a bar only ages."""
    left = np.zeros(age.size, dtype=np.bool_)
    for s in range(age.size):
        if age[s] < 0:
            continue
        age[s] += 1
        if np.isfinite(closes[s]):
            top[s] = max(top[s], closes[s])
            stop[s] = max(stop[s], top[s] - reach[s])
        if closes[s] < stop[s] or turned[s] or age[s] >= longest:
            age[s], left[s] = -1, True
    return left
