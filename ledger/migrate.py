"""Bringing the ledger's schema up to date."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.connection import engine
from ledger.tables import SCHEMA
from trading.errors import StopError

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 4_077_021_552  # an arbitrary number of this desk's for PostgreSQL's advisory locks


class NewerSchemaError(StopError):
    """The database was written by a newer version of the desk."""


def upgrade(dsn: str) -> str:
    """Bring schema ``desk`` to this version's tables; safe to run twice and at once.

    Parameters
    ----------
    dsn : str
        The ledger's database.

    Returns
    -------
    str
        The revision the schema is at afterwards.

    Raises
    ------
    NewerSchemaError
        If the database is at a revision this version does not know.
    """
    ledger = engine(dsn)
    try:
        # The advisory lock lives on a connection of its own, so that a second `up` waits
        # here until the first one's migration has committed.
        with ledger.connect() as guard:
            guard.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            with ledger.begin() as conn:
                return _upgrade(conn)
    finally:
        ledger.dispose()


def _upgrade(conn: sa.Connection) -> str:
    conn.execute(sa.text(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"'))
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = conn
    scripts = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(
        conn, opts={"version_table_schema": SCHEMA}
    ).get_current_revision()
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise NewerSchemaError(
            f"The ledger is at schema {found}; this version of Countersign knows up to "
            f"{scripts.get_current_head()}. Start the newer version, or restore an older backup."
        )
    command.upgrade(config, "head")
    return str(scripts.get_current_head())
