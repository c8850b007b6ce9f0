"""The same desk with its lake on a real MinIO by two settings, the warehouse's files by a third."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from minio import Minio

from config.settings import LakeSettings
from tests.desk.running import WholeDesk, until

pytestmark = [pytest.mark.desk, pytest.mark.s3, pytest.mark.timeout(900), pytest.mark.long]

# A short history, few symbols, and proposals whatever the model thinks of them: what is shown is
# where the bytes are.
_SOON = {
    "COUNTERSIGN_HISTORY__FIRST_SESSION": "2009-09-01",
    "COUNTERSIGN_TRAINING__TRIALS": "1",
    "COUNTERSIGN_STRATEGY__THRESHOLD": "0.01",
}
_UNIVERSE = 'name = "three"\n' + "".join(
    f'[[symbols]]\nsymbol = "{symbol}"\nlabel = "{symbol}"\nsector = "Technology"\n'
    for symbol in ("AAPL", "IBM", "MSFT")
)


@pytest.fixture
def on_minio(tmp_path: Path, minio_server: LakeSettings) -> Iterator[WholeDesk]:
    """A desk of its own, stopped at the end."""
    lake = {"KIND": "s3", "ENDPOINT": minio_server.endpoint}
    keys = {"ACCESS_KEY": minio_server.access_key, "SECRET_KEY": minio_server.secret_key}
    told = {f"COUNTERSIGN_LAKE__{name}": value for name, value in (lake | keys).items()}
    desk = WholeDesk(
        tmp_path / "home", settings=told | {"COUNTERSIGN_WAREHOUSE__KIND": "s3"} | _SOON
    )
    desk.home.mkdir()
    (desk.home / "universe.toml").write_text(_UNIVERSE)
    yield desk
    desk.run("down")


def test_the_whole_desk_keeps_its_data_on_minio(
    on_minio: WholeDesk, minio_server: LakeSettings
) -> None:
    done = on_minio.run("up", "--detach")

    assert done.returncode == 0, done.stdout + done.stderr
    assert {p["state"] for p in on_minio.status()["processes"]} == {"running"}
    until(lambda: _proposals(on_minio) > 0, seconds=150, why="no proposal came of the daily run")
    kept = _objects(minio_server)
    for landed in ("equities/daily/symbol=AAPL/", "indices/", "warehouse/"):
        assert any(k.startswith(landed) and k.endswith(".parquet") for k in kept), sorted(kept)[:20]
    assert not (on_minio.home / "lake").exists()
    assert not (on_minio.home / "warehouse").exists()
    told = on_minio.run("doctor")
    assert told.returncode == 0, told.stdout
    assert f"s3://lake at {minio_server.endpoint} can be written and read" in told.stdout

    assert on_minio.run("down").returncode == 0
    assert [process.cmdline() for process in on_minio.family()] == []


def _proposals(desk: WholeDesk) -> int:
    return int(desk.status()["counts"]["proposals"].get("open", 0))


def _objects(lake: LakeSettings) -> set[str]:
    client = Minio(
        lake.endpoint, access_key=lake.access_key, secret_key=lake.secret_key, secure=False
    )
    return {str(found.object_name) for found in client.list_objects("lake", recursive=True)}
