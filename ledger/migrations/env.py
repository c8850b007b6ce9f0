"""Alembic's entry: runs on the connection that `ledger.migrate` hands over."""

from alembic import context

from ledger.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
