"""The whole venue in one process: any sequence of orders and minutes keeps its laws."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from venue.entry import canceled, replaced, submit
from venue.errors import Refusal
from venue.events import planted_case
from venue.funds import funds_of
from venue.orders import Order
from venue.paper import PaperVenue, WrongStateError
from venue.replay import Mover
from venue.settings import VenueConfig
from venue.tickets import ticket_of

CASH = Decimal(100_000)
BODY = {"symbol": "IBM", "side": "buy", "type": "market", "time_in_force": "day"}


def opened(folder: Path, **more: Any) -> PaperVenue:
    return PaperVenue(VenueConfig(**{"state": folder, "start": date(2012, 7, 2), **more}))


def sent(venue: PaperVenue, **terms: Any) -> Order:
    with venue.change():
        return submit(venue, ticket_of({**BODY, **terms}))


def passed(venue: PaperVenue, minutes: int) -> None:
    asyncio.run(Mover(venue).jump(venue.now + timedelta(minutes=minutes)))


def jumped(venue: PaperVenue, to: str) -> None:
    mover = Mover(venue)
    asyncio.run(mover.jump(mover.landing(to)))


def planted(venue: PaperVenue, **case: Any) -> None:
    with venue.change():
        venue.plant(planted_case(venue, case))


def assert_laws(venue: PaperVenue) -> None:
    cash, shares = CASH, defaultdict[str, Decimal](Decimal)
    by_order = defaultdict[str, Decimal](Decimal)
    taken = defaultdict[tuple[str, datetime], Decimal](Decimal)
    for a in venue.activities:
        qty = Decimal(a["qty"])
        if a["activity_type"] != "FILL":
            cash += Decimal(a["net_amount"])
            shares[a["symbol"]] += qty if a["activity_type"] == "SPLIT" else 0
            continue
        signed = qty if a["side"] == "buy" else -qty
        cash -= signed * Decimal(a["price"])
        shares[a["symbol"]] += signed
        by_order[a["order_id"]] += qty
        at = datetime.fromisoformat(a["transaction_time"])
        assert at >= venue.orders[a["order_id"]].submitted_at
        assert_within_the_market(venue, a, at)
        taken[a["symbol"], at] += qty
    assert venue.book.cash == cash
    assert {s: p.qty for s, p in venue.book.positions.items()} == {
        s: q for s, q in shares.items() if q
    }
    for order in venue.orders.values():
        assert order.filled_qty == by_order[order.id]
        assert order.status != "held" or venue.orders[str(order.parent)].is_open
        assert order.qty is None or order.filled_qty <= order.qty
        assert (order.status == "filled") == (order.leaves == 0) or order.qty is None
    held = sum(p.qty * venue.price(s) for s, p in venue.book.positions.items())
    assert funds_of(venue).equity == cash + held


def assert_within_the_market(venue: PaperVenue, fill: dict[str, Any], at: datetime) -> None:
    """The price was traded in the minute that begins or ends at `at`."""
    session = (
        venue.calendar.latest(at - timedelta(microseconds=1))
        if not venue.calendar.is_open(at)
        else venue.calendar.latest(at)
    )
    minutes = venue.market.minutes(fill["symbol"], session)
    assert minutes is not None
    index = int((at - session.open).total_seconds() // 60)
    around = [i for i in (index - 1, index) if 0 <= i < len(minutes)]
    price = float(fill["price"])
    assert any(minutes.low[i] <= price <= minutes.high[i] for i in around)
    assert any(float(fill["qty"]) <= minutes.volume[i] / 10 for i in around)


cents = st.integers(-200, 200).map(lambda c: c / 100)
terms = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["IBM", "AAPL", "MSFT", "FB"]),
        "side": st.sampled_from(["buy", "sell"]),
        "qty": st.sampled_from([1, 7, 40, 900, 2.5]),
        "type": st.sampled_from(["market", "limit", "stop", "trailing_stop"]),
        "time_in_force": st.sampled_from(["day", "gtc", "ioc", "fok", "opg", "cls"]),
        "order_class": st.sampled_from(["simple", "simple", "bracket", "oto", "oco"]),
        "away": cents,
    }
)
acts = st.one_of(
    st.tuples(st.just("send"), terms),
    st.tuples(st.just("wait"), st.sampled_from([1, 3, 30, 400])),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("replace"), st.integers(0, 20)),
)


def request(venue: PaperVenue, asked: dict[str, Any]) -> dict[str, Any]:
    """A request whose prices lie near the market."""
    price = float(venue.price(asked["symbol"]))
    near = round(price + asked["away"], 2)
    body = {k: v for k, v in asked.items() if k != "away"}
    if body["type"] == "limit":
        body["limit_price"] = near
    if body["type"] == "stop":
        body["stop_price"] = near
    if body["type"] == "trailing_stop":
        body["trail_price"] = 0.5
    up = 1 if (body["side"] == "buy") != (body["order_class"] == "oco") else -1
    if body["order_class"] in {"bracket", "oco"}:
        body["take_profit"] = {"limit_price": round(price + up * 0.4, 2)}
    if body["order_class"] != "simple":
        body["stop_loss"] = {"stop_price": round(price - up * 0.4, 2)}
    return body


def act(venue: PaperVenue, kind: str, what: Any) -> None:
    if kind == "wait":
        passed(venue, what)
        return
    with suppress(Refusal), venue.change():
        if kind == "send":
            submit(venue, ticket_of(request(venue, what)))
            return
        known = list(venue.orders.values())
        if known and kind == "cancel":
            canceled(venue, known[what % len(known)])
        elif known:
            replaced(venue, known[what % len(known)], {"qty": 3})


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(acts, min_size=12, max_size=60))
def test_any_sequence_of_acts_keeps_the_laws_and_survives_a_restart(
    sequence: list[tuple[str, Any]],
) -> None:
    with TemporaryDirectory() as folder:
        venue = opened(Path(folder) / "state")
        jumped(venue, "next_open")
        for kind, what in sequence:
            act(venue, kind, what)
        assert_laws(venue)
        known = (venue.account_id, venue.clock, venue.book, venue.orders, venue.activities)
        venue.close()
        again = opened(Path(folder) / "state")
        assert (again.account_id, again.clock, again.book, again.orders, again.activities) == known
        again.close()


def test_a_split_doubles_the_position_and_cancels_open_orders(tmp_path: Path) -> None:
    venue = opened(tmp_path)
    planted(venue, kind="split", symbol="IBM", ratio=2, ex_date="2012-07-05")
    sent(venue, qty=10)
    waiting = sent(venue, qty=1, type="limit", limit_price=100, time_in_force="gtc")
    jumped(venue, "close")
    before = venue.equity()
    assert venue.book.qty("IBM") == 10
    jumped(venue, "next_open")
    assert venue.book.qty("IBM") == 20
    assert venue.orders[waiting.id].status == "canceled"
    # IBM closed at 195.93 and, undivided, opened at 194.88.
    assert venue.price("IBM") == Decimal("97.44")
    assert venue.equity() - before == 10 * (Decimal("194.88") - Decimal("195.93"))
    assert_laws(venue)


def test_a_short_position_pays_the_dividend(tmp_path: Path) -> None:
    venue = opened(tmp_path, start=date(2012, 8, 6))
    sent(venue, side="sell", qty=100)
    jumped(venue, "close")
    before = venue.book.cash
    jumped(venue, "next_open")
    assert venue.now == datetime(2012, 8, 8, 13, 30, tzinfo=UTC)
    assert before - venue.book.cash == 85  # 100 shares at 0.85
    assert_laws(venue)


def test_buying_power_is_twice_the_free_equity_and_orders_reserve_it(tmp_path: Path) -> None:
    venue = opened(tmp_path)
    assert funds_of(venue).buying_power == 200_000
    sent(venue, qty=500, type="limit", limit_price=200)
    assert funds_of(venue).buying_power == 100_000
    sent(venue, symbol="MSFT", qty=1000, type="limit", limit_price=100)
    with pytest.raises(Refusal, match="insufficient buying power") as refused:
        sent(venue, symbol="MSFT", qty=1, type="limit", limit_price=1)
    assert (refused.value.status, refused.value.body["code"]) == (403, 40310000)


def test_own_orders_may_not_meet(tmp_path: Path) -> None:
    venue = opened(tmp_path)
    sent(venue, qty=10, type="limit", limit_price=190)
    with pytest.raises(Refusal, match="wash trade"):
        sent(venue, side="sell", qty=10)
    with pytest.raises(Refusal, match="wash trade"):
        sent(venue, side="sell", qty=10, type="limit", limit_price=190)
    sent(venue, side="sell", qty=10, type="limit", limit_price="190.01")


def test_a_failed_write_leaves_memory_as_it_is_stored(tmp_path: Path) -> None:
    venue = opened(tmp_path)
    order = sent(venue, qty=1, client_order_id="kept")
    ticket = ticket_of({**BODY, "qty": 1, "client_order_id": "lost"})

    def fail_after_accepting() -> None:
        with venue.change():
            submit(venue, ticket)
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        fail_after_accepting()
    assert set(venue.by_client_id) == {"kept"}
    assert list(venue.orders) == [order.id]


def test_a_state_of_another_replay_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    opened(tmp_path, cash=Decimal("100000.00")).close()
    assert opened(tmp_path / "another").account_id != opened(tmp_path / "third").account_id
    with pytest.raises(WrongStateError, match="belongs to the replay"):
        opened(tmp_path, seed=8)


def test_a_gap_planted_after_the_close_moves_the_whole_next_session(tmp_path: Path) -> None:
    venue = opened(tmp_path)
    planted(venue, kind="price_gap", symbol="AAPL", fraction=0.01)
    assert venue.price("AAPL") == Decimal("598.4452")  # 592.52 * 1.01
    jumped(venue, "next_open")
    assert venue.price("AAPL") == Decimal("600.8288")  # 594.88 * 1.01
    jumped(venue, "close")
    jumped(venue, "next_open")
    assert venue.price("AAPL") == Decimal("600.56")  # the sample's open of 2012-07-05


def test_replacing_a_partly_filled_order_leaves_its_fills_with_it(tmp_path: Path) -> None:
    venue = opened(tmp_path)
    jumped(venue, "next_open")
    passed(venue, 100)  # at noon a minute of IBM has a few thousand shares
    order = sent(venue, qty=1000)
    passed(venue, 1)
    order = venue.orders[order.id]
    assert 0 < order.filled_qty < 1000
    with venue.change():
        fresh = replaced(venue, order, {"qty": 1010})
    assert (fresh.filled_qty, fresh.qty) == (0, 1010 - order.filled_qty)
    passed(venue, 60)
    assert venue.book.qty("IBM") == 1010
    assert_laws(venue)
