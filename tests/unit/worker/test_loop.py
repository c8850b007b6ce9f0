"""A worker's loop: patient with services, deaf to nothing else, and quick to end."""

import threading
from collections.abc import Callable

import pytest

from trading.errors import NotAllowedError, RetryError
from worker.loop import Task, run


class Waits(threading.Event):
    """An event that notes how long it was waited for, and does not wait."""

    def __init__(self, *, last: int) -> None:
        super().__init__()
        self.asked: list[float] = []
        self._last = last

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        if len(self.asked) >= self._last:
            self.set()
        return self.is_set()


def failing(error: Exception, *, times: int) -> Callable[[], None]:
    left = [times]

    def step() -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return step


def test_a_task_is_repeated_at_its_pace_until_told_to_stop() -> None:
    done: list[int] = []
    stop = Waits(last=3)

    run(Task("count", lambda: done.append(1), 0.25), stop)

    assert len(done) == 3
    assert stop.asked == [0.25, 0.25, 0.25]


def test_nothing_is_done_after_stop() -> None:
    done: list[int] = []
    stop = threading.Event()
    stop.set()

    run(Task("count", lambda: done.append(1), 0.0), stop)

    assert done == []


@pytest.mark.parametrize("error", [RetryError("away"), NotAllowedError("no")])
def test_a_service_that_is_away_is_waited_for_longer_each_time(error: Exception) -> None:
    stop = Waits(last=12)

    run(Task("ask", failing(error, times=12), 1.0), stop)

    # Between half and all of 2, 4, 8, 16, then 30 seconds.
    most = [2.0, 4.0, 8.0, 16.0, *[30.0] * 8]
    for waited, longest in zip(stop.asked, most, strict=True):
        assert longest / 2 <= waited <= longest


def test_after_an_answer_the_pace_is_the_usual_one() -> None:
    stop = Waits(last=4)

    run(Task("ask", failing(RetryError("away"), times=2), 1.0), stop)

    assert stop.asked[2:] == [1.0, 1.0]


def test_an_error_nobody_foresaw_ends_the_loop() -> None:
    with pytest.raises(ZeroDivisionError):
        run(Task("break", failing(ZeroDivisionError(), times=1), 1.0), Waits(last=9))
