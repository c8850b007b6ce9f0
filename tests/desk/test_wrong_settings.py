"""What cannot work is told in a sentence, and nothing stays running."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from config.build import REPOSITORY
from config.settings import LakeSettings
from tests.desk.running import WholeDesk

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
    assert "127.0.0.1:1" in done.stderr
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


def test_a_newer_ledger_is_refused(tmp_path: Path, postgres_dsn: str) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "DESK_HOME": str(tmp_path),
        "COUNTERSIGN_DATABASE__KIND": "server",
        "COUNTERSIGN_DATABASE__DSN": postgres_dsn,
    }
    command = [sys.executable, "-m", "countersign.processes.tasks", "tables"]
    subprocess.run(command, env=environment, cwd=REPOSITORY, check=True, capture_output=True)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("update desk.alembic_version set version_num = 'from_the_future'")

    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, check=False, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "from_the_future" in json.loads(done.stdout.splitlines()[-1])["failed"]


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
    assert "COUNTERSIGN_DATABASE__DSN" in done.stdout
    assert "postgresql://" not in done.stdout
