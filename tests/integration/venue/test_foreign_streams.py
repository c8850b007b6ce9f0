"""The streams as clients other than alpaca-py speak to them, and as Alpaca documents them."""

import asyncio
import json
from datetime import datetime
from typing import Any

import httpx
import msgpack  # type: ignore[import-untyped]  # it ships no types
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect

from tests.integration.venue.foreign import resting
from tests.integration.venue.served import HEADERS, ServedVenue
from venue.keys import Keys
from venue.streams import Hub, data_stream

Frames = list[Any]


def talked(url: str, said: list[bytes | str], **options: Any) -> Frames:
    """Say each message and hear one answer to it."""

    async def talk() -> Frames:
        heard: Frames = []
        async with connect(url, **options) as socket:
            for message in said:
                await socket.send(message)
                heard.append(await asyncio.wait_for(socket.recv(), 20))
        return heard

    return asyncio.run(talk())


AUTHENTICATE = {
    "action": "authenticate",
    "data": {"key_id": "PKTEST", "secret_key": "secret"},
}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates", "account_updates"]}}


@pytest.mark.parametrize("path", ["/stream", "/stream/"])  # alpaca-trade-api adds the slash
def test_the_trading_stream_speaks_json_in_binary_frames(
    foreign_venue: ServedVenue, path: str
) -> None:
    url = foreign_venue.url.replace("http", "ws") + path
    heard = talked(url, [json.dumps(AUTHENTICATE), json.dumps(LISTEN)])

    assert all(isinstance(frame, bytes) for frame in heard)
    authorized, listening = (json.loads(frame) for frame in heard)
    assert authorized == {
        "stream": "authorization",
        "data": {"status": "authorized", "action": "authenticate"},
    }
    # A stream that does not exist is left out of the answer.
    assert listening == {"stream": "listening", "data": {"streams": ["trade_updates"]}}


def test_the_trading_stream_speaks_messagepack_when_asked(foreign_venue: ServedVenue) -> None:
    packed = [msgpack.packb(AUTHENTICATE), msgpack.packb(LISTEN)]
    asked = {"Content-Type": "application/msgpack"}
    heard = talked(foreign_venue.stream, packed, additional_headers=asked)

    assert msgpack.unpackb(heard[0])["data"]["status"] == "authorized"
    assert msgpack.unpackb(heard[1])["data"]["streams"] == ["trade_updates"]


def test_nothing_is_heard_before_the_keys_are_shown(foreign_venue: ServedVenue) -> None:
    wrong = {"action": "auth", "key": "PKTEST", "secret": "wrong"}
    heard = [
        json.loads(one)
        for one in talked(foreign_venue.stream, [json.dumps(LISTEN), json.dumps(wrong)])
    ]

    assert [one["stream"] for one in heard] == ["authorization"] * 2
    assert [one["data"] for one in heard] == [
        {"status": "unauthorized", "action": "listen"},
        {"status": "unauthorized", "action": "authenticate"},
    ]


@pytest.mark.parametrize(
    ("said", "streams"),
    [
        ({"action": "listen", "data": {"streams": []}}, []),  # heard no more
        ({"action": "listen", "data": {"streams": None}}, []),
        ({"action": "listen", "data": ["trade_updates"]}, []),
        ({"action": "listen"}, []),
        (LISTEN, ["trade_updates"]),
    ],
)
def test_what_is_listened_to_is_what_was_asked_last(
    foreign_venue: ServedVenue, said: Any, streams: list[str]
) -> None:
    heard = talked(foreign_venue.stream, [json.dumps(one) for one in (AUTHENTICATE, LISTEN, said)])

    assert json.loads(heard[2]) == {"stream": "listening", "data": {"streams": streams}}


