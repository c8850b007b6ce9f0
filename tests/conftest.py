"""Fixtures for every test."""

import gc
import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest

from tests.desk.running import desk, whole_desk
from tests.disks import small_disk
from tests.servers import (
    desk_dsn,
    desk_place,
    minio_bucket,
    minio_server,
    postgres_dsn,
    postgres_server,
    s3_settings,
)

# As the desk's own processes have it: threads of a kernel sleep while they wait for each other.
# Spinning, several test workers on few cores would be many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# How long an example takes says nothing of a law: a first call may compile a kernel.
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.load_profile("desk")

_MAIN = sys.modules["__main__"]


def pytest_collection_finish() -> None:
    """Leave what was imported out of garbage collection: it stays until the run ends."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Undo what a tested page does: take the place of `__main__`, which spawned processes read."""
    yield
    sys.modules["__main__"] = _MAIN


__all__ = [
    "desk",
    "desk_dsn",
    "desk_place",
    "minio_bucket",
    "minio_server",
    "own_main",
    "postgres_dsn",
    "postgres_server",
    "s3_settings",
    "small_disk",
    "whole_desk",
]
