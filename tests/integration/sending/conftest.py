from collections.abc import Iterator

import pytest

from ledger import engine
from tests.integration.sending.desk import SmallDesk


@pytest.fixture
def desk(desk_dsn: str) -> Iterator[SmallDesk]:
    made = engine(desk_dsn, pool_size=10)
    small = SmallDesk(made)
    small.agree()
    yield small
    made.dispose()
