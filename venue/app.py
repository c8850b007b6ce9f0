"""The venue as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from venue import streams
from venue.api import account, control, data, events, faults, orders, positions, ticks
from venue.errors import Refusal
from venue.faults import FaultInjection, FaultyHub
from venue.keys import Keys
from venue.paper import PaperVenue
from venue.replay import Mover, running
from venue.settings import VenueConfig
from venue.streams import Hub


def create_app(config: VenueConfig) -> Starlette:
    """The application of one venue; its clock moves while the application's lifespan is open.

    Raises
    ------
    venue.store.StateInUseError
        Another process works on the same state.
    venue.paper.WrongStateError
        The stored replay has another start, seed or cash.
    """
    venue = PaperVenue(config)
    injection = FaultInjection()
    hub: Hub = FaultyHub(injection) if config.faults else Hub()
    venue.listeners.append(hub)
    keys = Keys(config.key_id, config.secret_key)
    mover = Mover(venue)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running(mover):
            yield
        venue.close()

    async def trading(socket: WebSocket) -> None:
        await streams.trading_stream(socket, hub, keys)

    async def market_data(socket: WebSocket) -> None:
        await streams.data_stream(socket, hub, keys)

    app = Starlette(
        routes=[
            *account.ROUTES,
            *orders.ROUTES,
            *positions.ROUTES,
            *data.ROUTES,
            *ticks.ROUTES,
            *control.ROUTES,
            *(faults.ROUTES if config.faults else []),
            Route("/venue/health", _health),
            *events.ROUTES,
            WebSocketRoute("/stream", trading),
            WebSocketRoute("/stream/", trading),
            WebSocketRoute("/v2/{feed}", market_data),
        ],
        lifespan=lifespan,
        exception_handlers={Refusal: _refused, HTTPException: _failed, Exception: _broken},
    )
    app.state.venue, app.state.mover = venue, mover
    app.state.injection, app.state.hub = injection, hub
    app.add_middleware(Guard, keys=keys)
    if config.faults:
        app.add_middleware(faults.Injector, injection=injection)
    return app


class Guard:
    """Lets in only requests that show the right keys; each answer bears a name of its own."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 or 403 as Alpaca does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = uuid4().hex
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, named)

    def _refusal(self, scope: Scope) -> Response | None:
        request = Request(scope)
        shown = self._keys.shown(request.headers)
        if request.url.path == "/venue/health" or self._keys.match(*(shown or (None, None))):
            return None
        if shown is None:
            return JSONResponse({"message": "unauthorized."}, 401)
        if request.url.path.startswith(("/v2/stocks", "/v1/")):
            return JSONResponse({"message": "forbidden."}, 403)
        return JSONResponse({"code": 40110000, "message": "request is not authorized"}, 401)


async def _health(_: Request) -> Response:
    """`GET /venue/health`: the process answers; shown to anyone."""
    return JSONResponse({"ok": True})


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # registered for nothing else
    return JSONResponse(error.body, status_code=error.status)


async def _broken(_: Request, __: Exception) -> Response:
    return JSONResponse({"code": 50010000, "message": "internal server error"}, 500)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # registered for nothing else
    body = {"code": error.status_code * 100_000 + 10_000, "message": f"{error.detail}"}
    return JSONResponse(body, status_code=error.status_code)
