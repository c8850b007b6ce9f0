"""Where raw objects lie: a folder or an S3 bucket behind one protocol."""

from __future__ import annotations

from adapters.object_store.errors import BucketMissingError, StoreError
from adapters.object_store.folder import FolderStore
from adapters.object_store.protocol import ObjectInfo, ObjectStore
from config.settings import Settings

__all__ = [
    "BucketMissingError",
    "FolderStore",
    "ObjectInfo",
    "ObjectStore",
    "StoreError",
    "from_settings",
]


def from_settings(settings: Settings) -> ObjectStore:
    """Return the lake that `settings` names; nothing is contacted yet (see `check`)."""
    lake = settings.lake
    if lake.kind == "folder":
        return FolderStore(lake.path)
    from adapters.object_store.s3 import S3Store  # noqa: PLC0415 - minio costs 0.3 s to import

    return S3Store(
        lake.endpoint,
        lake.bucket,
        access_key=lake.access_key,
        secret_key=lake.secret_key,
        region=lake.region,
        secure=lake.secure,
    )
