"""What a passing minute, an opening and a close do to orders, positions and cash."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from venue import matching
from venue.groups import after_end, after_fill
from venue.matching import Execution, Minute, Outcome
from venue.orders import Order
from venue.paper import PaperVenue
from venue.rendering import activity_id, fill_activity, plain
from venue.sample import CorporateAction
from venue.sessions import Session
from venue.settings import Costs
from venue.updates import tell_update

SETTLEMENT_SESSIONS = 3  # the American rule until September 2017
_EQUITY_EVERY = 5  # minutes
_STOPS = frozenset({"stop", "stop_limit", "trailing_stop"})

Look = Callable[[Order, Minute, Costs, Decimal], Outcome]


def open_session(venue: PaperVenue, session: Session) -> None:
    """Apply what is due before the opening: settlement, corporate actions, queued orders."""
    venue.book = venue.book.settled(session.date)
    for action in venue.market.actions(session.open):
        if action.ex_date == session.date:
            _apply(venue, action, session)
    for order in venue.open_orders():
        if order.status == "accepted":
            tell_update(venue, venue.put(order.moved("new", session.open)), "new", session.open)


def begin_minute(venue: PaperVenue, session: Session, index: int) -> None:
    """Match what can be matched at the opening price of minute `index`."""
    venue.taken = {}
    _match(venue, session, index, matching.at_open)


def end_minute(venue: PaperVenue, session: Session, index: int) -> None:
    """Match what the whole range of minute `index` allows, now that it is over."""
    _match(venue, session, index, matching.within)
    if venue.book.positions and (index + 1) % _EQUITY_EVERY == 0:
        venue.mark_equity(session.minute_start(index + 1))


def close_session(venue: PaperVenue, session: Session) -> None:
    """Expire what belonged to the session and close the books of the day."""
    for order in venue.open_orders():
        if venue.orders[order.id].is_open and _expires(order, session):
            expired = venue.put(order.moved("expired", session.close))
            tell_update(venue, expired, "expired", session.close)
            after_end(venue, expired, session.close)
    venue.book = replace(venue.book, last_equity=venue.equity())
    venue.mark_equity(session.close)


def minute_of(venue: PaperVenue, symbol: str, session: Session, index: int) -> Minute | None:
    """Minute `index` of a session as the matching reads it."""
    bars = venue.market.minutes(symbol, session)
    if bars is None:
        return None
    place: Literal["first", "inner", "last"] = "inner"
    if index in {0, len(bars) - 1}:
        place = "first" if index == 0 else "last"
    o, h, low, c = (
        Decimal(str(round(float(prices[index]), 4)))
        for prices in (bars.open, bars.high, bars.low, bars.close)
    )
    start, end = session.minute_start(index), session.minute_start(index + 1)
    return Minute(start, end, o, h, low, c, int(bars.volume[index]), place)


def _match(venue: PaperVenue, session: Session, index: int, look: Look) -> None:
    # Stops before limits: of two legs that one minute could fill, the worse counts.
    waiting = [o for o in venue.open_orders() if o.working]
    for waited in sorted(waiting, key=lambda o: (o.kind not in _STOPS, o.seq)):
        order = venue.orders[waited.id]
        minute = minute_of(venue, order.symbol, session, index)
        if minute is None or not order.working:
            continue
        costs = venue.market.costs
        room = minute.room(costs) - venue.taken.get(order.symbol, Decimal(0))
        outcome = look(order, minute, costs, max(room, Decimal(0)))
        _apply_outcome(venue, order, outcome, session, minute)


def _apply_outcome(
    venue: PaperVenue, order: Order, outcome: Outcome, session: Session, minute: Minute
) -> None:
    if (outcome.triggered, outcome.hwm) != (order.triggered, order.hwm):
        order = venue.put(replace(order, triggered=outcome.triggered, hwm=outcome.hwm))
    if outcome.execution:
        order = _fill(venue, order, outcome.execution, session)
    if outcome.ends and order.is_open:
        ended = venue.put(order.moved("canceled", minute.start))
        tell_update(venue, ended, "canceled", minute.start)
        after_end(venue, ended, minute.start)


def _fill(venue: PaperVenue, order: Order, execution: Execution, session: Session) -> Order:
    qty, price, at = execution.qty, execution.price, execution.at
    used = venue.taken.get(order.symbol, Decimal(0))
    venue.taken[order.symbol] = used + qty
    signed = qty if order.side == "buy" else -qty
    venue.book = venue.book.filled(
        order.symbol,
        signed,
        price,
        session=session.date,
        settles=venue.calendar.shifted(session.date, SETTLEMENT_SESSIONS),
        order_id=order.id,
    )
    filled = replace(
        order,
        filled_qty=order.filled_qty + qty,
        filled_value=order.filled_value + qty * price,
    )
    complete = _is_complete(filled, price)
    filled = venue.put(filled.moved("filled" if complete else "partially_filled", at))
    identity = venue.new_id("execution")
    venue.record(
        fill_activity(
            filled, identity=identity, account=venue.account_id, qty=qty, price=price, at=at
        )
    )
    tell_update(
        venue,
        filled,
        "fill" if complete else "partial_fill",
        at,
        execution_id=identity,
        price=plain(price),
        qty=plain(qty),
        position_qty=plain(venue.book.qty(order.symbol)),
    )
    after_fill(venue, filled, at)
    return filled


def _is_complete(order: Order, price: Decimal) -> bool:
    if order.leaves is not None:
        return order.leaves == 0
    rest = (order.notional or Decimal(0)) - order.filled_value
    # What is left buys less than the smallest fraction, or a cent's worth.
    return rest / price < matching.FRACTION * 2 or rest < matching.CENT


def _expires(order: Order, session: Session) -> bool:
    if order.status == "held":
        return False  # it ends with its entry
    return order.expires_at is not None and order.expires_at <= session.close


def _apply(venue: PaperVenue, action: CorporateAction, session: Session) -> None:
    if action.kind == "split":
        for order in venue.open_orders(action.symbol):
            if venue.orders[order.id].is_open:
                ended = venue.put(order.moved("canceled", session.open))
                tell_update(venue, ended, "canceled", session.open)
    held = venue.book.qty(action.symbol)
    if held == 0:
        return
    if action.kind == "split":
        venue.book = venue.book.split(action.symbol, action.value)
        gained = venue.book.qty(action.symbol) - held
        _record(venue, action, session.open, "SPLIT", qty=plain(gained), net_amount="0")
        return
    amount = (held * action.value).quantize(Decimal("0.01"))
    venue.book = venue.book.paid(amount)
    per_share = plain(action.value)
    _record(
        venue,
        action,
        session.open,
        "DIV",
        qty=plain(held),
        net_amount=plain(amount),
        per_share_amount=per_share,
    )


def _record(
    venue: PaperVenue, action: CorporateAction, at: datetime, kind: str, **amounts: Any
) -> None:
    venue.record(
        {
            "id": activity_id(at, venue.new_id("activity")),
            "account_id": venue.account_id,
            "activity_type": kind,
            "date": action.ex_date.isoformat(),
            "symbol": action.symbol,
            "status": "executed",
            "description": f"{action.kind} ({action.origin}), {action.value} a share",
            **amounts,
        }
    )
