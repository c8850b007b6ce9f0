"""How the desk writes numbers, dates and times. No other module of the dashboard formats them."""

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

Number = int | float | Decimal

NEW_YORK = ZoneInfo("America/New_York")
MISSING = "—"
_MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
# Money is written to the cent below this and in whole units from it on.
_WHOLE_FROM = 100_000


def number(value: Number | None, *, decimals: int = 2, signed: bool = False) -> str:
    """`value` with thousands separators, a true minus and, if `signed`, an explicit plus."""
    if value is None or math.isnan(value):
        return MISSING
    text = "∞" if math.isinf(value) else f"{abs(value):,.{decimals}f}"
    is_zero = not text.strip("0.,")
    if is_zero:
        return text
    if value < 0:
        return _MINUS + text
    return "+" + text if signed else text


def price(value: Number | None) -> str:
    """A price per share to the cent, or to four places below one."""
    if value is None:
        return MISSING
    return number(value, decimals=4 if 0 < abs(float(value)) < 1 else 2)


def amount(value: Number | None, *, signed: bool = False) -> str:
    """Money without its currency: cents below 100,000, whole units from there."""
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    return number(value, decimals=0 if abs(float(value)) >= _WHOLE_FROM else 2, signed=signed)


def gain_colour(value: Number | None) -> Literal["green", "red", "gray"]:
    """The colour of a gain or loss; `st.metric` does not know a true minus for a loss."""
    if not value:
        return "gray"
    return "green" if value > 0 else "red"


def money(value: Number | None, *, currency: str = "USD", signed: bool = False) -> str:
    """Money with its currency, as in ``4,898.25 USD``."""
    if value is None:
        return MISSING
    return f"{amount(value, signed=signed)}{_SPACE}{currency}"


def percent(fraction: Number | None, *, decimals: int = 1, signed: bool = False) -> str:
    """A fraction as a percentage: 0.049 is ``4.9 %``."""
    if fraction is None or math.isnan(fraction):
        return MISSING
    scaled = fraction * 100
    return f"{number(scaled, decimals=decimals, signed=signed)}{_SPACE}%"


def percent_range(low: Number, high: Number) -> str:
    """Two signed percentages with one unit: ``−2.4 to +3.2 %``."""
    return f"{number(low * 100, decimals=1, signed=True)} to {percent(high, signed=True)}"


def drift(fraction: Number | None) -> str:
    """A price drift: two decimals, always with its sign."""
    return percent(fraction, decimals=2, signed=True)


def probability(value: Number | None) -> str:
    """A probability in whole per cent."""
    return percent(value, decimals=0)


def basis_points(fraction: Number | None, *, signed: bool = True) -> str:
    """A fraction in whole basis points: 0.0012 is ``+12 bps``."""
    if fraction is None:
        return MISSING
    return f"{number(fraction * 10_000, decimals=0, signed=signed)}{_SPACE}bps"


def quantity(value: Number | None) -> str:
    """Shares: as many decimals as the figure has, none when it is whole."""
    if value is None:
        return MISSING
    exact = Decimal(str(value))
    decimals = max(0, -int(exact.normalize().as_tuple().exponent)) if exact else 0
    return number(exact, decimals=decimals)


def count(value: int | None) -> str:
    """A count of things."""
    return number(value, decimals=0)


def counted(value: int, one: str, many: str | None = None) -> str:
    """A count with its noun: ``1 order``, ``3 orders``."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def day(value: date | None) -> str:
    """A date in full: ``Mon 2 Jul 2012``."""
    if value is None:
        return MISSING
    return f"{_DAYS[value.weekday()]} {value.day} {_MONTHS[value.month - 1]} {value.year}"


def axis_day(value: date) -> str:
    """A date for axes, whose year stands apart: ``2 Jul``."""
    return f"{value.day} {_MONTHS[value.month - 1]}"


def clock(instant: datetime | None, *, seconds: bool = False) -> str:
    """The New York time of day of an instant, without the city's name."""
    if instant is None:
        return MISSING
    return instant.astimezone(NEW_YORK).strftime("%H:%M:%S" if seconds else "%H:%M")


def new_york(instant: datetime | None) -> str:
    """A time of day with its place: ``09:31 New York``."""
    return MISSING if instant is None else f"{clock(instant)} New York"


def moment(instant: datetime | None) -> str:
    """A date with a time: ``Mon 2 Jul 2012, 09:31``."""
    if instant is None:
        return MISSING
    return f"{day(instant.astimezone(NEW_YORK).date())}, {clock(instant)}"


def wall(instant: datetime | None) -> str:
    """Wall-clock time with its zone, for audit rows and logs only."""
    if instant is None:
        return MISSING
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def span(duration: timedelta) -> str:
    """A length of time in its largest fitting unit: ``17 minutes``."""
    total = max(0, int(duration.total_seconds()))
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if total >= size:
            return counted(total // size, name)
    return counted(total, "second")


def plain(text: str) -> str:
    """`text` with Markdown's own characters escaped, so that it is shown as it was written."""
    for sign in "\\`*_[]<>#|$~:":
        text = text.replace(sign, f"\\{sign}")
    return text


def weekday(value: date) -> str:
    """The short name of a date's day: ``Mon``."""
    return _DAYS[value.weekday()]


def month(value: date) -> str:
    """A month in full: ``July 2012``."""
    return f"{_FULL_MONTHS[value.month - 1]} {value.year}"


def measured(value: Number | None, *, unit: str) -> str:
    """A figure by the name of its unit: fraction, USD, bps, seconds, shares or a plain number."""
    if value is None:
        return MISSING
    writers: dict[str, Callable[[Number], str]] = {
        "fraction": percent,
        "USD": money,
        "price": price,
        "shares": quantity,
        "count": lambda v: number(v, decimals=0),
        "ratio": number,
        "seconds": lambda v: f"{number(v, decimals=0)}{_SPACE}s",
        "bps": lambda v: f"{number(v, decimals=0)}{_SPACE}bps",
    }
    write = writers.get(unit)
    return write(value) if write else f"{quantity(value)}{_SPACE}{unit}".strip()


def distance(value: Number, *, unit: str) -> str:
    """How far two figures of a unit are apart: fractions in percentage points, ``0.04 points``."""
    if unit == "fraction":
        return f"{number(value * 100)}{_SPACE}points"
    return measured(value, unit=unit)


def comparison(sign: str) -> str:
    """A comparison in its typographic form."""
    return {">=": "≥", "<=": "≤", "==": "=", ">": ">", "<": "<"}.get(sign, sign)


def gate(value: Number | None, *, unit: str) -> str:
    """A gate's figure in its unit; that of a truth is ``yes`` or ``no``."""
    if unit == "truth" and value is not None:
        return "yes" if value else "no"
    return measured(value, unit=unit)


def needed(threshold: Number | None, sign: str, *, unit: str, is_known: bool) -> str:
    """What a gate needs: ``≤ 20.0 %``, ``yes``, or that it is never reached.

    An infinite threshold says so only of a figure that is known; else it is not known either.
    """
    if threshold is None:
        return MISSING
    if math.isinf(threshold):
        return "never reached" if is_known else MISSING
    shown = gate(threshold, unit=unit)
    return shown if unit == "truth" else f"{comparison(sign)} {shown}"


def significant(value: float) -> str:
    """A feature's value to three significant digits: its unit stands in its meaning."""
    if not value:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return number(value, decimals=min(decimals, 6))
