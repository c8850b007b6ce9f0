"""Several sources of market data, each asked before the one behind it.

A source that errs is asked again after a pause. Five errors in a row (as configured), over however
many questions and processes they come, and it is skipped for a while: the next one serves. After
the cool-down one question goes to it again; one more error and it is skipped anew, one answer and
it serves as before. Its standing is kept in a book outside the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Protocol

import polars as pl

from adapters.market_data.errors import (
    EmptyAnswerError,
    NoSourceError,
    NothingAnywhereError,
    NotOfferedError,
    SourceBusyError,
    SourceError,
    SourceRefusedError,
)
from adapters.market_data.retry import Pauses
from trading.clock import DeskClock

Ask = Callable[["Source", Sequence[str]], pl.DataFrame]


class Source(Protocol):
    """A vendor: rows say their source and feed; a SourceError may hold what came before it."""

    @property
    def name(self) -> str:
        """As recorded with every row."""

    @property
    def lacks(self) -> frozenset[str]:
        """Symbols that it never has."""

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Unadjusted daily bars."""

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Unadjusted minute bars."""

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits and dividends; may be empty."""


class Standing(Protocol):
    """How a source has done of late."""

    @property
    def failures(self) -> int:
        """Errors since its last answer."""

    @property
    def skipped_until(self) -> datetime | None:
        """Desk time until which it is not asked; None when it has not been skipped."""


class Book(Protocol):
    """Where the standing of the sources is kept, and people are told of changes."""

    def standing(self, source: str) -> Standing:
        """Return how a source has done of late."""

    def failed(self, source: str, reason: str, *, skip_until: datetime | None) -> Standing:
        """Note an error; with `skip_until` the source is skipped until then."""

    def answered(self, source: str) -> None:
        """Note an answer: the errors before it no longer count."""

    def switched(self, source: str, *, to: str | None, reason: str) -> None:
        """Tell people that another source serves (None: that nobody does)."""


@dataclass(frozen=True)
class Patience:
    """When a source is asked again, and when no longer."""

    errors_in_a_row: int
    cool_down: timedelta
    pauses: Pauses


@dataclass(frozen=True)
class _Turn:
    """What one source brought of one question."""

    rows: tuple[pl.DataFrame, ...]
    answered: frozenset[str]
    error: SourceError | None = None


