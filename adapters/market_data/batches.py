"""Ask for many symbols in several requests; what was answered is not asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from adapters.market_data.errors import EmptyAnswerError, SourceError


def in_batches(
    symbols: Sequence[str], size: int, ask: Callable[[Sequence[str]], pl.DataFrame]
) -> pl.DataFrame:
    """Return the rows of all symbols, asked for `size` at a time.

    Raises
    ------
    EmptyAnswerError
        If no batch has a row.
    SourceError
        The first failure, with the symbols that were answered before it and their rows.
    """
    rows: list[pl.DataFrame] = []
    answered: list[str] = []
    empty: EmptyAnswerError | None = None
    for begin in range(0, len(symbols), size):
        batch = symbols[begin : begin + size]
        try:
            rows.append(ask(batch))
        except EmptyAnswerError as e:
            empty = e
        except SourceError as e:
            e.answered, e.rows = tuple(answered), rows
            raise
        answered.extend(batch)
    if not rows:
        raise empty or EmptyAnswerError("No symbol was asked for.")
    return pl.concat(rows)
