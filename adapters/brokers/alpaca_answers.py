"""Alpaca's JSON in the desk's words: pure functions, decimals from texts, instants in UTC."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, cast
from zoneinfo import ZoneInfo

from alpaca.common.exceptions import APIError

from trading.broker import (
    BrokerAccount,
    BrokerAsset,
    BrokerBooking,
    BrokerClock,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
    TradingDay,
)
from trading.orders import Fill, OrderState, Side

# What reading an answer of the wrong shape raises.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, InvalidOperation)

_NEW_YORK = ZoneInfo("America/New_York")

_STATES = {
    "new": OrderState.ACCEPTED,
    "accepted": OrderState.ACCEPTED,
    "pending_new": OrderState.ACCEPTED,
    "accepted_for_bidding": OrderState.ACCEPTED,
    "held": OrderState.ACCEPTED,  # a stop or target whose entry is not filled yet
    "pending_review": OrderState.ACCEPTED,
    "pending_cancel": OrderState.ACCEPTED,
    "pending_replace": OrderState.ACCEPTED,
    "stopped": OrderState.ACCEPTED,
    "suspended": OrderState.ACCEPTED,
    "calculated": OrderState.ACCEPTED,
    "done_for_day": OrderState.ACCEPTED,
    "partially_filled": OrderState.PARTIALLY_FILLED,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "replaced": OrderState.CANCELED,  # another order stands in its place
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
}


def order(told: Any) -> BrokerOrder:
    """Return an order."""
    filled = Decimal(told["filled_qty"] or 0)
    # An order by amount, which the desk never sends, has no quantity.
    quantity = filled if told["qty"] is None else Decimal(told["qty"])
    state = _STATES[told["status"]]
    if state is OrderState.ACCEPTED and filled > 0:
        state = OrderState.PARTIALLY_FILLED
    return BrokerOrder(
        broker_order_id=_text(told["id"]),
        client_order_id=_text(told["client_order_id"]),
        symbol=_text(told["symbol"]),
        side=_side(told["side"]),
        quantity=quantity,
        order_type=_text(told.get("type") or told["order_type"]),
        limit_price=_number(told.get("limit_price")),
        stop_price=_number(told.get("stop_price")),
        state=state,
        filled_quantity=filled,
        average_price=_price(told.get("filled_avg_price")),
        submitted_at=_instant(told["submitted_at"] or told["created_at"]),
        updated_at=_instant(told["updated_at"] or told["created_at"]),
    )


def children(told: Any) -> list[BrokerOrder]:
    """Return the legs rolled up in an order, naming it as their parent."""
    parent = _text(told["client_order_id"])
    return [
        replace(order(leg), parent_client_order_id=parent) for leg in listed(told["legs"] or [])
    ]


def fill(told: Any, of: BrokerOrder) -> BrokerFill:
    """Return an execution of the order `of`."""
    return BrokerFill(
        fill=Fill(
            execution_id=_text(told["id"]),
            quantity=Decimal(told["qty"]),
            price=Decimal(told["price"]),
        ),
        broker_order_id=of.broker_order_id,
        client_order_id=of.client_order_id,
        symbol=_text(told["symbol"]),
        side=of.side,
        fee=Decimal(0),
        market_at=_instant(told["transaction_time"]),
    )


def position(told: Any) -> BrokerPosition:
    """Return a holding; the sign follows its side, however the quantity is written."""
    sign = -1 if told["side"] == "short" else 1
    return BrokerPosition(
        symbol=_text(told["symbol"]),
        quantity=sign * abs(Decimal(told["qty"])),
        average_price=Decimal(told["avg_entry_price"]),
        market_price=_number(told.get("current_price")),
        market_value=_number(told.get("market_value")),
        unrealised=_number(told.get("unrealized_pl")),
    )


# Activities without a trade that change shares or cash: the desk's word for each of Alpaca's.
BOOKED = {
    "SPLIT": "split", "DIV": "dividend", "DIVCGL": "dividend", "DIVCGS": "dividend",
    "DIVNRA": "dividend", "DIVROC": "dividend", "DIVTXEX": "dividend", "DIVWH": "dividend",
    "INT": "interest", "FEE": "fee", "CFEE": "fee", "PTC": "fee", "WH": "tax",
    "CIL": "cash in lieu",  # of fractions that a split left
    # By bank, from the books of Alpaca itself (as where it lends what is on its way), by ACATS.
    "CSD": "transfer", "CSW": "transfer", "JNLC": "transfer", "ACATC": "transfer",
}  # fmt: skip


def bookings(told: Any) -> list[BrokerBooking]:
    """Return what was booked, and what takes it back where it was cancelled since."""
    booked = booking(told)
    if told.get("status") != "canceled":
        return [booked]
    back = replace(
        booked,
        booking_id=f"{booked.booking_id}/canceled",
        quantity=-booked.quantity,
        cash=-booked.cash,
    )
    return [booked, back]


def booking(told: Any) -> BrokerBooking:
    """Return what was booked without a trade. Only a split changes the shares held."""
    kind = BOOKED[told["activity_type"]]
    shares = Decimal(told["qty"]) if kind == "split" else Decimal(0)
    return BrokerBooking(
        booking_id=_text(told["id"]),
        kind=kind,
        symbol=told.get("symbol") or None,
        day=date.fromisoformat(told["date"]),
        quantity=shares,
        cash=Decimal(told.get("net_amount") or 0),
    )


def account(told: Any) -> BrokerAccount:
    """Return the account. Settled cash is what the broker calls so, else what needs no margin."""
    settled = told.get("settled_cash") or told.get("non_marginable_buying_power")
    return BrokerAccount(
        account_id=_text(told["account_number"]),
        equity=Decimal(told["equity"]),
        last_equity=_number(told.get("last_equity")),
        cash=Decimal(told["cash"]),
        settled_cash=_number(settled),
        buying_power=Decimal(told["buying_power"]),
        currency=_text(told["currency"]),
        status=_text(told["status"]),
        blocked=bool(told["trading_blocked"] or told["account_blocked"])
        or bool(told.get("trade_suspended_by_user")),
        day_trades=None if told.get("daytrade_count") is None else int(told["daytrade_count"]),
    )


def clock(told: Any) -> BrokerClock:
    """Return the market's time."""
    return BrokerClock(
        now=_instant(told["timestamp"]),
        is_open=bool(told["is_open"]),
        next_open=_instant(told["next_open"]),
        next_close=_instant(told["next_close"]),
    )


