"""The desk's broker against a real venue process, through unmodified alpaca-py."""

import dataclasses
import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.brokers.alpaca import AlpacaBroker
from tests.integration.venue.served import ServedVenue
from trading.errors import (
    BrokerUnavailableError,
    OrderRejectedError,
    OutcomeUnknownError,
    RateLimitedError,
)
from trading.orders import Order, OrderState, client_order_id

OPEN = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)
_NUMBERS = itertools.count(1)


def order(symbol: str = "MSFT", quantity: int = 10, **more: Any) -> Order:
    proposal = f"proposal-{next(_NUMBERS)}"
    told: dict[str, Any] = {
        "client_order_id": client_order_id(proposal_id=proposal, leg_no=1, attempt=1),
        "leg_id": f"{proposal}/1",
        "proposal_id": proposal,
        "attempt": 1,
        "symbol": symbol,
        "side": "buy",
        "quantity": Decimal(quantity),
        "order_type": "market",
        "time_in_force": "day",
    }
    return Order(**(told | more))


def fault(served: ServedVenue, kind: str, **more: Any) -> None:
    armed = {"kind": kind, "path": "/v2/orders$", "method": "POST"} | more
    served.put("/venue/faults", {"faults": [armed]})


def test_a_market_order_is_placed_fills_and_becomes_a_position(
    served: ServedVenue, broker: AlpacaBroker
) -> None:
    wanted = order()
    placed = broker.submit(wanted)
    assert placed.state is OrderState.ACCEPTED
    assert (placed.client_order_id, placed.quantity) == (wanted.client_order_id, Decimal(10))
    assert placed.submitted_at.tzinfo is UTC

    served.post("/venue/step", {"minutes": 2})

    filled = broker.find(wanted.client_order_id)
    assert filled is not None
    assert filled.state is OrderState.FILLED
    [fill] = broker.fills(since=OPEN)
    assert (fill.client_order_id, fill.fill.quantity) == (wanted.client_order_id, Decimal(10))
    assert fill.fill.price == filled.average_price
    [held] = broker.positions()
    assert (held.symbol, held.quantity, held.average_price) == (
        "MSFT",
        Decimal(10),
        filled.average_price,
    )
    assert broker.fills(since=fill.market_at + timedelta(seconds=1)) == []


def test_a_split_is_told_as_the_shares_it_brought(
    served: ServedVenue, broker: AlpacaBroker
) -> None:
    broker.submit(order())
    served.post("/venue/step", {"minutes": 2})
    split = {"kind": "split", "symbol": "MSFT", "ratio": 2, "ex_date": "2012-07-05"}
    served.post("/venue/events", split, status=201)
    served.post("/venue/jump", {"to": "2012-07-05"})

    [booked] = broker.bookings(since=OPEN)

    assert (booked.kind, booked.symbol, booked.day) == ("split", "MSFT", date(2012, 7, 5))
    assert (booked.quantity, booked.cash) == (Decimal(10), Decimal(0))
    assert [held.quantity for held in broker.positions()] == [Decimal(20)]


def test_the_same_id_again_returns_the_order_that_is_there(broker: AlpacaBroker) -> None:
    wanted = order(order_type="limit", limit_price=Decimal("20.00"))

    first, second = broker.submit(wanted), broker.submit(wanted)

    assert first.broker_order_id == second.broker_order_id
    assert second.limit_price == Decimal(20)
    assert len(broker.open_orders()) == 1


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refusal_after_an_earlier_send_arrived_is_no_rejection(
    served: ServedVenue, broker: AlpacaBroker, status: int
) -> None:
    # Found by the drill: the first send holds the buying power that the second is refused for.
    wanted = order(order_type="limit", limit_price=Decimal("20.00"))
    first = broker.submit(wanted)
    fault(served, "error_before", status=status)

    assert broker.submit(wanted).broker_order_id == first.broker_order_id


def test_what_the_broker_refuses_is_a_rejection_in_its_words(broker: AlpacaBroker) -> None:
    with pytest.raises(OrderRejectedError, match="buying power"):
        broker.submit(order(quantity=1_000_000))
    with pytest.raises(OrderRejectedError, match="asset"):
        broker.submit(order(symbol="NOPE"))
    assert broker.asset("NOPE") is None
    assert broker.find("cs-nothing") is None
    assert broker.orders(since=OPEN) == []


@pytest.mark.parametrize(
    ("kind", "more", "there"),
    [
        ("error_before", {"status": 503}, False),
        ("error_after", {"status": 503}, True),
        ("error_before", {"status": 504}, False),
        ("drop_reply", {}, True),
        ("malformed", {}, True),
        ("reset", {}, True),
        ("delay", {"seconds": 2.5}, False),
        ("drop_reply", {"seconds": 2.5}, True),
    ],
)
def test_an_unclear_answer_is_no_rejection_and_the_order_is_sent_once(
    served: ServedVenue, broker: AlpacaBroker, kind: str, more: dict[str, Any], *, there: bool
) -> None:
    wanted = order(order_type="limit", limit_price=Decimal("20.00"))
    fault(served, kind, count=5, **more)

    with pytest.raises(OutcomeUnknownError):
        broker.submit(wanted)

    assert served.get("/venue/faults")["faults"][0]["struck"] == 1
    served.put("/venue/faults", {"faults": []})
    assert (broker.find(wanted.client_order_id) is not None) == there


