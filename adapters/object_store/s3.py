"""Objects in a bucket of MinIO or any other S3."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow.fs as pafs
import urllib3
from minio import Minio
from minio.commonconfig import ENABLED
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.versioningconfig import VersioningConfig

from adapters.object_store.errors import (
    BucketMissingError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
    StoreRefusedError,
    StoreUnreachableError,
)
from adapters.object_store.protocol import ObjectInfo, digest, require_digest, require_key

_MISSING = frozenset({"NoSuchKey", "NoSuchObject"})
_WRONG_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"})
_MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (urllib3.exceptions.TimeoutError, "no answer in time"),
    (urllib3.exceptions.ResponseError, "it answers with a server error"),
    (ServerError, "it answers with a server error"),
    (InvalidResponseError, "what answers there is no object store"),
    (urllib3.exceptions.SSLError, "it speaks no https, or with a certificate unknown here"),
)
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 60.0
# Answers worth asking again for; 499 is MinIO's to whoever still asks while it stops.
_PASSING = (499, 500, 502, 503, 504)


class S3Store:
    """An object store in a bucket; `ensure_bucket` makes the bucket."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        *,
        access_key: str,
        secret_key: str,
        region: str = "us-east-1",
        secure: bool = False,
        attempts: int = 3,
    ) -> None:
        self._endpoint, self._bucket = endpoint, bucket
        self._access_key, self._secret_key = access_key, secret_key
        self._region, self._secure = region, secure
        self._client = Minio(
            endpoint,
            access_key=access_key,
            secret_key=secret_key,
            region=region,
            secure=secure,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
                retries=urllib3.Retry(attempts, backoff_factor=0.2, status_forcelist=_PASSING),
                maxsize=16,
            ),
        )

    @property
    def name(self) -> str:
        """The bucket and its endpoint."""
        return f"s3://{self._bucket} at {self._endpoint}"

    def check(self) -> None:
        """Raise a StoreError that says what to do, unless the bucket can be written and read."""
        probe = ".check"
        with self._explained(probe):
            self._client.put_object(self._bucket, probe, io.BytesIO(b"ok"), 2)
            self._client.remove_object(self._bucket, probe)

    def ensure_bucket(self, *, versioning: bool = True) -> bool:
        """Make the bucket unless it is there; True when it was made.

        With `versioning` even an object that someone replaces or deletes by hand can be got back.
        """
        with self._explained(""):
            if self._client.bucket_exists(self._bucket):
                return False
            self._client.make_bucket(self._bucket, location=self._region)
            if versioning:
                self._client.set_bucket_versioning(self._bucket, VersioningConfig(ENABLED))
        return True

    def put(self, key: str, data: bytes) -> bool:
        """Store an object; S3 shows it whole or not at all. See `ObjectStore.put`."""
        if self.exists(require_key(key)):
            return self._same(key, data)
        with self._explained(key):
            self._client.put_object(
                self._bucket, key, io.BytesIO(data), len(data), metadata={"sha256": digest(data)}
            )
        return True

    def get(self, key: str, *, sha256: str | None = None) -> bytes:
        """Return an object's bytes; see `ObjectStore.get`."""
        with self._explained(require_key(key)):
            reply = self._client.get_object(self._bucket, key)
            try:
                data: bytes = reply.read()
            finally:
                reply.close()
                reply.release_conn()
        return require_digest(data, sha256, key=key, name=self.name)

    def exists(self, key: str) -> bool:
        """Whether there is an object of that key."""
        try:
            with self._explained(require_key(key)):
                self._client.stat_object(self._bucket, key)
        except ObjectMissingError:
            return False
        return True

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects below `prefix` after the key `after`, in key order."""
        with self._explained(prefix):
            found = self._client.list_objects(
                self._bucket, prefix=prefix, recursive=True, start_after=after or None
            )
            for entry in found:
                if not entry.is_dir and not entry.object_name.startswith("."):
                    yield ObjectInfo(entry.object_name, entry.size, entry.last_modified)

    def delete(self, key: str) -> None:
        """Remove an object; for tests and for rejected uploads only."""
        with self._explained(require_key(key)):
            self._client.remove_object(self._bucket, key)

    def filesystem(self) -> tuple[pafs.FileSystem, str]:
        """Return a file system over the endpoint, and the bucket."""
        filesystem = pafs.S3FileSystem(
            access_key=self._access_key,
            secret_key=self._secret_key,
            endpoint_override=self._endpoint,
            scheme="https" if self._secure else "http",
            region=self._region,
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_READ_SECONDS,
        )
        return filesystem, f"{self._bucket}/"

    def _same(self, key: str, data: bytes) -> bool:
        if digest(self.get(key)) == digest(data):
            return False
        raise ObjectExistsError(
            f"The object {key} in {self.name} exists with other content, and objects are never "
            "edited. Land the correction under a new key."
        )

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        try:
            yield
        except S3Error as e:
            raise self._refusal(e, key) from e
        except (urllib3.exceptions.HTTPError, ServerError, InvalidResponseError, OSError) as e:
            raise StoreUnreachableError(
                f"The object store {self.name} cannot be used: {_plainly(e)}. Start it, or correct "
                "its address: lake.endpoint (COUNTERSIGN_LAKE__ENDPOINT) is host:port, lake.secure "
                f"(now {str(self._secure).lower()}) says whether it speaks https."
            ) from e

    def _refusal(self, error: S3Error, key: str) -> StoreError:
        if error.code in _MISSING:
            return ObjectMissingError(f"There is no object {key} in {self.name}.")
        if error.code == "NoSuchBucket":
            return BucketMissingError(
                f"There is no bucket {self._bucket!r} at {self._endpoint}. Make it, or set "
                "[lake] bucket to one that exists."
            )
        if error.code in _WRONG_KEYS:
            return StoreRefusedError(
                f"{self.name} refuses the access key {self._access_key!r} ({error.code}). Check "
                "COUNTERSIGN_LAKE__ACCESS_KEY and COUNTERSIGN_LAKE__SECRET_KEY, and that the key "
                "may read and write the bucket."
            )
        return StoreUnreachableError(f"{self.name} refused {key or 'a request'}: {error}")


def _plainly(error: BaseException) -> str:
    """Return what a failed request means, without the names of a library's classes."""
    inner = getattr(error, "reason", None) or next(iter(error.args[1:]), None)
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        inner = error.__cause__
    if isinstance(inner, BaseException):
        return _plainly(inner)
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning
    return str(getattr(error, "strerror", None) or error).rstrip(".").lower()
