"""Arming faults, and the layer where they strike HTTP requests."""

import asyncio
from collections import deque
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from venue.api.requests import object_of
from venue.faults import Fault, FaultInjection, faults_of


async def put_faults(request: Request) -> Response:
    """`PUT /venue/faults`: replace what is armed."""
    body = await object_of(request)
    _injection(request).arm(faults_of(body), int(body.get("seed", 0)))
    return _told(request)


async def get_faults(request: Request) -> Response:
    """`GET /venue/faults`: what is armed and what has struck."""
    return _told(request)


def _injection(request: Request) -> FaultInjection:
    injection: FaultInjection = request.app.state.injection
    return injection


def _told(request: Request) -> Response:
    faults = [
        {"kind": f.kind, "left": f.left, "struck": f.struck, "path": f.path, "method": f.method}
        for f in _injection(request).faults
    ]
    return JSONResponse({"faults": faults})


class Injector:
    """Lets armed faults strike requests; the venue's own control paths stay sound."""

    def __init__(self, app: ASGIApp, injection: FaultInjection) -> None:
        self._app = app
        self._injection = injection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, with the fault that strikes it if one does."""
        fault = None
        if scope["type"] == "http" and not scope["path"].startswith("/venue"):
            fault = self._injection.http(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.kind in {"error_before", "rate_limit"}:
            await _refusal(fault)(scope, receive, send)
            return
        if fault.kind == "delay":
            # Read first: what a client sent and then gave up on is acted on all the same.
            asked = await _received(receive)
            await asyncio.sleep(fault.seconds)
            await self._app(scope, asked, send)
            return
        reply = await self._served(scope, receive)
        await _spoiled(fault, reply, scope, receive, send)

    async def _served(self, scope: Scope, receive: Receive) -> bytes:
        """Let the venue do its work and keep the body of its answer."""
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            parts.append(message.get("body", b""))

        await self._app(scope, receive, keep)
        return b"".join(parts)


async def _received(receive: Receive) -> Receive:
    """The request's body, read to its end, as something that can be read later."""
    parts = [await receive()]
    while parts[-1].get("more_body"):
        parts.append(await receive())
    waiting = deque(parts)

    async def again() -> Message:
        return waiting.popleft() if waiting else await receive()

    return again


def _refusal(fault: Fault) -> Response:
    if fault.kind == "rate_limit":
        return JSONResponse({"code": 42910000, "message": "rate limit exceeded"}, 429)
    return JSONResponse({"code": 50010000, "message": "internal server error"}, fault.status)


async def _spoiled(fault: Fault, reply: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.kind == "error_after":
        await _refusal(fault)(scope, receive, send)
    elif fault.kind == "malformed":
        half = reply[: len(reply) // 2] or b"{"
        await Response(half, media_type="application/json")(scope, receive, send)
    elif fault.kind == "reset":
        await send(_start(len(reply) + 1))
        await send(
            {"type": "http.response.body", "body": reply[: len(reply) // 2], "more_body": True}
        )
        await asyncio.sleep(0.05)
        _cut(receive)
    else:
        await asyncio.sleep(fault.seconds)
        _cut(receive)


def _start(length: int) -> Message:
    headers: list[Any] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
    ]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _cut(receive: Receive) -> None:
    """Cut the connection under the server; ASGI itself has no word for it.

    `send` is wrapped by the layers above; `receive` is still the server's own.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionAbortedError("a fault cut this connection")
    transport.abort()


ROUTES = [
    Route("/venue/faults", put_faults, methods=["PUT"]),
    Route("/venue/faults", get_faults, methods=["GET"]),
]
