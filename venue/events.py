"""Cases planted into the market on purpose: a vendor's error, a price gap, a split."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from venue.errors import invalid, unprocessable
from venue.market import Planted
from venue.paper import PaperVenue


def planted_case(venue: PaperVenue, body: Mapping[str, Any]) -> Planted:
    """Read `{"kind", "symbol", ...}`; refuse what would change the past."""
    symbol = str(body.get("symbol") or "").upper()
    if symbol not in venue.market.stocks:
        names = list(venue.market.stocks)
        known = ", ".join(names[:20]) + (" and others" if len(names) > 20 else "")
        raise invalid(f"symbol must be one of {known}, was {symbol!r}")
    makers = {"bad_close": _bad_close, "price_gap": _price_gap, "split": _split}
    kind = str(body.get("kind"))
    if kind not in makers:
        raise invalid(f"kind must be one of {', '.join(makers)}, was {kind!r}")
    return makers[kind](venue, symbol, body)


def _bad_close(venue: PaperVenue, symbol: str, body: Mapping[str, Any]) -> Planted:
    session = _later_session(venue, body, "session")
    factor = _number(body, "factor", least=0.0001)
    return Planted("bad_close", symbol, session, factor, venue.now)


def _price_gap(venue: PaperVenue, symbol: str, body: Mapping[str, Any]) -> Planted:
    """From the next minute on; when the market is closed, the whole next session."""
    factor = 1.0 + _number(body, "fraction", least=-0.9)
    session = venue.calendar.closing_after(venue.now)
    minute = 0
    if venue.now >= session.open:
        minute = int((venue.now - session.open).total_seconds() // 60) + 1
    return Planted("price_gap", symbol, session.date, factor, venue.now, minute)


def _split(venue: PaperVenue, symbol: str, body: Mapping[str, Any]) -> Planted:
    ratio = _number(body, "ratio", least=0.0001)
    return Planted("split", symbol, _later_session(venue, body, "ex_date"), ratio, venue.now)


def _number(body: Mapping[str, Any], name: str, *, least: float) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(f"{name} must be a number, was {value!r}")
    if not math.isfinite(value) or value < least:
        raise invalid(f"{name} must be at least {least}, was {value}")
    return float(value)


def _later_session(venue: PaperVenue, body: Mapping[str, Any], name: str) -> date:
    text = str(body.get(name) or "")
    try:
        session = venue.calendar.on(date.fromisoformat(text))
    except ValueError:
        session = None
    if session is None or session.date > venue.replay.last:
        raise invalid(f"{name} must be a session of the replay, was {text!r}")
    begins = session.close if name == "session" else session.open
    if begins <= venue.now:
        raise unprocessable(f"{name} must lie ahead: it is {venue.now}, {text} has passed")
    return session.date
