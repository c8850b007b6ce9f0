"""The replay waits for people and for the daily run; the clock ends what is past its time."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest
import sqlalchemy as sa

from ledger import (
    daily_runs,
    filed,
    market,
    new_id,
    proposals,
    reconciliations,
    signatures,
    state,
)
from ledger.tables import limit_overrides
from tests.integration.sending.desk import StandingClock, proposed
from tests.unit.dashboard import rows
from tests.unit.worker.desks import CLOSE, NOON, OPEN, SESSION, WorkerDesk
from trading.ledger import Stamp
from trading.proposals import Proposal
from trading.tactics.tactic import Tactic
from worker.loop import Task
from worker.watch import _Reconciler, tasks

RELEASED = ("release", "undecided")


def the(name: str, at_work: WorkerDesk) -> Task:
    return next(task for task in tasks(at_work.desk) if task.name == name)


def propose(at_work: WorkerDesk, made: Proposal | None = None) -> str:
    made = made or proposed()
    with at_work.desk.engine.begin() as conn:
        proposals.add(conn, made, desk_at=NOON)
    return made.proposal_id


def sign(at_work: WorkerDesk, proposal_id: str) -> None:
    with at_work.desk.engine.begin() as conn:
        found = filed.by_id(conn, proposal_id)
        assert found is not None
        outcome = signatures.sign(
            conn, proposal_id=proposal_id, person_id=at_work.people["maria"],
            content_hash=found.content_hash, price=Decimal("195.83"), market_at=OPEN, desk_at=NOON,
        )  # fmt: skip
    assert outcome.state == "signed", outcome


def close_leg(at_work: WorkerDesk, proposal_id: str) -> None:
    with at_work.desk.engine.connect() as conn:
        [leg] = filed.legs_of(conn, proposal_id)
    at_work.desk.ledger.close_leg(
        leg.leg_id, code="drifted", sentence="The price moved.", at=Stamp(NOON, OPEN, "dispatch")
    )


def withdraw_all(at_work: WorkerDesk) -> None:
    with at_work.desk.engine.begin() as conn:
        proposals.expire(conn, market_at=CLOSE, desk_at=NOON)


def test_an_undecided_proposal_holds_the_replay_and_deciding_releases_it(
    at_work: WorkerDesk,
) -> None:
    replay = the("replay", at_work)
    propose(at_work)

    replay.step()
    withdraw_all(at_work)
    replay.step()
    replay.step()

    assert at_work.venue.asked == [
        ("hold", "undecided", "1 proposal to decide"),
        RELEASED,
    ]


def test_what_was_signed_last_holds_the_replay_until_it_is_sent(at_work: WorkerDesk) -> None:
    # Found in use: sending takes seconds, in which the replay reached the end of the signature.
    replay = the("replay", at_work)
    made = propose(at_work)
    replay.step()
    sign(at_work, made)

    replay.step()
    close_leg(at_work, made)
    replay.step()

    assert at_work.venue.asked == [
        ("hold", "undecided", "1 proposal to decide"),
        ("hold", "undecided", "1 signed order to send"),
        RELEASED,
    ]


def test_a_leased_order_holds_the_replay_too(at_work: WorkerDesk) -> None:
    sign(at_work, propose(at_work))
    at_work.desk.ledger.lease_leg(
        owner="run/1", now=NOON, until=NOON + timedelta(minutes=1), skip=frozenset()
    )

    the("replay", at_work).step()

    assert at_work.venue.asked == [("hold", "undecided", "1 signed order to send")]


@pytest.mark.parametrize("seconds", [121, -121])
def test_a_desk_that_cannot_send_holds_the_replay_for_two_minutes(
    at_work: WorkerDesk, seconds: int
) -> None:
    replay = the("replay", at_work)
    sign(at_work, propose(at_work))
    replay.step()

    cast("StandingClock", at_work.desk.clock).forward(seconds)
    replay.step()

    assert at_work.venue.asked == [
        ("hold", "undecided", "1 signed order to send"),
        RELEASED,
    ]


def test_the_replay_does_not_wait_for_an_order_whose_time_is_over(at_work: WorkerDesk) -> None:
    sign(at_work, propose(at_work))
    at_work.venue.closed()

    the("replay", at_work).step()

    assert at_work.venue.asked == [RELEASED]


def test_the_replay_goes_on_for_an_order_that_is_worked_in_parts(at_work: WorkerDesk) -> None:
    whole = proposed()
    [leg] = whole.legs
    tactic = Tactic(kind="twap", starts_at=OPEN, ends_at=CLOSE, slices=2)
    sign(at_work, propose(at_work, replace(whole, legs=(replace(leg, tactic=tactic),))))

    the("replay", at_work).step()

    assert at_work.venue.asked == [RELEASED]


def test_with_nothing_to_decide_a_hold_that_an_earlier_process_left_is_withdrawn_once(
    at_work: WorkerDesk,
) -> None:
    replay = the("replay", at_work)

    replay.step()
    replay.step()

    assert at_work.venue.asked == [RELEASED]


def test_the_replay_goes_on_only_after_the_sessions_run_is_done(at_work: WorkerDesk) -> None:
    replay = the("replay", at_work)
    at_work.venue.closed()

    replay.step()
    assert at_work.venue.asked == [RELEASED]
    with at_work.desk.engine.begin() as conn:
        daily_runs.start(conn, session=SESSION, desk_at=NOON)
    replay.step()
    assert at_work.venue.asked == [RELEASED]
    with at_work.desk.engine.begin() as conn:
        daily_runs.finish(conn, session=SESSION, proposals=0, desk_at=NOON)
    replay.step()

    assert at_work.venue.asked == [RELEASED, ("session_done", SESSION)]


def test_a_run_that_failed_keeps_the_replay_waiting(at_work: WorkerDesk) -> None:
    at_work.venue.closed()
    with at_work.desk.engine.begin() as conn:
        daily_runs.start(conn, session=SESSION, desk_at=NOON)
        daily_runs.fail(conn, session=SESSION, detail="no bars", desk_at=NOON)

    the("replay", at_work).step()

    assert at_work.venue.asked == [RELEASED]


def test_the_clock_is_written_down_and_ends_proposals_past_their_time(at_work: WorkerDesk) -> None:
    made = propose(at_work)
    at_work.venue.told = replace(at_work.venue.told, now=CLOSE, is_open=False)

    the("clock", at_work).step()

    with at_work.desk.engine.connect() as conn:
        clock, found = market.latest_clock(conn), filed.by_id(conn, made)
    assert clock is not None
    assert found is not None
    assert (clock.now, clock.early_close) == (CLOSE, True)
    assert found.state == "expired"


def test_what_waits_for_a_session_that_never_comes_ends_with_the_replay(
    at_work: WorkerDesk,
) -> None:
    made = propose(at_work)
    at_work.venue.told = replace(at_work.venue.told, state="ended", is_open=False)

    the("clock", at_work).step()

    with at_work.desk.engine.connect() as conn:
        found = filed.by_id(conn, made)
    assert found is not None
    assert found.state == "expired"


def test_without_a_replay_there_is_nobody_to_hold(at_work: WorkerDesk) -> None:
    names = {task.name for task in tasks(replace(at_work.desk, venue=None))}

    assert "replay" not in names
    assert names >= {"clock", "quotes", "reconciliation", "heartbeat of watch"}


def test_after_an_unclean_comparison_the_next_does_not_wait(at_work: WorkerDesk) -> None:
    # Found by the drill: one lost answer kept signed legs waiting for half a minute.
    task = the("reconciliation", at_work)
    at_work.broker.away = {"positions"}
    task.step()
    at_work.broker.away = set()
    task.step()
    task.step()  # the second was clean, so this one waits

    with at_work.desk.engine.connect() as conn:
        assert [one.clean for one in reconciliations.history(conn)] == [True, False]


def test_it_compares_at_once_after_the_clock_was_put_back(at_work: WorkerDesk) -> None:
    task = the("reconciliation", at_work)
    task.step()
    cast("StandingClock", at_work.desk.clock).forward(-3600)
    task.step()
    task.step()

    with at_work.desk.engine.connect() as conn:
        told = [one.finished_at for one in reconciliations.history(conn)]
    assert told == [NOON - timedelta(hours=1), NOON]


@pytest.mark.parametrize(("seconds", "state_after"), [(119, "ACTIVE"), (121, "REDUCING")])
def test_after_the_clock_was_put_back_the_broker_s_silence_counts_from_there(
    at_work: WorkerDesk, seconds: int, state_after: str
) -> None:
    clock = cast("StandingClock", at_work.desk.clock)
    breakers, comparing = the("circuit breakers", at_work), the("reconciliation", at_work)
    comparing.step()
    breakers.step()
    clock.forward(-3600)
    breakers.step()  # before it was compared again

    clock.forward(seconds)
    breakers.step()

    with at_work.desk.engine.connect() as conn:
        assert str(state.current(conn).state) == state_after


def test_a_word_of_the_broker_makes_it_compare_at_once(at_work: WorkerDesk) -> None:
    reconciler = _Reconciler(at_work.desk)
    reconciler.step()
    reconciler.step()  # nothing works and nothing was told: it waits
    reconciler.told.set()
    reconciler.step()
    reconciler.step()

    with at_work.desk.engine.connect() as conn:
        assert len(reconciliations.history(conn)) == 2


def at_a_pace(at_work: WorkerDesk, seconds: float) -> _Reconciler:
    """Its comparisons stay unclean; the broker is one that bears to be asked so often."""
    at_work.broker.holdings = {"MSFT": Decimal(7)}
    told = at_work.desk.settings
    paced = told.broker.model_copy(update={"look_seconds": seconds})
    settings = told.model_copy(update={"broker": paced})
    return _Reconciler(replace(at_work.desk, settings=settings))


def looks(at_work: WorkerDesk) -> int:
    with at_work.desk.engine.connect() as conn:
        return len(reconciliations.history(conn, last=1000))


def test_a_broker_is_asked_at_its_pace_and_at_once_when_it_says_something(
    at_work: WorkerDesk,
) -> None:
    reconciler = at_a_pace(at_work, 10)
    clock = cast("StandingClock", at_work.desk.clock)
    seen = []
    for told in (False, False, True, False, False):
        if told:
            reconciler.told.set()
        reconciler.step()
        seen.append(looks(at_work))
        clock.forward(5)

    # At 0 s; at 10 s, as it is told; at 20 s, for which 10 have passed again.
    assert seen == [1, 1, 2, 2, 3]


def test_a_broker_that_goes_on_and_on_is_heard_at_twice_its_pace(at_work: WorkerDesk) -> None:
    reconciler = at_a_pace(at_work, 10)
    seen = []
    for _ in range(150):  # five minutes of updates
        reconciler.told.set()
        reconciler.step()
        seen.append(looks(at_work))
        cast("StandingClock", at_work.desk.clock).forward(2)

    assert seen[:20] == list(range(1, 21))  # a burst is heard at once
    assert seen[-1] <= 20 + 300 / 5


def override(at_work: WorkerDesk, name: str, value: str) -> None:
    """As `./desk limit` makes one, or as an older desk left it."""
    with at_work.desk.engine.begin() as conn:
        conn.execute(
            sa.insert(limit_overrides).values(
                override_id=new_id(), account_id="PA-1", name=name, value=Decimal(value),
                reason="earnings season", person_id=at_work.people["maria"], created_at=NOON,
                expires_at=NOON + timedelta(days=1),
            )
        )  # fmt: skip


def lose(at_work: WorkerDesk, share: str) -> None:
    """Since the last close, of an equity that was 100,400 USD at its best."""
    with at_work.desk.engine.begin() as conn:
        rows.fill_market(conn, heard_at=NOON)
        account = market.latest_account(conn)
        assert account is not None
        market.record_account(conn, replace(account, equity=account.equity * (1 - Decimal(share))))


@pytest.mark.parametrize(
    ("lost", "limit", "state_after"),
    [("0.045", "0.03", "REDUCING"), ("0.055", "0.06", "ACTIVE")],  # 5 % by default
)
def test_an_override_of_a_breaker_s_limit_counts(
    at_work: WorkerDesk, lost: str, limit: str, state_after: str
) -> None:
    lose(at_work, lost)
    override(at_work, "daily_loss_reduce", limit)

    the("circuit breakers", at_work).step()

    with at_work.desk.engine.connect() as conn:
        assert str(state.current(conn).state) == state_after


def test_breakers_go_by_the_configured_limits_where_an_override_makes_no_sense(
    at_work: WorkerDesk,
) -> None:
    lose(at_work, "0.055")
    override(at_work, "no_such_limit", "1")

    the("circuit breakers", at_work).step()

    with at_work.desk.engine.connect() as conn:
        assert str(state.current(conn).state) == "REDUCING"
