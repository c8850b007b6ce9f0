"""What can go wrong with the warehouse, by what the desk must do next."""

from __future__ import annotations

from trading.errors import AskError, RetryError, StopError


class WarehouseUnavailableError(RetryError):
    """The catalogue or the data files cannot be reached now."""


class WriteConflictError(RetryError):
    """Another transaction changed the same table first; nothing was written."""


class WarehouseMissingError(AskError):
    """No warehouse has been created at the place named by the settings."""


class NoRoomError(AskError):
    """The data files' disk or bucket is full; nothing was written."""


class NewerSchemaError(StopError):
    """The warehouse was written by newer code than this."""
