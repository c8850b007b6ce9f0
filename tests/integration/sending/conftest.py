from collections.abc import Iterator

import pytest

from ledger import engine, verification
from tests.integration.sending.at_venue import broker, served
from tests.integration.sending.desk import SmallDesk

__all__ = ["broker", "desk", "served"]


@pytest.fixture
def desk(desk_dsn: str) -> Iterator[SmallDesk]:
    made = engine(desk_dsn, pool_size=10)
    small = SmallDesk(made)
    small.agree()
    yield small
    # Whatever a test went through, log and tables must tell the same.
    with made.connect() as conn:
        found = verification.verify(conn)
    assert found.holds or small.tampered, found.places
    made.dispose()
