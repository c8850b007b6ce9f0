"""The two WebSocket streams: trade updates of the account, market data."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it ships no types
from starlette.websockets import WebSocket, WebSocketDisconnect

from venue.keys import Keys
from venue.rendering import stamp
from venue.updates import CHANNEL

_DATA_CHANNELS = (
    "trades", "quotes", "bars", "updatedBars", "dailyBars",
    "statuses", "lulds", "corrections", "cancelErrors",
)  # fmt: skip


class Listener:
    """What a client subscribed to, and what waits to be sent to it."""

    def __init__(self) -> None:
        self.topics: dict[str, set[str]] = {}
        self.waiting: asyncio.Queue[list[dict[str, Any]] | None] = asyncio.Queue()

    def hears(self, channel: str, symbol: str | None) -> bool:
        """Whether a message belongs to what was subscribed."""
        symbols = self.topics.get(channel, set())
        return bool(symbols & {"*", symbol})


class Connection(Listener):
    """One client of a WebSocket stream."""

    def __init__(self, socket: WebSocket, *, packed: bool) -> None:
        super().__init__()
        self.socket = socket
        self.packed = packed

    async def pump(self, send: Callable[[list[dict[str, Any]]], Awaitable[None]]) -> None:
        """Send what waits, in order, until the client is gone or the connection is cut."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while (messages := await self.waiting.get()) is not None:
                await send(messages)
            await self.socket.close(1011)

    async def send_data(self, messages: list[dict[str, Any]]) -> None:
        """Send data messages in one frame, packed or as JSON text."""
        if self.packed:
            await self.socket.send_bytes(msgpack.packb(messages, datetime=True))
        else:
            await self.socket.send_text(json.dumps(messages, default=_instant))

    async def send_json(self, message: dict[str, Any]) -> None:
        """Send one trade-update message in a binary frame: JSON, as Alpaca does, or packed."""
        packed = msgpack.packb(message) if self.packed else json.dumps(message).encode()
        await self.socket.send_bytes(packed)

    async def send_updates(self, messages: list[dict[str, Any]]) -> None:
        """Send trade updates, one frame each."""
        for message in messages:
            await self.send_json({"stream": CHANNEL, "data": message})


class Hub:
    """Hands messages of the venue to the connections that subscribed to them."""

    def __init__(self) -> None:
        self._connections: set[Listener] = set()

    def publish(self, channel: str, message: dict[str, Any]) -> None:
        """Queue a message for everyone who hears its channel and symbol."""
        for connection in self._connections:
            if connection.hears(channel, message.get("S")):
                connection.waiting.put_nowait([message])

    def wants(self, channel: str) -> bool:
        """Whether anyone subscribed to the channel."""
        return any(c.topics.get(channel) for c in self._connections)

    def cut(self, channel: str) -> None:
        """Close every connection that subscribed to the channel."""
        for connection in [c for c in self._connections if c.topics.get(channel)]:
            self._connections.discard(connection)
            connection.waiting.put_nowait(None)

    def join(self, connection: Listener) -> None:
        """Add a connection."""
        self._connections.add(connection)

    def leave(self, connection: Listener) -> None:
        """Forget a connection."""
        self._connections.discard(connection)


async def trading_stream(socket: WebSocket, hub: Hub, keys: Keys) -> None:
    """`/stream`: authenticate, listen to trade updates, receive them."""
    await socket.accept()
    connection = Connection(socket, packed=_wants_packed(socket))
    hub.join(connection)
    sender = asyncio.create_task(connection.pump(connection.send_updates))
    try:
        await _serve_trading(connection, keys)
    except (WebSocketDisconnect, RuntimeError):
        pass  # the client is gone
    finally:
        hub.leave(connection)
        sender.cancel()


async def _serve_trading(connection: Connection, keys: Keys) -> None:
    authorized = False
    while True:
        asked = _parsed(await connection.socket.receive())
        data = asked.get("data") or asked
        action = asked.get("action")
        if action in {"authenticate", "auth"}:
            authorized = keys.match(
                data.get("key_id") or data.get("key"), data.get("secret_key") or data.get("secret")
            )
            status = "authorized" if authorized else "unauthorized"
            reply = {"status": status, "action": "authenticate"}
            await connection.send_json({"stream": "authorization", "data": reply})
        elif action == "listen" and authorized:
            streams = [s for s in data.get("streams", []) if s == CHANNEL]
            connection.topics = {s: {"*"} for s in streams}
            await connection.send_json({"stream": "listening", "data": {"streams": streams}})
        else:
            reply = {"error": "unauthorized" if not authorized else "unknown action"}
            await connection.send_json({"stream": "listening", "data": reply})


async def data_stream(socket: WebSocket, hub: Hub, keys: Keys) -> None:
    """`/v2/{feed}`: authenticate, subscribe to symbols, receive bars, quotes, trades."""
    await socket.accept()
    connection = Connection(socket, packed=_wants_packed(socket))
    hub.join(connection)
    sender: asyncio.Task[None] | None = None
    try:
        await connection.send_data([{"T": "success", "msg": "connected"}])
        await _authenticate(connection, keys)
        sender = asyncio.create_task(connection.pump(connection.send_data))
        while True:
            _subscribe(connection, _parsed(await socket.receive()))
    except (WebSocketDisconnect, RuntimeError):
        pass  # the client is gone
    finally:
        hub.leave(connection)
        if sender:
            sender.cancel()


def _wants_packed(socket: WebSocket) -> bool:
    return "msgpack" in socket.headers.get("content-type", "")


async def _authenticate(connection: Connection, keys: Keys) -> None:
    """By the headers of the connection, or by a message."""
    shown = keys.shown(connection.socket.headers)
    known = shown is not None and keys.match(*shown)
    while not known:
        asked = _parsed(await connection.socket.receive())
        if asked.get("action") != "auth":
            error = {"T": "error", "code": 401, "msg": "not authenticated"}
            await connection.send_data([error])
            continue
        known = keys.match(asked.get("key"), asked.get("secret"))
        if not known:
            await connection.send_data([{"T": "error", "code": 402, "msg": "auth failed"}])
    await connection.send_data([{"T": "success", "msg": "authenticated"}])


def _subscribe(connection: Connection, asked: dict[str, Any]) -> None:
    action = asked.get("action")
    if action not in {"subscribe", "unsubscribe"}:
        again = action == "auth"
        code, said = (403, "already authenticated") if again else (400, "invalid syntax")
        connection.waiting.put_nowait([{"T": "error", "code": code, "msg": said}])
        return
    for channel in _DATA_CHANNELS:
        symbols = set(asked.get(channel) or ())
        known = connection.topics.setdefault(channel, set())
        connection.topics[channel] = known | symbols if action == "subscribe" else known - symbols
    state = {channel: sorted(connection.topics[channel]) for channel in _DATA_CHANNELS}
    connection.waiting.put_nowait([{"T": "subscription", **state}])


def _parsed(event: Any) -> dict[str, Any]:
    """A client's message, whether packed or JSON, text or binary."""
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1000))
    text, data = event.get("text"), event.get("bytes")
    with suppress(ValueError, TypeError, msgpack.UnpackException):
        found = json.loads(text if text is not None else data)
        return found if isinstance(found, dict) else {}
    with suppress(ValueError, TypeError, msgpack.UnpackException):
        found = msgpack.unpackb(data)
        return found if isinstance(found, dict) else {}
    return {}


def _instant(value: object) -> str | None:
    return stamp(value) if isinstance(value, datetime) else str(value)
