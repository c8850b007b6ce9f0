"""What the broker says, into the ledger: clock, quotes, account, orders, fills."""

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from adapters.brokers.alpaca_actions import AnnouncedSplits
from adapters.brokers.alpaca_updates import TradeUpdates
from assets.picture import limits_now
from config.limits import Limits
from ledger import breakers, daily_runs, filed, legs, market, proposals
from quality.calendar import exchange
from trading.breakers import trips
from trading.ledger import Stamp
from trading.limits import OverrideError
from trading.reconcile import reconcile
from trading.stopping import cancel_overdue
from worker import alerts
from worker.desk import Desk
from worker.heart import heartbeat
from worker.loop import Task
from worker.protecting import tell_ended
from worker.splits import follow_splits

log = logging.getLogger(__name__)

_NEW_YORK = ZoneInfo("America/New_York")
_UNDECIDED = "undecided"
_CLOCK_SECONDS = 1.0
_QUOTE_SECONDS = 2.0
_WORKING_SECONDS = 2.0
_QUIET = timedelta(seconds=30)
_LOOKS = 20  # of which the broker's own words may wake some before their time
_OVERDUE_SECONDS = 5.0
_BREAKER_SECONDS = 5.0
_SPLIT_SECONDS = 5.0
_STOP_SECONDS = 5.0
# A run that sends starts within seconds of the signature. A desk that cannot send, because it is
# halted or its pipeline is down, is not waited for longer than this.
_SENDING = timedelta(minutes=2)


def tasks(desk: Desk) -> list[Task]:
    """Return what the watch does."""
    reconciler = _Reconciler(desk)
    updates = TradeUpdates(desk.settings.broker, reconciler.told.set)
    broker = desk.settings.broker
    announced = AnnouncedSplits(
        key_id=broker.key_id, secret_key=broker.secret_key, data_url=broker.data_url
    )
    listed = [
        Task("clock", _Listener(desk).hear, _CLOCK_SECONDS),
        Task("quotes", lambda: _quotes(desk), max(_QUOTE_SECONDS, broker.look_seconds)),
        Task("reconciliation", reconciler.step, _WORKING_SECONDS),
        Task("trade updates", updates.listen, _WORKING_SECONDS),
        Task("overdue orders", lambda: _overdue(desk), _OVERDUE_SECONDS),
        Task("splits", lambda: follow_splits(desk, announced.on), _SPLIT_SECONDS),
        Task("ended stops", lambda: tell_ended(desk), _STOP_SECONDS),
        Task("circuit breakers", _Breakers(desk, desk.clock.now()).step, _BREAKER_SECONDS),
        *alerts.tasks(desk),
        heartbeat(desk, "watch", is_the_desk_s=True),
    ]
    if desk.venue is not None:
        listed.append(Task("replay", _Replay(desk).step, _CLOCK_SECONDS))
    return listed


@dataclass
class _Listener:
    """Writes the market's clock down, and ends what is past its time."""

    desk: Desk

    def hear(self) -> None:
        clock = _replay_clock(self.desk) if self.desk.venue else _broker_clock(self.desk)
        with self.desk.engine.begin() as conn:
            market.record_clock(conn, clock)
        with self.desk.engine.begin() as conn:
            ended = proposals.expire(conn, market_at=_past(clock), desk_at=self.desk.clock.now())
        if ended:
            log.info("%s proposals expired at %s", len(ended), clock.now)


def _past(clock: market.Clock) -> datetime:
    """The time up to which all is past: a replay that has ended never sees its next close."""
    if clock.state == "ended" and clock.next_close is not None:
        return clock.next_close
    return clock.now


def _replay_clock(desk: Desk) -> market.Clock:
    assert desk.venue is not None
    told = desk.venue.status()
    return market.Clock(
        now=told.now,
        session=told.session,
        is_open=told.is_open,
        next_open=told.next_open,
        next_close=told.next_close,
        early_close=_closes_early(told.session),
        replay=True,
        state=told.state,
        hold_reason=told.hold_reason,
        pace=told.pace,
        first_session=told.first_session,
        last_session=told.last_session,
        received_at=desk.clock.now(),
    )


def _broker_clock(desk: Desk) -> market.Clock:
    told = desk.broker.clock()
    session = told.now.astimezone(_NEW_YORK).date()
    return market.Clock(
        now=told.now,
        session=session,
        is_open=told.is_open,
        next_open=told.next_open,
        next_close=told.next_close,
        early_close=_closes_early(session),
        replay=False,
        state="live",
        hold_reason=None,
        pace=Decimal(1) / 60,
        first_session=None,
        last_session=None,
        received_at=desk.clock.now(),
    )


def _closes_early(session: date) -> bool:
    calendar = exchange()
    return calendar.is_session(session) and calendar.is_early_close(session)


