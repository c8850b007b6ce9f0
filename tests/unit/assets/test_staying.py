"""A run that sends stays for what is signed next, and does not ask the broker without end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from assets import orders
from ledger.desk import DeskLedger
from trading.sending import Report


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass
class Waits:
    """Tells how many legs wait, look by look; then none."""

    counts: list[int] = field(default_factory=list)

    def waiting_legs(self, *, not_leased_at: datetime) -> int:
        return self.counts.pop(0) if self.counts else 0


@dataclass
class Time:
    """Passes while one sleeps."""

    at: float = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def sent(counts: list[int], reports: list[Report], *, stay_seconds: float) -> tuple[Report, int]:
    left = list(reports)
    passing = Time()
    told = orders._sent(
        lambda: left.pop(0),
        cast("DeskLedger", Waits(counts)),
        Clock(),
        stay_seconds=stay_seconds,
        monotonic=passing.now,
        sleep=passing.sleep,
    )
    return told, len(reports) - len(left)


def test_a_run_that_does_not_stay_sends_once() -> None:
    assert sent([1, 1], [Report(sent=["a"])], stay_seconds=0)[1] == 1


def test_what_is_signed_meanwhile_goes_out_with_the_same_run() -> None:
    told, passes = sent([1], [Report(sent=["a"]), Report(sent=["b"])], stay_seconds=0.7)

    assert (told.sent, passes) == (["a", "b"], 2)


def test_what_waits_is_not_checked_again_at_every_look() -> None:
    waits = Report(waiting={"leg": "The market is closed."})

    told, passes = sent([1] * 18, [waits], stay_seconds=9)

    assert (passes, told.waiting) == (1, {"leg": "The market is closed."})


def test_what_waits_is_checked_again_in_the_end() -> None:
    waits = Report(waiting={"leg": "The market is closed."})

    told, passes = sent([1] * 20, [waits, Report(sent=["a"])], stay_seconds=12)

    assert (passes, told.sent, told.waiting) == (2, ["a"], {})


def test_a_run_that_met_a_problem_ends() -> None:
    assert sent([1], [Report(problem="429")], stay_seconds=60)[1] == 1
