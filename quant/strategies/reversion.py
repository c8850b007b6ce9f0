"""Intraday mean reversion: buy what has fallen far below the session's VWAP, flat by the close."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from quant.backtest import Costs
from quant.features import INTRADAY
from quant.features.minutes import MinutePanel, minute_features
from quant.indicators import average_true_range
from quant.jit import kernel
from quant.typing import BoolArray, Float64Array, FloatArray, Int32Array, Int64Array

_SIGNALS: Final = INTRADAY.select(("vwap_z", "rsi_14m"))
REASONS: Final = ("mean", "stop", "close", "no bar left")
"""Why a trade ended, by its code."""


@dataclass(frozen=True)
class ReversionRules:
    """When to trade against a move, and when to be out again.

    Attributes
    ----------
    entry, exit : float
        Distances from the session's VWAP, in its volume-weighted deviations so far: a position
        is begun beyond the one and left within the other.
    oversold : float
        Relative strength (14 minutes) below it confirms a purchase, above 100 less it a sale.
    stop_ranges : float
        Average true ranges (14 minutes of the session) between entry and stop.
    last_entry, out : int
        Minutes before the close: nothing is begun after the one, everything is left at the
        other, so that it is traded a minute before the close at the latest.
    both_sides : bool
        Sell short as well.
    position : float
        Share of equity of each position.
    """

    entry: float = 2.0
    exit: float = 0.5
    oversold: float = 30.0
    stop_ranges: float = 1.5
    last_entry: int = 30
    out: int = 2
    both_sides: bool = False
    position: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 <= self.exit < self.entry or not 0.0 < self.oversold <= 50.0:
            raise ValueError(
                "`exit` must lie below `entry`, neither below 0, and `oversold` in (0, 50], were "
                f"{self.exit}, {self.entry} and {self.oversold}."
            )
        if not 2 <= self.out <= self.last_entry or not self.stop_ranges > 0.0:
            raise ValueError(
                "`out` must be 2 minutes or more and not above `last_entry`, and `stop_ranges` "
                f"above 0, were {self.out}, {self.last_entry} and {self.stop_ranges}."
            )


@dataclass(frozen=True)
class MinuteTrades:
    """One entry per closed trade.

    Attributes
    ----------
    symbol, entered, left : int64 arrays
        Number of the symbol, and rows of the bars it was begun and left in.
    shares : float64 array
        Signed: below 0 is a short.
    entry_price, exit_price : float64 arrays
        Before costs.
    cost : float64 array
        Commission, half the spread and impact of both sides, in quote currency.
    reason : int64 array
        Place in `REASONS`.
    """

    symbol: Int64Array
    entered: Int64Array
    left: Int64Array
    shares: FloatArray
    entry_price: FloatArray
    exit_price: FloatArray
    cost: FloatArray
    reason: Int64Array

    @property
    def profit(self) -> FloatArray:
        """Of each trade, net of costs, in quote currency."""
        net: FloatArray = self.shares * (self.exit_price - self.entry_price) - self.cost
        return net


@dataclass(frozen=True)
class Reversion:
    """What the rules decide, and what trading it came to.

    Attributes
    ----------
    wanted : int8 array of shape (n_rows,)
        Position wanted after each bar, to be traded in the next: 1, 0 or -1.
    stops : float64 array of shape (n_rows,)
        Where a position that is begun in the next bar has its stop, if it opens at this bar's
        close; NaN where none is begun.
    trades : MinuteTrades
        In order of symbol and time.
    """

    wanted: np.ndarray[tuple[int], np.dtype[np.int8]]
    stops: FloatArray
    trades: MinuteTrades


def mean_reversion(
    panel: MinutePanel,
    closing: Int32Array,
    *,
    rules: ReversionRules,
    allowed: BoolArray | None = None,
    costs: Costs | None = None,
    capital: float = 100_000.0,
) -> Reversion:
    """Follow the rules minute by minute; what a bar decides is traded at the next one's open.

    Parameters
    ----------
    panel : MinutePanel
        Regular minutes; a decision uses its own bar and earlier ones.
    closing : int32 array of shape (n_rows,)
        When the row's session closes, minutes after the exchange's midnight, early closes
        included: known before, from the calendar, and not from where the bars end.
    rules : ReversionRules
        When.
    allowed : bool array of shape (n_rows,), optional
        Where a position may be begun; by default everywhere.
    costs : Costs, optional
        Of trading; what holding costs does not concern positions that end with the session.
    capital : float
        Equity that positions are a share of; profits of a session are not put to work in it.

    Returns
    -------
    Reversion
        The stop is filled at its price, or at the bar's open where that is beyond it. Of a bar
        that touches it nobody knows the way, so it counts as hit, in the bar of the entry too.
        After it nothing is begun until the price was within `exit` of the VWAP again.
        A purchase takes at most the participation of its bar's volume; leaving takes what it
        needs, and pays the impact. Where no bar is left to leave in, the last close is the price.

    Raises
    ------
    ValueError
        If `closing` or `allowed` do not have one entry for each row, or `capital` is not positive.
    """
    may = np.ones(panel.n_rows, dtype=np.bool_) if allowed is None else allowed
    if closing.shape != (panel.n_rows,) or may.shape != (panel.n_rows,):
        raise ValueError(
            f"`closing` and `allowed` must have one entry for each of {panel.n_rows} rows, had "
            f"shapes {closing.shape} and {may.shape}."
        )
    if not capital > 0.0:
        raise ValueError(f"`capital` must be positive, was {capital}.")
    costs = costs or Costs()
    told = minute_features(panel, registry=_SIGNALS).astype(np.float64)
    terms = np.array(
        [
            rules.entry, rules.exit, rules.oversold, rules.stop_ranges, rules.last_entry, rules.out,
            rules.position * capital, costs.commission_per_share, costs.half_spread_bps / 10_000.0,
            costs.impact, costs.participation,
        ]
    )  # fmt: skip
    wanted, stops, log = _traded(
        panel.sessions, panel.minutes, closing.astype(np.int32), panel.offsets,
        np.column_stack((panel.open, panel.high, panel.low, panel.close, panel.volume)),
        np.column_stack((told[:, 0], told[:, 1], _ranges(panel))), may, rules.both_sides, terms,
    )  # fmt: skip
    whole = log[:, [0, 1, 2, 7]].astype(np.int64)
    return Reversion(
        wanted=wanted,
        stops=stops,
        trades=MinuteTrades(
            symbol=whole[:, 0],
            entered=whole[:, 1],
            left=whole[:, 2],
            shares=log[:, 3],
            entry_price=log[:, 4],
            exit_price=log[:, 5],
            cost=log[:, 6],
            reason=whole[:, 3],
        ),
    )


def session_profits(
    trades: MinuteTrades, sessions: Int32Array, *, capital: float
) -> tuple[Int32Array, FloatArray]:
    """Return of each session: profits of its trades over the equity they were a share of.

    Parameters
    ----------
    trades : MinuteTrades
        From `mean_reversion`, with the same `capital`.
    sessions : int32 array of shape (n_rows,)
        Of the bars.
    capital : float
        As there.

    Returns
    -------
    tuple of arrays of shape (n_sessions,)
        Sessions in order, and their net simple returns; 0 where nothing was traded.
    """
    days, place = np.unique(sessions, return_inverse=True)
    total = np.bincount(place[trades.left], trades.profit, minlength=days.size)
    return days, total / capital


def _ranges(panel: MinutePanel) -> Float64Array:
    """Average true range of 14 minutes within each symbol's session; NaN in its first 14."""
    ranges = np.full(panel.n_rows, np.nan)
    new_day = np.flatnonzero(np.diff(panel.sessions)) + 1
    borders = np.unique(np.concatenate((panel.offsets, new_day)))
    for first, last in pairwise(borders):
        span = slice(int(first), int(last))
        if last - first > 1:
            ranges[span] = average_true_range(panel.high[span], panel.low[span], panel.close[span])
    return ranges


