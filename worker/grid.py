"""The regular minutes of a session: which were heard, which are missing, which had no trade."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from adapters.market_data.live import MINUTE


class Seen(IntEnum):
    """What the desk knows of a symbol's minute."""

    MISSING = 0
    HEARD = 1  # from the stream, or stored before this process
    HEALED = 2  # asked for
    NO_TRADE = 3  # asked for, and there is none


@dataclass(frozen=True)
class Gap:
    """Minutes of one symbol, from index `first` to `last`, both included, that are missing."""

    symbol: str
    first: int
    last: int


@dataclass(frozen=True)
class Window:
    """One question for several symbols: from index `first` to `last`, both included."""

    first: int
    last: int
    symbols: tuple[str, ...]


class Grid:
    """Symbols by minutes of one session, early closes included.

    Parameters
    ----------
    session : date
        Exchange-local date.
    opens, closes : datetime
        Of that session (UTC).
    symbols : sequence of str
        Who is expected.
    """

    def __init__(
        self, session: date, opens: datetime, closes: datetime, symbols: Sequence[str]
    ) -> None:
        self.session, self.opens, self.closes = session, opens, closes
        self.symbols = tuple(symbols)
        self._rows = {symbol: row for row, symbol in enumerate(self.symbols)}
        minutes = int((closes - opens) / MINUTE)
        self._seen: npt.NDArray[np.uint8] = np.zeros((len(self.symbols), minutes), dtype=np.uint8)

    @property
    def minutes(self) -> int:
        """How many minutes the session has."""
        return int(self._seen.shape[1])

    def start_of(self, index: int) -> datetime:
        """Return the first instant of a minute."""
        return self.opens + index * MINUTE

    def over_by(self, now: datetime) -> int:
        """Count the minutes that are over at `now`."""
        passed = int((now - self.opens) // MINUTE)
        return min(max(passed, 0), self.minutes)

    @property
    def heard_until(self) -> datetime | None:
        """The end of the newest minute that any symbol was heard in, or None."""
        heard = np.flatnonzero((self._seen == Seen.HEARD).any(axis=0))
        return self.start_of(int(heard[-1]) + 1) if heard.size else None

    def mark(self, symbol: str, start: datetime, seen: Seen) -> None:
        """Note what is known of a minute; one outside regular hours is not kept."""
        at = self._place(symbol, start)
        if at is not None:
            self._seen[at] = seen

    def seen(self, symbol: str, start: datetime) -> Seen | None:
        """Return what is known of a minute, None for one outside regular hours."""
        at = self._place(symbol, start)
        return None if at is None else Seen(int(self._seen[at]))

    def count(self, seen: Seen) -> int:
        """Count the minutes of all symbols of which this is known."""
        return int((self._seen == seen).sum())

    def missing(self, over: int) -> int:
        """Count what is missing of the first `over` minutes."""
        return int((self._seen[:, :over] == Seen.MISSING).sum())

    def gaps(self, over: int) -> list[Gap]:
        """Return what is missing of the first `over` minutes."""
        found = []
        for symbol, row in self._rows.items():
            missing = self._seen[row, :over] == Seen.MISSING
            edges = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0))
            found += [
                Gap(symbol, int(first), int(end) - 1)
                for first, end in zip(edges[::2], edges[1::2], strict=True)
            ]
        return found

    def windows(self, gaps: Iterable[Gap]) -> list[Window]:
        """Return the fewest questions that cover `gaps`.

        Each reaches back to the last bar that its symbol is known to have: an answer without that
        bar is no answer.
        """
        found: list[Window] = []
        for gap in sorted(gaps, key=lambda g: (self._anchor(g), g.last)):
            first = self._anchor(gap)
            if found and first <= found[-1].last + 1:
                last = found[-1]
                symbols = dict.fromkeys((*last.symbols, gap.symbol))
                found[-1] = Window(last.first, max(last.last, gap.last), tuple(symbols))
            else:
                found.append(Window(first, gap.last, (gap.symbol,)))
        return [self._with_witness(window) for window in found]

    def _with_witness(self, window: Window) -> Window:
        """Return a question that somebody is part of who is known to have traded in its minutes.

        Who has ended, or is not listed yet, never has a bar: asked for alone, their empty answer
        could not be told from none, and would be asked for again for ever.
        """
        span = self._seen[:, window.first : window.last + 1]
        known = np.flatnonzero(((span == Seen.HEARD) | (span == Seen.HEALED)).any(axis=1))
        if not known.size or {self._rows[symbol] for symbol in window.symbols} & {*known.tolist()}:
            return window
        witness = self.symbols[int(known[0])]
        return Window(window.first, window.last, (*window.symbols, witness))

    def answer(self, window: Window, symbols: Sequence[str], starts: Sequence[datetime]) -> None:
        """Note the answer to a question: what came is healed, the rest had no trade.

        Of a symbol whose known bar did not come back nothing is learned, nor of anyone from an
        empty answer.

        Parameters
        ----------
        window : Window
            The question.
        symbols, starts : sequences of equal length
            The bars that came: one symbol and first instant each.
        """
        came = np.zeros(self._seen.shape, dtype=bool)
        for symbol, start in zip(symbols, starts, strict=True):
            at = self._place(symbol, start)
            if at is not None:
                came[at] = True
        span = slice(window.first, window.last + 1)
        for row in (self._rows[symbol] for symbol in window.symbols):
            seen, got = self._seen[row, span], came[row, span]
            known = np.isin(seen, (Seen.HEARD, Seen.HEALED)).any()
            missing = seen == Seen.MISSING
            if got.any() or (symbols and not known):
                seen[missing & ~got] = Seen.NO_TRADE
            seen[missing & got] = Seen.HEALED

    def _anchor(self, gap: Gap) -> int:
        before = self._seen[self._rows[gap.symbol], : gap.first]
        known = np.flatnonzero((before == Seen.HEARD) | (before == Seen.HEALED))
        return int(known[-1]) if known.size else gap.first

    def _place(self, symbol: str, start: datetime) -> tuple[int, int] | None:
        row, index = self._rows.get(symbol), int((start - self.opens) // MINUTE)
        if row is None or not 0 <= index < self.minutes:
            return None
        return row, index