@dataclass
class Chain:
    """Sources in the order they are asked; fits `assets.sources.MarketData`.

    Parameters
    ----------
    sources : sequence of Source
        The first is the primary.
    book : Book
        Outlives the process.
    patience : Patience
        As configured.
    clock : DeskClock
        Wall time.
    sleep, jitter
        How to wait, and by how much more or less.
    """

    sources: Sequence[Source]
    book: Book
    patience: Patience
    clock: DeskClock
    sleep: Callable[[float], None] = time.sleep
    jitter: Random = field(default_factory=Random)

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Unadjusted daily bars; a NoSourceError when no source has any."""
        rows = self._served(
            lambda source, wanted: source.daily(wanted, first, last),
            symbols,
            f"daily bars {first} to {last}",
        )
        return rows.sort("symbol", "session")

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Unadjusted minute bars of a session."""
        rows = self._served(
            lambda source, wanted: source.minutes(wanted, session), symbols, f"minutes of {session}"
        )
        return rows.sort("symbol", "bar_start")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits and dividends by ex-date; there may be none."""
        rows = self._served(
            lambda source, wanted: source.actions(wanted, first, last),
            symbols,
            f"corporate actions {first} to {last}",
            silence_is_an_answer=True,
        )
        return rows.sort("symbol", "ex_date", "kind")

    def before(self, source: str) -> Chain:
        """Return the chain of those that are asked before `source` and are not skipped now."""
        names = [one.name for one in self.sources]
        better = [one for one in self.sources[: names.index(source)] if not self._is_skipped(one)]
        return replace(self, sources=better)

    def _served(
        self, ask: Ask, symbols: Sequence[str], what: str, *, silence_is_an_answer: bool = False
    ) -> pl.DataFrame:
        """Return the rows of all symbols that any source has.

        Raises
        ------
        NotOfferedError
            If none ever has them.
        NoSourceError
            If none gave a row (or, where silence is an answer, an answer); a
            NothingAnywhereError if every one answered in form.
        """
        rows: list[pl.DataFrame] = []
        rest, served = list(symbols), False
        troubles: list[tuple[Source, SourceError]] = []
        for source in self._willing():
            wanted = [symbol for symbol in rest if symbol not in source.lacks]
            if not wanted:
                continue
            turn = (self._one_try if served else self._turn)(source, ask, wanted)
            rows += turn.rows
            if turn.error is not None:
                troubles.append((source, turn.error))
            elif not served:
                self._tell(troubles, source)
                served = True
            had = turn.answered if silence_is_an_answer else _symbols_of(turn.rows)
            rest = [symbol for symbol in rest if symbol not in had]
            if not rest:
                break
        if rows:
            return pl.concat(rows, how="vertical")
        self._tell(troubles, None)
        raise self._nobody(what, troubles)

    def _willing(self) -> list[Source]:
        """Return who is not skipped now; where all are, all: nobody is left to lose."""
        return [one for one in self.sources if not self._is_skipped(one)] or list(self.sources)

    def _is_skipped(self, source: Source) -> bool:
        until = self.book.standing(source.name).skipped_until
        return until is not None and until > self.clock.now()

    def _turn(self, source: Source, ask: Ask, symbols: Sequence[str]) -> _Turn:
        """Ask a source until it answers, is to be skipped, or says no."""
        rows: list[pl.DataFrame] = []
        rest, answered, tries = list(symbols), set[str](), 0
        while True:
            try:
                rows.append(ask(source, rest))
            except NotOfferedError as e:
                return _Turn((), frozenset(), e)
            except SourceError as e:
                tries += 1
                if e.answered:  # the errors before these answers were not in a row with it
                    self.book.answered(source.name)
                rows += e.rows
                answered.update(e.answered)
                rest = [symbol for symbol in rest if symbol not in answered]
                wait = self._wait(source, e, tries)
                if wait is None:
                    return _Turn(tuple(rows), frozenset(answered), e)
                self.sleep(wait)
            else:
                self.book.answered(source.name)
                return _Turn(tuple(rows), frozenset(symbols))

    def _wait(self, source: Source, error: SourceError, tries: int) -> float | None:
        """Note an error; return the seconds until the next try, or None when there is none."""
        pauses = self.patience.pauses
        asked = error.wait if isinstance(error, SourceBusyError) else None
        skip = timedelta(0)
        if self.book.standing(source.name).failures + 1 >= self.patience.errors_in_a_row:
            skip = self.patience.cool_down
        if asked is not None and asked > pauses.longest:
            skip = max(skip, timedelta(seconds=asked))
        until = self.clock.now() + skip if skip else None
        self.book.failed(source.name, str(error), skip_until=until)
        if until is not None or isinstance(error, SourceRefusedError):
            return None
        return pauses.after(tries, self.jitter) if asked is None else asked

    def _one_try(self, source: Source, ask: Ask, symbols: Sequence[str]) -> _Turn:
        """Ask once for what a better source does not have; that there is none is no error."""
        try:
            rows = ask(source, symbols)
        except (EmptyAnswerError, NotOfferedError):
            return _Turn((), frozenset())
        except SourceError as e:
            self._wait(source, e, 1)
            return _Turn(tuple(e.rows), frozenset(e.answered), e)
        return _Turn((rows,), frozenset(symbols))

    def _tell(self, troubles: Sequence[tuple[Source, SourceError]], to: Source | None) -> None:
        for source, error in troubles:
            if not isinstance(error, NotOfferedError):
                self.book.switched(
                    source.name, to=None if to is None else to.name, reason=str(error)
                )

    def _nobody(self, what: str, troubles: Sequence[tuple[Source, SourceError]]) -> SourceError:
        names = ", ".join(source.name for source in self.sources) or "all are skipped now"
        told = " ".join(f"{source.name}: {error}" for source, error in troubles)
        message = f"No source gave {what} ({names}). {told}".rstrip()
        if self.sources and all(isinstance(e, NotOfferedError) for _, e in troubles):
            return NotOfferedError(message)
        silent = bool(troubles) and all(
            isinstance(e, EmptyAnswerError | NotOfferedError) for _, e in troubles
        )
        return NothingAnywhereError(message) if silent else NoSourceError(message)


def _symbols_of(rows: Sequence[pl.DataFrame]) -> set[str]:
    return {symbol for frame in rows for symbol in frame["symbol"].unique()}
