"""Each way of protecting what is held, at a real venue: sent, set off, given way, killed."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest

from adapters.brokers.alpaca import AlpacaBroker
from assets.flattening import picture_of_held
from assets.protecting import Kind, Protection, protecting_leg
from ledger import alerts
from ledger.stop_risk import stop_risk
from tests.integration.sending.at_venue import compared
from tests.integration.sending.desk import LIMITS, CrashError, SmallDesk, proposed
from tests.integration.venue.served import ServedVenue
from trading.checks.fitting import judged
from trading.dispatch import Report, send_signed
from trading.orders import OrderState, client_order_id
from trading.picture import Picture
from trading.pretrade import denials
from trading.proposals import Leg, Proposal

pytestmark = pytest.mark.long

D = Decimal
CENT = D("0.01")
HELD = D(20)


def send(desk: SmallDesk, broker: AlpacaBroker, owner: str, die_at: str = "") -> Report:
    def reached(point: str) -> None:
        if point == die_at:
            raise CrashError

    compared(desk, broker)
    sender = desk.sender(owner, reached)
    return send_signed(desk.ledger, broker, sender=sender, desk=desk.clock, market=desk.market)


def last(broker: AlpacaBroker) -> Decimal:
    price = broker.quotes(["MSFT"])["MSFT"].last
    assert price is not None
    return price.quantize(CENT, ROUND_HALF_UP)


def by_hand(desk: SmallDesk, leg: Leg, *, strategy: str = "by hand") -> Proposal:
    """Entered by Jan, signed by Maria."""
    made = replace(
        proposed(symbol="MSFT"), legs=(leg,), model_version=None, strategy=strategy,
        entered_by=desk.signers["Jan"], drift_bound=LIMITS.collar,
    )  # fmt: skip
    return desk.sign(made)


@pytest.fixture
def holding(desk: SmallDesk, served: ServedVenue, broker: AlpacaBroker) -> SmallDesk:
    """Hold 20 MSFT without a stop."""
    desk.account_id = broker.account().account_id
    price = last(broker)
    leg = Leg(
        leg_no=1, symbol="MSFT", side="buy", quantity=HELD, order_type="limit",
        time_in_force="day", reference_price=price, limit_price=price + D("0.20"),
    )  # fmt: skip
    by_hand(desk, leg)
    assert len(send(desk, broker, "run/entry").acknowledged) == 1
    served.post("/venue/step", {"minutes": 5})
    compared(desk, broker)
    assert [one.quantity for one in broker.positions()] == [HELD]
    return desk


def seen(desk: SmallDesk, broker: AlpacaBroker) -> Picture:
    picture = picture_of_held(
        desk.engine, broker, broker.positions(), broker.account(), "replay", LIMITS,
        desk.clock.now(), command=None,
    )  # fmt: skip
    return replace(picture, average_volume={"MSFT": D(5_000_000)})


def wanted(kind: Kind, price: Decimal, *, quantity: Decimal = HELD) -> Protection:
    """A protection that a move of some cents sets off; of a pair the target."""
    near, far = price - D("0.03"), (price * D("0.9")).quantize(CENT)
    terms: dict[str, dict[str, Decimal]] = {
        "stop": {"stop_price": near},
        "stop_limit": {"stop_price": near, "limit_price": near - D("0.60")},
        "trailing_stop": {"trail_price": D("0.03")},
        "oco": {"stop_price": far, "limit_price": price + D("0.03")},
    }
    return Protection("MSFT", kind, quantity, "Results are due.", **terms[kind])


def protect(desk: SmallDesk, broker: AlpacaBroker, asked: Protection) -> str:
    """Propose, judge and sign it; the id of its order."""
    picture = seen(desk, broker)
    leg = protecting_leg(asked, picture, last(broker))
    assert not denials(judged(picture, leg)), denials(judged(picture, leg))
    proposal = by_hand(desk, leg)
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)


def flat_after_some_hours(desk: SmallDesk, served: ServedVenue, broker: AlpacaBroker) -> None:
    for _ in range(60):
        served.post("/venue/step", {"minutes": 15})
        if not broker.positions():
            compared(desk, broker)
            return
    raise AssertionError(f"It was not set off: {broker.open_orders()}")


@pytest.mark.parametrize("kind", ["stop", "stop_limit", "trailing_stop", "oco"])
def test_it_is_accepted_and_closes_the_position_when_the_price_comes_there(
    holding: SmallDesk, served: ServedVenue, broker: AlpacaBroker, kind: Kind
) -> None:
    name = protect(holding, broker, wanted(kind, last(broker)))
    report = send(holding, broker, "run/1")
    assert report.acknowledged == [name], report
    compared(holding, broker)
    working = holding.ledger.working_orders()
    assert {one.state for one in working} == {OrderState.ACCEPTED}
    assert len(working) == (2 if kind == "oco" else 1)

    flat_after_some_hours(holding, served, broker)

    states = {one.order_type: one.state for one in broker.orders(since=proposed().valid_from)}
    if kind == "oco":
        assert states == {"limit": OrderState.FILLED, "stop": OrderState.CANCELED}
    else:
        assert states[kind] is OrderState.FILLED
    assert holding.ledger.working_orders() == []
    assert holding.ledger.expected_positions() == {}


def test_the_stop_of_a_pair_closes_and_its_target_goes_away(
    holding: SmallDesk, served: ServedVenue, broker: AlpacaBroker
) -> None:
    price = last(broker)
    pair = replace(
        wanted("oco", price), stop_price=price - D("0.03"), limit_price=price + D("3.00")
    )
    name = protect(holding, broker, pair)
    send(holding, broker, "run/1")

    flat_after_some_hours(holding, served, broker)

    target = holding.ledger.order(name)
    assert target is not None
    assert (target.state, target.filled_quantity) == (OrderState.CANCELED, D(0))
    assert holding.ledger.expected_positions() == {}


@pytest.mark.parametrize("kind", ["trailing_stop", "oco"])
def test_killed_between_send_and_acknowledgement_it_is_there_once(
    holding: SmallDesk, broker: AlpacaBroker, kind: Kind
) -> None:
    name = protect(holding, broker, wanted(kind, last(broker)))
    with pytest.raises(CrashError):
        send(holding, broker, "run/killed", die_at="sent")

    compared(holding, broker)
    report = send(holding, broker, "run/next")

    assert report.sent == []
    order = holding.ledger.order(name)
    assert order is not None
    assert order.state is OrderState.ACCEPTED
    assert len(broker.open_orders()) == len(holding.ledger.working_orders())
    assert len([one for one in broker.open_orders() if one.client_order_id == name]) == 1


def sale(desk: SmallDesk, price: Decimal, quantity: int) -> None:
    leg = Leg(
        leg_no=1, symbol="MSFT", side="sell", quantity=D(quantity), order_type="limit",
        time_in_force="day", reference_price=price, limit_price=price - D("0.30"), reduces=True,
    )  # fmt: skip
    by_hand(desk, leg, strategy="exits")


def test_a_sale_takes_its_shares_of_a_pair_and_the_stop_comes_back_for_the_rest(
    holding: SmallDesk, served: ServedVenue, broker: AlpacaBroker
) -> None:
    price = last(broker)
    pair = wanted("oco", price)
    protect(holding, broker, replace(pair, limit_price=price + D("3.00")))
    send(holding, broker, "run/1")
    compared(holding, broker)
    sale(holding, price, 8)

    report = send(holding, broker, "run/2")

    assert len(report.acknowledged) == 2, report  # the sale, and the stop for what it leaves
    compared(holding, broker)
    [stop] = [one for one in broker.open_orders() if one.order_type == "stop"]
    assert (stop.quantity, stop.stop_price) == (D(12), pair.stop_price)
    assert [one for one in broker.open_orders() if one.limit_price == price + D("3.00")] == []
    served.post("/venue/step", {"minutes": 10})
    compared(holding, broker)
    assert [one.quantity for one in broker.positions()] == [D(12)]


def test_a_trail_that_gave_way_is_not_begun_anew_and_people_are_told(
    holding: SmallDesk, served: ServedVenue, broker: AlpacaBroker
) -> None:
    protect(holding, broker, replace(wanted("trailing_stop", last(broker)), trail_price=D("2.00")))
    send(holding, broker, "run/1")
    compared(holding, broker)
    with holding.engine.connect() as conn:
        assert stop_risk(conn) == 20 * D("2.00")  # from the price now, whatever was paid
    sale(holding, last(broker), 8)

    assert len(send(holding, broker, "run/2").acknowledged) == 1

    assert [one.order_type for one in broker.open_orders()] == ["limit"]
    assert holding.ledger.owed_stops() == []
    with holding.engine.connect() as conn:
        [told] = [one for one in alerts.unacknowledged(conn) if one.kind == "stop_missing"]
    assert "12 shares have no stop" in told.message


def test_a_second_stop_for_the_same_shares_is_denied_with_what_to_do(
    holding: SmallDesk, broker: AlpacaBroker
) -> None:
    price = last(broker)
    protect(holding, broker, wanted("stop", price, quantity=D(15)))
    send(holding, broker, "run/1")
    compared(holding, broker)

    picture = seen(holding, broker)
    leg = protecting_leg(wanted("trailing_stop", price), picture, price)
    [denied] = denials(judged(picture, leg))

    assert (denied.code, denied.figure, denied.limit) == ("not_reducing", HELD, D(5))
    assert (
        f"15 of the 20 MSFT held have a stop or target already (stop at {price - D('0.03')})"
        in (denied.sentence)
    )
    assert denied.fits == 5
    # What is left may have one of its own, and neither takes the other's place.
    protect(holding, broker, wanted("trailing_stop", price, quantity=D(5)))
    assert len(send(holding, broker, "run/2").acknowledged) == 1
    assert sorted(one.quantity for one in broker.open_orders()) == [D(5), D(15)]
