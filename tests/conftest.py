"""Fixtures for every test."""

import os

from tests.desk.running import desk, whole_desk
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

__all__ = [
    "desk",
    "desk_dsn",
    "desk_place",
    "minio_bucket",
    "minio_server",
    "postgres_dsn",
    "postgres_server",
    "s3_settings",
    "whole_desk",
]
