"""A breaker trips once in an episode, and only a person ends what it did."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from config import limits
from ledger import alerts, breakers, feeds, market, runs, state
from ledger.tables import market_clock
from tests.integration.ledger.cases import Case
from tests.unit.dashboard import rows
from trading.breakers import Trip, trips
from trading.ledger import Stamp
from trading.state import TradingState

LIMITS = limits.load()


@pytest.fixture
def watched(case: Case) -> Case:
    """A desk whose market and account have been heard."""
    with case.ledger.begin() as conn:
        rows.fill_market(conn, heard_at=case.desk_at())
    return case


def step(case: Case) -> list[Trip]:
    desk_at = case.desk_at()
    with case.ledger.begin() as conn:
        circuit = breakers.circuit(conn, desk_at=desk_at, watched_since=desk_at)
        assert circuit is not None
        at = Stamp(desk_at=desk_at, market_at=circuit.market_at, source="breakers")
        return breakers.trip(conn, trips(circuit, LIMITS), at=at)


def lose(case: Case, share: str) -> None:
    with case.ledger.begin() as conn:
        account = market.latest_account(conn)
        assert account is not None
        told = vars(account) | {"equity": account.equity * (1 - Decimal(share))}
        market.record_account(conn, market.Account(**told))


def now(case: Case) -> TradingState:
    with case.ledger.connect() as conn:
        return state.current(conn).state


def test_a_loss_reduces_the_desk_once_and_a_person_s_word_stands(watched: Case) -> None:
    assert step(watched) == []
    lose(watched, "0.06")

    assert [trip.kind for trip in step(watched)] == ["breaker_daily_loss"]
    assert now(watched) is TradingState.REDUCING

    with watched.ledger.begin() as conn:
        for alert in alerts.unacknowledged(conn):
            alerts.acknowledge(
                conn,
                alert_id=alert.alert_id,
                person_id=watched.person["Maria"],
                desk_at=watched.desk_at(),
            )
        state.change(
            conn,
            to=TradingState.ACTIVE,
            reason="hedged",
            person_id=watched.person["Maria"],
            desk_at=watched.desk_at(),
        )
    assert step(watched) == []
    assert now(watched) is TradingState.ACTIVE


def test_the_same_loss_on_another_day_is_another_episode(watched: Case) -> None:
    lose(watched, "0.06")
    step(watched)
    with watched.ledger.begin() as conn:
        conn.execute(sa.update(market_clock).values(session=date(2012, 7, 5)))

    assert [trip.episode for trip in step(watched)] == ["2012-07-05"]


def test_a_critical_alert_that_waits_reduces_the_desk(watched: Case) -> None:
    with watched.ledger.begin() as conn:
        alerts.raise_once(
            conn,
            severity="critical",
            kind="unknown_order",
            subject="stranger",
            message="The broker has an order that is not the desk's.",
            desk_at=watched.desk_at() - timedelta(minutes=20),
        )

    assert [trip.kind for trip in step(watched)] == ["breaker_alert"]
    assert now(watched) is TradingState.REDUCING
    assert step(watched) == []


@pytest.mark.parametrize(("with_feed", "tripped"), [(True, ["breaker_feed"]), (False, [])])
def test_the_last_word_of_a_feed_that_was_switched_off_trips_nothing(
    watched: Case, with_feed: bool, tripped: list[str]
) -> None:
    desk_at = watched.desk_at()
    long_ago = desk_at - timedelta(days=30)
    with watched.ledger.begin() as conn:
        conn.execute(sa.update(market_clock).values(is_open=True))
        runs.record(conn, run_id=feeds.JOB, job=feeds.JOB, state="started", desk_at=long_ago)
        circuit = breakers.circuit(
            conn, desk_at=desk_at, watched_since=desk_at - timedelta(hours=1), with_feed=with_feed
        )
        assert circuit is not None
        found = trips(circuit, LIMITS)

    assert [trip.kind for trip in found if trip.kind == "breaker_feed"] == tripped


@pytest.mark.parametrize(
    ("seconds", "replay", "flows", "tripped"),
    [
        (120, False, False, ["breaker_feed"]),
        (119, False, False, []),
        (600, False, True, []),  # bars came again
        (600, True, False, []),  # a replay is as late as its machine
    ],
)
def test_a_feed_that_reports_and_hears_no_bar_is_lost_too(
    watched: Case, seconds: int, replay: bool, flows: bool, tripped: list[str]
) -> None:
    desk_at = watched.desk_at()
    since = desk_at - timedelta(seconds=seconds)
    with watched.ledger.begin() as conn:
        conn.execute(sa.update(market_clock).values(is_open=True, replay=replay))
        runs.record(conn, run_id=feeds.JOB, job=feeds.JOB, state="started", desk_at=desk_at)
        alerts.raise_once(
            conn, severity="warning", kind=feeds.STALE_ALERT, subject="minute bars",
            message="No bar.", desk_at=since, market_at=None, actor="feed",
        )  # fmt: skip
        if flows:
            alerts.clear(
                conn, kind=feeds.STALE_ALERT, subject="minute bars", desk_at=desk_at, actor="feed"
            )
        circuit = breakers.circuit(
            conn, desk_at=desk_at, watched_since=desk_at - timedelta(hours=1)
        )
        assert circuit is not None
        found = trips(circuit, LIMITS)

    assert [trip.kind for trip in found if trip.kind == "breaker_feed"] == tripped
