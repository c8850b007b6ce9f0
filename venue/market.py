"""Prices at the venue: daily bars, simulated minutes and quotes, with what a demo planted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import prod
from typing import Literal

from venue.minutes import Minutes, simulated
from venue.sample import CorporateAction, DailyBar, Sample, sample
from venue.sessions import ExchangeCalendar, Session
from venue.settings import Costs

_KEPT_SESSIONS = 256
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Planted:
    """A case put into the replayed market on purpose.

    `bad_close`: the served daily close of `session` is multiplied by `factor`.
    `price_gap`: prices of `session` from minute `minute` on are multiplied by
    `factor`; quotes follow from `at` on. `split`: prices from `session` on are
    divided by `factor`.
    """

    kind: Literal["bad_close", "price_gap", "split"]
    symbol: str
    session: date
    factor: float
    at: datetime
    minute: int = 0


@dataclass(frozen=True)
class Quote:
    """Best bid and ask in dollars, sizes in shares."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_size: int
    ask_size: int
    at: datetime


class Market:
    """The replayed market with its planted cases; every answer depends on its arguments alone."""

    def __init__(
        self,
        calendar: ExchangeCalendar,
        *,
        seed: int,
        costs: Costs,
        replayed: Sample | None = None,
    ) -> None:
        self.calendar = calendar
        self.costs = costs
        self._seed = seed
        self._sample = replayed or sample()
        self._kept = max(_KEPT_SESSIONS, 2 * len(self._sample.stocks))
        self.first_session = self._sample.first_session
        self.last_session = self._sample.last_session
        self._planted: tuple[Planted, ...] = ()
        self._minutes: dict[tuple[str, date], Minutes] = {}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol with data, tradable or not."""
        return (*self.stocks, self.index_symbol)

    @property
    def name(self) -> str:
        """What is replayed: `sample`, or another market's name and digest."""
        return self._sample.name

    @property
    def stocks(self) -> Mapping[str, tuple[str, str]]:
        """Every symbol that can be traded, with its company and exchange."""
        return self._sample.stocks

    @property
    def index_symbol(self) -> str:
        """The symbol that is data only."""
        return self._sample.index_symbol

    @property
    def planted(self) -> tuple[Planted, ...]:
        """The cases planted so far."""
        return self._planted

    def plant(self, cases: Iterable[Planted]) -> None:
        """Make `cases` all that is planted."""
        self._planted = tuple(cases)
        self._minutes.clear()

    def daily(self, symbol: str, day: date) -> DailyBar | None:
        """The true bar of a session, or None when the symbol has none."""
        if not self._gaps(symbol, day):
            return self._ungapped(symbol, day)
        session = self.calendar.on(day)
        minutes = self.minutes(symbol, session) if session else None
        if minutes is None:
            return None
        return DailyBar(
            day,
            float(minutes.open[0]),
            float(minutes.high.max()),
            float(minutes.low.min()),
            float(minutes.close[-1]),
            int(minutes.volume.sum()),
        )

    def served_daily(self, symbol: str, day: date) -> DailyBar | None:
        """The bar as the data service tells it, vendor errors included."""
        bar = self.daily(symbol, day)
        for case in self._planted:
            if bar and (case.kind, case.symbol, case.session) == ("bad_close", symbol, day):
                bar = replace(bar, close=round(bar.close * case.factor, 4))
        return bar

    def minutes(self, symbol: str, session: Session) -> Minutes | None:
        """Simulated minutes of a session, or None when the symbol has no bar that day."""
        key = (symbol, session.date)
        if key not in self._minutes:
            bar = self._ungapped(symbol, session.date)
            if bar is None:
                return None
            made = simulated(bar, symbol=symbol, seed=self._seed, n_minutes=session.minutes)
            for gap in self._gaps(symbol, session.date):
                made = made.scaled(gap.minute, gap.factor)
            if len(self._minutes) >= self._kept:
                self._minutes.pop(next(iter(self._minutes)))
            self._minutes[key] = made
        return self._minutes[key]

    def price(self, symbol: str, at: datetime) -> float | None:
        """The last price known at `at`; None before the symbol's first session."""
        session = self.calendar.latest(at)
        minutes = self.minutes(symbol, session)
        while minutes is None:
            session = self.calendar.before(session.date)
            if session.date < self.first_session:
                return None
            minutes = self.minutes(symbol, session)
        if at < session.close:
            index = int((at - session.open).total_seconds() // 60)
            known = float(minutes.open[index])
        else:
            index, known = session.minutes, float(minutes.close[-1])
        return round(known * self._gap_not_in_minutes(symbol, session, index, at), 4)

    def half_spread(self, price: Decimal) -> Decimal:
        """Half of the quoted spread in dollars."""
        relative = price * self.costs.half_spread_bps / 10_000
        return max(relative, self.costs.min_half_spread)

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """Bid and ask around the last price; outside a session the session's last quote."""
        known = self.price(symbol, at)
        if known is None or symbol == self.index_symbol:
            return None
        price = Decimal(str(known))
        half = self.half_spread(price)
        session = self.calendar.latest(at)
        # Quoted outward in whole cents, as stocks are; below a dollar in hundredths of one.
        step = CENT if price >= 1 else CENT / 100
        bid = (price - half).quantize(step, ROUND_FLOOR)
        ask = (price + half).quantize(step, ROUND_CEILING)
        size = 100 * (1 + int(price * 100) % 7)
        return Quote(symbol, bid, ask, size, size, min(at, session.close))

    def actions(self, known_at: datetime) -> tuple[CorporateAction, ...]:
        """Splits and dividends announced by `known_at`: from the close before their ex-date."""
        horizon = self.calendar.closing_after(known_at).date
        planted = (
            CorporateAction("split", c.symbol, c.session, Decimal(str(c.factor)), "planted")
            for c in self._planted
            if c.kind == "split"
        )
        known = [a for a in (*self._sample.actions, *planted) if a.ex_date <= horizon]
        return tuple(sorted(known, key=lambda a: (a.ex_date, a.symbol, a.kind)))

    def _ungapped(self, symbol: str, day: date) -> DailyBar | None:
        bar = self._sample.bars.get(symbol, {}).get(day)
        if bar is None or day > self.last_session:
            return None
        splits = (c for c in self._planted if (c.kind, c.symbol) == ("split", symbol))
        ratio = prod(c.factor for c in splits if c.session <= day)
        return bar if ratio == 1.0 else _divided(bar, ratio)

    def _gaps(self, symbol: str, day: date) -> list[Planted]:
        wanted = ("price_gap", symbol, day)
        return [c for c in self._planted if (c.kind, c.symbol, c.session) == wanted]

    def _gap_not_in_minutes(self, symbol: str, session: Session, index: int, at: datetime) -> float:
        """Factor of gaps that quotes show already and the minutes reach only later."""
        factor = 1.0
        for case in self._planted:
            ours = case.kind == "price_gap" and case.symbol == symbol and case.at <= at
            later_today = case.session == session.date and index < case.minute
            next_session = session.close <= case.at and case.session > session.date
            if ours and (later_today or next_session):
                factor *= case.factor
        return factor


def _divided(bar: DailyBar, ratio: float) -> DailyBar:
    o, h, low, c = (round(p / ratio, 4) for p in (bar.open, bar.high, bar.low, bar.close))
    return DailyBar(bar.session, o, h, low, c, int(bar.volume * ratio))
