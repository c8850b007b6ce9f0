"""kill -9 of any one process: it comes back, no run stays stuck; then all of it stops cleanly."""

import os
import signal

import psutil
import psycopg
import pytest

from config import settings
from countersign.graphql import Dagster
from countersign.processes import reaper
from countersign.processes.plan import LOCATION
from tests.desk.running import WholeDesk, until

pytestmark = [pytest.mark.desk, pytest.mark.timeout(600), pytest.mark.long]

PROCESSES = (
    "postgres", "dashboard", "venue", "code-server", "webserver", "daemon", "mlflow", "feed",
    "executor", "watch",
)  # fmt: skip


def test_every_process_runs(desk: WholeDesk) -> None:
    states = {p["name"]: p["state"] for p in desk.status()["processes"]}

    assert states == dict.fromkeys(PROCESSES, "running")


def test_a_second_up_joins(desk: WholeDesk) -> None:
    done = desk.run("up")

    assert done.returncode == 0
    assert "runs already" in done.stdout
    assert "Dashboard" in done.stdout


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_comes_back(desk: WholeDesk, name: str) -> None:
    killed = desk.kill(name)

    def is_back() -> bool:
        now = desk.process(name)
        return now["state"] == "running" and now["pid"] not in {None, killed}

    until(is_back, seconds=120, why=f"{name} did not come back")


def test_a_run_whose_worker_and_code_server_were_killed_does_not_stay_active(
    desk: WholeDesk,
) -> None:
    told = settings.load(desk.environment)
    dagster = Dagster(f"http://127.0.0.1:{told.dagster.port}", LOCATION)
    until(dagster.is_loaded, seconds=120, why="the pipeline was not loaded")
    run_id = dagster.launch("first_materialisation")

    def workers() -> list[reaper.Worker]:
        known = reaper.workers(told.database.url("dagster"))
        return [worker for worker in known if worker.run_id == run_id]

    until(lambda: bool(workers()), seconds=90, why="the run did not start")
    desk.kill("code-server")
    os.kill(workers()[0].pid, signal.SIGKILL)

    until(lambda: dagster.progress(run_id).is_final, seconds=60, why="the run stays active")
    assert dagster.progress(run_id).status == "FAILURE"
    with psycopg.connect(told.database.url("dagster")) as connection:
        held = connection.execute(
            "select count(*) from concurrency_slots where run_id = %s", [run_id]
        ).fetchone()
    assert held == (0,)


def test_the_next_up_adopts_what_a_killed_supervisor_left(desk: WholeDesk) -> None:
    before = {p["name"]: p["pid"] for p in desk.status()["processes"]}
    desk.kill_supervisor()
    assert desk.run("status").returncode == 3
    assert all(psutil.pid_exists(pid) for pid in before.values())

    done = desk.run("up", "--detach")

    assert done.returncode == 0, done.stdout + done.stderr
    assert {p["name"]: p["pid"] for p in desk.status()["processes"]} == before


def test_nobody_wants_to_leave_the_machine(desk: WholeDesk) -> None:
    outside = [
        (process.name(), connection.raddr)
        for process in desk.family()
        for connection in process.net_connections("inet")
        if connection.raddr and not connection.raddr.ip.removeprefix("::ffff:").startswith("127.")
    ]

    assert outside == []
    assert desk.trap.heard == []


def test_down_leaves_nothing_running(desk: WholeDesk) -> None:
    done = desk.run("down")

    assert done.returncode == 0, done.stdout + done.stderr
    assert [process.cmdline() for process in desk.family()] == []
    assert desk.run("status").returncode == 3
    assert "Nothing is running" in desk.run("down").stdout
