"""Market data: bars, latest values, snapshots, corporate actions."""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from venue.api.requests import count, day, instant, symbols, venue_of, word
from venue.bars import Bar, adjusted, bars_of, timeframe_of
from venue.errors import invalid, missing
from venue.live import bar_json, quote_json, trade_json
from venue.paper import PaperVenue
from venue.rendering import stamp
from venue.sample import CorporateAction
from venue.sessions import NEW_YORK

_SIMULATED = {"X-Venue-Simulated": "minutes"}
_MOST = 10_000
_ADJUSTMENTS = ("raw", "split", "dividend", "all")
_EPOCH = datetime(1999, 1, 1, tzinfo=UTC)


async def bars(request: Request) -> Response:
    """`GET /v2/stocks/bars` and `/v2/stocks/{symbol}/bars`, in pages."""
    venue, params = venue_of(request), request.query_params
    single = request.path_params.get("symbol")
    wanted = [single.upper()] if single else symbols(params)
    if not wanted:
        raise invalid("symbols is required")
    frame = timeframe_of(params.get("timeframe"))
    now = venue.now
    today = now.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
    start = instant(params, "start") or today.astimezone(UTC)
    end = min(instant(params, "end", end_of_day=True) or now, now)
    sort = word(params, "sort", ("asc", "desc"))
    adjustment = word(params, "adjustment", _ADJUSTMENTS)

    def of(symbol: str, after: datetime | None, most: int) -> list[Bar]:
        found: Iterable[Bar]
        if sort == "asc" and frame.plain:  # made in order, as far as they are wanted
            first = start if after is None else max(start, after + timedelta(microseconds=1))
            found = islice(bars_of(venue, symbol, frame, first, end), most)
        else:
            every = list(bars_of(venue, symbol, frame, start, end))
            found = islice(_beyond(every if sort == "asc" else every[::-1], after), most)
        return list(found) if adjustment == "raw" else _on_basis(venue, symbol, found, adjustment)

    page, token = asked_page(request, sorted(s for s in wanted if s in venue.market.symbols), of)
    headers = _SIMULATED if frame.intraday else {}
    told: Any = {s: [told_at(b) for b in found] for s, found in page.items()}
    if single:
        body = {"symbol": wanted[0], "bars": told.get(wanted[0], []), "next_page_token": token}
    else:
        body = {"bars": told, "next_page_token": token}
    return _reply(request, body, headers)


def _on_basis(venue: PaperVenue, symbol: str, found: Iterable[Bar], adjustment: str) -> list[Bar]:
    today = venue.calendar.latest(venue.now).date
    kinds = {"split", "dividend"} if adjustment == "all" else {adjustment}
    actions = [
        a
        for a in venue.market.actions(venue.now)
        if a.symbol == symbol and a.kind in kinds and a.ex_date <= today
    ]

    def close_before(action: CorporateAction) -> float | None:
        bar = venue.market.daily(symbol, venue.calendar.before(action.ex_date).date)
        return bar.close if bar else None

    return adjusted(found, actions, close_before)


def _beyond(found: list[Bar], after: datetime | None) -> list[Bar]:
    """What follows the bar that begins at `after`."""
    places = [b["t"] for b in found]
    return found[places.index(after) + 1 :] if after in places else found


def asked_page(
    request: Request, known: list[str], of: Callable[[str, datetime | None, int], list[Bar]]
) -> tuple[dict[str, list[Bar]], str | None]:
    """The page that a request asks for, and the token of the next."""
    limit = count(request.query_params, "limit", 1000, most=_MOST)
    return _page(known, of, limit, request.query_params.get("page_token"))


