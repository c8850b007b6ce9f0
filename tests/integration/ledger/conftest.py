from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ledger import engine
from ledger.migrate import upgrade
from tests.integration.ledger.cases import Case


@pytest.fixture
def ledger(postgres_dsn: str) -> Iterator[sa.Engine]:
    """The ledger's tables in a fresh database."""
    upgrade(postgres_dsn)
    made = engine(postgres_dsn, pool_size=20)
    yield made
    made.dispose()


@pytest.fixture
def case(ledger: sa.Engine) -> Case:
    """A ledger with signatories Maria, Jan and Ada, an analyst and a viewer."""
    return Case.begin(ledger)
