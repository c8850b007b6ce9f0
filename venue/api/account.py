"""Account, clock, calendar, assets, activities, portfolio history."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from venue.api.requests import count, day, instant, venue_of, word
from venue.errors import invalid, missing
from venue.execution import SETTLEMENT_SESSIONS
from venue.funds import MULTIPLIER, PATTERN_DAY_TRADES, day_trades, funds_of
from venue.history import portfolio_history
from venue.paper import PaperVenue
from venue.rendering import asset_json, dollars, eastern, stamp, symbol_of
from venue.sessions import NEW_YORK, Session


async def account(request: Request) -> Response:
    """`GET /v2/account`."""
    return JSONResponse(account_json(venue_of(request)))


def account_json(venue: PaperVenue) -> dict[str, Any]:
    """The account with Alpaca's fields; amounts are texts in dollars."""
    funds = funds_of(venue)
    trades = day_trades(venue)
    opened = venue.calendar.on(venue.config.start)
    power = dollars(funds.buying_power)
    free_cash = max(min(funds.settled_cash, funds.cash - funds.reserved), Decimal(0))
    return {
        "id": venue.account_id,
        "account_number": f"PV{venue.account_id[:8].upper()}",
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "cash": dollars(funds.cash),
        "settled_cash": dollars(funds.settled_cash),
        "cash_withdrawable": dollars(free_cash),
        "portfolio_value": dollars(funds.equity),
        "equity": dollars(funds.equity),
        "last_equity": dollars(funds.last_equity),
        "long_market_value": dollars(funds.long_value),
        "short_market_value": dollars(funds.short_value),
        "position_market_value": dollars(funds.long_value - funds.short_value),
        "buying_power": power,
        "regt_buying_power": power,
        "daytrading_buying_power": "0",
        "non_marginable_buying_power": dollars(free_cash),
        "options_buying_power": "0",
        "effective_buying_power": power,
        "initial_margin": dollars(funds.initial_margin),
        "maintenance_margin": dollars(funds.maintenance_margin),
        "last_maintenance_margin": dollars(funds.maintenance_margin),
        "sma": dollars(funds.equity - funds.initial_margin),
        "multiplier": str(MULTIPLIER),
        "shorting_enabled": True,
        "daytrade_count": trades,
        "pattern_day_trader": trades >= PATTERN_DAY_TRADES,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "accrued_fees": "0",
        "pending_transfer_in": "0",
        "pending_transfer_out": "0",
        "options_approved_level": 0,
        "options_trading_level": 0,
        "created_at": stamp(opened.open if opened else None),
        "balance_asof": str(venue.calendar.before(venue.now.astimezone(NEW_YORK).date()).date),
    }


async def configurations(_: Request) -> Response:
    """`GET /v2/account/configurations`."""
    return JSONResponse(
        {
            "dtbp_check": "entry",
            "fractional_trading": True,
            "max_margin_multiplier": str(MULTIPLIER),
            "no_shorting": False,
            "pdt_check": "entry",
            "suspend_trade": False,
            "trade_confirm_email": "none",
            "ptp_no_exception_entry": False,
            "max_options_trading_level": 0,
        }
    )


async def clock(request: Request) -> Response:
    """`GET /v2/clock`: market time, in New York's offset as Alpaca tells it."""
    venue = venue_of(request)
    return JSONResponse(
        {
            "timestamp": eastern(venue.now),
            "is_open": venue.is_open,
            "next_open": eastern(venue.calendar.opening_after(venue.now).open),
            "next_close": eastern(venue.calendar.closing_after(venue.now).close),
        }
    )


async def calendar(request: Request) -> Response:
    """`GET /v2/calendar`: sessions whose date, or whose settlement, is from `start` to `end`."""
    venue, params = venue_of(request), request.query_params
    known = venue.calendar.sessions
    first = day(params, "start") or known[0].date
    last = day(params, "end") or known[-1].date
    settling = word(params, "date_type", ("TRADING", "SETTLEMENT")) == "SETTLEMENT"
    told = [(s, venue.calendar.settlement(s.date, SETTLEMENT_SESSIONS)) for s in known]
    return JSONResponse(
        [
            _calendar_json(session, settles)
            for session, settles in told
            if first <= (settles if settling else session.date) <= last
        ]
    )


