"""A keeper starts its child, starts it again when it dies, adopts one it finds, and lets go."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from countersign.processes import children
from countersign.processes.children import Running, Spec
from countersign.processes.keeper import Keeper, Timing

QUICK = Timing(starting=0.02, running=0.05, alive=0.02)
SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


def until(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Kept:
    """A keeper under test; whatever still runs at the end is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes = 0
        self.pids: list[int] = []
        self.keepers: list[Keeper] = []

    def keep(self, spec: Spec, *, found: Running | None = None) -> Keeper:
        keeper = Keeper(
            spec,
            log=self.folder / f"{spec.name}.log",
            environment=dict(os.environ),
            folder=self.folder,
            changed=self._changed,
            found=found,
            timing=QUICK,
        )
        self.keepers.append(keeper)
        keeper.begin()
        return keeper

    def _changed(self) -> None:
        self.changes += 1

    def end(self) -> None:
        for keeper in self.keepers:
            keeper.release()
            if keeper.process:
                children.kill_group(keeper.process.pid)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    yield kept
    kept.end()


def pid_of(keeper: Keeper) -> int:
    assert keeper.process is not None
    return keeper.process.pid


def test_a_killed_child_is_started_again(kept: Kept) -> None:
    keeper = kept.keep(Spec(name="sleeper", command=SLEEPER))
    assert keeper.wait_healthy(10)
    first = pid_of(keeper)

    os.kill(first, signal.SIGKILL)

    until(lambda: keeper.process is not None and keeper.process.pid != first)
    until(lambda: keeper.state == "running")
    assert keeper.restarts == 1
    assert kept.changes > 0


def test_a_child_that_cannot_live_is_called_failed_with_its_last_words(kept: Kept) -> None:
    dies = (sys.executable, "-c", "raise SystemExit('no such bucket')")
    keeper = kept.keep(Spec(name="dies", command=dies, probe=lambda: False))

    until(lambda: keeper.state == "failed", seconds=30)
    assert "no such bucket" in keeper.detail
    assert "ended with code 1" in keeper.detail


def test_pauses_grow_between_restarts(kept: Kept) -> None:
    dies = (sys.executable, "-c", "")
    keeper = kept.keep(Spec(name="dies", command=dies, probe=lambda: False))

    started = time.monotonic()
    until(lambda: keeper.restarts == 3)
    # 0.5 s after the first death and 1 s after the second
    assert time.monotonic() - started > 1.5


def test_a_child_that_was_left_running_is_adopted(kept: Kept, tmp_path: Path) -> None:
    spec = Spec(name="sleeper", command=SLEEPER)
    left = children.start(spec, tmp_path / "left.log", os.environ, tmp_path)
    noted = {"pid": left.pid, "created": left.created, "fingerprint": spec.fingerprint}

    keeper = kept.keep(spec, found=children.adopted(noted, spec))

    assert keeper.wait_healthy(10)
    assert pid_of(keeper) == left.pid
    assert keeper.restarts == 0


def test_a_process_with_other_settings_or_another_start_time_is_not_adopted(
    tmp_path: Path,
) -> None:
    spec = Spec(name="sleeper", command=SLEEPER)
    left = children.start(spec, tmp_path / "left.log", os.environ, tmp_path)
    noted = {"pid": left.pid, "created": left.created, "fingerprint": spec.fingerprint}
    try:
        other = Spec(name="sleeper", command=SLEEPER, facts="other settings")
        assert children.adopted(noted, spec) is not None
        assert children.adopted(noted, other) is None
        assert children.adopted(noted | {"created": left.created - 60}, spec) is None
        assert children.adopted({}, spec) is None
    finally:
        children.wait_or_kill(left, spec, until=0)
    assert children.adopted(noted, spec) is None


def test_a_child_that_ignores_the_request_to_stop_is_killed_with_its_group(tmp_path: Path) -> None:
    stubborn = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    spec = Spec(name="stubborn", command=(sys.executable, "-c", stubborn))
    log = tmp_path / "log"
    process = children.start(spec, log, os.environ, tmp_path)
    until(lambda: log.read_text().strip().isdigit())
    grandchild = int(log.read_text())
    created = psutil.Process(grandchild).create_time()

    children.signal_to_stop(process, spec)
    children.wait_or_kill(process, spec, until=time.monotonic() + 0.3)

    assert not process.is_alive()
    until(lambda: not children.is_alive(grandchild, created))
