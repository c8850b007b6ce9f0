"""What protects a position: brought back after sales, and told of where it ended by itself."""

import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from assets.flattening import NoResearch
from assets.picture import limits_now
from ledger import alerts, ended_stops, state
from quality.calendar import exchange
from trading.orders import OrderState
from trading.protecting import restore_stops
from trading.sending import Sender
from trading.state import TradingState
from trading.wording import shares
from worker.desk import Desk

_NEW_YORK = ZoneInfo("America/New_York")
_BOOKING = timedelta(minutes=15)  # within which after the opening a broker books a split
_ENDED = "stop_ended"
_ACTOR = "watch:stops"
_WORDS = {OrderState.CANCELED: "was cancelled", OrderState.EXPIRED: "expired"}


def protect(desk: Desk) -> None:
    """Send the stops that are owed to what sales left of a position."""
    if not desk.ledger.owed_stops():
        return
    restore_stops(
        desk.ledger,
        desk.broker,
        sender=Sender(
            owner=f"executor/stops/{os.getpid()}",
            build=desk.settings.build,
            environment=desk.environment,
            limits=limits_now(desk.limits, desk.engine, desk_at=desk.clock.now()),
            facts=NoResearch(),
        ),
        desk=desk.clock,
        market=desk.market,
    )


def tell_ended(desk: Desk) -> None:
    """Tell people of positions whose stop ended at the broker without a word from here.

    A halt cancels stops too, which whoever halts knows: those that are still missing once the
    desk trades again are told then.
    """
    desk_at, market_at = desk.clock.now(), desk.market.now()
    with desk.engine.begin() as conn:
        if state.current(conn).state is TradingState.HALTED:
            return
        seen = ended_stops.look(conn, booked_by=_splits_booked_by(market_at))
        for one in seen.bare:
            alerts.raise_once(
                conn,
                severity="critical",
                kind=_ENDED,
                subject=one.symbol,
                message=_sentence(one),
                desk_at=desk_at,
                market_at=market_at,
                actor=_ACTOR,
                condition=" ".join(one.stops),
            )
        still = {(_ENDED, symbol) for symbol in (*seen.unsure, *(one.symbol for one in seen.bare))}
        alerts.over(conn, noticed_by=_ACTOR, still=still, desk_at=desk_at)


def _splits_booked_by(now: datetime) -> datetime:
    """When (market time) the newest session opened of which the splits are booked by `now`."""
    calendar, today = exchange(), now.astimezone(_NEW_YORK).date()
    if calendar.is_session(today) and calendar.open(today) + _BOOKING <= now:
        return calendar.open(today)
    return calendar.open(calendar.previous(today))


def _sentence(one: ended_stops.Bare) -> str:
    how = f"{_WORDS[one.state]} at the broker"
    if one.awaits_split:
        how = "was cancelled for an announced split, which the broker has not booked"
    return (
        f"The stop of {one.symbol} {how}, and {shares(one.quantity)} shares have none. Protect "
        "them anew under Approvals, or sell them."
    )
