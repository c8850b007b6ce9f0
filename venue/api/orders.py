"""Orders: submit, list, look up, replace, cancel."""

from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from venue.api.requests import body_of, count, flag, instant, object_of, symbols, venue_of, word
from venue.entry import canceled, order_named, replaced, submit
from venue.errors import invalid, missing
from venue.orders import Order
from venue.paper import PaperVenue
from venue.rendering import order_json, symbol_of
from venue.tickets import ticket_of


def order_reply(venue: PaperVenue, order: Order, *, nested: bool = True) -> dict[str, object]:
    """An order as JSON, its legs rolled up in it when `nested`."""
    legs = [venue.orders[i] for i in order.legs] if nested else []
    return order_json(order, legs)


async def submit_order(request: Request) -> Response:
    """`POST /v2/orders`."""
    venue = venue_of(request)
    ticket = ticket_of(await body_of(request))
    with venue.change():
        order = submit(venue, ticket)
    return JSONResponse(order_reply(venue, order))


async def list_orders(request: Request) -> Response:
    """`GET /v2/orders`: by status, time, symbols and side."""
    venue, params = venue_of(request), request.query_params
    status = word(params, "status", ("open", "closed", "all"))
    direction = word(params, "direction", ("desc", "asc"))
    limit = count(params, "limit", 50, most=500)
    nested = flag(params, "nested")
    after, until = instant(params, "after"), instant(params, "until")
    wanted = {symbol_of(venue.market, s) for s in symbols(params)}
    side = word(params, "side", ("", "buy", "sell"))
    first, last = _place(venue, params, "after_order_id"), _place(venue, params, "before_order_id")
    found = [
        o
        for o in venue.orders.values()
        if (status == "all" or o.is_open == (status == "open"))
        and (not wanted or o.symbol in wanted)
        and (not side or o.side == side)
        and (after is None or o.submitted_at > after)
        and (until is None or o.submitted_at < until)
        and (first is None or (o.submitted_at, o.seq) > first)
        and (last is None or (o.submitted_at, o.seq) < last)
        and not (nested and o.parent)
    ]
    classes = {c for c in params.get("asset_class", "").split(",") if c}
    if classes and not classes & {"us_equity", "all"}:
        found = []
    found.sort(key=lambda o: (o.submitted_at, o.seq), reverse=direction == "desc")
    return JSONResponse([order_reply(venue, o, nested=nested) for o in found[:limit]])


def _place(venue: PaperVenue, params: Mapping[str, str], name: str) -> tuple[datetime, int] | None:
    """Where an order of the listing stands from which on, or up to which, it is asked for."""
    identity = params.get(name)
    if not identity:
        return None
    order = order_named(venue, identity)
    return order.submitted_at, order.seq


async def order_by_id(request: Request) -> Response:
    """`GET /v2/orders/{id}`."""
    venue = venue_of(request)
    order = order_named(venue, request.path_params["order"])
    return JSONResponse(order_reply(venue, order, nested=True))


async def order_by_client_id(request: Request) -> Response:
    """`GET /v2/orders:by_client_order_id`."""
    venue = venue_of(request)
    wanted = request.query_params.get("client_order_id")
    if not wanted:
        raise invalid("client_order_id is required")
    identity = venue.by_client_id.get(wanted)
    if identity is None:
        raise missing(f"order not found for {wanted}")
    return JSONResponse(order_reply(venue, venue.orders[identity]))


async def replace_order(request: Request) -> Response:
    """`PATCH /v2/orders/{id}`."""
    venue = venue_of(request)
    body = await object_of(request)
    order = order_named(venue, request.path_params["order"])
    with venue.change():
        fresh = replaced(venue, order, body)
    return JSONResponse(order_reply(venue, fresh))


async def cancel_order(request: Request) -> Response:
    """`DELETE /v2/orders/{id}`."""
    venue = venue_of(request)
    order = order_named(venue, request.path_params["order"])
    with venue.change():
        canceled(venue, order)
    return Response(status_code=204)


async def cancel_all(request: Request) -> Response:
    """`DELETE /v2/orders`: every open order; one answer for each."""
    venue = venue_of(request)
    return JSONResponse(cancel_everything(venue), status_code=207)


def cancel_everything(venue: PaperVenue) -> list[dict[str, object]]:
    """Cancel every open order; the answer for each."""
    wanted = venue.open_orders()
    with venue.change():
        for order in wanted:
            if venue.orders[order.id].is_open:
                canceled(venue, venue.orders[order.id])
    return [
        {"id": o.id, "status": 200, "body": order_reply(venue, venue.orders[o.id], nested=False)}
        for o in wanted
    ]


ROUTES = [
    Route("/v2/orders", submit_order, methods=["POST"]),
    Route("/v2/orders", list_orders, methods=["GET"]),
    Route("/v2/orders", cancel_all, methods=["DELETE"]),
    Route("/v2/orders:by_client_order_id", order_by_client_id, methods=["GET"]),
    Route("/v2/orders/{order}", order_by_id, methods=["GET"]),
    Route("/v2/orders/{order}", replace_order, methods=["PATCH"]),
    Route("/v2/orders/{order}", cancel_order, methods=["DELETE"]),
]
