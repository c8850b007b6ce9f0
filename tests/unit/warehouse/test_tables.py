import re

import duckdb
import pytest

from warehouse import migrate

SCHEMAS = ("market", "quality", "features", "models", "portfolio", "risk")


@pytest.mark.parametrize("name", sorted(migrate.tables()))
def test_every_column_says_its_unit_and_meaning(name: str) -> None:
    sql = migrate.tables()[name]
    columns = re.findall(r"^    \w+ +\S.*$", sql, flags=re.MULTILINE)

    assert columns
    assert [line for line in columns if "--" not in line] == []
    assert "-- key: (" in sql
    assert sql.startswith("-- ")


def test_the_dictionary_creates_the_tables_it_names() -> None:
    con = duckdb.connect()
    for schema in SCHEMAS:
        con.execute(f"create schema {schema}")

    for sql in migrate.tables().values():
        con.execute(sql)

    made = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    assert {name for (name,) in made} == set(migrate.tables())


def test_migrations_are_numbered_without_gaps() -> None:
    assert [m.version for m in migrate.migrations()] == list(
        range(1, len(migrate.migrations()) + 1)
    )
