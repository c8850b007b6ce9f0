"""What can go wrong with a source of market data."""

from __future__ import annotations

from trading.errors import AskError, RetryError


class SourceError(RetryError):
    """A source gave no usable answer; an empty one counts as none."""


class SourceKeysError(AskError):
    """A source needs keys that were not given."""
