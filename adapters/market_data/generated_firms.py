"""The lives of generated firms: when each is listed, under which ticker, and how that ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

_YEAR = 252  # sessions


@dataclass(frozen=True)
class Events:
    """How often things happen to firms.

    Attributes
    ----------
    listed_late : float
        Share of firms that list after the first session.
    delisted, renamed : float
        Firms that leave the exchange, or change their ticker, a year, as a fraction of those
        listed.
    reused : float
        Share of the tickers given up that a firm listed later takes.
    idle : int
        Sessions for which a ticker that was given up stays unused.
    distressed : float
        Share of firms that begin cheap and fall, until they join their shares or are delisted.
    split_above, reverse_below : float
        USD; what the price of a share must be for the board to split it, or to join shares.
    boards_meet : int
        Sessions from one such decision to the next.
    """

    listed_late: float = 0.30
    delisted: float = 0.015
    renamed: float = 0.01
    reused: float = 0.5
    idle: int = 63
    distressed: float = 0.04
    split_above: float = 200.0
    reverse_below: float = 3.0
    boards_meet: int = 63


def listed(n: int, count: int, events: Events, rng: np.random.Generator) -> Flags:
    """Return which firm is listed when (n, count); each for two sessions at least."""
    late = rng.random(count) < events.listed_late
    first = np.where(late, rng.integers(0, max(n - 2, 1), size=count), 0)
    life = np.full(count, n)
    if events.delisted > 0:
        life = rng.exponential(_YEAR / events.delisted, size=count).astype(np.int64) + 2
    at = np.arange(n)[:, None]
    return np.asarray((at >= first) & (at < first + life))


@dataclass(frozen=True)
class Tickers:
    """Which firm has which ticker when.

    Attributes
    ----------
    names : array of shape (2 * count,)
        Every ticker that could be given.
    first, end : array of shape (count,)
        Each firm's first session, and the one after its last, by number; equal for a firm that
        was never listed.
    renamed_at : array of shape (count,)
        The first session under the second ticker; the number of sessions for none.
    before, after : array of shape (count,)
        Places in `names` of each firm's ticker until then, and from then on.
    """

    names: npt.NDArray[np.str_]
    first: Whole
    end: Whole
    renamed_at: Whole
    before: Whole
    after: Whole

    def at(self, row: Whole, column: Whole) -> npt.NDArray[np.str_]:
        """Return the tickers that firms (`column`) have in sessions (`row`)."""
        later = row >= self.renamed_at[column]
        return np.asarray(self.names[np.where(later, self.after[column], self.before[column])])

    @cached_property
    def is_listed(self) -> Flags:
        """Whether each firm was ever listed."""
        return np.asarray(self.end > self.first)

    @cached_property
    def is_renamed(self) -> Flags:
        """Whether each firm changed its ticker while it was listed."""
        return np.asarray(self.is_listed & (self.renamed_at < self.end))


def tickers(living: Flags, events: Events, rng: np.random.Generator) -> Tickers:
    """Return the tickers of firms that are listed as `living` (n, count) says."""
    n, count = living.shape
    any_day = living.any(axis=0)
    first = np.where(any_day, living.argmax(axis=0), 0)
    end = np.where(any_day, n - living[::-1].argmax(axis=0), 0)
    share = 1.0 - np.exp(-events.renamed * (end - first) / _YEAR)
    changes = (rng.random(count) < share) & (end - first >= 2)
    within = first + 1 + (rng.random(count) * (end - first - 1)).astype(np.int64)
    own = [f"G{number:04d}" for number in range(1, count + 1)]
    made = Tickers(
        names=np.array([*own, *(f"{name}X" for name in own)]),
        first=first,
        end=end,
        renamed_at=np.where(changes, within, n),
        before=np.arange(count),
        after=np.arange(count) + count,
    )
    _reuse(made, n, events, rng)
    return made


def _reuse(made: Tickers, n: int, events: Events, rng: np.random.Generator) -> None:
    """Give some tickers that were given up to firms that are listed later."""
    left = [(int(made.renamed_at[i]), int(made.before[i])) for i in np.flatnonzero(made.is_renamed)]
    left += [
        (int(made.end[i]), int(made.after[i] if made.is_renamed[i] else made.before[i]))
        for i in np.flatnonzero(made.is_listed & (made.end < n))
    ]
    comers = [int(i) for i in np.argsort(made.first, kind="stable") if made.is_listed[i]]
    for ended, ticker in sorted(left):
        if rng.random() >= events.reused:
            continue
        heir = next((i for i in comers if made.first[i] >= ended + events.idle), None)
        if heir is not None:
            made.before[heir] = ticker
            comers.remove(heir)


def firms(made: Tickers, sessions: Sequence[date], sectors: Sequence[str]) -> pl.DataFrame:
    """Return each firm's tickers: firm, symbol, sector, first, last (sessions) and ended.

    `ended` is symbol_change, delisting, or null for a ticker that lasts.
    """
    rows = []
    for i in np.flatnonzero(made.is_listed).tolist():
        first, end = int(made.first[i]), int(made.end[i])
        cut = int(made.renamed_at[i]) if made.is_renamed[i] else None
        gone = "delisting" if end < len(sessions) else None
        spans = [(made.before[i], first, end, gone)]
        if cut is not None:
            spans = [(made.before[i], first, cut, "symbol_change"), (made.after[i], cut, end, gone)]
        rows += [
            (i + 1, str(made.names[code]), sectors[i], sessions[a], sessions[b - 1], why)
            for code, a, b, why in spans
        ]
    schema = {
        "firm": pl.Int64, "symbol": pl.String, "sector": pl.String, "first": pl.Date,
        "last": pl.Date, "ended": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")