@kernel
def _cost(shares: float, price: float, volume: float, terms: FloatArray) -> float:
    """Commission, half the spread and impact, in quote currency."""
    share = min(1.0, abs(shares) / volume) if volume > 0.0 else 1.0
    cost: float = abs(shares) * (terms[7] + price * (terms[8] + terms[9] * share * share))
    return cost


@kernel
def _asked(told: FloatArray, before_close: int, both_sides: bool, terms: FloatArray) -> int:
    """Side of a position that a bar asks to begin."""
    if before_close <= terms[4] or not told[2] > 0.0:
        return 0
    if told[0] < -terms[0] and told[1] < terms[2]:
        return 1
    above = told[0] > terms[0] and told[1] > 100.0 - terms[2]
    return -1 if both_sides and above else 0


@kernel
def _stopped(bar: FloatArray, side: int, stop: float) -> float:
    """Price at which the stop was hit in a bar; 0 where it was not."""
    price = 0.0
    if side > 0 and bar[2] <= stop:
        price = min(bar[0], stop)
    elif side < 0 and bar[1] >= stop:
        price = max(bar[0], stop)
    return price


@kernel
def _left(bar: FloatArray, side: int, stop: float, asked: int, late: bool) -> tuple[float, int]:
    """Price a position is left at in a bar, 0 where it is kept; and the reason."""
    if asked == 0:
        return bar[0], 2 if late else 0
    price = _stopped(bar, side, stop)
    return price, 1 if price != 0.0 else 0


