"""The warehouse: DuckLake tables of market data and research, one query module per subject."""

from warehouse.connection import Warehouse, connect
from warehouse.errors import NewerSchemaError, WarehouseUnavailableError, WriteConflictError

__all__ = [
    "NewerSchemaError",
    "Warehouse",
    "WarehouseUnavailableError",
    "WriteConflictError",
    "connect",
]
