"""Sales that close a position: what keeps them waiting, and what does not."""

from dataclasses import replace
from decimal import Decimal

from tests.integration.sending.desk import SmallDesk
from tests.integration.sending.giving_way import closing, name_of, protected
from trading.dispatch import Report, send_signed
from trading.orders import OrderState
from trading.reconcile import Report as Compared
from trading.reconcile import reconcile

D = Decimal


def _compared(desk: SmallDesk) -> Compared:
    return reconcile(
        desk.ledger, desk.broker, market=desk.market, desk=desk.clock, environment="replay"
    )


def _sent(desk: SmallDesk) -> Report:
    """Send by the last comparison, whatever it found."""
    return send_signed(
        desk.ledger, desk.broker, sender=desk.sender("run/9"), desk=desk.clock, market=desk.market
    )


def _somebody_sells(desk: SmallDesk, entry: str, symbol: str) -> None:
    desk.broker.held["not-ours"] = replace(
        desk.broker.held[entry],
        client_order_id="not-ours",
        broker_order_id="b-not-ours",
        symbol=symbol,
        side="sell",
        filled_quantity=D(0),
        state=OrderState.ACCEPTED,
        parent_client_order_id=None,
    )


def test_a_sale_waits_while_an_order_that_is_not_ours_works_in_its_symbol(desk: SmallDesk) -> None:
    _somebody_sells(desk, protected(desk), "IBM")
    assert not _compared(desk).clean
    sale = desk.sign(closing())

    report = _sent(desk)

    assert name_of(sale) not in desk.broker.held
    assert list(report.waiting.values()) == ["Broker and ledger differ."]


def test_a_sale_goes_out_while_an_order_that_is_not_ours_works_in_another(
    desk: SmallDesk,
) -> None:
    _somebody_sells(desk, protected(desk), "MSFT")
    assert not _compared(desk).clean
    sale = desk.sign(closing())

    _sent(desk)

    assert name_of(sale) in desk.broker.held
