"""`./desk` on machines where it cannot install: it says what is missing and what to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from config.build import REPOSITORY

TOOLS = ("sh", "dirname", "cksum", "cat", "grep", "awk", "df", "cut", "rm")


class Machine:
    """A machine with nothing on PATH but the usual tools, and a checkout without `.venv`."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.bin = folder / "checkout", folder / "bin"
        self.checkout.mkdir()
        self.bin.mkdir()
        for name in ("desk", "requirements.lock", "requirements.bootstrap.lock"):
            shutil.copy(REPOSITORY / name, self.checkout / name)
        for name in TOOLS:
            found = shutil.which(name)
            assert found, name
            (self.bin / name).symlink_to(found)

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def desk(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.checkout / "desk", *words],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": str(self.bin)},
            timeout=30,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_python_it_asks_for_one(machine: Machine) -> None:
    done = machine.desk("up")

    assert done.returncode == 1
    assert "No Python was found" in done.stderr
    assert "DESK_PYTHON" in done.stderr


def test_an_old_python_is_named(machine: Machine) -> None:
    machine.program(
        "python3", 'case "$*" in *version_info*) exit 1;; -V) echo "Python 3.9.2";; esac'
    )

    done = machine.desk("up")

    assert done.returncode == 1
    assert "Python 3.9.2 is too old" in done.stderr
    assert "3.11" in done.stderr


def test_a_python_without_venv_names_the_package(machine: Machine) -> None:
    machine.program("python3.12", 'case "$*" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac')

    done = machine.desk("up")

    assert done.returncode == 1
    assert "apt-get install python3.12-venv" in done.stderr


def test_a_full_disk_is_told_before_anything_is_fetched(machine: Machine) -> None:
    machine.program("df", "echo Filesystem; echo '/dev/a 9 9 512000 99% /'")

    done = machine.desk("up")

    assert done.returncode == 1
    assert "Only 500 MB are free" in done.stderr
    assert not (machine.checkout / ".venv").exists()


def test_it_says_first_what_it_is_about_to_do(machine: Machine) -> None:
    machine.program("python3.11", 'case "$*" in *"-m venv"*) exit 1;; esac')

    done = machine.desk("up")

    assert done.stdout == ""  # a program that reads a command's output is not disturbed
    assert done.stderr.startswith("Installing 2")
    assert "packages" in done.stderr
    assert "about 2 GB on disk" in done.stderr
    assert "once" in done.stderr
    assert "could not be made" in done.stderr


def installed(machine: Machine, python: str) -> Path:
    """Put an interpreter into `.venv` as if the installation were finished."""
    path = machine.checkout / ".venv" / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{python}\n")
    path.chmod(0o755)
    stamp = subprocess.run(
        "cksum <requirements.lock; cksum <requirements.bootstrap.lock",
        shell=True,
        cwd=machine.checkout,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (machine.checkout / ".venv" / "installed").write_text(stamp)
    return path


def test_a_finished_installation_starts_python_once(machine: Machine) -> None:
    calls = machine.checkout / "calls"
    python = installed(machine, f'echo "$@" >> {calls}')

    assert machine.desk("status", "--json").returncode == 0
    assert calls.read_text() == "-m countersign status --json\n"

    (python.parent / "pip").symlink_to(python)
    (machine.checkout / "requirements.lock").write_text("one==1\n")
    assert "up to date (1 packages)" in machine.desk("status").stderr
    assert "--require-hashes" in calls.read_text()


def test_lock_fetches_uv_when_it_is_missing(machine: Machine) -> None:
    calls = machine.checkout / "calls"
    uv = machine.checkout / ".venv" / "bin" / "uv"
    (machine.bin / "chmod").symlink_to(str(shutil.which("chmod")))
    installed(
        machine,
        f'case "$*" in *bootstrap.lock) echo "$@" >> {calls}\n'
        f"printf '#!/bin/sh\\necho uv \"$@\" >> {calls}\\n' > {uv}; chmod +x {uv};; esac",
    )

    for _ in range(2):
        assert "Wrote requirements.lock" in machine.desk("lock", "--upgrade").stdout

    first, *others = calls.read_text().splitlines()
    assert first.startswith("-m pip install")
    assert first.endswith("requirements.bootstrap.lock")
    assert [line.split()[:4] for line in others] == 2 * [
        ["uv", "pip", "compile", "requirements.in"],
        ["uv", "pip", "compile", "requirements.bootstrap.in"],
    ]
    assert all(line.endswith("--upgrade") for line in others)
