import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ledger import engine
from ledger.migrate import NewerSchemaError, upgrade
from ledger.tables import SCHEMA, metadata


def test_the_migrations_make_exactly_the_tables(postgres_dsn: str) -> None:
    upgrade(postgres_dsn)
    address = engine(postgres_dsn).url
    # Alembic leaves out the schema it takes for the default one, which follows the user's name.
    plain = sa.create_engine(address, connect_args={"options": "-c search_path=public"})
    options = {
        "version_table_schema": SCHEMA,
        "include_schemas": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        "compare_type": True,
    }
    with plain.connect() as conn:
        differences = compare_metadata(MigrationContext.configure(conn, opts=options), metadata)

    plain.dispose()
    assert differences == []


def test_a_second_upgrade_changes_nothing_and_two_at_once_are_safe(postgres_dsn: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        revisions = list(pool.map(upgrade, [postgres_dsn] * 4))

    assert len(set(revisions)) == 1
    assert upgrade(postgres_dsn) == revisions[0]


def test_a_newer_schema_is_refused(postgres_dsn: str) -> None:
    upgrade(postgres_dsn)
    made = engine(postgres_dsn)
    with made.begin() as conn:
        conn.execute(sa.text(f"UPDATE {SCHEMA}.alembic_version SET version_num = '9999'"))
    made.dispose()

    with pytest.raises(NewerSchemaError, match=re.escape("schema 9999")):
        upgrade(postgres_dsn)