@kernel
def _traded(
    sessions: Int32Array,
    minutes: Int32Array,
    closing: Int32Array,
    offsets: Int64Array,
    bars: FloatArray,
    told: FloatArray,
    may: BoolArray,
    both_sides: bool,
    terms: FloatArray,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int8]], FloatArray, FloatArray]:
    """Position wanted after each bar, its stop, and the log of closed trades."""
    n_rows, n_trades = sessions.size, 0
    wanted, stops = np.zeros(n_rows, dtype=np.int8), np.full(n_rows, np.nan)
    log = np.empty((n_rows, 8))
    starts = np.ones(n_rows + 1, dtype=np.bool_)  # of a symbol's session
    starts[1:-1] = sessions[1:] != sessions[:-1]
    starts[offsets] = True
    symbol, side, entered, armed = 0, 0, 0, True
    shares, price, paid, stop = 0.0, 0.0, 0.0, 0.0
    for i in range(n_rows):
        while i >= offsets[symbol + 1]:
            symbol += 1
        asked = 0 if starts[i] else wanted[i - 1]
        if side == 0 and asked != 0:
            side, entered, price = asked, i, bars[i, 0]
            shares = side * min(terms[6] / price, terms[10] * bars[i, 4])
            paid = _cost(shares, price, bars[i, 4], terms)
            stop = price - side * terms[3] * told[i - 1, 2]
        out_at, why = 0.0, 0
        if side != 0:
            late = closing[i - 1] - minutes[i - 1] <= terms[5]
            out_at, why = _left(bars[i], side, stop, asked, late)
        # After a stop nothing is begun until the price has come back.
        armed = starts[i] or (armed and why != 1) or abs(told[i, 0]) < terms[1]
        wanted[i], stops[i] = _decided(
            told[i], side if out_at == 0.0 else 0, closing[i] - minutes[i], bars[i, 3],
            may[i] and armed, both_sides, terms,
        )  # fmt: skip
        # Decided before: that no bar follows is not known when a bar ends.
        if side != 0 and out_at == 0.0 and starts[i + 1]:
            out_at, why = bars[i, 3], 3
        if out_at != 0.0:
            cost = paid + _cost(shares, out_at, bars[i, 4], terms)
            if shares != 0.0:  # an entry in a bar without volume was none
                log[n_trades, 0], log[n_trades, 1], log[n_trades, 2] = symbol, entered, i
                log[n_trades, 3], log[n_trades, 4], log[n_trades, 5] = shares, price, out_at
                log[n_trades, 6], log[n_trades, 7] = cost, why
                n_trades += 1
            side = 0
    return wanted, stops, log[:n_trades].copy()


@kernel
def _decided(
    told: FloatArray,
    side: int,
    before_close: int,
    close: float,
    may: bool,
    both_sides: bool,
    terms: FloatArray,
) -> tuple[int, float]:
    """Position wanted from the next bar on, and the stop of one that is begun then."""
    if side != 0:
        kept = side * told[0] <= -terms[1] and before_close > terms[5]
        return (side if kept else 0), np.nan
    asked = _asked(told, before_close, both_sides, terms) if may else 0
    return asked, close - asked * terms[3] * told[2] if asked != 0 else np.nan
