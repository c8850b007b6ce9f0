"""Days made from minutes beside the official ones: where they differ, and why."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from quality.calendar import Calendar
from quality.rules.minute import DATASET
from quality.rules.model import Finding, Rule, Severity, finding
from quant.resampling import IntradayBars, Reason, Reconciliation, daily, reconcile

_FIELDS = ("open", "high", "low", "close", "volume")
# A feed that carries a part of the market, and auctions, are no defect: they are counted only.
_TOLD = {
    Reason.MINUTES_MISSING: (Severity.NOTE, "Minutes are missing."),
    Reason.OTHER_BASIS: (
        Severity.WARNING,
        "All prices are off by one factor: a split, a currency or cents.",
    ),
    Reason.UNEXPLAINED: (Severity.WARNING, "Nothing known explains it."),
}


@dataclass(frozen=True)
class DaysMade:
    """How many symbols' days agree or differ for which reason, and what people are told."""

    reasons: Counter[str]
    findings: tuple[Finding, ...]


def days_made(minutes: pl.DataFrame, official: pl.DataFrame, calendar: Calendar) -> DaysMade:
    """Compare the days that minutes make with the official ones of the same symbols and sessions.

    Parameters
    ----------
    minutes : frame with symbol, session, bar_start (UTC), open, high, low, close, volume
        One bar per symbol and minute.
    official : frame with symbol, session, open, high, low, close, volume
        Daily bars; a symbol and session without one is left out.
    calendar : Calendar
        The exchange's hours.
    """
    keys = ["symbol", "session"]
    both = minutes.join(official.select(keys).unique(), on=keys, how="semi")
    lengths = _lengths(both["session"].unique().to_list(), calendar)
    inside = (
        both.join(lengths, on="session")
        .with_columns(
            start=((pl.col("bar_start") - pl.col("opens")).dt.total_seconds() // 60).cast(pl.Int64)
        )
        .filter(pl.col("start") >= 0, pl.col("start") < pl.col("length"))
        .sort(*keys, "start")
    )
    if inside.is_empty():
        return DaysMade(Counter(), ())
    days = inside.select(*keys, "length").unique(keys, maintain_order=True)
    told = days.join(official.select(*keys, *_FIELDS), on=keys, maintain_order="left")
    session_minutes = days["length"].to_numpy()
    made = daily(_bars(inside, days), session_minutes=session_minutes)
    found = reconcile(
        made,
        **{name: told[name].cast(pl.Float64).to_numpy() for name in _FIELDS},
        session_minutes=session_minutes,
    )
    reasons = [Reason(int(code)) for code in found.reason]
    told_of = tuple(
        _finding(told.row(at, named=True), made, found, at)
        for at, reason in enumerate(reasons)
        if reason in _TOLD
    )
    return DaysMade(Counter(reason.name.lower() for reason in reasons), told_of)


def _lengths(sessions: list[date], calendar: Calendar) -> pl.DataFrame:
    known = [day for day in sessions if calendar.is_session(day)]
    return pl.DataFrame(
        [(day, calendar.open(day), calendar.minutes(day)) for day in known],
        schema={"session": pl.Date, "opens": pl.Datetime("us", "UTC"), "length": pl.Int64},
        orient="row",
    )


def _bars(inside: pl.DataFrame, days: pl.DataFrame) -> IntradayBars:
    numbered = inside.join(
        days.select("symbol", "session").with_row_index("series"),
        on=["symbol", "session"],
        maintain_order="left",
    )
    prices = {name: numbered[name].cast(pl.Float64).to_numpy() for name in _FIELDS}
    return IntradayBars(
        series=numbered["series"].cast(pl.Int64).to_numpy(),
        start=numbered["start"].to_numpy(),
        minutes=np.ones(numbered.height, dtype=np.int64),
        **prices,
    )


def _finding(
    official: dict[str, Any], made: IntradayBars, found: Reconciliation, at: int
) -> Finding:
    severity, why = _TOLD[Reason(int(found.reason[at]))]
    off = {name: float(getattr(found, name)[at]) for name in _FIELDS}
    row = {
        "symbol": official["symbol"],
        "session": official["session"],
        "reason": Reason(int(found.reason[at])).name.lower(),
        "minutes_present": int(made.minutes[at]),
        "coverage": float(found.coverage[at]),
        **{f"{name}_differs": value for name, value in off.items()},
        **{f"minutes_{name}": float(getattr(made, name)[at]) for name in _FIELDS},
        **{f"day_{name}": float(official[name]) for name in _FIELDS},
    }
    worst = max(off, key=lambda name: abs(off[name]))
    rule = Rule(
        name="minutes_make_the_day",
        severity=severity,
        meaning="Open, high, low, close and volume of the regular minutes are the official day's.",
        reason="Both tell of the same trades; auctions, a thin feed and rounding are allowed for.",
        fails=pl.lit(value=True),
        sentence=lambda _: (
            f"The minutes of {row['session']} make a {worst} of {row[f'minutes_{worst}']:,.2f}, "
            f"the official day has {row[f'day_{worst}']:,.2f}; {made.minutes[at]} minutes have a "
            f"bar. {why}"
        ),
        figures=tuple(name for name in row if name not in {"symbol", "session"}),
    )
    return finding(rule, row, dataset=DATASET)
