"""Before a split opens its symbol is cleared; after it the stops are proposed anew."""

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from assets.picture import limits_now
from assets.stops import stops_proposal
from ledger import alerts, ended_stops, proposals, splits
from quality.calendar import exchange
from trading.broker import BrokerClock
from trading.proposals import Proposal
from trading.stopping import cancel_order
from trading.wording import shares
from worker.desk import Desk

log = logging.getLogger(__name__)

_NEW_YORK = ZoneInfo("America/New_York")
# Stops that nobody signed in their session are proposed again in the next ones, and those of a
# split that the desk slept through in its first session after it.
_LOOKED_BACK = timedelta(days=7)

Announced = Callable[[date, Sequence[str]], Sequence[str]]


def follow_splits(desk: Desk, announced: Announced) -> None:
    """Do what splits demand now: it looks at what is, so that a night without it costs nothing.

    Parameters
    ----------
    announced : callable
        Given an ex-date and symbols, those that are split as it opens.

    Raises
    ------
    BrokerUnavailableError
        If the broker does not answer; the next call asks again.
    """
    clock = desk.broker.clock()
    if clock.is_open:
        _propose_stops(desk, clock)
    else:
        _clear(desk, clock.next_open.astimezone(_NEW_YORK).date(), announced)


def _clear(desk: Desk, ex_date: date, announced: Announced) -> None:
    """Lapse what was signed and cancel what works in every symbol that is split next."""
    with desk.engine.connect() as conn:
        symbols = splits.symbols_in_play(conn)
    for symbol in announced(ex_date, symbols) if symbols else ():
        with desk.engine.begin() as conn:
            ended = splits.lapse(conn, symbol, ex_date=ex_date, desk_at=desk.clock.now())
        with desk.engine.connect() as conn:
            working = splits.working(conn, symbol)
        for order in working:
            cancel_order(
                desk.ledger,
                desk.broker,
                client_order_id=order.client_order_id,
                desk=desk.clock,
                market=desk.market,
                why=ended_stops.BEFORE_A_SPLIT,
            )
        if ended or working:
            log.warning(
                "%s is split on %s: %s proposals lapsed, %s orders were asked to end",
                symbol, ex_date, len(ended), len(working),
            )  # fmt: skip


def _propose_stops(desk: Desk, clock: BrokerClock) -> None:
    """Propose the stops that splits of the last sessions ended, once their shares are booked."""
    calendar, today = exchange(), clock.now.astimezone(_NEW_YORK).date()
    if not calendar.is_session(today):
        return
    sessions = calendar.sessions(today - _LOOKED_BACK, today)
    opened = {session: calendar.open(session) for session in sessions}
    with desk.engine.connect() as conn:
        found = splits.unprotected(conn, opened, today_at=calendar.open(today))
        ended = [
            splits.stops_before(
                conn, one.symbol, closed_at=calendar.close(calendar.previous(one.ex_date))
            )
            for one in found
        ]
    for split, stops in zip(found, ended, strict=True):
        drafted = stops_proposal(
            desk.engine,
            desk.broker,
            split,
            stops,
            environment=desk.environment,
            limits=limits_now(desk.limits, desk.engine, desk_at=desk.clock.now()),
            desk_at=desk.clock.now(),
        )
        if drafted is not None:
            _store(desk, drafted, split, market_at=clock.now)


def _store(desk: Desk, drafted: Proposal, split: splits.Split, *, market_at: datetime) -> None:
    """Store a proposal of stops, and tell people that until it is signed there are none."""
    desk_at, message = desk.clock.now(), _sentence(drafted, split)
    with desk.engine.begin() as conn:
        proposals.add(conn, drafted, desk_at=desk_at)
        alerts.raise_once(
            conn,
            severity="critical",
            kind="stop_missing",
            subject=split.symbol,
            message=message,
            desk_at=desk_at,
            market_at=market_at,
            actor="watch",
        )
    log.warning(message)


def _sentence(drafted: Proposal, split: splits.Split) -> str:
    bare = shares(sum((leg.quantity for leg in drafted.legs), Decimal(0)))
    said = f"{split.symbol} was split and its stops ended with it: {bare} shares have none."
    denied = [check for check in drafted.checks if check.denies]
    if denied:
        why = denied[0].sentence
        return f"{said} Proposal {drafted.code}, which gives them back, was denied: {why}"
    return f"{said} Sign proposal {drafted.code} under Approvals, which gives them back, or sell."
