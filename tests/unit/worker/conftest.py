"""A worker's desk on a real ledger, with a broker and a venue in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.migrate import upgrade
from tests.unit.worker.desks import WorkerDesk, opened


@pytest.fixture
def at_work(postgres_dsn: str, tmp_path: Path) -> Iterator[WorkerDesk]:
    upgrade(postgres_dsn)
    made = opened(postgres_dsn, tmp_path)
    yield made
    made.desk.engine.dispose()
