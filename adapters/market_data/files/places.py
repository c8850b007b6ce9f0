"""Where a person says a file is: on this machine, or in a bucket."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

import pyarrow as pa

from adapters.market_data.files.delivery import (
    Delivery,
    FileKind,
    FileOptions,
    UnreadableFileError,
)
from adapters.market_data.files.opening import DATA
from adapters.market_data.files.reader import read_one, together
from adapters.object_store.errors import StoreError
from adapters.object_store.protocol import ObjectStore
from config import settings as configuration
from config.errors import SettingsError
from config.settings import LakeSettings

_S3: Final = "s3://"


def read_place(
    place: str,
    *,
    kind: FileKind,
    options: FileOptions,
    environ: Mapping[str, str] = os.environ,
) -> Delivery:
    """Return the rows at a path or at `s3://bucket/key`; a folder and a prefix stand for all in it.

    A bucket's address and keys are the lake's, else those that `AWS_ACCESS_KEY_ID`,
    `AWS_SECRET_ACCESS_KEY` and `AWS_ENDPOINT_URL` name.

    Raises
    ------
    UnreadableFileError
        If there is nothing to read, it may not be read, or it is not of that kind.
    """
    if not place.startswith(_S3):
        return together(read_one(place, kind=kind, options=options, name=""))
    bucket, _, key = place.removeprefix(_S3).partition("/")
    store = _bucket(bucket, place, environ)
    try:
        keys = _keys(store, key, place)
        return together(
            [
                named
                for key in keys
                for named in read_one(
                    io.BytesIO(_bytes(store, key)), kind=kind, options=options, name=key
                )
            ]
        )
    except (StoreError, OSError, pa.ArrowException) as e:
        raise UnreadableFileError(f"{place} cannot be read: {e}") from e


def _keys(store: ObjectStore, key: str, place: str) -> list[str]:
    listed = [info.key for info in store.list(key)]
    if key in listed:
        return [key]
    inside = key if not key or key.endswith("/") else f"{key}/"
    keys = [k for k in listed if k.startswith(inside) and PurePosixPath(k).suffix.lower() in DATA]
    if not keys:
        raise UnreadableFileError(
            f"There is no object {place}, and none of market data below it ({store.name})."
        )
    return keys


def _bytes(store: ObjectStore, key: str) -> bytes:
    # A vendor's key may have blanks and other signs that the desk's own keys never have.
    filesystem, root = store.filesystem()
    with filesystem.open_input_stream(f"{root}{key}", compression=None) as stream:
        return bytes(stream.read())


def _bucket(bucket: str, place: str, environ: Mapping[str, str]) -> ObjectStore:
    from adapters.object_store.s3 import S3Store  # noqa: PLC0415 - minio costs 0.3 s to import

    if not bucket:
        raise UnreadableFileError(f"{place} names no bucket. Write s3://bucket/key.")
    try:
        lake = configuration.load(environ).lake
    except SettingsError as e:
        raise UnreadableFileError(f"{place} cannot be read: {e}") from e
    if lake.endpoint and lake.access_key:
        return _store(S3Store, lake, bucket)
    key, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not (key and secret):
        raise UnreadableFileError(
            f"{place} needs the address and the keys of its store: set COUNTERSIGN_LAKE__KIND=s3, "
            "COUNTERSIGN_LAKE__ENDPOINT, COUNTERSIGN_LAKE__ACCESS_KEY and "
            "COUNTERSIGN_LAKE__SECRET_KEY, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
            "AWS_ENDPOINT_URL."
        )
    address = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL", "")
    secure = not address.startswith("http://")
    own = lake.model_copy(
        update={
            "endpoint": address.rpartition("://")[2].strip("/") or "s3.amazonaws.com",
            "secure": secure,
            "access_key": key,
            "secret_key": secret,
            "region": environ.get("AWS_REGION", lake.region),
        }
    )
    return _store(S3Store, own, bucket)


def _store(made: type, lake: LakeSettings, bucket: str) -> ObjectStore:
    store: ObjectStore = made(
        lake.endpoint,
        bucket,
        access_key=lake.access_key,
        secret_key=lake.secret_key,
        region=lake.region,
        secure=lake.secure,
    )
    return store
