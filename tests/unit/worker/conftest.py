"""A worker's desk on a real ledger, with a broker and a venue in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.worker.desks import WorkerDesk, opened


@pytest.fixture
def at_work(desk_dsn: str, tmp_path: Path) -> Iterator[WorkerDesk]:
    made = opened(desk_dsn, tmp_path)
    yield made
    made.desk.engine.dispose()
