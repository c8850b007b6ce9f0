"""After a silence of its own the desk only reduces, until ledger and broker have been compared."""

from datetime import datetime, timedelta

import pytest

from ledger import heartbeats, silence, state
from ledger.desk import DeskLedger
from tests.integration.ledger.cases import NOON, OPEN, Case
from trading.ledger import Difference, Stamp
from trading.state import TradingState

LONGEST = timedelta(seconds=120)
WRONG = Difference("unknown_position", "IBM", "IBM", "Nobody bought 5 IBM.", grave=True)
ACTIVE, REDUCING, HALTED = TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED


def beat(case: Case, at: datetime) -> None:
    with case.ledger.begin() as conn:
        silence.noticed(conn, process="watch", longest=LONGEST, desk_at=at)
        heartbeats.beat(conn, process="watch", pid=1, build="b", desk_at=at)


def compare(case: Case, *found: Difference, at: datetime) -> None:
    DeskLedger(case.ledger).finish_reconciliation(
        started_at=at, differences=found, at=Stamp(desk_at=at, market_at=OPEN, source="test")
    )


def now(case: Case) -> TradingState:
    with case.ledger.connect() as conn:
        return state.current(conn).state


@pytest.mark.parametrize(("seconds", "expected"), [(0, ACTIVE), (120, ACTIVE), (121, REDUCING)])
def test_only_a_silence_longer_than_allowed_reduces(
    case: Case, seconds: int, expected: TradingState
) -> None:
    beat(case, NOON)
    beat(case, NOON + timedelta(seconds=seconds))

    assert now(case) is expected


def test_a_desk_that_never_ran_was_not_silent(case: Case) -> None:
    beat(case, NOON)

    assert now(case) is ACTIVE


@pytest.fixture
def silent(case: Case) -> Case:
    """A desk back after an hour."""
    beat(case, NOON)
    beat(case, NOON + timedelta(hours=1))
    assert now(case) is REDUCING
    return case


BACK = NOON + timedelta(hours=1, seconds=10)
LATER = NOON + timedelta(hours=1, seconds=40)


def test_it_ends_when_ledger_and_broker_agree(silent: Case) -> None:
    compare(silent, at=BACK)

    assert now(silent) is ACTIVE
    with silent.ledger.connect() as conn:
        told = [(e.from_state, e.to_state, e.set_by) for e in state.history(conn, last=2)]
    assert told == [(REDUCING, ACTIVE, state.SILENCE), (ACTIVE, REDUCING, state.SILENCE)]


def test_a_grave_difference_leaves_it_to_a_person(silent: Case) -> None:
    compare(silent, WRONG, at=BACK)
    compare(silent, at=LATER)

    assert now(silent) is REDUCING


def test_what_a_person_wants_meanwhile_stands(silent: Case) -> None:
    with silent.ledger.begin() as conn:
        state.change(
            conn, to=REDUCING, reason="I look first.", person_id=silent.person["Jan"], desk_at=BACK
        )
    compare(silent, at=LATER)

    assert now(silent) is REDUCING


def test_a_halt_outlasts_a_silence(case: Case) -> None:
    beat(case, NOON)
    with case.ledger.begin() as conn:
        state.change(conn, to=HALTED, reason="Stop.", person_id=case.person["Jan"], desk_at=NOON)
    beat(case, NOON + timedelta(hours=1))
    compare(case, at=BACK)

    assert now(case) is HALTED
