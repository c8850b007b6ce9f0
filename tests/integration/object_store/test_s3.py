from typing import Any

import pytest

from adapters.object_store import ObjectStore
from adapters.object_store.errors import StoreRefusedError, StoreUnreachableError
from adapters.object_store.s3 import S3Store
from config.settings import LakeSettings
from tests.unit.object_store.contract import ObjectStoreContract

pytestmark = pytest.mark.s3


def opened(lake: LakeSettings, **changes: Any) -> S3Store:
    told: dict[str, Any] = {
        "access_key": lake.access_key, "secret_key": lake.secret_key, "attempts": 0,
    } | changes  # fmt: skip
    bucket = told.pop("bucket", lake.bucket)
    return S3Store(told.pop("endpoint", lake.endpoint), bucket, **told)


class TestS3Store(ObjectStoreContract):
    @pytest.fixture
    def store(self, s3_settings: LakeSettings) -> ObjectStore:
        return opened(s3_settings)


def test_a_bucket_is_made_once(minio_server: LakeSettings) -> None:
    store = opened(minio_server, bucket="made-once")

    assert store.ensure_bucket() is True
    assert store.ensure_bucket() is False
    store.check()


def test_a_missing_bucket_is_named(minio_server: LakeSettings) -> None:
    with pytest.raises(StoreRefusedError, match="no bucket 'none-such'"):
        opened(minio_server, bucket="none-such").check()


def test_wrong_keys_are_told_without_the_secret(s3_settings: LakeSettings) -> None:
    store = opened(s3_settings, secret_key="not-the-secret")

    with pytest.raises(StoreRefusedError, match="COUNTERSIGN_LAKE__SECRET_KEY") as caught:
        store.get("a")
    assert "not-the-secret" not in str(caught.value)


def test_an_endpoint_where_nothing_listens_is_unreachable(s3_settings: LakeSettings) -> None:
    store = opened(s3_settings, endpoint="127.0.0.1:9")

    with pytest.raises(StoreUnreachableError, match=r"used: connection refused\. .*ENDPOINT") as e:
        store.check()
    assert "HTTPConnectionPool" not in str(e.value)


def test_https_with_a_server_that_has_none_is_told(s3_settings: LakeSettings) -> None:
    store = opened(s3_settings, secure=True)

    with pytest.raises(StoreUnreachableError, match=r"speaks no https.*lake.secure \(now true\)"):
        store.check()
