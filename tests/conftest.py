"""Fixtures for every test."""

from tests.desk.running import desk, whole_desk
from tests.servers import minio_bucket, minio_server, postgres_dsn, postgres_server, s3_settings

__all__ = [
    "desk",
    "minio_bucket",
    "minio_server",
    "postgres_dsn",
    "postgres_server",
    "s3_settings",
    "whole_desk",
]
