"""Bars of any length from daily bars and simulated minutes, known by the market clock."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from venue.errors import invalid
from venue.live import bar_json, daily_json
from venue.paper import PaperVenue
from venue.sample import CorporateAction
from venue.sessions import NEW_YORK

Bar = dict[str, Any]

_UNITS = {"min": "min", "t": "min", "hour": "hour", "h": "hour", "day": "day", "d": "day"}
_UNITS |= {"week": "week", "w": "week", "month": "month", "m": "month"}
_MOST = {"min": 59, "hour": 23, "day": 1, "week": 1, "month": 12}


@dataclass(frozen=True)
class TimeFrame:
    """A bar's length: so many minutes, hours, days, weeks or months."""

    amount: int
    unit: str

    @property
    def plain(self) -> bool:
        """Whether bars are those of the market itself, one minute or one day each."""
        return self.amount == 1 and self.unit in {"min", "day"}

    @property
    def intraday(self) -> bool:
        """Whether bars are made from simulated minutes."""
        return self.unit in {"min", "hour"}


def timeframe_of(text: str | None) -> TimeFrame:
    """Read `1Min`, `15Min`, `1Hour`, `1Day`, `1Week`, `3Month` and their short forms."""
    found = re.fullmatch(r"(\d{1,2})([A-Za-z]+)", text or "")
    unit = _UNITS.get(found[2].lower()) if found else None
    # A capital M alone is a month; `Min` and `T` are minutes.
    if found is None or unit is None or not 1 <= int(found[1]) <= _MOST[unit]:
        raise invalid(f"timeframe must be like 1Min, 1Hour, 1Day, 1Week or 1Month, was {text!r}")
    return TimeFrame(int(found[1]), unit)


def bars_of(
    venue: PaperVenue, symbol: str, frame: TimeFrame, start: datetime, end: datetime
) -> Iterable[Bar]:
    """Bars of `symbol` that begin in [start, end], from what is over by now, oldest first."""
    if frame.intraday:
        length = timedelta(minutes=frame.amount * (60 if frame.unit == "hour" else 1))
        source = _minute_bars(venue, symbol, start, end)
        if length == timedelta(minutes=1):
            return source
        return _grouped(source, lambda t: _floor(t, length))
    days = _daily_bars(venue, symbol, start, end)
    if frame.unit == "day":
        return days
    months = frame.amount

    def period(t: datetime) -> datetime:
        if frame.unit == "week":
            return t - timedelta(days=t.weekday())
        return t.replace(day=1, month=(t.month - 1) // months * months + 1)

    return _grouped(days, period)


def adjusted(bars: Iterable[Bar], actions: Iterable[CorporateAction], closes: Any) -> list[Bar]:
    """Bars on the basis after `actions`; `closes(day)` is the raw close before an ex-date."""
    steps = [(a.ex_date, *_factors(a, closes)) for a in actions]
    result = []
    for bar in bars:
        day = bar["t"].astimezone(NEW_YORK).date()
        price, volume = 1.0, 1.0
        for ex_date, price_factor, volume_factor in steps:
            if day < ex_date:
                price, volume = price * price_factor, volume * volume_factor
        moved = {k: round(bar[k] * price, 4) for k in "ohlc"}
        average = round(bar["vw"] * price, 4)
        result.append({**bar, **moved, "v": int(bar["v"] * volume), "vw": average})
    return result


def _factors(action: CorporateAction, closes: Any) -> tuple[float, float]:
    if action.kind == "split":
        return 1.0 / float(action.value), float(action.value)
    before = closes(action)
    return (1.0 - float(action.value) / before if before else 1.0), 1.0


def _daily_bars(venue: PaperVenue, symbol: str, start: datetime, end: datetime) -> Iterator[Bar]:
    first = start.astimezone(NEW_YORK).date()
    last = end.astimezone(NEW_YORK).date()
    for session in venue.calendar.between(first, last):
        if session.close > venue.now:
            return
        bar = venue.market.served_daily(symbol, session.date)
        if bar is None:
            continue
        told = daily_json(bar)
        if start <= told["t"] <= end:
            yield told


def _minute_bars(venue: PaperVenue, symbol: str, start: datetime, end: datetime) -> Iterator[Bar]:
    first = start.astimezone(NEW_YORK).date()
    last = min(end, venue.now).astimezone(NEW_YORK).date()
    for session in venue.calendar.between(first, last):
        minutes = venue.market.minutes(symbol, session)
        for index in range(0 if minutes is None else len(minutes)):
            begins = session.minute_start(index)
            if begins > end or session.minute_start(index + 1) > venue.now:
                break
            if begins >= start and minutes is not None:
                yield bar_json(minutes, index, begins)


def _floor(at: datetime, length: timedelta) -> datetime:
    local = at.astimezone(NEW_YORK)
    midnight = local.replace(hour=0, minute=0)
    return (midnight + (local - midnight) // length * length).astimezone(at.tzinfo)


def _grouped(bars: Iterable[Bar], window: Callable[[datetime], datetime]) -> list[Bar]:
    groups: dict[datetime, list[Bar]] = {}
    for bar in bars:
        groups.setdefault(window(bar["t"]), []).append(bar)
    return [_merged(begins, members) for begins, members in groups.items()]


def _merged(begins: datetime, members: list[Bar]) -> Bar:
    volume = sum(b["v"] for b in members)
    value = sum(b["vw"] * b["v"] for b in members)
    return {
        "t": begins,
        "o": members[0]["o"],
        "h": max(b["h"] for b in members),
        "l": min(b["l"] for b in members),
        "c": members[-1]["c"],
        "v": volume,
        "n": sum(b["n"] for b in members),
        "vw": round(value / volume, 4) if volume else members[-1]["vw"],
    }
