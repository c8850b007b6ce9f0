"""What protects a position: brought back after sales, and told of where it ended by itself."""

import os

from assets.flattening import NoResearch
from assets.picture import limits_now
from ledger import alerts, ended_stops, market, state
from trading.orders import OrderState
from trading.protecting import restore_stops
from trading.sending import Sender
from trading.state import TradingState
from trading.wording import shares
from worker.desk import Desk

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
    desk_at = desk.clock.now()
    with desk.engine.begin() as conn:
        if state.current(conn).state is TradingState.HALTED:
            return
        clock, seen = market.latest_clock(conn), ended_stops.look(conn)
        for one in seen.bare:
            alerts.raise_once(
                conn,
                severity="critical",
                kind=_ENDED,
                subject=one.symbol,
                message=f"The stop of {one.symbol} {_WORDS[one.state]} at the broker, and "
                f"{shares(one.quantity)} shares have none. Protect them anew under Approvals, or "
                "sell them.",
                desk_at=desk_at,
                market_at=None if clock is None else clock.now,
                actor=_ACTOR,
                condition=" ".join(one.stops),
            )
        still = {(_ENDED, symbol) for symbol in (*seen.unsure, *(one.symbol for one in seen.bare))}
        alerts.over(conn, noticed_by=_ACTOR, still=still, desk_at=desk_at)
