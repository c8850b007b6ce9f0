"""Trade updates as server-sent events, which Alpaca's Go client listens to."""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from venue.streams import Hub, Listener
from venue.updates import CHANNEL

_JOINED = ": joined\n\n"  # a comment: the listener misses nothing from here on


async def trade_events(request: Request) -> Response:
    """`GET /v2/events/trades`: updates as they happen; what was before is not told again."""
    hub: Hub = request.app.state.hub
    return StreamingResponse(_told(hub), media_type="text/event-stream")


async def _told(hub: Hub) -> AsyncIterator[str]:
    listener = Listener()
    listener.topics = {CHANNEL: {"*"}}
    hub.join(listener)
    try:
        yield _JOINED
        while (messages := await listener.waiting.get()) is not None:
            for message in messages:
                yield f"data: {json.dumps(_event(message))}\n\n"
    finally:
        hub.leave(listener)


def _event(message: dict[str, Any]) -> dict[str, Any]:
    """An update with the names that events have beside those of the other stream."""
    return {"at": message["timestamp"], "event_id": message["execution_id"], **message}


ROUTES = [
    Route("/v2/events/trades", trade_events),
    Route("/v2beta1/events/trades", trade_events),
]
