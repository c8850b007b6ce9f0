"""Alerts, runs, daily runs and heartbeats."""

from datetime import timedelta

import pytest

from ledger import alerts, daily_runs, heartbeats, runs, transact
from tests.integration.ledger.cases import NOON, SECOND, SESSION, Case, at_once
from trading.errors import NotAllowedError


def _raise(case: Case, *, kind: str = "unknown_order", subject: str = "IBM") -> alerts.Alert | None:
    return transact(
        case.ledger,
        lambda conn: alerts.raise_once(
            conn,
            severity="critical",
            kind=kind,
            subject=subject,
            message="The broker has an order of IBM that is not ours.",
            desk_at=case.desk_at(),
        ),
    )


def test_a_condition_that_lasts_is_one_alert(case: Case) -> None:
    raised = at_once([lambda: _raise(case)] * 8)

    assert sum(alert is not None for alert in raised) == 1
    assert _raise(case, subject="MSFT") is not None
    with case.ledger.connect() as conn:
        assert [alert.subject for alert in alerts.unacknowledged(conn)] == ["MSFT", "IBM"]
    case.assert_chain_holds()


def test_an_acknowledged_condition_is_raised_anew(case: Case) -> None:
    first = _raise(case)
    assert first is not None
    with case.ledger.begin() as conn:
        seen = [
            alerts.acknowledge(
                conn, alert_id=first.alert_id, person_id=case.person[name], desk_at=NOON
            )
            for name in ("Maria", "Jan")
        ]

    assert seen[0] is not None
    assert seen[0].acknowledged_by == case.person["Maria"]
    assert seen[1] is None
    assert case.audited(first.alert_id, "alert.acknowledge") == 1
    assert _raise(case) is not None


def test_a_viewer_acknowledges_nothing_and_severities_are_known(case: Case) -> None:
    alert = _raise(case)
    assert alert is not None
    with case.ledger.begin() as conn:
        with pytest.raises(NotAllowedError):
            alerts.acknowledge(
                conn, alert_id=alert.alert_id, person_id=case.person["Vic"], desk_at=NOON
            )
        with pytest.raises(ValueError, match="severity"):
            alerts.raise_once(
                conn, severity="loud", kind="k", subject="s", message="m", desk_at=NOON
            )


def test_an_ended_run_stays_ended_and_old_news_changes_nothing(case: Case) -> None:
    with case.ledger.begin() as conn:
        for state, seconds in (("queued", 0), ("started", 5), ("succeeded", 9)):
            runs.record(conn, run_id="r", job="daily", state=state, desk_at=NOON + seconds * SECOND)
        late = runs.record(
            conn, run_id="r", job="daily", state="started", desk_at=NOON + 60 * SECOND
        )
        runs.record(conn, run_id="s", job="daily", state="started", desk_at=NOON + 8 * SECOND)
        old = runs.record(conn, run_id="s", job="daily", state="queued", desk_at=NOON)

    assert (late.state, late.created_at) == ("succeeded", NOON)
    assert old.state == "started"


@pytest.mark.parametrize(
    ("job", "state", "age", "young"),
    [
        ("submit_orders", "queued", 0, True),
        ("submit_orders", "queued", 61, True),
        ("submit_orders", "queued", 301, False),  # lost: it must not hold orders back for ever
        ("submit_orders", "started", 59, True),
        ("submit_orders", "started", 60, False),
        ("submit_orders", "succeeded", 1, False),
        ("submit_orders", "failed", 1, False),
        ("daily", "started", 1, False),
    ],
)
def test_only_a_waiting_or_young_run_that_sends_holds_the_next_back(
    case: Case, job: str, state: str, age: int, young: bool
) -> None:
    with case.ledger.begin() as conn:
        runs.record(conn, run_id="r", job=job, state=state, desk_at=NOON)

        assert runs.submit_run_is_young(conn, NOON + timedelta(seconds=age), 60) is young


def test_a_session_is_done_once(case: Case) -> None:
    with case.ledger.begin() as conn:
        assert daily_runs.state_of(conn, SESSION) is None
        assert daily_runs.latest(conn) is None
        assert daily_runs.start(conn, session=SESSION, desk_at=NOON)
        daily_runs.fail(conn, session=SESSION, detail="no bars", desk_at=NOON)
        assert daily_runs.state_of(conn, SESSION) == "failed"
        assert daily_runs.start(conn, session=SESSION, desk_at=NOON)
        done = daily_runs.finish(conn, session=SESSION, proposals=2, desk_at=NOON)
        assert not daily_runs.start(conn, session=SESSION, desk_at=NOON)
        assert daily_runs.fail(conn, session=SESSION, detail="late", desk_at=NOON) == done
        assert daily_runs.latest(conn) == done
    assert (done.state, done.proposals, done.finished_at) == ("done", 2, NOON)
    case.assert_chain_holds()


def test_a_run_never_started_cannot_end(case: Case) -> None:
    with case.ledger.begin() as conn, pytest.raises(ValueError, match="never started"):
        daily_runs.finish(conn, session=SESSION, proposals=0, desk_at=NOON)


def test_the_newest_beat_of_each_process_is_kept(case: Case) -> None:
    with case.ledger.begin() as conn:
        heartbeats.beat(conn, "watch", 12, "b1", NOON)
        heartbeats.beat(conn, "watch", 13, "b2", NOON + SECOND)
        heartbeats.beat(conn, "watch", 12, "b1", NOON)
        heartbeats.beat(conn, "feed", 14, "b2", NOON)

        told = heartbeats.all_of(conn)

    assert [(beat.process, beat.pid, beat.build) for beat in told] == [
        ("feed", 14, "b2"),
        ("watch", 13, "b2"),
    ]
