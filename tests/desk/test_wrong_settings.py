"""What cannot work is told in a sentence, and nothing stays running."""

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from config import settings
from config.settings import LakeSettings
from countersign.health import services
from countersign.processes import tasks
from tests.desk.running import WholeDesk
from trading.errors import DeskError

pytestmark = [pytest.mark.desk, pytest.mark.timeout(300)]


def s3(endpoint: str, secret: str) -> dict[str, str]:
    return {
        "COUNTERSIGN_LAKE__KIND": "s3",
        "COUNTERSIGN_LAKE__ENDPOINT": endpoint,
        "COUNTERSIGN_LAKE__ACCESS_KEY": "countersign",
        "COUNTERSIGN_LAKE__SECRET_KEY": secret,
    }


def test_an_unreachable_lake_stops_the_start(tmp_path: Path) -> None:
    desk = WholeDesk(tmp_path / "home", settings=s3("127.0.0.1:1", "secret-key"))

    done = desk.run("up")

    assert done.returncode == 1
    assert "127.0.0.1:1 cannot be used: connection refused. Start it, or correct" in done.stderr
    assert "COUNTERSIGN_LAKE__ENDPOINT" in done.stderr
    assert "Traceback" not in done.stderr
    assert desk.family() == []


@pytest.mark.s3
def test_a_wrong_key_of_the_lake_stops_the_start(
    tmp_path: Path, minio_server: LakeSettings
) -> None:
    desk = WholeDesk(tmp_path / "home", settings=s3(minio_server.endpoint, "not-the-key"))

    done = desk.run("up")

    assert done.returncode == 1
    assert minio_server.endpoint in done.stderr
    assert "Traceback" not in done.stderr
    assert "not-the-key" not in done.stderr
    assert desk.family() == []


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = WholeDesk(tmp_path / "file" / "home").run("up")

    assert done.returncode == 1
    assert "DESK_HOME" in done.stderr


def test_a_wrong_port_is_told_with_its_variable(tmp_path: Path) -> None:
    desk = WholeDesk(tmp_path / "home", settings={"COUNTERSIGN_DASHBOARD__PORT": "dashboard"})

    for word in ("up", "status", "doctor"):
        done = desk.run(word)
        assert done.returncode == 1
        assert "COUNTERSIGN_DASHBOARD__PORT" in done.stderr + done.stdout


def test_newer_schemas_are_refused(tmp_path: Path, postgres_dsn: str) -> None:
    server = {"COUNTERSIGN_DATABASE__KIND": "server", "COUNTERSIGN_DATABASE__DSN": postgres_dsn}
    told = settings.load({"DESK_HOME": str(tmp_path / "home")} | server)
    tasks.tables(told)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(
            "insert into desk.warehouse_migrations (version, name, sha256) "
            "values (998, '998_from_the_future', '')"
        )
        with pytest.raises(DeskError, match=r"migration 998_from_the_future; .*newer code"):
            tasks.tables(told)
        connection.execute("update desk.alembic_version set version_num = 'from_the_future'")
        with pytest.raises(DeskError, match=r"schema from_the_future; .*Start the newer version"):
            tasks.tables(told)

    found = {finding.subject: finding for finding in services.database(told)}

    assert found["Ledger"].state == found["Warehouse"].state == "wrong"
    assert "at schema from_the_future; this version knows up to" in found["Ledger"].found
    assert "at migration 998; this version ends with" in found["Warehouse"].found
    assert "Start the newer version" in found["Warehouse"].advice


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    desk = WholeDesk(tmp_path / "home")
    desk.home.mkdir(mode=0o555)

    for word, code in (("up", 1), ("doctor", 1), ("status", 3)):
        done = desk.run(word, before=_without_the_rights_of_root())
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        if word != "status":
            assert f"{desk.home} cannot be written" in done.stdout + done.stderr
            assert "DESK_HOME" in done.stdout + done.stderr
    assert list(desk.home.iterdir()) == []


def _without_the_rights_of_root() -> tuple[str, ...]:
    """Return what makes a command obey the file modes; an ordinary user does already."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("Needs setpriv, or a user other than root: root may write anywhere.")
    rights = "-dac_override,-dac_read_search,-fowner"
    return ("setpriv", f"--inh-caps={rights}", f"--bounding-set={rights}")


def test_the_doctor_tells_what_to_do_about_a_wrong_database(tmp_path: Path) -> None:
    desk = WholeDesk(
        tmp_path / "home",
        settings={
            "COUNTERSIGN_DATABASE__KIND": "server",
            "COUNTERSIGN_DATABASE__DSN": "postgresql://desk:pw@127.0.0.1:1/desk",
        },
    )

    done = desk.run("doctor")

    assert done.returncode == 1
    assert 'server at "127.0.0.1", port 1 failed: Connection refused' in done.stdout
    assert "COUNTERSIGN_DATABASE__DSN" in done.stdout
    assert "postgresql://" not in done.stdout
