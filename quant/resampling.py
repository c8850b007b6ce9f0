"""Longer bars from minute bars, aligned to the session; and how they agree with the official day.

A *series* is one symbol in one session. Its minutes are counted from the session's opening, so that
half-days, changes of the clock and late openings need no special case: bars are aligned to the
opening, none crosses the close, and a span without a minute has no bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from quant.typing import BoolArray, Float64Array, FloatArray, IntArray
from quant.validate import require_finite, require_same_length

# A cent, or a hundredth of a per cent of dear shares: the two are rounded apart.
CENT: Final = 0.01
PRICE_TOLERANCE: Final = 1e-4
# Late corrections change a day's volume after its minutes were told.
VOLUME_TOLERANCE: Final = 0.02
# An auction prints the official open or close at a price no minute need have seen.
AUCTION_TOLERANCE: Final = 0.01
# A feed of one exchange misses trades, and with them the last cents of the day's range.
THIN_TOLERANCE: Final = 0.005
# Splits are 5 for 4 or more; a vendor's other unit is a factor of 100.
_BASIS: Final = 0.15


class Reason(IntEnum):
    """Why the day made from minutes is, or is not, the official one; the worst last."""

    AGREES = 0
    MINUTES_MISSING = 1  # what is there lies within the day; the rest was not delivered
    AUCTIONS = 2  # every minute is there; open or close come from an auction
    THIN_FEED = 3  # prices agree nearly, volume falls short: a part of the market
    OTHER_BASIS = 4  # all four prices off by one factor: a split, a currency, cents
    UNEXPLAINED = 5


@dataclass(frozen=True, kw_only=True)
class IntradayBars:
    """Bars of one or more series, series after series, ascending in time.

    Attributes
    ----------
    series : integer array of shape (n_bars,)
        Number of the series, from 0, ascending.
    start : integer array of shape (n_bars,)
        Minutes from the session's opening to the bar's start; negative before it.
    open, high, low, close : float64 arrays of shape (n_bars,)
        Quote currency per share.
    volume : array of shape (n_bars,)
        Shares, >= 0.
    minutes : integer array of shape (n_bars,)
        How many minute bars stand behind each; 1 for minute bars themselves.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, or a series does not ascend in time.
    """

    series: IntArray
    start: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: IntArray | FloatArray
    minutes: IntArray

    def __post_init__(self) -> None:
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        require_same_length(**columns)
        for name in ("open", "high", "low", "close", "volume"):
            require_finite(columns[name], name=name)
        later = (np.diff(self.series) > 0) | (
            (np.diff(self.series) == 0) & (np.diff(self.start) > 0)
        )
        if not later.all():
            bad = int(np.argmin(later)) + 1
            raise ValueError(
                f"Bars must ascend in time within each series: bar {bad} (series "
                f"{self.series[bad]}, minute {self.start[bad]}) does not come after the one before "
                f"(series {self.series[bad - 1]}, minute {self.start[bad - 1]}). Sort them, "
                "and keep one of each minute."
            )

    def where(self, chosen: BoolArray) -> IntradayBars:
        """Return the chosen bars."""
        return IntradayBars(
            **{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__}
        )


@dataclass(frozen=True)
class Reconciliation:
    """The day made from minutes beside the official one, a row per series.

    Differences are made over official less 1, as fractions; `volume` likewise, so that -0.97 means
    that three per cent of the official volume are in the minutes. `coverage` is the share of the
    session's minutes that have a bar.
    """

    open: Float64Array
    high: Float64Array
    low: Float64Array
    close: Float64Array
    volume: Float64Array
    coverage: Float64Array
    reason: IntArray


def regular(bars: IntradayBars, session_minutes: IntArray) -> BoolArray:
    """Return which bars start within the exchange's hours.

    Parameters
    ----------
    bars : IntradayBars
        Bars of any length.
    session_minutes : integer array of shape (n_series,)
        Length of each series' session: 390, or 210 on a half-day.
    """
    within: BoolArray = (bars.start >= 0) & (bars.start < session_minutes[bars.series])
    return within


def resample(bars: IntradayBars, *, length: int, session_minutes: IntArray) -> IntradayBars:
    """Return bars of `length` minutes from the regular minutes, aligned to the opening.

    Parameters
    ----------
    bars : IntradayBars
        Minute bars; those in extended hours are left out.
    length : int
        Minutes, at least 1: 5, 15, 60. The last bar of a session ends with it, so 60-minute bars
        of 390 minutes are six whole ones and one of thirty minutes.
    session_minutes : integer array of shape (n_series,)
        Length of each series' session.

    Returns
    -------
    IntradayBars
        One per span that has a minute. `minutes` tells how many it has: fewer than the span is
        long means a gap, or minutes without a trade.

    Raises
    ------
    ValueError
        If `length` is below 1.
    """
    if length < 1:
        raise ValueError(f"`length` must be at least 1 minute, was {length}.")
    inside = bars.where(regular(bars, session_minutes))
    return _merged(inside, inside.start // length * length)


def daily(bars: IntradayBars, *, session_minutes: IntArray) -> IntradayBars:
    """Return one bar per series from its regular minutes; a series without any has none."""
    inside = bars.where(regular(bars, session_minutes))
    return _merged(inside, np.zeros_like(inside.start))


def session_vwap(bars: IntradayBars) -> Float64Array:
    """Volume-weighted average price of each series up to and including each bar.

    Parameters
    ----------
    bars : IntradayBars
        Minute bars, regular or extended as wanted.

    Returns
    -------
    float64 array of shape (n_bars,)
        Typical price, (high + low + close) / 3, weighted by volume: a bar tells no more of where
        its shares traded. Until the series' first share it is the typical price itself.
    """
    typical = (bars.high + bars.low + bars.close) / 3.0
    firsts = _firsts(bars.series, np.zeros_like(bars.start))
    # Summed from the series' first price, so that the sums of a dear share keep their digits.
    base = np.repeat(typical[firsts], np.diff(firsts, append=typical.size))
    value = _running(bars.volume * (typical - base), firsts)
    shares = _running(np.asarray(bars.volume, dtype=np.float64), firsts)
    traded = shares > 0
    return np.where(traded, base + value / np.where(traded, shares, 1.0), typical)


def reconcile(
    made: IntradayBars,
    *,
    open: FloatArray,  # noqa: A002 - the bar's own word
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray | IntArray,
    session_minutes: IntArray,
) -> Reconciliation:
    """Set days made from minutes beside the official ones, with the reason where they differ.

    Parameters
    ----------
    made : IntradayBars
        From `daily`: one bar per series, n_days in all.
    open, high, low, close : arrays of shape (n_days,)
        The official bars of the same series in the same order, > 0.
    volume : array of shape (n_days,)
        Official shares, >= 0.
    session_minutes : integer array of shape (n_days,)
        Length of each session.

    Raises
    ------
    ValueError
        If lengths differ, or an official price is not positive.
    """
    prices = {"open": open, "high": high, "low": low, "close": close}
    require_same_length(series=made.series, volume=volume, **prices)
    for name, official in prices.items():
        require_finite(official, name=name)
        if np.any(official <= 0):
            raise ValueError(f"`{name}` must be positive, the smallest was {official.min()}.")
    off = {name: getattr(made, name) / official - 1.0 for name, official in prices.items()}
    some = np.asarray(volume, dtype=np.float64)
    # Without official volume, any is as wrong as double the volume.
    off["volume"] = (
        np.where(some > 0, made.volume / np.where(some > 0, some, 1.0), (made.volume > 0) + 1.0)
        - 1.0
    )
    coverage = made.minutes / session_minutes
    return Reconciliation(**off, coverage=coverage, reason=_reasons(made, prices, off, coverage))


def _reasons(
    made: IntradayBars,
    official: dict[str, FloatArray],
    off: dict[str, Float64Array],
    coverage: Float64Array,
) -> IntArray:
    """Return the first reason that holds, from the most to the least harmless but one."""
    cents = {
        name: np.maximum(CENT * 1.001, PRICE_TOLERANCE * p) / p for name, p in official.items()
    }
    same = {name: np.abs(off[name]) <= cents[name] for name in official}
    fits = np.abs(off["volume"]) <= VOLUME_TOLERANCE
    inside = (off["high"] <= cents["high"]) & (off["low"] >= -cents["low"])
    inside &= off["volume"] <= VOLUME_TOLERANCE
    near = {name: np.abs(off[name]) <= THIN_TOLERANCE for name in official}
    auction = {name: np.abs(off[name]) <= AUCTION_TOLERANCE for name in ("open", "close")}
    factors = np.stack([1.0 + off[name] for name in official])
    one_factor = np.ptp(factors, axis=0) <= THIN_TOLERANCE * factors.mean(axis=0)
    found = np.select(
        [
            np.logical_and.reduce([*same.values(), fits]),
            one_factor & (np.abs(np.log(factors.mean(axis=0))) > _BASIS),
            inside & (coverage < 1.0),
            inside & same["high"] & same["low"] & fits & auction["open"] & auction["close"],
            inside & np.logical_and.reduce(list(near.values())),
        ],
        [
            Reason.AGREES,
            Reason.OTHER_BASIS,
            Reason.MINUTES_MISSING,
            Reason.AUCTIONS,
            Reason.THIN_FEED,
        ],
        default=Reason.UNEXPLAINED,
    )
    return np.asarray(found, dtype=np.int64)


def _merged(bars: IntradayBars, start: IntArray) -> IntradayBars:
    """Return one bar for each run of bars with the same series and `start`."""
    firsts = _firsts(bars.series, start)
    if firsts.size == 0:
        return bars
    lasts = np.append(firsts[1:], start.size) - 1
    return IntradayBars(
        series=bars.series[firsts],
        start=start[firsts],
        open=bars.open[firsts],
        high=np.maximum.reduceat(bars.high, firsts),
        low=np.minimum.reduceat(bars.low, firsts),
        close=bars.close[lasts],
        volume=np.add.reduceat(bars.volume, firsts),
        minutes=np.add.reduceat(bars.minutes, firsts),
    )


def _firsts(series: IntArray, start: IntArray) -> IntArray:
    """Return where a new series or a new start begins."""
    changed = (np.diff(series) != 0) | (np.diff(start) != 0)
    return np.flatnonzero(np.concatenate([[series.size > 0], changed])[: series.size])


def _running(values: FloatArray, firsts: IntArray) -> Float64Array:
    """Return the running sum that begins anew at each of `firsts`."""
    sums = np.cumsum(values)
    before = np.where(firsts > 0, sums[firsts - 1], 0.0)
    return np.asarray(sums - np.repeat(before, np.diff(firsts, append=values.size)))
