"""The servers of the test run themselves: fresh for each test, real."""

import psycopg
import pytest
from minio import Minio

from config.settings import LakeSettings

_TABLES = "select count(*) from information_schema.tables where table_schema = 'desk'"


@pytest.mark.parametrize("attempt", [1, 2])
def test_every_test_has_an_empty_desk_database(postgres_dsn: str, attempt: int) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.execute(_TABLES).fetchone() == (0,), attempt
        connection.execute("create table desk.left_over (n int)")
        connection.execute("create table ducklake.left_over (n int)")


def test_a_wrong_password_is_refused(postgres_dsn: str) -> None:
    user, rest = postgres_dsn.split("@")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{user}x@{rest}")


@pytest.mark.s3
def test_every_test_has_an_empty_bucket(s3_settings: LakeSettings) -> None:
    client = Minio(
        s3_settings.endpoint,
        access_key=s3_settings.access_key,
        secret_key=s3_settings.secret_key,
        secure=False,
    )

    assert list(client.list_objects(s3_settings.bucket)) == []
