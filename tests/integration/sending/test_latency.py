"""The time from signature to acknowledgement, from the ledger's own instants."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from benchmarks.latency import figures, main
from ledger.tables import signatures
from tests.integration.sending.desk import OPEN, SmallDesk
from trading.dispatch import send_signed
from trading.orders import Order


def sent_after(desk: SmallDesk, seconds: float, symbol: str) -> None:
    """Sign now; the run comes after so many seconds, and the broker answers after one more."""
    desk.signed(symbol=symbol)
    with desk.engine.begin() as conn:
        conn.execute(
            sa.update(signatures)
            .where(signatures.c.used_at.is_(None))
            .values(signed_at=desk.clock.now(), market_at=desk.market.now())
        )
    desk.clock.forward(seconds)
    desk.agree()

    def answers(_order: Order) -> None:
        desk.clock.forward(1)

    desk.broker.on_taken = answers
    send_signed(desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market)


def test_each_step_is_told_of_orders_signed_in_session(
    desk: SmallDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    url = desk.engine.url.set(drivername="postgresql")
    dsn = url.render_as_string(hide_password=False)
    with desk.engine.connect() as conn:
        assert figures(conn) == []
    assert main([dsn]) == 1
    sent_after(desk, 4, "IBM")
    sent_after(desk, 9, "MSFT")
    with desk.engine.connect() as conn:
        told = {one.step: one for one in figures(conn)}

    whole = told["signature to acknowledgement"]
    # 4 + 1 and 9 + 1 seconds: half of the orders took no longer than the shorter.
    assert (whole.orders, whole.p50, whole.p95, whole.longest) == (2, 5.0, 10.0, 10.0)
    assert told["signature to intent"].longest == 9.0
    assert told["send to acknowledgement"].p50 == 1.0
    capsys.readouterr()
    assert main([dsn, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1]["p95"] == 10.0


def test_what_was_signed_after_the_close_waits_and_does_not_count(desk: SmallDesk) -> None:
    sent_after(desk, 4, "IBM")
    with desk.engine.begin() as conn:
        conn.execute(sa.update(signatures).values(market_at=OPEN - timedelta(hours=16)))
        assert figures(conn) == []