def _quotes(desk: Desk) -> None:
    received_at = desk.clock.now()
    told = desk.broker.quotes(desk.universe.names)
    with desk.engine.begin() as conn:
        market.record_quotes(
            conn,
            [market.Quote(**vars(quote), received_at=received_at) for quote in told.values()],
        )


def _overdue(desk: Desk) -> None:
    report = cancel_overdue(desk.ledger, desk.broker, desk=desk.clock, market=desk.market)
    if not report.complete:
        log.warning(report.sentence)


@dataclass
class _Breakers:
    """Takes the desk out of ACTIVE when it loses too much or hears too little."""

    desk: Desk
    since: datetime
    looked_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.looked_at = self.since

    def step(self) -> None:
        desk_at = self.desk.clock.now()
        if desk_at < self.looked_at:  # the clock was put back: silence counts from here
            self.since = desk_at
        self.looked_at = desk_at
        limits = self._limits(desk_at)
        with self.desk.engine.begin() as conn:
            circuit = breakers.circuit(
                conn,
                desk_at=desk_at,
                watched_since=self.since,
                with_feed=self.desk.settings.sources.live,
            )
            if circuit is None:
                return
            found = trips(circuit, limits)
            at = Stamp(desk_at=desk_at, market_at=circuit.market_at, source="breakers")
            tripped = breakers.trip(conn, found, at=at)
        for one in tripped:
            log.warning("%s tripped: %s", one.kind, one.sentence)

    def _limits(self, desk_at: datetime) -> Limits:
        """As overridden; as configured while an override makes no sense: somebody must watch."""
        try:
            return limits_now(self.desk.limits, self.desk.engine, desk_at=desk_at)
        except OverrideError as e:
            log.warning("the breakers go by the configured limits: %s", e)
            return self.desk.limits


@dataclass
class _Reconciler:
    """Compares ledger and broker: at the broker's pace while orders work, else every half minute.

    Signed legs wait for a clean comparison: after an unclean one it is done again at that pace.
    It is done at once when the broker says that something happened: that alone, for the query is
    the fact. A broker that goes on and on is heard twice as often as its pace, on the average.
    """

    desk: Desk
    last_clean_at: datetime | None = field(default=None)
    told: threading.Event = field(default_factory=threading.Event)
    looks: deque[datetime] = field(default_factory=lambda: deque(maxlen=_LOOKS))

    def step(self) -> None:
        now = self.desk.clock.now()
        if not self._is_due(now):
            return
        self.told.clear()  # before asking: what is told from now on is asked for again
        self.looks.append(now)
        report = reconcile(
            self.desk.ledger,
            self.desk.broker,
            market=self.desk.market,
            desk=self.desk.clock,
            environment=self.desk.environment,
        )
        self.last_clean_at = now if report.clean else None
        if not report.clean:
            log.warning("reconciliation found differences: %s", report.differences)

    def _is_due(self, now: datetime) -> bool:
        pace = timedelta(seconds=self.desk.settings.broker.look_seconds)
        latest = self.looks[-1] if self.looks else None
        earliest = self.looks[0] if len(self.looks) == _LOOKS else None
        if self.told.is_set() and not _within(pace * _LOOKS / 2, earliest, now):
            return True
        if _within(pace, latest, now):
            return False
        return not _within(_QUIET, self.last_clean_at, now) or bool(
            self.desk.ledger.working_orders()
        )


def _within(span: timedelta, since: datetime | None, now: datetime) -> bool:
    """Whether less has passed; a clock that ran ahead and was put right must not make it wait."""
    return since is not None and abs(now - since) < span


@dataclass
class _Replay:
    """Lets the replay wait for people, for what they signed to be sent, and for the daily run."""

    desk: Desk
    held: bool = True  # until it is known: an earlier process may have left it held

    def step(self) -> None:
        venue = self.desk.venue
        assert venue is not None
        status = venue.status()
        with self.desk.engine.connect() as conn:
            reason = self._waits_for(conn, status.now)
            run = daily_runs.state_of(conn, status.session)
        if reason is not None:
            venue.hold(_UNDECIDED, reason=reason)
        elif self.held:
            venue.release(_UNDECIDED)
        self.held = reason is not None
        if run == "done" and not status.is_open:
            venue.session_done(status.session)

    def _waits_for(self, conn: sa.Connection, market_at: datetime) -> str | None:
        # Counted in this order: one that is signed in between counts in both, never in neither.
        if to_decide := filed.undecided(conn):
            return f"{to_decide} proposal{'s' if to_decide > 1 else ''} to decide"
        to_send = legs.newly_signed(
            conn, within=_SENDING, desk_at=self.desk.clock.now(), market_at=market_at
        )
        return f"{to_send} signed order{'s' if to_send > 1 else ''} to send" if to_send else None
