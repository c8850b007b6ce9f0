"""Two workers share a study in PostgreSQL, and one that is killed costs the trial it was in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.optuna.study import Scored, StudyUnreachableError, search
from tests.integration.training.shared_worker import SPACE

WORKER = "tests.integration.training.shared_worker"
ROOT = Path(__file__).parents[3]
NEVER = 0

pytestmark = [pytest.mark.timeout(240), pytest.mark.long]


def worker(address: str, *, trials: int, stop_in: int = NEVER) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", WORKER, address, "shared", str(trials), str(stop_in)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(one: subprocess.Popen[str]) -> tuple[list[int], int]:
    """Numbers of the trials it began, and how many it says it made."""
    lines = one.communicate(timeout=200)[0].split("\n")
    assert one.returncode == 0
    begun = [int(line.removeprefix("trial ")) for line in lines if line.startswith("trial ")]
    made = [int(line.removeprefix("made ")) for line in lines if line.startswith("made ")]
    return begun, made[0]


def refuse(_number: int, _drawn: dict[str, float]) -> Scored:
    raise AssertionError("nothing is left to try")


def test_two_workers_share_the_trials_of_one_study(postgres_dsn: str) -> None:
    search(SPACE, lambda _n, _d: Scored(1.0), name="shared", trials=1, seed=7, storage=postgres_dsn)

    pair = [worker(postgres_dsn, trials=12) for _ in range(2)]
    (one, n_one), (two, n_two) = (finished(each) for each in pair)

    assert not set(one) & set(two)  # no trial was made twice
    study = search(SPACE, refuse, name="shared", trials=12, seed=7, storage=postgres_dsn)
    assert len(study) == 1 + n_one + n_two
    # Whoever began the last trial before the twelfth was done finishes it: one too many at most.
    assert 12 <= len(study) <= 13
    assert all(tried.state == "complete" for tried in study)


def test_a_worker_killed_in_a_trial_costs_that_trial_alone(postgres_dsn: str) -> None:
    with worker(postgres_dsn, trials=6, stop_in=3) as killed:
        assert killed.stdout is not None
        for _ in range(3):
            killed.stdout.readline()
        killed.kill()

    begun, _ = finished(worker(postgres_dsn, trials=6))

    study = search(SPACE, refuse, name="shared", trials=6, seed=7, storage=postgres_dsn)
    assert begun == [3, 4, 5, 6]  # the two it had finished were not made again
    assert [tried.state for tried in study] == ["complete"] * 2 + ["running"] + ["complete"] * 4
    assert [tried.returns for tried in study if tried.number != 2] == [
        (float(number), 0.5) for number in (0, 1, 3, 4, 5, 6)
    ]


def test_without_its_database_the_search_says_what_to_do() -> None:
    nowhere = "postgresql://desk:secret@127.0.0.1:1/optuna"

    with pytest.raises(StudyUnreachableError, match=r"See that PostgreSQL runs"):
        search(SPACE, refuse, name="shared", trials=1, seed=7, storage=nowhere)