def test_the_trading_stream_says_what_it_does_not_know_and_closes(
    foreign_venue: ServedVenue,
) -> None:
    async def talk() -> Frames:
        async with connect(foreign_venue.stream) as socket:
            for said in (AUTHENTICATE, {"action": ["?"]}):
                await socket.send(json.dumps(said))
            return [json.loads(frame) async for frame in socket]

    authorized, error = asyncio.run(talk())
    assert authorized["data"]["status"] == "authorized"
    assert (error["action"], list(error["data"])) == ("error", ["error_message"])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"action": "subscribe", "bars": "IBM"}, 400),  # symbols come as a list
        ({"action": "subscribe", "bars": [["IBM"]]}, 400),
        ({"action": "subscribe", "news": ["IBM"]}, 410),
        ({"action": ["subscribe"], "bars": ["IBM"]}, 400),
        (["subscribe"], 400),
    ],
)
def test_a_subscription_that_makes_no_sense_is_named_and_changes_nothing(
    foreign_venue: ServedVenue, said: Any, code: int
) -> None:
    async def talk() -> Frames:
        async with connect(foreign_venue.feed, additional_headers=HEADERS) as socket:
            heard = [json.loads(await socket.recv()) for _ in range(2)]
            for one in (said, {"action": "subscribe", "trades": ["IBM"], "bars": None}):
                await socket.send(json.dumps(one))
                heard.append(json.loads(await socket.recv()))
            return heard[2:]

    (refused,), (state,) = asyncio.run(talk())
    assert (refused["T"], refused["code"]) == ("error", code)
    # Whoever hears trades hears what is changed of them, as the documentation's sample shows.
    heard = {channel: found for channel, found in state.items() if found and channel != "T"}
    assert heard == {name: ["IBM"] for name in ("trades", "corrections", "cancelErrors")}


def test_a_client_that_shows_no_keys_in_time_is_sent_away() -> None:
    async def impatient(socket: WebSocket) -> None:
        await data_stream(socket, Hub(), Keys("PKTEST", "secret"), patience=0.01)

    app = Starlette(routes=[WebSocketRoute("/v2/iex", impatient)])
    with TestClient(app).websocket_connect("/v2/iex") as socket:
        assert socket.receive_json() == [{"T": "success", "msg": "connected"}]
        assert socket.receive_json() == [{"T": "error", "code": 404, "msg": "auth timeout"}]
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_the_data_stream_takes_keys_from_headers_and_names_its_errors(
    foreign_venue: ServedVenue,
) -> None:
    async def by_headers() -> Frames:
        async with connect(foreign_venue.feed, additional_headers=HEADERS) as socket:
            heard = [json.loads(await socket.recv()), json.loads(await socket.recv())]
            for said in ({"action": "auth", "key": "PKTEST", "secret": "secret"}, {"action": "?"}):
                await socket.send(json.dumps(said))
                heard.append(json.loads(await socket.recv()))
            await socket.send(json.dumps({"action": "subscribe", "trades": ["*"], "lulds": ["*"]}))
            heard.append(json.loads(await socket.recv()))
            return heard

    async def before() -> Any:
        async with connect(foreign_venue.feed) as socket:
            await socket.recv()
            await socket.send(json.dumps({"action": "subscribe", "bars": ["IBM"]}))
            return json.loads(await socket.recv())

    connected, authenticated, twice, nonsense, subscribed = asyncio.run(by_headers())
    assert connected == [{"T": "success", "msg": "connected"}]
    assert authenticated == [{"T": "success", "msg": "authenticated"}]
    assert twice == [{"T": "error", "code": 403, "msg": "already authenticated"}]
    assert nonsense[0]["code"] == 400
    assert (subscribed[0]["trades"], subscribed[0]["lulds"]) == (["*"], ["*"])
    assert asyncio.run(before()) == [{"T": "error", "code": 401, "msg": "not authenticated"}]


def test_go_hears_trade_updates_as_events(foreign_venue: ServedVenue, http: httpx.Client) -> None:
    with (
        httpx.Client(base_url=foreign_venue.url, headers=HEADERS, timeout=30) as listener,
        listener.stream("GET", "/v2/events/trades") as events,
    ):
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = events.iter_lines()
        assert next(lines).startswith(":")  # joined
        order = resting(http)
        http.delete(f"/v2/orders/{order['id']}")
        told = [json.loads(next(line for line in lines if line.startswith("data: "))[6:])]
        told.append(json.loads(next(line for line in lines if line.startswith("data: "))[6:]))

    assert [one["event"] for one in told] == ["new", "canceled"]
    assert all(one["order"]["id"] == order["id"] for one in told)
    assert datetime.fromisoformat(told[0]["at"]) <= datetime.fromisoformat(told[1]["at"])
