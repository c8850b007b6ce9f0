"""The paper venue itself: what it knows, and how a change to it is made durable."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from venue import book as books
from venue import orders as order_records
from venue.book import Book
from venue.clock import Clock, Hold, Replay
from venue.errors import Refusal
from venue.market import Market, Planted
from venue.orders import Order
from venue.recorded import recorded
from venue.rendering import plain
from venue.sample import sample
from venue.sessions import exchange_calendar
from venue.settings import VenueConfig
from venue.store import Store

_FORMAT = 3


class Listener(Protocol):
    """Someone who is told what happened, after it was made durable."""

    def publish(self, channel: str, message: dict[str, Any]) -> None:
        """Take one message of a channel (`trade_updates`, `bars`, `quotes`, ...)."""
        ...

    def wants(self, channel: str) -> bool:
        """Whether anyone would hear a message of that channel."""
        ...


class WrongStateError(ValueError):
    """The stored replay is not the one that was asked for."""


class PaperVenue:
    """Clock, market, account and orders of one venue.

    Every change happens inside `change()`: it is written in one transaction,
    then told to the listeners; if it fails, memory returns to what is stored.
    """

    def __init__(self, config: VenueConfig) -> None:
        self.config = config
        self.calendar = exchange_calendar()
        replayed = recorded(config.market) if config.market else sample()
        if not replayed.first_session <= config.start <= replayed.last_session:
            raise ValueError(
                f"The replay must start within the market, {replayed.first_session} to "
                f"{replayed.last_session}; {config.start} is outside."
            )
        if self.calendar.on(config.start) is None:
            raise ValueError(f"--start must be a session of the exchange; {config.start} is none.")
        self.store = Store(config.state)
        self.market = Market(self.calendar, seed=config.seed, costs=config.costs, replayed=replayed)
        self.replay = Replay(self.calendar, self.market.last_session)
        self.last_stamp = datetime.min.replace(tzinfo=UTC)
        self.listeners: list[Listener] = []
        self.taken: dict[str, Decimal] = {}  # shares taken from the running minute, by symbol
        self._outbox: list[tuple[str, dict[str, Any]]] = []
        self._changed_orders: dict[str, Order] = {}
        self._new_activities: list[tuple[int, dict[str, Any]]] = []
        self._new_equity: list[tuple[float, str]] = []
        self._load()

    # -- what it knows ---------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """Market time."""
        return self.clock.now

    @property
    def is_open(self) -> bool:
        """Whether the market is open now."""
        return self.calendar.is_open(self.now)

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Orders to which something may still happen, oldest first."""
        known = (self.orders[i] for i in self._open_ids)
        return sorted((o for o in known if symbol in {None, o.symbol}), key=lambda o: o.seq)

    def hold(self) -> Hold | None:
        """What holds the clock where it stands."""
        session = self.calendar.latest(self.now)
        limit = self.replay.before_close(session)
        working = any(
            o.working and o.expires_at == session.close and o.submitted_at < limit
            for o in self.open_orders()
        )
        return self.replay.hold(self.clock, orders_working=working)

    def price(self, symbol: str) -> Decimal:
        """The last price of a symbol, in dollars; zero before its first session."""
        return Decimal(str(self.market.price(symbol, self.now) or 0))

    def equity(self) -> Decimal:
        """Cash and positions at their last prices, in dollars."""
        held = self.book.positions.values()
        return self.book.cash + sum((p.qty * self.price(p.symbol) for p in held), Decimal(0))

    def new_id(self, kind: str) -> str:
        """An identifier that nothing else bears."""
        self.counter += 1
        return str(uuid.uuid5(uuid.UUID(self.account_id), f"{kind} {self.counter}"))

    def stamp(self) -> datetime:
        """Market time for a new order: after now, and later than any stamp before it.

        The clock may stand while orders come in; clients page by this time, so
        that two orders must not share it. A minute that begins now has begun
        without the order.
        """
        self.last_stamp = max(self.now, self.last_stamp) + timedelta(microseconds=1)
        return self.last_stamp

    # -- how it changes --------------------------------------------------------------

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make everything done inside durable at once, then tell the listeners."""
        try:
            yield
            self._write()
        except Refusal:
            if self._touched():  # checks come first: a refusal rarely leaves anything behind
                self._load()
            raise
        except BaseException:
            self._load()
            raise
        told, self._outbox = self._outbox, []
        for channel, message in told:
            for listener in self.listeners:
                listener.publish(channel, message)

    def put(self, order: Order) -> Order:
        """Keep a new or changed order."""
        self.orders[order.id] = order
        self.by_client_id[order.client_order_id] = order.id
        self._changed_orders[order.id] = order
        if order.is_open:
            self._open_ids.add(order.id)
        else:
            self._open_ids.discard(order.id)
        return order

    def record(self, activity: dict[str, Any]) -> None:
        """Keep an account activity."""
        self.activities.append(activity)
        self._new_activities.append((len(self.activities), activity))

    def mark_equity(self, at: datetime) -> None:
        """Keep the account's equity as of now under the market time `at`."""
        mark = (at.timestamp(), str(self.equity()))
        self.equity_marks.append(mark)
        self._new_equity.append(mark)

    def wanted(self, channel: str) -> bool:
        """Whether any listener wants messages of `channel`."""
        return any(listener.wants(channel) for listener in self.listeners)

    def tell(self, channel: str, message: dict[str, Any]) -> None:
        """Have the listeners told when the change is durable."""
        self._outbox.append((channel, message))

    def plant(self, case: Planted) -> None:
        """Put one more case into the market."""
        self.market.plant((*self.market.planted, case))

    def close(self) -> None:
        """Let go of the state."""
        self.store.close()

    # -- memory and store ------------------------------------------------------------

    def _load(self) -> None:
        facts = self.store.facts()
        self._check_same_replay(facts)
        self.clock = _clock(facts["clock"]) if facts else self._first_clock()
        self.book = books.from_record(facts["book"]) if facts else self._first_book()
        # An account that was started afresh is another account, and its orders have other ids.
        self.account_id = str(facts.get("account_id") or uuid.uuid4())
        self.counter = int(facts.get("counter", 0))
        self.last_stamp = datetime.fromisoformat(facts["last_stamp"]) if facts else self.clock.now
        loaded = [order_records.from_record(r) for r in self.store.orders()]
        self.orders = {o.id: o for o in sorted(loaded, key=lambda o: o.seq)}
        self.by_client_id = {o.client_order_id: o.id for o in loaded}
        self._open_ids = {o.id for o in loaded if o.is_open}
        self.activities = self.store.activities()
        self.equity_marks = self.store.equity()
        self.market.plant(_planted(c) for c in facts.get("planted", ()))
        self._forget_unwritten()
        if not facts:
            self.mark_equity(self.clock.now)
            self._write()

    def _write(self) -> None:
        self.store.write(
            facts={
                "format": _FORMAT,
                "replay": self._replay_facts(),
                "account_id": self.account_id,
                "clock": _clock_record(self.clock),
                "book": books.as_record(self.book),
                "counter": self.counter,
                "last_stamp": self.last_stamp.isoformat(),
                "planted": [_planted_record(c) for c in self.market.planted],
            },
            orders=[order_records.as_record(o) for o in self._changed_orders.values()],
            activities=self._new_activities,
            equity=self._new_equity,
        )
        outbox = self._outbox
        self._forget_unwritten()
        self._outbox = outbox

    def _touched(self) -> bool:
        return bool(self._changed_orders or self._new_activities or self._outbox)

    def _forget_unwritten(self) -> None:
        self._changed_orders, self._new_activities = {}, []
        self._new_equity, self._outbox = [], []

    def _replay_facts(self) -> dict[str, Any]:
        c = self.config
        told = {"start": c.start.isoformat(), "seed": c.seed, "cash": plain(c.cash)}
        return told if self.market.name == "sample" else told | {"market": self.market.name}

    def _check_same_replay(self, facts: dict[str, Any]) -> None:
        if facts and facts.get("format") != _FORMAT:
            self.store.close()
            raise WrongStateError(
                f"The state in {self.config.state} has format {facts.get('format')}, this venue "
                f"writes {_FORMAT}. Give another --state, or run the venue that wrote it."
            )
        asked, stored = self._replay_facts(), facts.get("replay")
        if stored is not None and stored != asked:
            self.store.close()
            raise WrongStateError(
                f"The state in {self.config.state} belongs to the replay {stored}, but {asked} "
                "was asked for. Start with the stored settings, or give another --state."
            )

    def _first_clock(self) -> Clock:
        session = self.calendar.on(self.config.start)
        assert session is not None  # checked before anything was stored
        return Clock(now=session.close, pace=self.config.pace)

    def _first_book(self) -> Book:
        return Book(cash=self.config.cash, last_equity=self.config.cash)


def _clock_record(clock: Clock) -> dict[str, Any]:
    record = asdict(replace(clock, holds=dict(clock.holds)))
    dates = {n: v.isoformat() for n in ("done", "overridden") if (v := record[n]) is not None}
    return {**record, **dates, "now": clock.now.isoformat()}


def _clock(record: dict[str, Any]) -> Clock:
    dates = {n: date.fromisoformat(v) for n in ("done", "overridden") if (v := record[n])}
    now = datetime.fromisoformat(record["now"]).astimezone(UTC)
    return Clock(**{**record, **dates, "now": now})


def _planted_record(case: Planted) -> dict[str, Any]:
    return {**asdict(case), "session": case.session.isoformat(), "at": case.at.isoformat()}


def _planted(record: dict[str, Any]) -> Planted:
    session, at = date.fromisoformat(record["session"]), datetime.fromisoformat(record["at"])
    return Planted(**{**record, "session": session, "at": at})
