"""Positions: list, one, close one, close all."""

from decimal import ROUND_DOWN, Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from venue.api.orders import cancel_everything, order_reply
from venue.api.requests import flag, venue_of
from venue.book import Position
from venue.entry import submit
from venue.errors import Refusal, invalid, missing
from venue.funds import held_for_orders
from venue.orders import Order, Side
from venue.paper import PaperVenue
from venue.rendering import asset_id, asset_json, dollars, plain, symbol_of
from venue.tickets import Ticket, decimal_of


def position_json(venue: PaperVenue, held: Position) -> dict[str, Any]:
    """A position with its values at the last price; quantities of shorts are negative."""
    price = venue.price(held.symbol)
    session = venue.calendar.latest(venue.now)
    yesterday = venue.market.price(held.symbol, venue.calendar.before(session.date).close)
    last = Decimal(str(yesterday or price))
    value, cost = held.qty * price, held.cost
    # Shares opened today are measured from their entry, the others from yesterday's close.
    opened = held.opened if held.session == session.date else Decimal(0)
    basis = opened * held.entry + (held.qty - opened) * last
    free = abs(held.qty) - held_for_orders(venue, held.symbol)
    sign = 1 if held.qty > 0 else -1
    return {
        "asset_id": asset_id(held.symbol),
        "symbol": held.symbol,
        "exchange": asset_json(venue.market, held.symbol)["exchange"],
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": plain(held.qty),
        "qty_available": plain(sign * free),
        "side": "long" if held.qty > 0 else "short",
        "avg_entry_price": dollars(held.entry),
        "market_value": dollars(value),
        "cost_basis": dollars(cost),
        "unrealized_pl": dollars(value - cost),
        "unrealized_plpc": _share(value - cost, cost),
        "unrealized_intraday_pl": dollars(value - basis),
        "unrealized_intraday_plpc": _share(value - basis, basis),
        "current_price": plain(price),
        "lastday_price": plain(last),
        "change_today": _share(price - last, last),
    }


def _share(part: Decimal, whole: Decimal) -> str:
    ratio = part / abs(whole) if whole else Decimal(0)
    return plain(ratio.quantize(Decimal("0.00000001"))) or "0"


def _held(venue: PaperVenue, wanted: str) -> Position:
    position = venue.book.positions.get(symbol_of(venue.market, wanted))
    if position is None:
        raise missing("position does not exist")
    return position


async def list_positions(request: Request) -> Response:
    """`GET /v2/positions`."""
    venue = venue_of(request)
    held = sorted(venue.book.positions.values(), key=lambda p: p.symbol)
    return JSONResponse([position_json(venue, p) for p in held])


async def one_position(request: Request) -> Response:
    """`GET /v2/positions/{symbol or id}`."""
    venue = venue_of(request)
    return JSONResponse(position_json(venue, _held(venue, request.path_params["asset"])))


async def close_position(request: Request) -> Response:
    """`DELETE /v2/positions/{symbol or id}`: all of it, a quantity or a percentage."""
    venue, params = venue_of(request), request.query_params
    held = _held(venue, request.path_params["asset"])
    qty, percentage = decimal_of(params, "qty"), decimal_of(params, "percentage")
    if qty is not None and percentage is not None:
        raise invalid("only one of qty or percentage is accepted")
    if percentage is not None:
        if percentage > 100:
            raise invalid("percentage must be at most 100")
        share = abs(held.qty) * percentage / 100
        qty = share.quantize(Decimal("0.000000001"), ROUND_DOWN)
    order = _closing_order(venue, held, qty or abs(held.qty))
    return JSONResponse(order_reply(venue, order))


async def close_all(request: Request) -> Response:
    """`DELETE /v2/positions`: one closing order, or one refusal, for each."""
    venue = venue_of(request)
    if flag(request.query_params, "cancel_orders"):
        cancel_everything(venue)
    replies = [_closing_reply(venue, p) for p in tuple(venue.book.positions.values())]
    return JSONResponse(replies, status_code=207)


def _closing_reply(venue: PaperVenue, held: Position) -> dict[str, Any]:
    try:
        order = _closing_order(venue, held, abs(held.qty))
    except Refusal as refusal:
        return {"symbol": held.symbol, "status": refusal.status, "body": refusal.body}
    body = order_reply(venue, order)
    return {"order_id": order.id, "symbol": held.symbol, "status": 200, "body": body}


def _closing_order(venue: PaperVenue, held: Position, qty: Decimal) -> Order:
    side: Side = "sell" if held.qty > 0 else "buy"
    ticket = Ticket(symbol=held.symbol, side=side, kind="market", force="day", qty=qty)
    with venue.change():
        return submit(venue, ticket)


ROUTES = [
    Route("/v2/positions", list_positions, methods=["GET"]),
    Route("/v2/positions", close_all, methods=["DELETE"]),
    Route("/v2/positions/{asset}", one_position, methods=["GET"]),
    Route("/v2/positions/{asset}", close_position, methods=["DELETE"]),
]
