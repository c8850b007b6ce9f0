"""Before a split opens its symbol is cleared; after it the stops are proposed anew."""

import logging
from collections.abc import Callable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from assets.picture import limits_now
from assets.stops import stops_proposal
from ledger import proposals, splits
from quality.calendar import exchange
from trading.broker import BrokerClock
from trading.errors import NotAllowedError
from trading.stopping import cancel_order
from worker.desk import Desk

log = logging.getLogger(__name__)

_NEW_YORK = ZoneInfo("America/New_York")

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
            )
        if ended or working:
            log.warning(
                "%s is split on %s: %s proposals lapsed, %s orders were asked to end",
                symbol, ex_date, len(ended), len(working),
            )  # fmt: skip


def _propose_stops(desk: Desk, clock: BrokerClock) -> None:
    """Propose the stops that a split of this session ended, once its shares are booked."""
    calendar, session = exchange(), clock.now.astimezone(_NEW_YORK).date()
    if not calendar.is_session(session):
        return
    opens_at, closed_at = calendar.open(session), calendar.close(calendar.previous(session))
    with desk.engine.connect() as conn:
        found = splits.unprotected(conn, since=session, opens_at=opens_at)
        ended = [splits.stops_before(conn, one.symbol, closed_at=closed_at) for one in found]
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
        if drafted is None:
            continue
        try:
            with desk.engine.begin() as conn:
                proposals.add(conn, drafted, desk_at=desk.clock.now())
        except NotAllowedError as e:
            log.warning("the stops of %s were not proposed: %s", split.symbol, e)
            continue
        log.warning("%s was split: proposal %s gives its stops back", split.symbol, drafted.code)
