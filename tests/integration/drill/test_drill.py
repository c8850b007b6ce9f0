"""The drill itself: every fault in a minute, clean; and nothing left of one that is stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.build import REPOSITORY
from countersign.drill.classes import FAULTS

pytestmark = [pytest.mark.desk, pytest.mark.long]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where drills make their desks; short, for the name of a socket must fit below it."""
    made = Path(tempfile.mkdtemp(prefix="drills-"))
    yield made
    shutil.rmtree(made)


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "countersign", "drill", *options]


def environment(folder: Path) -> dict[str, str]:
    folder.chmod(0o755)  # the database may run as another user
    # What a real desk may have been told must not reach the drill's.
    told = {"COUNTERSIGN_MODE": "live", "DESK_HOME": str(folder / "real")}
    return os.environ | told | {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder)}


def of_home(folder: Path) -> list[psutil.Process]:
    """Processes of desks below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            home = process.environ().get("TMPDIR") or ""
        except psutil.Error:
            continue
        if home == str(folder) and process.pid != os.getpid():
            found.append(process)
    return found


def test_every_fault_strikes_and_ledger_and_venue_agree(folder: Path) -> None:
    done = subprocess.run(
        command("--orders", "12", "--seed", "1"), cwd=REPOSITORY, env=environment(folder),
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["orders"] == 12
    wrong = ("duplicates", "lost", "unsigned", "unexplained", "limit_breaches")
    assert {name: told[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert list(told["faults"]) == list(FAULTS)
    # Many strike at the next send only, and a dozen legs are not sent often enough for all.
    assert sum(count > 0 for count in told["faults"].values()) >= 0.5 * len(FAULTS)
    assert list(folder.iterdir()) == []
    assert of_home(folder) == []


def test_a_drill_that_is_stopped_leaves_nothing_behind(folder: Path) -> None:
    drill = subprocess.Popen(
        command("--orders", "12"), cwd=REPOSITORY, env=environment(folder),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert drill.stderr is not None
    while "session 1" not in drill.stderr.readline():
        assert drill.poll() is None
    drill.send_signal(signal.SIGINT)

    said = drill.communicate(timeout=60)[1]
    assert drill.returncode == 130, said
    until = time.monotonic() + 10
    while of_home(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert of_home(folder) == []
    assert list(folder.iterdir()) == []


def test_a_wrong_fault_is_told_with_what_is_allowed(folder: Path) -> None:
    done = subprocess.run(
        command("--faults", "hault"), cwd=REPOSITORY, env=environment(folder),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert "hault" in done.stderr
    assert "halt " in done.stderr
