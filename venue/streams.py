"""The two WebSocket streams: trade updates of the account, market data.

What is said, and refused with which code: Alpaca's documentation of both.
"""

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
_WITH_TRADES = ("corrections", "cancelErrors")  # who hears trades hears what is changed of them
_AUTH_SECONDS = 10.0  # a client of the data stream that shows no keys by then is sent away


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
        data = asked["data"] if isinstance(asked.get("data"), dict) else asked
        action = str(asked.get("action"))
        if action in {"authenticate", "auth"}:
            authorized = keys.match(
                data.get("key_id") or data.get("key"), data.get("secret_key") or data.get("secret")
            )
            status = "authorized" if authorized else "unauthorized"
            reply = {"status": status, "action": "authenticate"}
            await connection.send_json({"stream": "authorization", "data": reply})
        elif not authorized:
            reply = {"status": "unauthorized", "action": action}
            await connection.send_json({"stream": "authorization", "data": reply})
        elif action == "listen":
            asked_for = data.get("streams")
            streams = [CHANNEL] if isinstance(asked_for, list) and CHANNEL in asked_for else []
            connection.topics = {s: {"*"} for s in streams}
            await connection.send_json({"stream": "listening", "data": {"streams": streams}})
        else:
            said = {"error_message": f"unknown action {action}"}
            await connection.send_json({"action": "error", "data": said})
            await connection.socket.close()
            return


async def data_stream(
    socket: WebSocket, hub: Hub, keys: Keys, *, patience: float = _AUTH_SECONDS
) -> None:
    """`/v2/{feed}`: authenticate, subscribe to symbols, receive bars, quotes, trades.

    `patience`: seconds within which the right keys must be shown.
    """
    await socket.accept()
    connection = Connection(socket, packed=_wants_packed(socket))
    hub.join(connection)
    sender: asyncio.Task[None] | None = None
    try:
        await connection.send_data([{"T": "success", "msg": "connected"}])
        try:
            await asyncio.wait_for(_authenticate(connection, keys), patience)
        except TimeoutError:
            await connection.send_data([_error(404, "auth timeout")])
            await socket.close()
            return
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
            await connection.send_data([_error(401, "not authenticated")])
            continue
        known = keys.match(asked.get("key"), asked.get("secret"))
        if not known:
            await connection.send_data([_error(402, "auth failed")])
    await connection.send_data([{"T": "success", "msg": "authenticated"}])


def _subscribe(connection: Connection, asked: dict[str, Any]) -> None:
    action = str(asked.get("action"))
    refused = _refusal(action, asked)
    if refused is not None:
        connection.waiting.put_nowait([refused])
        return
    for channel in _DATA_CHANNELS:
        symbols = set(asked.get(channel) or ())
        if channel in _WITH_TRADES:
            symbols |= set(asked.get("trades") or ())
        known = connection.topics.setdefault(channel, set())
        connection.topics[channel] = known | symbols if action == "subscribe" else known - symbols
    state = {channel: sorted(connection.topics[channel]) for channel in _DATA_CHANNELS}
    connection.waiting.put_nowait([{"T": "subscription", **state}])


def _refusal(action: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Why a message after authentication is not followed; None when it is."""
    if action == "auth":
        return _error(403, "already authenticated")
    lists = {channel: value for channel, value in asked.items() if channel != "action"}
    if action not in {"subscribe", "unsubscribe"} or not all(map(_are_symbols, lists.values())):
        return _error(400, "invalid syntax")
    if any(value and channel not in _DATA_CHANNELS for channel, value in lists.items()):
        return _error(410, "invalid subscribe action for this feed")
    return None


def _are_symbols(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(s, str) for s in value))


def _error(code: int, said: str) -> dict[str, Any]:
    return {"T": "error", "code": code, "msg": said}


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
