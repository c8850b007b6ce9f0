"""What people ask for is done once, and the outcome is a sentence."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ledger import requests, state
from ledger.requests import Request
from tests.unit.worker.desks import WorkerDesk
from worker.executor import carry_out_next

VENUE_REQUESTS: list[tuple[str, dict[str, Any], tuple[Any, ...], str]] = [
    ("venue_run", {}, ("run",), "The replay runs."),
    ("venue_pause", {}, ("pause",), "The replay stands."),
    ("venue_step", {"minutes": 30}, ("step", 30), "The replay moved by 30 minutes."),
    ("venue_jump", {"to": "next_open"}, ("jump", "next_open"), "The replay jumped to next open."),
    (
        "venue_pace", {"minutes_per_second": "2.5"}, ("pace", Decimal("2.5")),
        "2.5 market minutes pass in a second.",
    ),
]  # fmt: skip


def sentence(asked: Request) -> str:
    assert asked.outcome is not None
    return str(asked.outcome["sentence"])


@pytest.mark.parametrize(("kind", "payload", "done", "said"), VENUE_REQUESTS)
def test_the_replay_does_what_it_is_asked(
    at_work: WorkerDesk, kind: str, payload: dict[str, Any], done: tuple[Any, ...], said: str
) -> None:
    asked = at_work.asks(kind, payload)

    assert (asked.state, sentence(asked)) == ("done", said)
    assert at_work.venue.asked == [done]
    assert asked.finished_at is not None


def test_what_the_venue_refuses_is_told_in_its_words(at_work: WorkerDesk) -> None:
    at_work.venue.refuses = "The replay has ended."

    asked = at_work.asks("venue_run")

    assert (asked.state, sentence(asked)) == ("refused", "The replay has ended.")


def test_halt_cancels_what_is_open_and_holds(at_work: WorkerDesk) -> None:
    asked = at_work.asks("halt", {"reason": "the feed looks odd"})

    assert asked.state == "done"
    assert sentence(asked) == "HALTED. 0 open orders were cancelled, none is left."
    with at_work.desk.engine.connect() as conn:
        now = state.current(conn)
    assert (str(now.state), now.reason) == ("HALTED", "the feed looks odd")


def test_halt_holds_although_the_broker_is_away(at_work: WorkerDesk) -> None:
    at_work.broker.away.add("open_orders")

    asked = at_work.asks("halt", {"reason": "the feed looks odd"})

    assert sentence(asked).startswith("HALTED. Open orders could not be read")
    with at_work.desk.engine.connect() as conn:
        assert str(state.current(conn).state) == "HALTED"


def test_a_person_reduces_and_resumes(at_work: WorkerDesk) -> None:
    reduced = at_work.asks("reduce", {"reason": "lunch"})
    resumed = at_work.asks("resume", {"reason": "back"})

    assert (sentence(reduced), sentence(resumed)) == (
        "The desk is REDUCING.",
        "The desk is ACTIVE.",
    )


def test_a_viewer_may_not_change_the_state_of_the_desk(at_work: WorkerDesk) -> None:
    asked = at_work.asks("resume", {"reason": "please"}, by="eva")

    assert asked.state == "refused"
    with at_work.desk.engine.connect() as conn:
        assert str(state.current(conn).state) == "ACTIVE"


def test_an_order_nobody_knows_cannot_be_cancelled(at_work: WorkerDesk) -> None:
    asked = at_work.asks("cancel_order", {"client_order_id": "cs-none"})

    assert (asked.state, sentence(asked)) == ("refused", "There is no order cs-none.")


@pytest.mark.parametrize("kind", ["release_row", "confirm_row"])
def test_only_a_steward_decides_about_a_held_row(at_work: WorkerDesk, kind: str) -> None:
    asked = at_work.asks(kind, {"quarantine_id": "q1", "reason": "looked"})

    assert asked.state == "refused"
    assert sentence(asked) == "Deciding about a held row needs the role steward."


def test_without_a_replay_the_controls_say_so(at_work: WorkerDesk) -> None:
    at_work.desk = replace(at_work.desk, venue=None)

    asked = at_work.asks("venue_run")

    assert sentence(asked) == "There is no replay: this desk follows a real market."


def test_nothing_waits_and_nothing_is_done(at_work: WorkerDesk) -> None:
    carry_out_next(at_work.desk)

    with at_work.desk.engine.connect() as conn:
        assert requests.latest(conn) == []


def test_every_kind_that_can_be_asked_has_a_deed(at_work: WorkerDesk) -> None:
    for kind in requests.KINDS:
        payload = {
            "to": "close", "minutes_per_second": "1", "client_order_id": "x",
            "proposal_id": "01a1fc1c-237e-775d-add3-784c56da58a3", "quarantine_id": "q",
        }  # fmt: skip
        assert at_work.asks(kind, payload).state in {"done", "refused"}, kind
