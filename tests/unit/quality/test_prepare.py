"""The machine code that is loaded ahead is the one that judges."""

from datetime import date

from quality.calendar import exchange
from quality.rules import history, prepare
from quality.rules.daily import judge_daily
from tests.unit.quality.market import quiet


def test_the_code_loaded_ahead_is_that_of_every_judgement() -> None:
    calendar = exchange()
    frame = quiet("A", calendar.sessions(date(2021, 1, 4), date(2021, 3, 31)), 40.0)

    prepare.ready()
    for whole_file in (False, True):
        judge_daily(frame, calendar=calendar, whole_file=whole_file)

    assert len(history._all_series.signatures) == 1
