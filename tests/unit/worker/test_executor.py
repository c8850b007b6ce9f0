"""What people ask for is done once, and the outcome is a sentence."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from ledger import audit, breakers, filed, new_id, requests, state
from ledger.requests import Request
from tests.integration.sending.desk import StandingClock, proposed
from tests.unit.worker.desks import NOON, WorkerDesk
from trading.breakers import Trip
from trading.ledger import Stamp
from trading.proposals import Proposal, code_of
from trading.state import TradingState
from worker import by_hand
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


def asked(at_work: WorkerDesk, kind: str, payload: dict[str, Any]) -> str:
    """A request that the executor has not looked at yet."""
    with at_work.desk.engine.begin() as conn:
        return requests.add(
            conn, kind=kind, payload=payload, person_id=at_work.people["maria"],
            idempotency_key=new_id(), desk_at=at_work.desk.clock.now(),
        ).request_id  # fmt: skip


def outcome(at_work: WorkerDesk, request_id: str) -> Request:
    with at_work.desk.engine.connect() as conn:
        found = requests.by_id(conn, request_id)
    assert found is not None
    return found


def in_force(at_work: WorkerDesk) -> str:
    with at_work.desk.engine.connect() as conn:
        return str(state.current(conn).state)


def by_maria(at_work: WorkerDesk, to: TradingState) -> None:
    """As `./desk halt` and its like do: straight in the ledger."""
    with at_work.desk.engine.begin() as conn:
        state.change(
            conn, to=to, reason="prices are wild", person_id=at_work.people["maria"],
            desk_at=at_work.desk.clock.now(),
        )  # fmt: skip


def by_a_breaker(at_work: WorkerDesk) -> None:
    with at_work.desk.engine.begin() as conn:
        state.tighten(
            conn, to=TradingState.HALTED, reason="The drawdown is 21 %.", process="breakers",
            desk_at=at_work.desk.clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize("seconds", [60, -60])  # the clock may be put back meanwhile
@pytest.mark.parametrize("halted", [lambda desk: by_maria(desk, TradingState.HALTED), by_a_breaker])
@pytest.mark.parametrize("kind", ["resume", "reduce"])
def test_what_was_asked_for_before_a_halt_does_not_relax_it(
    at_work: WorkerDesk, kind: str, halted: Callable[[WorkerDesk], None], seconds: int
) -> None:
    by_maria(at_work, TradingState.REDUCING)
    waits = asked(at_work, kind, {"reason": "the feed is back"})  # the executor is down
    cast("StandingClock", at_work.desk.clock).forward(seconds)
    halted(at_work)

    carry_out_next(at_work.desk)

    assert in_force(at_work) == "HALTED"
    found = outcome(at_work, waits)
    assert found.state == "refused"
    assert sentence(found).endswith("Look why it is HALTED now, then ask again.")
    assert at_work.asks(kind, {"reason": "I have looked"}).state == "done"


def test_a_halt_asked_for_again_is_not_ended_by_what_was_asked_before_it(
    at_work: WorkerDesk,
) -> None:
    by_maria(at_work, TradingState.HALTED)
    waits = asked(at_work, "resume", {"reason": "calm again"})
    asked(at_work, "halt", {"reason": "it is not"})

    carry_out_next(at_work.desk)
    carry_out_next(at_work.desk)

    assert in_force(at_work) == "HALTED"
    assert outcome(at_work, waits).state == "refused"


def test_a_halt_at_the_console_voids_what_was_asked_before_it_though_the_desk_is_halted(
    at_work: WorkerDesk,
) -> None:
    by_maria(at_work, TradingState.HALTED)
    waits = asked(at_work, "resume", {"reason": "calm again"})
    by_maria(at_work, TradingState.HALTED)

    carry_out_next(at_work.desk)

    assert in_force(at_work) == "HALTED"
    assert outcome(at_work, waits).state == "refused"


def test_reducing_again_voids_a_resume_that_was_asked_before_it(at_work: WorkerDesk) -> None:
    by_maria(at_work, TradingState.REDUCING)
    waits = asked(at_work, "resume", {"reason": "calm again"})
    by_maria(at_work, TradingState.REDUCING)

    carry_out_next(at_work.desk)

    assert in_force(at_work) == "REDUCING"
    assert outcome(at_work, waits).state == "refused"


@pytest.mark.parametrize("kind", ["reduce", "flatten"])
def test_a_resume_is_void_once_somebody_asked_to_reduce(at_work: WorkerDesk, kind: str) -> None:
    by_maria(at_work, TradingState.REDUCING)
    waits = asked(at_work, "resume", {"reason": "calm again"})
    cast("StandingClock", at_work.desk.clock).forward(1)
    later = asked(at_work, kind, {"reason": "it is not"})

    carry_out_next(at_work.desk)
    assert in_force(at_work) == "REDUCING"
    assert outcome(at_work, waits).state == "refused"
    carry_out_next(at_work.desk)

    assert in_force(at_work) == "REDUCING"
    assert outcome(at_work, later).state in {"done", "refused"}
    assert at_work.asks("resume", {"reason": "I have looked"}).state == "done"


def test_two_who_ask_to_reduce_a_halted_desk_do_not_hinder_one_another(at_work: WorkerDesk) -> None:
    by_maria(at_work, TradingState.HALTED)
    both = [asked(at_work, "reduce", {"reason": "calm again"}) for _ in range(2)]

    for _ in both:
        carry_out_next(at_work.desk)

    assert in_force(at_work) == "REDUCING"
    assert outcome(at_work, both[0]).state == "done"


@pytest.mark.parametrize("before", [TradingState.REDUCING, TradingState.HALTED])
def test_a_breaker_that_trips_anew_is_not_dismissed_by_what_was_asked_before_it(
    at_work: WorkerDesk, before: TradingState
) -> None:
    by_maria(at_work, before)
    waits = asked(at_work, "resume", {"reason": "calm again"})
    lost = Trip("breaker_daily_loss", "2012-07-03", TradingState.REDUCING, "The desk lost 6 %.")
    at = Stamp(at_work.desk.clock.now(), at_work.desk.market.now(), "breakers")
    with at_work.desk.engine.begin() as conn:
        breakers.trip(conn, [lost], at=at)

    carry_out_next(at_work.desk)

    assert in_force(at_work) == str(before)
    assert outcome(at_work, waits).state == "refused"


def test_a_halt_asked_for_before_a_resume_does_not_void_it_when_it_is_carried_out(
    at_work: WorkerDesk,
) -> None:
    by_maria(at_work, TradingState.HALTED)  # and, as `./desk halt` does, for the open orders:
    asked(at_work, "halt", {"reason": "prices are wild"})
    looked = asked(at_work, "resume", {"reason": "I have looked"})

    carry_out_next(at_work.desk)
    carry_out_next(at_work.desk)

    assert in_force(at_work) == "ACTIVE"
    assert outcome(at_work, looked).state == "done"


def test_a_halt_is_carried_out_before_what_was_asked_earlier(at_work: WorkerDesk) -> None:
    waits = [asked(at_work, "reprice", {"proposal_id": new_id()}) for _ in range(2)]
    cast("StandingClock", at_work.desk.clock).forward(1)
    halted = asked(at_work, "halt", {"reason": "prices are wild"})

    carry_out_next(at_work.desk)

    assert in_force(at_work) == "HALTED"
    assert outcome(at_work, halted).state == "done"
    assert {outcome(at_work, one).state for one in waits} == {"waiting"}


def test_a_trade_entered_by_hand_is_proposed_once(
    at_work: WorkerDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = iter((Decimal("195.83"), Decimal("195.90")))  # another one when it is done again

    def drafted(_viewer: object, _ticket: object, *, proposal_id: str, person_id: str) -> Proposal:
        made = proposed()
        leg = replace(made.legs[0], reference_price=next(prices))
        return replace(
            made, proposal_id=proposal_id, code=code_of(proposal_id), entered_by=person_id,
            legs=(leg,), model_version=None, reason="Results.",
        )  # fmt: skip

    monkeypatch.setattr(by_hand, "viewing", lambda _desk: nullcontext())
    monkeypatch.setattr(by_hand, "hand_proposal", drafted)
    ticket = {
        "symbol": "IBM", "side": "buy", "quantity": "20", "limit_price": "195.93",
        "stop_loss_price": "186.71", "reason": "Results.",
    }  # fmt: skip
    waits = asked(at_work, "propose_by_hand", ticket)
    with at_work.desk.engine.begin() as conn:
        taken = requests.take(conn, kinds=requests.KINDS, owner="executor", desk_at=NOON)
    assert taken is not None
    first = by_hand.propose_by_hand(at_work.desk, taken)  # and the executor dies here
    cast("StandingClock", at_work.desk.clock).forward(180)

    carry_out_next(at_work.desk)

    found = outcome(at_work, waits)
    assert (found.state, sentence(found)) == ("done", first)
    with at_work.desk.engine.connect() as conn:
        assert len(filed.open_ones(conn)) == 1


def test_a_resume_is_finished_with_the_change_it_makes(
    at_work: WorkerDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_maria(at_work, TradingState.REDUCING)
    waits = asked(at_work, "resume", {"reason": "the feed is back"})

    class KilledError(Exception):
        """The executor dies between the deed and writing what came of it."""

    def die(*_told: object) -> None:
        raise KilledError

    monkeypatch.setattr("worker.executor.log.info", die)
    with pytest.raises(KilledError):
        carry_out_next(at_work.desk)

    found = outcome(at_work, waits)
    assert (found.state, sentence(found)) == ("done", "The desk is ACTIVE.")


def test_a_resume_whose_taker_fell_silent_does_not_end_a_later_halt(at_work: WorkerDesk) -> None:
    by_maria(at_work, TradingState.REDUCING)
    waits = asked(at_work, "resume", {"reason": "the feed is back"})
    with at_work.desk.engine.begin() as conn:
        requests.take(conn, kinds=requests.KINDS, owner="executor", desk_at=NOON)
    by_a_breaker(at_work)
    cast("StandingClock", at_work.desk.clock).forward(180)

    carry_out_next(at_work.desk)

    assert (in_force(at_work), outcome(at_work, waits).state) == ("HALTED", "refused")


def test_what_came_of_a_request_is_told_once(at_work: WorkerDesk) -> None:
    done = at_work.asks("reduce", {"reason": "lunch"})

    with at_work.desk.engine.connect() as conn:
        told = [row.action for row in audit.entries(conn, subject=done.request_id)]
    assert told == ["request.done", "request.reduce"]


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
