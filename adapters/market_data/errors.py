"""What can go wrong with a source of market data."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from trading.errors import AskError, RetryError


class SourceError(RetryError):
    """A source gave no usable answer; an empty one counts as none.

    Attributes
    ----------
    answered : tuple of str
        Symbols that were answered before it failed, and need not be asked again.
    rows : list of polars.DataFrame
        Their rows.
    """

    def __init__(
        self, message: str, *, answered: Sequence[str] = (), rows: Sequence[pl.DataFrame] = ()
    ) -> None:
        super().__init__(message)
        self.answered = tuple(answered)
        self.rows = list(rows)


class SourceBusyError(SourceError):
    """A source asks to be left alone for a while (HTTP 429).

    Attributes
    ----------
    wait : float or None
        Seconds it asked for; None when it did not say.
    """

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class EmptyAnswerError(SourceError):
    """A source answered in form and without a row."""


class SourceRefusedError(SourceError):
    """A source understood and said no; asking the same again is of no use."""


class NotOfferedError(SourceError):
    """A source never has what was asked for; that is no fault of it."""


class NoSourceError(SourceError):
    """No source of the chain gave a usable answer."""


class NothingAnywhereError(NoSourceError):
    """Every source of the chain answered, and none had a row."""


class SourceKeysError(AskError):
    """A source needs keys that were not given, or settings that do not agree."""


class UnusableTableError(AskError):
    """A table that a person keeps (earnings, fundamentals) cannot be read as one."""