def _page(
    wanted: list[str],
    of: Callable[[str, datetime | None, int], list[Bar]],
    limit: int,
    token: str | None,
) -> tuple[dict[str, list[Bar]], str | None]:
    """The next `limit` bars, symbol after symbol; the token tells where to go on."""
    first, after = _place(token)
    page: dict[str, list[Bar]] = {}
    room = limit
    for symbol in wanted[wanted.index(first) if first in wanted else 0 :]:
        found = of(symbol, after if symbol == first else None, room + 1)
        if found and room == 0:
            last_symbol, last_bars = list(page.items())[-1]
            return page, _token(last_symbol, last_bars[-1]["t"])
        if found:
            page[symbol] = found[:room]
        if len(found) > room:
            return page, _token(symbol, page[symbol][-1]["t"])
        room -= len(found)
    return page, None


def _token(symbol: str, at: datetime) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|{at.isoformat()}".encode()).decode()


def _place(token: str | None) -> tuple[str | None, datetime | None]:
    if not token:
        return None, None
    try:
        symbol, _, at = base64.urlsafe_b64decode(token).decode().partition("|")
        return symbol, datetime.fromisoformat(at)
    except (binascii.Error, ValueError):
        raise invalid(f"page_token is not one of ours: {token!r}") from None


def told_at(thing: dict[str, Any]) -> dict[str, Any]:
    """A bar, quote or trade with its instant as text."""
    return {**thing, "t": stamp(thing["t"])}


def simulated_reply(request: Request, body: dict[str, Any]) -> Response:
    """An answer that is made of simulated minutes, and says so."""
    return _reply(request, body, _SIMULATED)


def _reply(request: Request, body: dict[str, Any], headers: dict[str, str]) -> Response:
    feed = request.query_params.get("feed") or "iex"
    return JSONResponse(body, headers={"X-Venue-Feed": feed, **headers})


