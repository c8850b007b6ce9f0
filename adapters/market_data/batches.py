"""Ask for many symbols in several requests; what was answered is not asked again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from adapters.market_data.errors import EmptyAnswerError, SourceError


@dataclass(frozen=True)
class Shelf:
    """Answers of a delivery under way, on disk for the run that takes it up after a kill.

    Parameters
    ----------
    folder : Path
        Made when the first answer is kept.
    keep : timedelta
        What is older is asked for anew: a source may have corrected it.
    """

    folder: Path
    keep: timedelta = timedelta(hours=1)

    def taken(self, question: str) -> pl.DataFrame | None:
        """Return the answer kept to a question; None when there is none, or it is too old."""
        path = self._path(question)
        if not path.exists() or time.time() - path.stat().st_mtime > self.keep.total_seconds():
            return None
        return pl.read_parquet(path)

    def put(self, question: str, rows: pl.DataFrame) -> None:
        """Keep an answer; a kill leaves all of it or nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(question)
        torn = path.with_suffix(".part")
        rows.write_parquet(torn)
        torn.replace(path)

    def clear(self, questions: Sequence[str]) -> None:
        """Drop the answers to these questions: they are delivered."""
        for question in questions:
            self._path(question).unlink(missing_ok=True)

    def _path(self, question: str) -> Path:
        return self.folder / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.parquet"


def in_batches(
    symbols: Sequence[str],
    size: int,
    ask: Callable[[Sequence[str]], pl.DataFrame],
    *,
    shelf: Shelf | None = None,
    question: str = "",
) -> pl.DataFrame:
    """Return the rows of all symbols, asked for `size` at a time.

    Parameters
    ----------
    symbols : sequence of str
        Who is asked for.
    size : int
        Symbols in one request.
    ask : callable
        Takes some of the symbols, returns their rows.
    shelf : Shelf, optional
        Where answers are kept until all are there; used for more than one batch only.
    question : str
        What is asked of whom, without the symbols; tells the answers on the shelf apart.

    Raises
    ------
    EmptyAnswerError
        If no batch has a row.
    SourceError
        The first failure, with the symbols that were answered before it and their rows.
    """
    batches = [symbols[begin : begin + size] for begin in range(0, len(symbols), size)]
    kept = None if len(batches) < 2 else shelf
    rows: list[pl.DataFrame] = []
    answered: list[str] = []
    empty = EmptyAnswerError("No symbol was asked for.")
    for batch in batches:
        try:
            rows.append(_answer(batch, ask, kept, _named(question, batch)))
        except EmptyAnswerError as e:
            empty = e
        except SourceError as e:
            e.answered, e.rows = tuple(answered), rows
            raise
        answered.extend(batch)
    if kept is not None:
        kept.clear([_named(question, batch) for batch in batches])
    if not rows:
        raise empty
    return pl.concat(rows)


def _answer(
    batch: Sequence[str],
    ask: Callable[[Sequence[str]], pl.DataFrame],
    shelf: Shelf | None,
    question: str,
) -> pl.DataFrame:
    if shelf is None:
        return ask(batch)
    known = shelf.taken(question)
    if known is None:
        known = ask(batch)
        shelf.put(question, known)
    return known


def _named(question: str, batch: Sequence[str]) -> str:
    return f"{question}: {', '.join(batch)}"
