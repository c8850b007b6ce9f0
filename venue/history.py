"""The account's equity over time, in Alpaca's form."""

import re
from datetime import datetime, timedelta
from typing import Any

from venue.errors import invalid
from venue.paper import PaperVenue
from venue.sessions import NEW_YORK

_DAYS = {"D": 1, "W": 7, "M": 30, "A": 365, "Y": 365}
_LONGEST_INTRADAY = timedelta(days=30)
_MINUTES = {"1Min": 1, "5Min": 5, "15Min": 15, "1H": 60}


def portfolio_history(
    venue: PaperVenue,
    *,
    period: str | None,
    timeframe: str | None,
    start: datetime | None,
    end: datetime | None,
) -> dict[str, Any]:
    """Equity by day or by a shorter window; profit against the window before the first."""
    if start and end and period:
        raise invalid("only two of start, end and period are accepted")
    until = min(end or venue.now, venue.now)
    since = start or until - _length(period or "1M")
    step = timeframe or _usual_step(until - since)
    if step != "1D" and step not in _MINUTES:
        raise invalid(f"timeframe must be 1D or one of {', '.join(_MINUTES)}, was {step!r}")
    if step != "1D" and until - since > _LONGEST_INTRADAY:
        raise invalid(f"timeframe must be 1D for more than {_LONGEST_INTRADAY.days} days")
    marks = _last_per_window(venue, step)
    chosen = [(at, dollars) for at, dollars in marks if since.timestamp() <= at]
    chosen = [(at, dollars) for at, dollars in chosen if at <= until.timestamp()]
    opened = (marks[0][0], float(venue.config.cash))
    based_at, base = next((m for m in reversed(marks) if m[0] < since.timestamp()), opened)
    gains = [round(dollars - base, 4) for _, dollars in chosen]
    return {
        "timestamp": [int(at) for at, _ in chosen],
        "equity": [dollars for _, dollars in chosen],
        "profit_loss": gains,
        "profit_loss_pct": [round(gain / base, 8) for gain in gains],
        "base_value": base,
        "base_value_asof": str(datetime.fromtimestamp(based_at, NEW_YORK).date()),
        "timeframe": step,
    }


def _length(period: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})([DWMAY])", period)
    if not found:
        raise invalid(f"period must be a number and D, W, M or A, was {period!r}")
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


def _usual_step(length: timedelta) -> str:
    if length < timedelta(days=7):
        return "1Min"
    return "15Min" if length < timedelta(days=30) else "1D"


def _last_per_window(venue: PaperVenue, step: str) -> list[tuple[float, float]]:
    """The last mark of each window, in order, and the account as it stands now."""
    marks = [*venue.equity_marks, (venue.now.timestamp(), str(venue.equity()))]
    last: dict[object, tuple[float, float]] = {}
    for at, dollars in marks:
        if step == "1D":
            window: object = datetime.fromtimestamp(at, NEW_YORK).date()
        else:
            window = int(at // (60 * _MINUTES[step]))
        last[window] = (at, float(dollars))
    return sorted(last.values())
