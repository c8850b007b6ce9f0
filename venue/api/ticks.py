"""Past quotes and trades: those the stream tells, one of each a minute and symbol."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from venue.api.data import asked_page, simulated_reply, told_at
from venue.api.requests import instant, symbols, venue_of, word
from venue.errors import invalid
from venue.live import last_trade, quote_json
from venue.paper import PaperVenue
from venue.sessions import NEW_YORK

Tick = dict[str, Any]


async def ticks(request: Request) -> Response:
    """`GET /v2/stocks/{quotes,trades}` and `/v2/stocks/{symbol}/{quotes,trades}`, in pages."""
    venue, params = venue_of(request), request.query_params
    kind = request.url.path.rsplit("/", 1)[1]
    single = request.path_params.get("symbol")
    wanted = [single.upper()] if single else symbols(params)
    if not wanted:
        raise invalid("symbols is required")
    now = venue.now
    today = now.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
    start = instant(params, "start") or today
    end = min(instant(params, "end", end_of_day=True) or now, now)
    newest_first = word(params, "sort", ("asc", "desc")) == "desc"
    made = _quotes if kind == "quotes" else _trades

    def of(symbol: str, after: datetime | None, most: int) -> list[Tick]:
        if newest_first:
            last = end if after is None else after - timedelta(microseconds=1)
            return list(made(venue, symbol, start, last))[::-1][:most]
        first = start if after is None else after + timedelta(microseconds=1)
        return list(islice(made(venue, symbol, first, end), most))

    page, token = asked_page(request, sorted(s for s in wanted if s in venue.market.stocks), of)
    told: Any = {s: [told_at(one) for one in found] for s, found in page.items()}
    body = {"symbol": wanted[0], kind: told.get(wanted[0], [])} if single else {kind: told}
    return simulated_reply(request, {**body, "next_page_token": token})


def _minutes(
    venue: PaperVenue, symbol: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, Any, int]]:
    """Every minute of the sessions between that have begun: its start, the session's minutes."""
    first, last = (t.astimezone(NEW_YORK).date() for t in (start, end))
    for session in venue.calendar.between(first, last):
        minutes = venue.market.minutes(symbol, session)
        for index in range(0 if minutes is None else len(minutes)):
            begins = session.minute_start(index)
            if begins > venue.now:
                return
            yield begins, minutes, index


def _quotes(venue: PaperVenue, symbol: str, start: datetime, end: datetime) -> Iterator[Tick]:
    for begins, _, _ in _minutes(venue, symbol, start, end):
        quote = venue.market.quote(symbol, begins) if start <= begins <= end else None
        if quote is not None:
            yield quote_json(quote)


def _trades(venue: PaperVenue, symbol: str, start: datetime, end: datetime) -> Iterator[Tick]:
    for begins, minutes, index in _minutes(venue, symbol, start, end):
        trade = last_trade(minutes, index, begins)
        if start <= trade["t"] <= end:
            yield trade


ROUTES = [
    Route("/v2/stocks/quotes", ticks),
    Route("/v2/stocks/trades", ticks),
    Route("/v2/stocks/{symbol}/quotes", ticks),
    Route("/v2/stocks/{symbol}/trades", ticks),
]
