"""A signed leg, a real venue process, a real ledger: filled, recorded, and clean."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from adapters.brokers.alpaca import AlpacaBroker
from ledger import market
from tests.integration.sending.desk import SmallDesk, proposed
from tests.integration.venue.served import ServedVenue
from trading.dispatch import Report, send_signed
from trading.orders import OrderState, client_order_id
from trading.proposals import Leg
from trading.reconcile import reconcile


def test_a_signed_leg_becomes_a_recorded_position(
    desk: SmallDesk, served: ServedVenue, broker: AlpacaBroker
) -> None:
    desk.account_id = broker.account().account_id
    proposal = desk.signed(symbol="MSFT")
    desk.market.at = datetime(2012, 7, 3, 13, 31, tzinfo=UTC)
    desk.agree()

    report = send_signed(
        desk.ledger, broker, sender=desk.sender(), desk=desk.clock, market=desk.market
    )
    assert len(report.acknowledged) == 1, report
    served.post("/venue/step", {"minutes": 30})
    desk.clock.forward(5)
    compared = reconcile(
        desk.ledger,
        broker,
        market=desk.market,
        desk=desk.clock,
        universe=["MSFT"],
        environment="replay",
    )

    assert compared.clean, compared
    assert compared.new_fills >= 1
    name = client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)
    order = desk.ledger.order(name)
    assert order is not None
    assert order.state is OrderState.FILLED
    assert order.average_price is not None
    assert order.average_price <= Decimal("30.65")  # its limit
    [stop] = desk.ledger.working_orders()
    assert (stop.order_type, stop.stop_price, stop.side) == ("stop", Decimal("29.2"), "sell")
    with desk.engine.connect() as conn:
        assert market.latest_positions(conn)["MSFT"].quantity == Decimal(20)


def test_a_protected_position_is_sold_the_same_day(
    desk: SmallDesk, served: ServedVenue, broker: AlpacaBroker
) -> None:
    def run(owner: str) -> Report:
        desk.market.at = broker.clock().now
        desk.clock.forward(5)
        compared = reconcile(
            desk.ledger, broker, market=desk.market, desk=desk.clock, environment="replay"
        )
        assert compared.clean, compared
        desk.agree()
        sender = desk.sender(owner)
        return send_signed(desk.ledger, broker, sender=sender, desk=desk.clock, market=desk.market)

    desk.account_id = broker.account().account_id
    desk.signed(symbol="MSFT")
    assert len(run("run/1").acknowledged) == 1
    served.post("/venue/step", {"minutes": 30})
    last = broker.quotes(["MSFT"])["MSFT"].last
    assert last is not None
    leg = Leg(
        leg_no=1,
        symbol="MSFT",
        side="sell",
        quantity=Decimal(20),
        order_type="limit",
        time_in_force="day",
        reference_price=last,
        limit_price=last - Decimal("0.10"),
        reduces=True,
    )
    desk.sign(replace(proposed(symbol="MSFT"), legs=(leg,), strategy="exits"))

    report = run("run/2")
    assert len(report.acknowledged) == 1, report
    served.post("/venue/step", {"minutes": 30})

    assert run("run/3").sent == []
    assert broker.positions() == []
    assert desk.ledger.expected_positions() == {}
    assert desk.ledger.working_orders() == []
