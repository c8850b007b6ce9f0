"""Both streams, heard by alpaca-py and by a plain client that speaks JSON."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alpaca.data.live.stock import StockDataStream
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream
from websockets.asyncio.client import connect

from tests.integration.venue.served import ServedVenue


@contextmanager
def heard(stream: Any, subscribe: Callable[[Any, Any], None]) -> Iterator[list[Any]]:
    messages: list[Any] = []

    async def keep(message: Any) -> None:
        messages.append(message)

    subscribe(stream, keep)
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not stream._running and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    yield messages
    stream.stop()  # it ends in five seconds, or with the venue


def trade_updates(served: ServedVenue) -> Any:
    stream = TradingStream("PKTEST", "secret", url_override=served.stream)
    return heard(stream, lambda s, keep: s.subscribe_trade_updates(keep))


def buy(symbol: str = "AAPL", qty: float = 10, client_id: str | None = None) -> MarketOrderRequest:
    return MarketOrderRequest(
        symbol=symbol,
        qty=qty,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.DAY,
        client_order_id=client_id,
    )


def test_trade_updates_tell_an_orders_life(served: ServedVenue, trading: TradingClient) -> None:
    with trade_updates(served) as updates:
        trading.submit_order(buy(client_id="a"))
        limit = LimitOrderRequest(
            symbol="IBM",
            qty=1,
            side=OrderSide.BUY,
            time_in_force=TimeInForce.DAY,
            limit_price=1,
            client_order_id="b",
        )
        trading.cancel_order_by_id(trading.submit_order(limit).id)
        served.post("/venue/jump", {"to": "next_open"})
        served.until(lambda: len(updates) == 5)

    told = [(u.order.client_order_id, u.event) for u in updates]
    assert told == [
        ("a", "accepted"),
        ("b", "accepted"),
        ("b", "canceled"),
        ("a", "new"),
        ("a", "fill"),
    ]
    fill = updates[-1]
    assert (fill.qty, fill.position_qty) == (10, 10)
    assert fill.price == float(fill.order.filled_avg_price)
    assert fill.timestamp.isoformat() == "2012-07-03T13:30:00+00:00"
    assert fill.execution_id


def test_a_large_order_fills_in_parts_of_a_tenth_of_the_minute(
    served: ServedVenue, trading: TradingClient
) -> None:
    served.post("/venue/jump", {"to": "next_open"})
    with trade_updates(served) as updates:
        trading.submit_order(buy("FB", 5000))
        served.post("/venue/step", {"minutes": 30})
        served.until(lambda: updates and updates[-1].event == "fill")
    fills = [u for u in updates if u.qty]
    assert sum(u.qty for u in fills) == 5000
    bars = served.get(
        "/v2/stocks/bars?symbols=FB&timeframe=1Min&start=2012-07-03T13:30:00Z&limit=60"
    )["bars"]["FB"]
    volume = {b["t"]: b["v"] for b in bars}
    for u in fills:
        start = u.timestamp.strftime("%Y-%m-%dT%H:%M:00Z")
        assert u.qty <= volume[start] / 10


def test_bars_trades_quotes_and_daily_bars_stream_as_time_passes(
    start_venue: Callable[..., ServedVenue],
) -> None:
    served = start_venue()
    served.post("/venue/pause")
    served.post("/venue/jump", {"to": "next_open"})

    def subscribe(stream: StockDataStream, keep: Any) -> None:
        stream.subscribe_bars(keep, "AAPL", "SPX")
        stream.subscribe_trades(keep, "IBM")
        stream.subscribe_quotes(keep, "IBM")
        stream.subscribe_daily_bars(keep, "*")

    stream = StockDataStream("PKTEST", "secret", url_override=served.feed)
    with heard(stream, subscribe) as messages:
        served.post("/venue/step", {"minutes": 3})
        served.until(lambda: len(messages) == 12)
        kinds = sorted((m.symbol, type(m).__name__) for m in messages)
        expected = [("AAPL", "Bar"), ("IBM", "Quote"), ("IBM", "Trade"), ("SPX", "Bar")]
        assert kinds == sorted(expected * 3)
        by_rest = served.get(
            "/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start=2012-07-03T13:30:00Z"
        )["bars"]["AAPL"]
        streamed = [m for m in messages if m.symbol == "AAPL"]
        assert [m.close for m in streamed] == [b["c"] for b in by_rest]
        messages.clear()
        served.post("/venue/jump", {"to": "close"})
        served.until(lambda: sum(m.timestamp.hour == 4 for m in messages) == 6)


def test_a_client_without_msgpack_hears_json(served: ServedVenue) -> None:
    async def listen() -> list[Any]:
        async with connect(served.feed) as socket:
            heard = [json.loads(await socket.recv())]
            auth = {"action": "auth", "key": "PKTEST", "secret": "wrong"}
            await socket.send(json.dumps(auth))
            heard.append(json.loads(await socket.recv()))
            await socket.send(json.dumps({**auth, "secret": "secret"}))
            heard.append(json.loads(await socket.recv()))
            await socket.send(json.dumps({"action": "subscribe", "bars": ["AAPL"]}))
            heard.append(json.loads(await socket.recv()))
            return heard

    connected, failed, authenticated, subscribed = asyncio.run(listen())
    assert connected == [{"T": "success", "msg": "connected"}]
    assert failed[0]["T"] == "error"
    assert authenticated == [{"T": "success", "msg": "authenticated"}]
    assert subscribed[0]["bars"] == ["AAPL"]


def test_the_trading_stream_needs_the_keys(served: ServedVenue) -> None:
    async def ask() -> dict[str, Any]:
        async with connect(served.stream) as socket:
            data = {"key_id": "PKTEST", "secret_key": "wrong"}
            await socket.send(json.dumps({"action": "authenticate", "data": data}))
            return json.loads(await socket.recv())

    assert asyncio.run(ask())["data"]["status"] == "unauthorized"


def test_faults_double_swap_and_lose_trade_updates(
    served: ServedVenue, trading: TradingClient
) -> None:
    with trade_updates(served) as updates:

        def told(kind: str, orders: int, expected: int) -> list[str]:
            updates.clear()
            served.put("/venue/faults", {"faults": [{"kind": kind, "count": 1}]})
            for n in range(orders):
                trading.submit_order(buy(qty=1, client_id=f"{kind}{n}"))
            served.until(lambda: len(updates) == expected)
            return [u.order.client_order_id for u in updates]

        assert told("duplicate_event", 1, 2) == ["duplicate_event0"] * 2
        assert told("reorder_events", 2, 2) == ["reorder_events1", "reorder_events0"]
        assert told("drop_event", 2, 1) == ["drop_event1"]


def test_a_cut_stream_can_be_joined_again(served: ServedVenue, trading: TradingClient) -> None:
    with trade_updates(served) as updates:
        served.put("/venue/faults", {"faults": [{"kind": "disconnect"}]})
        trading.submit_order(buy(client_id="missed"))

        def heard_again() -> bool:
            trading.submit_order(buy(qty=1))
            time.sleep(0.2)
            return bool(updates)

        served.until(heard_again)
        assert "missed" not in {u.order.client_order_id for u in updates}
