"""The replay waits for people and for the daily run; the clock ends what is past its time."""

from dataclasses import replace

from ledger import daily_runs, filed, market, proposals, reconciliations
from tests.integration.sending.desk import proposed
from tests.unit.worker.desks import CLOSE, NOON, SESSION, WorkerDesk
from worker.loop import Task
from worker.watch import _Reconciler, tasks


def the(name: str, at_work: WorkerDesk) -> Task:
    return next(task for task in tasks(at_work.desk) if task.name == name)


def propose(at_work: WorkerDesk) -> str:
    made = proposed()
    with at_work.desk.engine.begin() as conn:
        proposals.add(conn, made, desk_at=NOON)
    return made.proposal_id


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
        ("release", "undecided"),
    ]


def test_with_nothing_to_decide_the_replay_is_left_alone(at_work: WorkerDesk) -> None:
    the("replay", at_work).step()

    assert at_work.venue.asked == []


def test_the_replay_goes_on_only_after_the_sessions_run_is_done(at_work: WorkerDesk) -> None:
    replay = the("replay", at_work)
    at_work.venue.closed()

    replay.step()
    assert at_work.venue.asked == []
    with at_work.desk.engine.begin() as conn:
        daily_runs.start(conn, session=SESSION, desk_at=NOON)
    replay.step()
    assert at_work.venue.asked == []
    with at_work.desk.engine.begin() as conn:
        daily_runs.finish(conn, session=SESSION, proposals=0, desk_at=NOON)
    replay.step()

    assert at_work.venue.asked == [("session_done", SESSION)]


def test_a_run_that_failed_keeps_the_replay_waiting(at_work: WorkerDesk) -> None:
    at_work.venue.closed()
    with at_work.desk.engine.begin() as conn:
        daily_runs.start(conn, session=SESSION, desk_at=NOON)
        daily_runs.fail(conn, session=SESSION, detail="no bars", desk_at=NOON)

    the("replay", at_work).step()

    assert at_work.venue.asked == []


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


def test_a_word_of_the_broker_makes_it_compare_at_once(at_work: WorkerDesk) -> None:
    reconciler = _Reconciler(at_work.desk)
    reconciler.step()
    reconciler.step()  # nothing works and nothing was told: it waits
    reconciler.told.set()
    reconciler.step()
    reconciler.step()

    with at_work.desk.engine.connect() as conn:
        assert len(reconciliations.history(conn)) == 2