def _calendar_json(session: Session, settles: date) -> dict[str, str]:
    opens, closes = (t.astimezone(NEW_YORK) for t in (session.open, session.close))
    return {
        "date": str(session.date),
        "open": f"{opens:%H:%M}",
        "close": f"{closes:%H:%M}",
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": str(settles),
    }


async def assets(request: Request) -> Response:
    """`GET /v2/assets`, filtered by status, class, exchange and any of some attributes."""
    params = request.query_params
    market = venue_of(request).market
    found = [asset_json(market, s) for s in market.symbols]
    for name, field in (("status", "status"), ("asset_class", "class"), ("exchange", "exchange")):
        if params.get(name):
            found = [a for a in found if a[field] == params[name]]
    if attributes := {one for one in params.get("attributes", "").split(",") if one}:
        found = [a for a in found if attributes & set(a["attributes"])]
    return JSONResponse(found)


async def asset(request: Request) -> Response:
    """`GET /v2/assets/{symbol or id}`."""
    wanted = request.path_params["asset"]
    market = venue_of(request).market
    symbol = symbol_of(market, wanted)
    if symbol not in market.symbols:
        raise missing(f"asset not found for {wanted}")
    return JSONResponse(asset_json(market, symbol))


async def activities(request: Request) -> Response:
    """`GET /v2/account/activities[/{type}]`: newest first unless asked otherwise."""
    venue, params = venue_of(request), request.query_params
    kinds = request.path_params.get("kind") or params.get("activity_types") or ""
    wanted = {k for k in kinds.upper().split(",") if k}
    category = word(params, "category", ("", "trade_activity", "non_trade_activity"))
    if wanted and category:
        raise invalid("only one of activity_types and category is accepted")
    found = [
        a
        for a in venue.activities
        if (not wanted or a["activity_type"] in wanted)
        and (not category or (a["activity_type"] == "FILL") == (category == "trade_activity"))
    ]
    if on := day(params, "date"):
        found = [a for a in found if _at(a).astimezone(NEW_YORK).date() == on]
    if after := instant(params, "after"):
        found = [a for a in found if _at(a) > after]
    if until := instant(params, "until"):
        found = [a for a in found if _at(a) < until]
    if word(params, "direction", ("desc", "asc")) == "desc":
        found = found[::-1]
    if token := params.get("page_token"):
        ids = [a["id"] for a in found]
        found = found[ids.index(token) + 1 :] if token in ids else []
    return JSONResponse(found[: count(params, "page_size", 100, most=100)])


def _at(activity: dict[str, Any]) -> datetime:
    """When it happened; what has only a date happened as that day began."""
    if told := activity.get("transaction_time"):
        return datetime.fromisoformat(told)
    return datetime.combine(date.fromisoformat(activity["date"]), time.min, NEW_YORK)


async def history(request: Request) -> Response:
    """`GET /v2/account/portfolio/history`."""
    venue, params = venue_of(request), request.query_params
    return JSONResponse(
        portfolio_history(
            venue,
            period=params.get("period"),
            timeframe=params.get("timeframe"),
            start=instant(params, "start") or instant(params, "date_start"),
            end=instant(params, "end", end_of_day=True)
            or instant(params, "date_end", end_of_day=True),
        )
    )


ROUTES = [
    Route("/v2/account", account),
    Route("/v2/account/configurations", configurations),
    Route("/v2/account/portfolio/history", history),
    Route("/v2/account/activities", activities),
    Route("/v2/account/activities/{kind}", activities),
    Route("/v2/clock", clock),
    Route("/v2/calendar", calendar),
    Route("/v2/assets", assets),
    Route("/v2/assets/{asset:path}", asset),
]
