"""Simulated minutes of a session that agree exactly with its real daily bar."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from venue.sample import DailyBar

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NOISE = 0.25  # of the day's range, over the whole session
_WICK = 0.012  # of the day's range, mean reach of a minute beyond its open and close
_SHARES_PER_TRADE = 180


@dataclass(frozen=True)
class Minutes:
    """Minute bars of one session, arrays of shape (n_minutes,)."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: IntArray

    def __len__(self) -> int:
        return int(self.open.size)

    @property
    def vwap(self) -> FloatArray:
        """Typical price of each minute, standing for its volume-weighted price."""
        return np.round((self.open + self.high + self.low + self.close) / 4.0, 4)

    @property
    def trade_count(self) -> IntArray:
        """Trades a minute of this volume would have had."""
        return np.maximum(1, self.volume // _SHARES_PER_TRADE)

    def scaled(self, first: int, factor: float) -> "Minutes":
        """The same minutes with prices from minute `first` on multiplied by `factor`."""

        def moved(prices: FloatArray) -> FloatArray:
            tail = np.round(prices[first:] * factor, 4)
            return np.concatenate([prices[:first], tail])

        return Minutes(
            moved(self.open), moved(self.high), moved(self.low), moved(self.close), self.volume
        )


def trades(volume: int) -> int:
    """Return how many trades a bar of so many shares would have had; none without volume."""
    return max(1, volume // _SHARES_PER_TRADE) if volume else 0


def simulated(bar: DailyBar, *, symbol: str, seed: int, n_minutes: int) -> Minutes:
    """Minutes whose first open, highest high, lowest low, last close and volume are the bar's.

    Prices follow a path from the open through the day's two extremes to the
    close, with Brownian noise between them, held inside the day's range. Volume
    is U-shaped. The same arguments always give the same minutes.
    """
    if n_minutes < 4:
        raise ValueError(f"`n_minutes` must be at least 4, was {n_minutes}.")
    rng = np.random.default_rng([seed, crc32(symbol.encode()), bar.session.toordinal()])
    path, at_high, at_low = _path(bar, n_minutes, rng)
    opens, closes = path[:-1].copy(), path[1:].copy()
    reach = (bar.high - bar.low) * _WICK
    highs = np.maximum(opens, closes) + rng.exponential(reach, n_minutes)
    lows = np.minimum(opens, closes) - rng.exponential(reach, n_minutes)
    highs = np.clip(np.round(highs, 2), np.maximum(opens, closes), bar.high)
    lows = np.clip(np.round(lows, 2), bar.low, np.minimum(opens, closes))
    highs[at_high], lows[at_low] = bar.high, bar.low
    return Minutes(opens, highs, lows, closes, _volumes(bar.volume, n_minutes, rng))


def _path(bar: DailyBar, n: int, rng: np.random.Generator) -> tuple[FloatArray, int, int]:
    """Prices at the n + 1 minute boundaries and the minutes that hold the extremes."""
    # Extremes crowd near the open and the close (the arcsine law of a random walk). A day's range
    # is walked, not leapt: in a minute or two it would look like a wrong price.
    room = n // 20
    drawn = np.sort(rng.beta(0.5, 0.5, 2)) * (n - 3 - 3 * room)
    first, second = int(drawn[0]) + 1 + room, int(drawn[1]) + 2 + 2 * room
    high_first = bool(rng.random() < 0.5)
    at_high, at_low = (first, second) if high_first else (second, first)
    knots: dict[int, float] = {0: bar.open, n: bar.close}
    knots[at_high], knots[at_low] = bar.high, bar.low
    times = sorted(knots)
    path = np.interp(np.arange(n + 1), times, [knots[t] for t in times])
    step = (bar.high - bar.low) * _NOISE / np.sqrt(n)
    for left, right in pairwise(times):
        walk = np.concatenate([[0.0], np.cumsum(rng.normal(0.0, step, right - left))])
        path[left : right + 1] += walk - np.linspace(0.0, walk[-1], right - left + 1)
    path = np.clip(np.round(_turned_back(path, bar), 2), bar.low, bar.high)
    for time in times:
        path[time] = knots[time]
    return path, at_high, at_low


def _turned_back(path: FloatArray, bar: DailyBar) -> FloatArray:
    """The path with what lies beyond the day's range mirrored into it.

    Cut off instead, it would rest at the extremes, and minute repeat minute.
    """
    inside: FloatArray = np.where(path > bar.high, 2 * bar.high - path, path)
    return np.where(inside < bar.low, 2 * bar.low - inside, inside)


def _volumes(total: int, n: int, rng: np.random.Generator) -> IntArray:
    """Whole shares per minute: busy at both ends, quiet at noon, `total` in all."""
    x: NDArray[Any] = np.linspace(-1.0, 1.0, n)
    weights = (0.6 + 1.8 * x**2 + 0.8 * x**8) * rng.lognormal(0.0, 0.35, n)
    exact = weights / weights.sum() * total
    shares: IntArray = np.floor(exact).astype(np.int64)
    missing = int(total - shares.sum())
    shares[np.argsort(exact - shares)[::-1][:missing]] += 1
    return shares
