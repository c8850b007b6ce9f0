"""A landing that is cut short shows nothing of itself, says why, and is completed by repeating."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data import found, landing, load
from adapters.object_store import FolderStore, ObjectStore, StoreError
from adapters.object_store.errors import ObjectDamagedError, StoreRefusedError
from adapters.object_store.s3 import S3Store
from config.settings import LakeSettings
from tests.servers import _start_minio, _stop

FIRST = date(2012, 3, 1)
WALL = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MARKET = datetime(2012, 7, 5, 20, 0, tzinfo=UTC)
SYMBOLS = [f"S{n:02d}" for n in range(30)]


def history() -> pl.DataFrame:
    """Thirty symbols over forty days: one object for each symbol."""
    days = pl.DataFrame({"session": [FIRST + timedelta(days=n) for n in range(40)]})
    return pl.DataFrame({"symbol": SYMBOLS}).join(days, how="cross").with_columns(
        open=pl.lit(9.0), high=pl.lit(12.0), low=pl.lit(8.0), close=pl.lit(10.0),
        volume=pl.lit(100),
    )  # fmt: skip


def land(store: ObjectStore, at: int = 0, progress: object = None) -> landing.Landing:
    return landing.land(
        store, history(), kind="daily", source="t", market_at=MARKET,
        landed_at=WALL + timedelta(seconds=at), progress=progress,  # type: ignore[arg-type]
    )  # fmt: skip


def read(store: ObjectStore) -> int:
    return load.daily(store, FIRST, FIRST + timedelta(days=99)).height


def opened(lake: LakeSettings, *, attempts: int = 0) -> S3Store:
    return S3Store(
        lake.endpoint, lake.bucket, access_key=lake.access_key, secret_key=lake.secret_key,
        attempts=attempts,
    )  # fmt: skip


@pytest.fixture
def own_minio(tmp_path: Path) -> Iterator[tuple[LakeSettings, dict[str, object]]]:
    """A MinIO of this test's own, which may be stopped."""
    minio = os.environ.get("COUNTERSIGN_MINIO") or shutil.which("minio")
    if not minio:
        pytest.skip("Needs a MinIO server: put `minio` on PATH or name it in COUNTERSIGN_MINIO.")
    facts = _start_minio(str(minio), tmp_path)
    lake = LakeSettings(
        kind="s3", path=tmp_path, endpoint=f"127.0.0.1:{facts['port']}", bucket="faults",
        access_key=facts["access_key"], secret_key=facts["secret_key"],
    )  # fmt: skip
    opened(lake, attempts=5).ensure_bucket()
    yield lake, facts
    _stop(facts["pid"])


@pytest.mark.s3
def test_minio_stopped_in_the_middle_of_a_landing(
    own_minio: tuple[LakeSettings, dict[str, int]],
) -> None:
    lake, facts = own_minio
    store = opened(lake)

    def stop_at_ten(done: int, _of: int) -> None:
        if done == 10:
            _stop(facts["pid"])

    with pytest.raises(StoreError, match="cannot be used"):
        land(store, progress=stop_at_ten)

    # The same data, served again: nothing of the landing is seen, and repeating completes it.
    minio = os.environ.get("COUNTERSIGN_MINIO") or shutil.which("minio")
    subprocess_environment = os.environ | {
        "MINIO_ROOT_USER": lake.access_key, "MINIO_ROOT_PASSWORD": lake.secret_key,
        "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
    }  # fmt: skip
    again = subprocess.Popen(
        [str(minio), "server", str(facts["data"]), f"--address={lake.endpoint}"],
        env=subprocess_environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        store = _answering(lake)
        assert read(store) == 0
        assert land(store, at=1).key != ""
        assert read(store) == 30 * 40
        assert land(store, at=2).key == ""
    finally:
        facts["pid"] = again.pid


def _answering(lake: LakeSettings) -> S3Store:
    import time

    until = time.monotonic() + 30
    while True:
        store = opened(lake)
        try:
            store.check()
        except StoreError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return store


@pytest.mark.s3
def test_an_object_of_others_that_is_torn_hinders_nobody_on_a_bucket(
    s3_settings: LakeSettings,
) -> None:
    store = opened(s3_settings)
    land(store)
    store.put("equities/daily/vendor/torn.parquet", b"PAR1 and then nothing")
    after = datetime(2100, 1, 1, tzinfo=UTC)

    keys = [o.key for o in found.strangers(store, "daily", before=after).objects]
    result = found.adopt(store, "daily", keys, landed_at=WALL, market_at=MARKET)

    assert [one.key for one in result.refused] == keys
    assert read(store) == 30 * 40


def test_a_wrong_checksum_is_told_and_nothing_of_the_object_is_used(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    landed = land(store)
    path = tmp_path / landed.keys[3]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(ObjectDamagedError, match=landed.objects[3].symbols[0]):
        read(store)
    assert land(store, at=1).key != ""
    assert read(store) == 30 * 40


def test_a_full_disk_is_told_and_what_was_begun_is_completed_later(small_disk: Path) -> None:
    store = FolderStore(small_disk / "lake")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 150_000)

    with pytest.raises(StoreRefusedError, match="free some space"):
        land(store)

    assert read(store) == 0
    ballast.unlink()
    assert land(store, at=1).key != ""
    assert read(store) == 30 * 40
    assert not list((small_disk / "lake").rglob(".partial*"))