def _latest_bar(venue: PaperVenue, symbol: str) -> dict[str, Any] | None:
    session = venue.calendar.latest(venue.now)
    while session.date >= venue.market.first_session:
        minutes = venue.market.minutes(symbol, session)
        if minutes is not None:
            passed = int((venue.now - session.open) // timedelta(minutes=1))
            index = min(passed, len(minutes)) - 1
            if index >= 0:
                return bar_json(minutes, index, session.minute_start(index))
        session = venue.calendar.before(session.date)
    return None


def _latest_quote(venue: PaperVenue, symbol: str) -> dict[str, Any] | None:
    quote = venue.market.quote(symbol, venue.now)
    return quote_json(quote) if quote else None


def _latest_trade(venue: PaperVenue, symbol: str) -> dict[str, Any] | None:
    price = venue.market.price(symbol, venue.now)
    if price is None or symbol == venue.market.index_symbol:
        return None
    session = venue.calendar.latest(venue.now)
    return trade_json(price, 100, min(venue.now, session.close))


_LATEST = {
    "bars": ("bar", _latest_bar),
    "quotes": ("quote", _latest_quote),
    "trades": ("trade", _latest_trade),
}


async def latest(request: Request) -> Response:
    """`GET /v2/stocks/{bars,quotes,trades}/latest`."""
    venue = venue_of(request)
    kind = request.path_params["kind"]
    if kind not in _LATEST:
        raise missing(f"there is no latest {kind}")
    _, one = _LATEST[kind]
    wanted = symbols(request.query_params)
    if not wanted:
        raise invalid("symbols is required")
    found = {s: one(venue, s) for s in wanted if s in venue.market.symbols}
    told = {s: told_at(thing) for s, thing in found.items() if thing}
    return _reply(request, {kind: told}, _SIMULATED)


async def latest_of_one(request: Request) -> Response:
    """`GET /v2/stocks/{symbol}/{bars,quotes,trades}/latest`."""
    venue = venue_of(request)
    kind, symbol = request.path_params["kind"], request.path_params["symbol"].upper()
    name, one = _LATEST.get(kind, ("", None))
    thing = one(venue, symbol) if one and symbol in venue.market.symbols else None
    if thing is None:
        raise missing(f"no {kind} found for {symbol}")
    return _reply(request, {"symbol": symbol, name: told_at(thing)}, _SIMULATED)


async def snapshot_of_one(request: Request) -> Response:
    """`GET /v2/stocks/{symbol}/snapshot`."""
    venue, symbol = venue_of(request), request.path_params["symbol"].upper()
    if symbol not in venue.market.symbols:
        raise missing(f"no snapshot found for {symbol}")
    return _reply(request, {"symbol": symbol, **_snapshot(venue, symbol)}, _SIMULATED)


async def snapshots(request: Request) -> Response:
    """`GET /v2/stocks/snapshots`."""
    venue = venue_of(request)
    wanted = [s for s in symbols(request.query_params) if s in venue.market.symbols]
    if not wanted:
        raise invalid("symbols is required")
    return _reply(request, {s: _snapshot(venue, s) for s in wanted}, _SIMULATED)


def _snapshot(venue: PaperVenue, symbol: str) -> dict[str, Any]:
    since = venue.now - timedelta(days=14)
    days = list(bars_of(venue, symbol, timeframe_of("1Day"), since, venue.now))
    parts = {
        "latestTrade": _latest_trade(venue, symbol),
        "latestQuote": _latest_quote(venue, symbol),
        "minuteBar": _latest_bar(venue, symbol),
        "dailyBar": days[-1] if days else None,
        "prevDailyBar": days[-2] if len(days) > 1 else None,
    }
    return {name: told_at(part) for name, part in parts.items() if part}


async def corporate_actions(request: Request) -> Response:
    """`GET /v1/corporate-actions`: forward splits and cash dividends, in pages."""
    venue, params = venue_of(request), request.query_params
    wanted, kinds = set(symbols(params)), {k for k in params.get("types", "").split(",") if k}
    today = venue.now.astimezone(NEW_YORK).date()
    first, last = day(params, "start") or today, day(params, "end") or today
    found = [
        (_ACTION_KINDS[a.kind], _action_json(a))
        for a in venue.market.actions(venue.now)
        if (not wanted or a.symbol in wanted)
        and first <= a.ex_date <= last
        and (not kinds or _ACTION_KINDS[a.kind].removesuffix("s") in kinds)
    ]
    if ids := {i for i in params.get("ids", "").split(",") if i}:
        every = ((_ACTION_KINDS[a.kind], _action_json(a)) for a in venue.market.actions(venue.now))
        found = [(kind, told) for kind, told in every if told["id"] in ids]
    if word(params, "sort", ("asc", "desc")) == "desc":
        found = found[::-1]
    done = count({"n": params.get("page_token") or ""}, "n", 0, most=1_000_000)
    limit = count(params, "limit", 100, most=1000)
    told: dict[str, list[dict[str, Any]]] = {}
    for kind, action in found[done : done + limit]:
        told.setdefault(kind, []).append(action)
    token = str(done + limit) if len(found) > done + limit else None
    return _reply(request, {"corporate_actions": told, "next_page_token": token}, {})


_ACTION_KINDS = {"split": "forward_splits", "dividend": "cash_dividends"}


def _action_json(action: CorporateAction) -> dict[str, Any]:
    name = f"{action.kind} {action.symbol} {action.ex_date}"
    told: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_DNS, name)),
        "symbol": action.symbol,
        "cusip": f"PAPER{action.symbol:0<4}"[:9],
        "ex_date": str(action.ex_date),
        "process_date": str(action.ex_date),
        "record_date": str(action.ex_date),
        "payable_date": str(action.ex_date),
        "origin": action.origin,
    }
    if action.kind == "split":
        return {**told, "new_rate": float(action.value), "old_rate": 1.0}
    return {**told, "rate": float(action.value), "special": False, "foreign": False}


ROUTES = [
    Route("/v2/stocks/bars", bars),
    Route("/v2/stocks/snapshots", snapshots),
    Route("/v2/stocks/{kind}/latest", latest),
    Route("/v2/stocks/{symbol}/bars", bars),
    Route("/v2/stocks/{symbol}/snapshot", snapshot_of_one),
    Route("/v2/stocks/{symbol}/{kind}/latest", latest_of_one),
    Route("/v1/corporate-actions", corporate_actions),
    Route("/v1beta1/corporate-actions", corporate_actions),
]
