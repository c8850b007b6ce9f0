"""On whose clock the stamps of minute bars were written, and whether they mark start or end."""

from __future__ import annotations

from typing import Final

import polars as pl

from adapters.market_data.calendar import NEW_YORK
from adapters.market_data.files import numbers
from adapters.market_data.files.stamps import zone_offset

_ZONES: Final = (
    NEW_YORK.key, "UTC", "America/Chicago", "America/Los_Angeles", "Etc/GMT+5", "Europe/London",
    "Europe/Berlin", "Europe/Athens", "Asia/Kolkata", "Asia/Hong_Kong", "Asia/Tokyo",
)  # fmt: skip
_SAMPLE: Final = 50_000  # distinct stamps
_OPENS, _CLOSES = 9 * 60 + 30, 16 * 60
_BEGINS, _ENDS = 4 * 60, 20 * 60  # of extended hours
_LATE_STAMPS: Final = 3
_MARGIN: Final = 0.02  # what another zone must be better by than New York


def likeliest(written: pl.Series) -> tuple[str, str]:
    """Return the zone on whose clock naive stamps fall into the exchange's hours, and a note."""
    seen = written.drop_nulls().unique()
    if seen.len() > _SAMPLE:
        seen = seen.sample(_SAMPLE, seed=1)
    scores = {zone: _score(zone_offset(seen, zone)) for zone in _ZONES}
    best = max(_ZONES, key=lambda zone: scores[zone])
    if scores[best] <= scores[NEW_YORK.key] + _MARGIN:
        best = NEW_YORK.key
    if scores[best] < 0.5:
        return NEW_YORK.key, (
            "The stamps name no time zone and fall into the exchange's hours in none; they were "
            "read as New York time. Say --timezone when that is wrong."
        )
    return best, (
        f"The stamps name no time zone; they were read as {best}, where they fall into the "
        "exchange's hours."
    )


def _score(at: pl.Series) -> float:
    """Return how well instants fit the exchange's day: regular hours count most."""
    local = at.dt.convert_time_zone(NEW_YORK.key)
    minute = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute()
    weekday = local.dt.weekday() < 6
    regular = numbers.share(minute.is_between(_OPENS, _CLOSES, closed="left") & weekday)
    extended = numbers.share(minute.is_between(4 * 60, 20 * 60, closed="left") & weekday)
    return (2 * regular + extended) / 3


def mark_ends(bar_start: pl.Series, symbol: pl.Series) -> bool:
    """Whether stamps mark the end of their minute: 16:00 is there and 09:30 is not.

    Only when that is so on nearly every day of nearly every symbol. Of extended hours 20:00 is
    there, nothing after it, and 04:00 never.
    """
    local = bar_start.dt.convert_time_zone(NEW_YORK.key)
    frame = pl.DataFrame(
        {
            "symbol": symbol,
            "day": local.dt.date(),
            "minute": local.dt.hour().cast(pl.Int16) * 60 + local.dt.minute(),
        }
    )
    if _ends_at_night(frame["minute"]):
        return True
    frame = frame.filter(pl.col("minute").is_between(_OPENS - 1, _CLOSES))
    days = frame.group_by("symbol", "day").agg(
        (pl.col("minute") == _OPENS).any().alias("first"),
        (pl.col("minute") == _OPENS - 1).any().alias("before"),
        (pl.col("minute") == _CLOSES).any().alias("last"),
        (pl.col("minute") == _OPENS + 1).any().alias("second"),
    )
    if days.is_empty():
        return False
    shares = days.select(
        (~pl.col("first") & ~pl.col("before")).mean(),
        pl.col("last").mean(),
        pl.col("second").mean(),
    )
    without_first, with_last, with_second = shares.row(0)
    return bool(without_first > 0.9 and with_last > 0.8 and with_second > 0.8)


def _ends_at_night(minute: pl.Series) -> bool:
    """Whether minutes of the day run from 04:01 to 20:00, which is no start of any."""
    at_end = int((minute == _ENDS).sum())
    return at_end >= _LATE_STAMPS and not ((minute <= _BEGINS) | (minute > _ENDS)).any()