def test_a_request_to_wait_is_not_repeated(served: ServedVenue, broker: AlpacaBroker) -> None:
    fault(served, "rate_limit", count=5)

    with pytest.raises(RateLimitedError):
        broker.submit(order())

    assert served.get("/venue/faults")["faults"][0]["struck"] == 1


def test_a_duplicate_that_cannot_be_looked_up_stays_unknown(
    served: ServedVenue, broker: AlpacaBroker
) -> None:
    wanted = order(order_type="limit", limit_price=Decimal("20.00"))
    broker.submit(wanted)
    fault(served, "error_before", path="by_client_order_id", method="GET")

    with pytest.raises(OutcomeUnknownError):
        broker.submit(wanted)


def test_a_cancelled_order_can_be_cancelled_again(broker: AlpacaBroker) -> None:
    wanted = order(order_type="limit", limit_price=Decimal("20.00"))
    placed = broker.submit(wanted)

    broker.cancel(placed.broker_order_id)
    broker.cancel(placed.broker_order_id)

    ended = broker.find(wanted.client_order_id)
    assert ended is not None
    assert ended.state is OrderState.CANCELED
    assert broker.open_orders() == []


@pytest.mark.parametrize("question", ["positions", "account", "open_orders", "clock"])
def test_an_error_is_never_read_as_nothing(
    served: ServedVenue, broker: AlpacaBroker, question: str
) -> None:
    for kind in ("error_before", "malformed"):
        fault(served, kind, path=".*", method="GET")
        with pytest.raises(BrokerUnavailableError):
            getattr(broker, question)()


@pytest.mark.parametrize("target", [None, Decimal("90.00")])
def test_children_name_the_entry_they_hang_on(
    served: ServedVenue, broker: AlpacaBroker, target: Decimal | None
) -> None:
    entry = order(stop_loss_price=Decimal("20.00"), take_profit_price=target)
    broker.submit(entry)
    alone = order(order_type="limit", limit_price=Decimal("15.00"), symbol="IBM")
    broker.submit(alone)
    served.post("/venue/step", {"minutes": 2})
    fresh = AlpacaBroker(
        key_id="PKTEST",
        secret_key="secret",
        url=served.url,
        data_url=served.url,
        paper=True,
        feed="iex",
    )

    for asked in (broker, fresh):
        listed = {o.client_order_id: o for o in asked.orders(since=OPEN)}
        assert listed[entry.client_order_id].state is OrderState.FILLED
        assert listed[entry.client_order_id].parent_client_order_id is None
        assert listed[alone.client_order_id].parent_client_order_id is None
        children = [o for o in asked.open_orders() if o.parent_client_order_id is not None]
        assert {o.parent_client_order_id for o in children} == {entry.client_order_id}
        assert len(children) == (1 if target is None else 2)
        assert Decimal(20) in {o.stop_price for o in children}
        attached = asked.children(listed[entry.client_order_id].broker_order_id)
        assert {o.broker_order_id for o in attached} == {o.broker_order_id for o in children}
        assert asked.children(listed[alone.client_order_id].broker_order_id) == []


def test_every_order_is_listed_beyond_the_cap_of_one_answer(
    served: ServedVenue, broker: AlpacaBroker
) -> None:
    wanted = [order(quantity=1, order_type="limit", limit_price=Decimal(10)) for _ in range(7)]
    for one in wanted:
        broker.submit(one)

    small = AlpacaBroker(
        key_id="PKTEST",
        secret_key="secret",
        url=served.url,
        data_url=served.url,
        paper=True,
        feed="iex",
        page_size=3,
    )

    names = [o.client_order_id for o in small.orders(since=OPEN)]
    assert names == [o.client_order_id for o in wanted]


def test_clock_calendar_account_asset_and_quotes_are_told_in_the_desk_s_words(
    served: ServedVenue, broker: AlpacaBroker
) -> None:
    served.post("/venue/step", {"minutes": 1})
    clock = broker.clock()
    assert clock.now.tzinfo is UTC
    assert clock.is_open
    assert clock.next_close == datetime(2012, 7, 3, 17, 0, tzinfo=UTC)  # an early close

    [tuesday, thursday] = broker.calendar(date(2012, 7, 3), date(2012, 7, 5))
    assert tuesday.opens_at == OPEN
    assert thursday.closes_at == datetime(2012, 7, 5, 20, 0, tzinfo=UTC)

    account = broker.account()
    assert (account.equity, account.cash) == (Decimal(100_000), Decimal(100_000))
    assert not account.blocked
    assert account.day_trades == 0

    asset = broker.asset("MSFT")
    assert asset is not None
    assert asset.tradable
    assert asset.easy_to_borrow

    quotes = broker.quotes(["MSFT", "IBM"])
    assert set(quotes) == {"MSFT", "IBM"}
    for quote in quotes.values():
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid < quote.ask


def test_stops_are_sent_with_their_prices(broker: AlpacaBroker) -> None:
    stop = broker.submit(order(order_type="stop", stop_price=Decimal("90.00")))
    limited = broker.submit(
        order(order_type="stop_limit", stop_price=Decimal("90.00"), limit_price=Decimal("90.50"))
    )

    assert (stop.order_type, stop.stop_price) == ("stop", Decimal(90))
    assert dataclasses.astuple(limited)[5:8] == ("stop_limit", Decimal("90.5"), Decimal(90))
