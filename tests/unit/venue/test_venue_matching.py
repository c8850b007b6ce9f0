"""Fills are honest: never early, never outside the minute, never more than there is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from venue.matching import Minute, Outcome, at_open, within
from venue.orders import Order
from venue.settings import Costs

COSTS = Costs()
START = datetime(2012, 7, 5, 14, 0, tzinfo=UTC)
MINUTE = Minute(
    START,
    START + timedelta(minutes=1),
    open=Decimal("100.00"),
    high=Decimal("100.50"),
    low=Decimal("99.50"),
    close=Decimal("100.20"),
    volume=10_000,
)
ROOM = Decimal(1000)


def order(kind: str = "market", side: str = "buy", qty: int = 100, **terms: Any) -> Order:
    prices = {n: Decimal(str(v)) for n, v in terms.items() if n.endswith(("price", "percent"))}
    accepted = terms.pop("accepted", START - timedelta(seconds=20))
    values: dict[str, Any] = {
        "id": "1",
        "client_order_id": "c",
        "seq": 1,
        "symbol": "IBM",
        "side": side,
        "kind": kind,
        "force": "day",
        "status": "new",
        "created_at": accepted,
        "updated_at": accepted,
        "submitted_at": accepted,
        "eligible_at": accepted,
        "qty": Decimal(qty),
    }
    return Order(**{**values, **terms, **prices})


def test_a_market_order_pays_half_the_spread_and_its_own_impact() -> None:
    small = at_open(order(qty=1), MINUTE, COSTS, ROOM).execution
    assert small is not None
    # 2 basis points of 100; one share of 10,000 moves nothing that shows.
    assert (small.price, small.at) == (Decimal("100.0200"), START)
    large = at_open(order(qty=1000), MINUTE, COSTS, ROOM).execution
    assert large is not None
    # A tenth of the volume adds 0.1 * 0.1**2 of the price: 0.10.
    assert large.price == Decimal("100.1200")
    sold = at_open(order(side="sell", qty=1), MINUTE, COSTS, ROOM).execution
    assert sold is not None
    assert sold.price == Decimal("99.9800")


def test_an_order_sees_no_minute_that_began_before_it_was_accepted() -> None:
    late = order(accepted=START + timedelta(microseconds=1))
    for look in (at_open, within):
        assert look(late, MINUTE, COSTS, ROOM) == Outcome()


def test_a_limit_fills_only_when_the_price_trades_through_it() -> None:
    def filled(limit: str, side: str = "buy") -> Decimal | None:
        o = order("limit", side, limit_price=limit)
        done = at_open(o, MINUTE, COSTS, ROOM).execution or within(o, MINUTE, COSTS, ROOM).execution
        return done.price if done else None

    assert filled("99.50") is None  # touched is not through
    assert filled("99.51") == Decimal("99.51")
    assert filled("100.01") == Decimal("100.01")  # marketable: the ask is 100.02
    assert filled("101") == Decimal("100.0210")  # a hundredth of the volume adds 0.1 * 0.01**2
    assert filled("100.50", "sell") is None
    assert filled("100.49", "sell") == Decimal("100.49")


def test_a_marketable_limit_met_only_at_the_end_pays_the_opening_price() -> None:
    done = within(order("limit", limit_price="101"), MINUTE, COSTS, ROOM).execution
    assert done is not None
    assert (done.price, done.at) == (Decimal("100.0210"), MINUTE.end)


def test_a_stop_fills_at_its_price_or_worse() -> None:
    loss = order("stop", "sell", stop_price="99.80")
    assert at_open(loss, MINUTE, COSTS, ROOM).execution is None
    done = within(loss, MINUTE, COSTS, ROOM)
    assert done.triggered
    assert done.execution is not None
    assert done.execution.price <= Decimal("99.80")
    assert done.execution.at == MINUTE.end
    gap = at_open(replace(loss, stop_price=Decimal("100.40")), MINUTE, COSTS, ROOM).execution
    assert gap is not None
    assert gap.price < MINUTE.open  # opened below its stop: sold at the opening price


def test_a_stop_limit_waits_for_the_minute_after_its_trigger() -> None:
    o = order("stop_limit", "sell", stop_price="99.80", limit_price="99.60")
    seen = within(o, MINUTE, COSTS, ROOM)
    assert (seen.triggered, seen.execution) == (True, None)
    later = replace(MINUTE, start=MINUTE.end, end=MINUTE.end + timedelta(minutes=1))
    assert at_open(replace(o, triggered=True), later, COSTS, ROOM).execution is not None


def test_a_trailing_stop_follows_the_best_price() -> None:
    o = order("trailing_stop", "sell", trail_price="2", hwm=Decimal(100))
    seen = within(o, MINUTE, COSTS, ROOM)
    assert (seen.triggered, seen.hwm) == (False, Decimal("100.50"))
    assert replace(o, hwm=seen.hwm).stop_now == Decimal("98.50")
    percent = order("trailing_stop", "buy", trail_percent="1", hwm=Decimal(100))
    assert percent.stop_now == Decimal(101)


def test_immediate_and_all_or_nothing_orders_end_with_their_first_minute() -> None:
    ioc = at_open(order(qty=1500, force="ioc"), MINUTE, COSTS, ROOM)
    assert ioc.ends
    assert ioc.execution is not None
    assert ioc.execution.qty == 1000
    fok = at_open(order(qty=1500, force="fok"), MINUTE, COSTS, ROOM)
    assert (fok.ends, fok.execution) == (True, None)
    assert at_open(order(qty=900, force="fok"), MINUTE, COSTS, ROOM).execution is not None


def test_auction_orders_take_the_opening_and_the_closing_price() -> None:
    first, last = replace(MINUTE, place="first"), replace(MINUTE, place="last")
    opening = at_open(order(force="opg"), first, COSTS, ROOM)
    assert opening.execution is not None
    assert (opening.execution.price, opening.ends) == (Decimal("100.00"), True)
    closing = order(force="cls")
    assert within(closing, MINUTE, COSTS, ROOM) == Outcome()
    done = within(closing, last, COSTS, ROOM).execution
    assert done is not None
    assert (done.price, done.at) == (Decimal("100.20"), last.end)
    too_low = order("limit", force="cls", limit_price="100.10")
    assert within(too_low, last, COSTS, ROOM) == Outcome(ends=True)


def test_an_amount_buys_what_it_pays_for() -> None:
    o = replace(order(), qty=None, notional=Decimal(1000))
    done = at_open(o, MINUTE, COSTS, ROOM).execution
    assert done is not None
    assert Decimal("999.99") < done.qty * done.price <= Decimal(1000)


prices = st.decimals(min_value=90, max_value=110, places=2)


@st.composite
def minutes(draw: st.DrawFn) -> Minute:
    low, first, second, high = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
    start = START + timedelta(minutes=draw(st.integers(-3, 3)))
    place = draw(st.sampled_from(["first", "inner", "last"]))
    volume = draw(st.integers(0, 100_000))
    return Minute(start, start + timedelta(minutes=1), first, high, low, second, volume, place)  # type: ignore[arg-type]  # sampled words


@st.composite
def orders(draw: st.DrawFn) -> Order:
    kind = draw(st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"]))
    force: Any = draw(st.sampled_from(["day", "gtc", "ioc", "fok", "opg", "cls"]))
    return replace(
        order(kind, draw(st.sampled_from(["buy", "sell"])), draw(st.integers(1, 20_000))),
        force=force,
        limit_price=draw(prices) if "limit" in kind else None,
        stop_price=draw(prices) if kind in {"stop", "stop_limit"} else None,
        trail_price=Decimal(1) if kind == "trailing_stop" else None,
        hwm=draw(prices) if kind == "trailing_stop" else None,
    )


@settings(max_examples=1000)
@given(orders(), minutes())
def test_no_fill_breaks_a_law(o: Order, minute: Minute) -> None:
    room = minute.room(COSTS)
    for look in (at_open, within):
        done = look(o, minute, COSTS, room).execution
        if done is None:
            continue
        assert minute.start >= o.eligible_at
        assert o.eligible_at <= done.at <= minute.end
        assert minute.low <= done.price <= minute.high
        assert 0 < done.qty <= (o.qty or 0)
        assert done.qty <= minute.volume / Decimal(10)
        if o.limit_price is not None:
            better = done.price <= o.limit_price
            assert better if o.side == "buy" else done.price >= o.limit_price
