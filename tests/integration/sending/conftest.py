from collections.abc import Iterator

import pytest

from ledger import engine
from ledger.migrate import upgrade
from tests.integration.sending.desk import SmallDesk


@pytest.fixture
def desk(postgres_dsn: str) -> Iterator[SmallDesk]:
    upgrade(postgres_dsn)
    made = engine(postgres_dsn, pool_size=10)
    small = SmallDesk(made)
    small.agree()
    yield small
    made.dispose()
