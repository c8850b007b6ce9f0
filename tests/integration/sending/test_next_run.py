"""A signed leg whose run died is sent by the next run, once, however many come at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from ledger import verification
from ledger.tables import order_events, orders, signatures
from tests.integration.sending.desk import LIMITS, CrashError, SmallDesk
from trading.dispatch import Report, send_signed

RUNS = 6


def run(desk: SmallDesk, owner: str, crash_at: str | None = None) -> Report:
    def reached(point: str) -> None:
        if point == crash_at:
            raise CrashError(point)

    sender = desk.sender(owner, reached)
    return send_signed(desk.ledger, desk.broker, sender=sender, desk=desk.clock, market=desk.market)


def later(desk: SmallDesk) -> None:
    desk.clock.forward(LIMITS.lease_seconds + LIMITS.resend_grace_seconds)
    desk.agree()


@pytest.mark.parametrize("point", ["leased", "checked", "intended", "marked"])
def test_of_many_next_runs_one_sends_what_a_dead_one_left(desk: SmallDesk, point: str) -> None:
    desk.signed(legs=2)
    with pytest.raises(CrashError):
        run(desk, "run/dead", crash_at=point)
    assert desk.broker.held == {}
    later(desk)
    gate = Barrier(RUNS)

    def next_run(number: int) -> Report:
        gate.wait()
        return run(desk, f"run/{number}")

    with ThreadPoolExecutor(RUNS) as pool:
        reports = list(pool.map(next_run, range(RUNS)))
    later(desk)
    last = run(desk, "run/last")

    sent = [name for report in (*reports, last) for name in report.sent]
    assert len(sent) == len(set(sent)) == desk.broker.submits == len(desk.broker.held) == 2
    with desk.engine.connect() as conn:
        assert set(conn.scalars(sa.select(orders.c.state))) == {"accepted"}
        by_order = sa.select(sa.func.count()).where(order_events.c.to_state == "accepted")
        assert conn.scalar(by_order) == 2
        assert conn.scalar(sa.select(sa.func.count(signatures.c.used_at))) == 1
        assert verification.verify(conn).holds
