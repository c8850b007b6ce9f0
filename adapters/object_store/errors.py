"""What can go wrong with an object store."""

from __future__ import annotations

from trading.errors import AskError, RetryError, StopError


class StoreError(Exception):
    """An object could not be read or written; the message says where, why and what to do."""


class StoreUnreachableError(StoreError, RetryError):
    """The store does not answer now."""


class StoreRefusedError(StoreError, AskError):
    """The keys, the bucket or the rights on the folder are wrong."""


class BucketMissingError(StoreRefusedError):
    """The endpoint and the keys are right, and there is no such bucket."""


class ObjectMissingError(StoreError, AskError):
    """There is no object of that key."""


class ObjectDamagedError(StoreError, StopError):
    """An object's bytes are not those that were landed."""


class ObjectExistsError(StoreError, StopError):
    """Another object has that key; objects are never edited."""
