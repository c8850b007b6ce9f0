"""Rules about closes are looked at once a session, of the newest one alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import pytest

from adapters.market_data import sample
from assets.alerting import alerts_of_close, close_figures
from config import universe
from config.documents import ROOT
from ledger import alert_rules, alerts, market
from quality.calendar import exchange
from tests.integration.assets import test_performance as small
from tests.integration.ledger.cases import NOON
from tests.integration.sending.desk import StandingClock
from tests.unit.worker.desks import clock_at
from trading.alerting import Rule

desk = small.desk
D = Decimal


def _look(at: small.Desk) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [alerts_of_close], instance=instance, partition_key=small.SOLD.isoformat(),
            resources={
                "warehouse": at.warehouse, "ledger": at.case.ledger,
                "universe": universe.load(ROOT / "universe.toml"),
                "desk_clock": StandingClock(datetime(2026, 11, 2, 12, 0, tzinfo=UTC)),
            },
        )  # fmt: skip


def _closed(at: small.Desk, *, late: timedelta) -> None:
    clock = replace(clock_at(exchange().close(small.SOLD) + late), session=small.SOLD)
    with at.case.ledger.begin() as conn:
        market.record_clock(conn, clock)


def test_a_rule_about_the_close_holds_for_the_newest_session(desk: small.Desk) -> None:
    rule = Rule("", "day_return", "IBM", "below", D("-0.001"), "warning")
    with desk.case.ledger.begin() as conn:
        alert_rules.add(conn, rule, person_id=desk.case.person["Maria"], desk_at=NOON)

    _closed(desk, late=timedelta(days=3))  # another session has closed since
    _look(desk)
    with desk.case.ledger.connect() as conn:
        assert alerts.unacknowledged(conn) == []

    _closed(desk, late=timedelta(minutes=30))
    _look(desk)
    _look(desk)
    with desk.case.ledger.connect() as conn:
        (alert,) = alerts.unacknowledged(conn)
    assert alert.message == "IBM: return of the session is −0.4 %, below −0.1 %."


def test_the_figures_of_a_close_are_those_of_the_bars(desk: small.Desk) -> None:
    with desk.warehouse.reader() as conn:
        found = {(f.measure, f.subject): float(f.value) for f in close_figures(
            conn, ["IBM"], small.SOLD
        )}  # fmt: skip

    before, now = (
        float(sample.stocks().filter(symbol="IBM", session=day)["close"][0])
        for day in (small.PAID, small.SOLD)
    )
    assert found["day_return", "IBM"] == pytest.approx(now / before - 1, abs=1e-7)
    assert found["held_back", ""] == 0
    assert 0 < found["rsi_14", "IBM"] < 100
    assert ("above_average_50", "IBM") not in found  # 17 sessions are no 50
