from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ledger import engine
from tests.integration.ledger.cases import Case


@pytest.fixture
def ledger(desk_dsn: str) -> Iterator[sa.Engine]:
    """The ledger's tables in a fresh database."""
    made = engine(desk_dsn, pool_size=20)
    yield made
    made.dispose()


@pytest.fixture
def case(ledger: sa.Engine) -> Case:
    """A ledger with signatories Maria, Jan and Ada, an analyst and a viewer."""
    return Case.begin(ledger)