def trading_day(told: Any) -> TradingDay:
    """Return a session; the broker writes its hours in New York time."""
    session = date.fromisoformat(told["date"])
    return TradingDay(
        session=session,
        opens_at=_there(session, told["open"]),
        closes_at=_there(session, told["close"]),
    )


def quote(symbol: str, told: Any, trade: Any) -> BrokerQuote:
    """Return a quote; a side that nobody quotes (written as 0) is None."""
    return BrokerQuote(
        symbol=symbol,
        bid=_price(told["bp"]),
        ask=_price(told["ap"]),
        last=None if trade is None else _price(trade["p"]),
        quoted_at=_instant(told["t"]),
        traded_at=None if trade is None else _instant(trade["t"]),
    )


def asset(told: Any) -> BrokerAsset:
    """Return what may be done with a symbol."""
    active = told["status"] == "active"
    return BrokerAsset(
        symbol=_text(told["symbol"]),
        tradable=bool(told["tradable"]) and active,
        fractionable=bool(told["fractionable"]),
        shortable=bool(told["shortable"]),
        easy_to_borrow=bool(told["easy_to_borrow"]),
        kind=_text(told["class"]),
        flags=tuple(told.get("attributes") or ()),
    )


def listed(told: Any) -> list[dict[str, Any]]:
    """Return a list that was answered.

    Raises
    ------
    TypeError
        If it is anything else, so that an error's envelope is never read as "none".
    """
    if not isinstance(told, list):
        raise TypeError(f"a list was expected, a {type(told).__name__} came")
    return told


def mapping(told: Any) -> dict[str, Any]:
    """Return a mapping that was answered.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if not isinstance(told, dict):
        raise TypeError(f"an object was expected, a {type(told).__name__} came")
    return told


def reason(error: APIError) -> str:
    """Return the broker's own words of a refusal, whatever its body is."""
    text = str(error)
    try:
        told = json.loads(text)
    except ValueError:
        return text[:200]
    return str(told["message"]) if isinstance(told, dict) and "message" in told else text[:200]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"a text was expected, {value!r} came")
    return value


def _side(value: Any) -> Side:
    if value not in {"buy", "sell"}:
        raise ValueError(f"a side is buy or sell, {value!r} came")
    return cast("Side", value)


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _price(value: Any) -> Decimal | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone, {text} came")
    return instant.astimezone(UTC)


def _there(session: date, hours: str) -> datetime:
    wall = datetime.combine(session, time.fromisoformat(hours), tzinfo=_NEW_YORK)
    return wall.astimezone(UTC)
