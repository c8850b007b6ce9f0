"""Runs whose worker is gone are found in Dagster's own tables, and failed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.build import REPOSITORY
from countersign.processes import reaper
from countersign.processes.environment import with_driver

pytestmark = pytest.mark.long

_LAUNCHED = """
import os, sys
import dagster as dg
from dagster import DagsterInstance
from dagster._core.events import EngineEventData
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.utils import make_new_run_id

@dg.job
def idle():
    pass

with DagsterInstance.get() as instance:
    for pid in map(int, sys.argv[1:]):
        run = instance.create_run_for_job(idle, status=DagsterRunStatus.STARTED)
        instance.report_engine_event(
            f"Started process for run (pid: {pid}).", run, EngineEventData.in_process(pid)
        )
        print(run.run_id)
"""
_STATUS = """
import sys
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    for run_id in sys.argv[1:]:
        print(instance.get_run_by_id(run_id).status.value)
"""


def dagster(code: str, *arguments: str, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def environment(tmp_path: Path, postgres_dsn: str) -> dict[str, str]:
    (tmp_path / "dagster.yaml").write_text((REPOSITORY / "dagster.yaml").read_text())
    return os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "DAGSTER_HOME": str(tmp_path),
        "DESK_DAGSTER_URL": with_driver(postgres_dsn, "psycopg2"),
    }


def test_only_the_run_whose_worker_is_gone_is_failed(
    environment: dict[str, str], postgres_dsn: str, tmp_path: Path
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    runs = dagster(_LAUNCHED, str(os.getpid()), str(gone.pid), environment=environment)

    assert reaper.reap(postgres_dsn, environment, tmp_path / "log") == runs[1:]

    assert dagster(_STATUS, *runs, environment=environment) == ["STARTED", "FAILURE"]
    assert reaper.reap(postgres_dsn, environment, tmp_path / "log") == []


def test_a_process_that_started_after_the_note_is_another_one() -> None:
    mine = os.getpid()

    assert reaper.Worker("run", mine, said_at=0.0).is_gone()
    assert not reaper.Worker("run", mine, said_at=4e9).is_gone()


def test_a_database_without_dagster_has_no_runs(postgres_dsn: str) -> None:
    assert reaper.workers(postgres_dsn) == []
