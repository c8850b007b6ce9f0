"""The ledger: everything of the desk that must be transactional, in PostgreSQL."""

from ledger.connection import engine, new_id, snapshot, transact

__all__ = ["engine", "new_id", "snapshot", "transact"]
