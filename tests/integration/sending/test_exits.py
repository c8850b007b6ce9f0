"""Sales that close a position: what keeps them waiting, and what does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from tests.integration.sending.desk import SmallDesk, proposed
from tests.integration.sending.giving_way import closing, name_of, protected, send
from trading.broker import BrokerPosition
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


@dataclass(frozen=True)
class _WithOneDelisted:
    """The holdings of a broker, and five shares that trade nowhere any more."""

    told: Callable[[], Sequence[BrokerPosition]]

    def __call__(self) -> list[BrokerPosition]:
        return [*self.told(), BrokerPosition("DEAD", D(5), D("10.00"), None, None, None)]


def test_a_holding_without_a_price_keeps_no_other_from_being_sold(
    desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    protected(desk)
    purchase = desk.sign(proposed(symbol="MSFT"))  # signed first, and asked first
    sale = desk.sign(closing())
    monkeypatch.setattr(desk.broker, "positions", _WithOneDelisted(desk.broker.positions))

    report = send(desk, "run/9")

    assert report.problem is None
    assert name_of(sale) in desk.broker.held
    assert name_of(purchase) not in desk.broker.held
    assert list(report.waiting.values()) == [
        "Not known: the price of the DEAD that is held. No answer is a no."
    ]
