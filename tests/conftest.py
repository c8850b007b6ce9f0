"""Fixtures for every test."""

from tests.servers import minio_bucket, minio_server, postgres_dsn, postgres_server, s3_settings

__all__ = ["minio_bucket", "minio_server", "postgres_dsn", "postgres_server", "s3_settings"]
