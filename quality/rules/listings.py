"""Whose series a row continues: tickers end, pass to a new name, and are given to other firms.

A `symbol_change` of OLD (the new symbol in `detail`) carries OLD's series over to NEW. After it,
and after a `delisting`, the ticker is another firm's. Rows are told apart by `series` while they
are measured, so that no firm is judged by another's history, and keep their `symbol` beside it.
A reuse that no action announces stays in the series it breaks, where the rules find it.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

import polars as pl

from quality.rules.known import ENDS, effective_session

# A ticker that was delisted and trades on without a break was not: more steps than these.
_IDLE_STEPS: Final = 3
# A delisting is dated by the last trade, the day after, or the filing up to so many days away.
_FILED_WITHIN: Final = timedelta(days=10)
_MARK: Final = "\x1f"  # parts a ticker from the number of its listing; no ticker holds it

Row = tuple[date, int]


@dataclass
class _Tickers:
    """What is known so far of every ticker that an action names."""

    rows: dict[str, list[Row]]  # session and its step number, ascending
    spans: dict[str, list[tuple[date, str]]] = field(default_factory=dict)

    def series(self, symbol: str, before: date) -> str:
        """Return the series that a ticker's rows just before a day belong to."""
        held = [name for begins, name in self.spans.get(symbol, []) if begins < before]
        return held[-1] if held else symbol

    def cut(self, symbol: str, begins: date, series: str | None = None) -> None:
        """Let another listing of a ticker begin, as a series of its own where none is given."""
        told = self.spans.setdefault(symbol, [])
        if all(since != begins for since, _ in told):
            told.append((begins, series or f"{symbol}{_MARK}{len(told) + 1}"))
            told.sort()

    def first(self, symbol: str, day: date) -> date | None:
        """Return the first row of a ticker from a day on."""
        return next((s for s, _ in self.rows.get(symbol, []) if s >= day), None)

    def again(self, symbol: str, ended: date, within: timedelta) -> date | None:
        """Return the first row of a ticker after the absence that began with its end."""
        rows = self.rows.get(symbol, [])
        for (left, step), (session, then) in pairwise(rows):
            if session >= ended and left < ended + within and then - step > _IDLE_STEPS:
                return session
        return None

    def trades_until(self, symbol: str, day: date) -> bool:
        """Whether a ticker has a row within days before one."""
        return any(day - _FILED_WITHIN <= session < day for session, _ in self.rows.get(symbol, []))


def spans(
    frame: pl.DataFrame, actions: pl.DataFrame | None, as_of: datetime | None
) -> pl.DataFrame | None:
    """Return which series each ticker's rows belong to from a day on; None if no action says.

    Parameters
    ----------
    frame : frame with symbol, session, step_no
        Every row that is known, delivered now or before.
    actions : frame with symbol, ex_date, kind, and if known detail and known_at
    as_of : aware datetime, optional
        Actions known by then count for every row; others from when they were known.

    Returns
    -------
    frame with symbol, begins, series
        Sorted by `begins`; a ticker's rows before its first are of the series of its own name.
    """
    events = _events(actions, as_of)
    if not events:
        return None
    named = {name for _, old, _, new in events for name in (old, new) if name}
    found = _Tickers(_rows(frame, named))
    for day, symbol, kind, new in events:
        if kind == "delisting":
            begins = found.again(symbol, day, _FILED_WITHIN)
            if begins is not None:
                found.cut(symbol, begins)
            continue
        if (begins := found.first(symbol, day)) is not None:
            found.cut(symbol, begins)
        if new and found.trades_until(symbol, day):
            found.cut(new, day, found.series(symbol, day))
        elif new and (begins := found.again(new, day, timedelta(0))) is not None:
            found.cut(new, begins)
    told = [(symbol, *span) for symbol, all_of in found.spans.items() for span in all_of]
    schema = {"symbol": pl.String, "begins": pl.Date, "series": pl.String}
    return pl.DataFrame(told, schema=schema, orient="row").sort("begins") if told else None


def _events(
    actions: pl.DataFrame | None, as_of: datetime | None
) -> list[tuple[date, str, str, str | None]]:
    """Return day, symbol, kind and new symbol of every end of a ticker, in order."""
    if actions is None or "kind" not in actions.columns:
        return []
    ends = actions.filter(pl.col("kind").is_in(ENDS))
    if ends.is_empty():
        return []
    new = pl.col("detail") if "detail" in ends.columns else pl.lit(None, dtype=pl.String)
    told = ends.select(effective_session(ends, as_of), "symbol", "kind", new.alias("detail"))
    return sorted(told.unique().iter_rows(), key=lambda event: (*event[:3], event[3] or ""))


def _rows(frame: pl.DataFrame, symbols: set[str]) -> dict[str, list[Row]]:
    own = frame.filter(pl.col("symbol").is_in(sorted(symbols)))
    days = own.select("symbol", "session", pl.col("step_no").cast(pl.Int64)).unique()
    rows: dict[str, list[Row]] = {}
    for symbol, session, step in days.sort("symbol", "session").iter_rows():
        rows.setdefault(symbol, []).append((session, step))
    return rows


def parted(frame: pl.DataFrame, told: pl.DataFrame, *, day: str) -> pl.DataFrame:
    """Return `frame` with its series as `symbol`, the ticker as `ticker`, and `listed_on`.

    Each ticker's rows are in the order of `day`.
    """
    beside = frame.join_asof(
        told.with_columns(pl.col("begins").alias("listed_on")),
        left_on=day,
        right_on="begins",
        by="symbol",
        strategy="backward",
        check_sortedness=False,
    )
    return beside.with_columns(
        pl.coalesce("series", "symbol").alias("symbol"), pl.col("symbol").alias("ticker")
    ).drop("series", "begins", strict=False)


def of_actions(actions: pl.DataFrame | None, told: pl.DataFrame | None) -> pl.DataFrame | None:
    """Return actions by series, so that each moves the price of its own firm alone."""
    if actions is None or told is None:
        return actions
    dated = actions.with_columns(pl.col("ex_date").cast(pl.Date)).sort("ex_date")
    return parted(dated, told, day="ex_date").drop("ticker", "listed_on")


def joined(frame: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return a frame that was `parted` under its tickers again, its series as `series`."""
    named = frame.with_columns(pl.col("symbol").alias("series"), pl.col("ticker").alias("symbol"))
    if "other" in frame.columns:
        named = _with_ticker(named, told)
    return named.drop("ticker")


def _with_ticker(frame: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Let `other` name the ticker that a series has on the session of the row."""
    names = told.select(pl.col("series").alias("other"), "begins", pl.col("symbol").alias("_name"))
    rows = frame.with_row_index("_row")
    told_of = rows.filter(pl.col("other").is_not_null()).sort("session")
    found = told_of.select("_row", "other", "session").join_asof(
        names,
        left_on="session",
        right_on="begins",
        by="other",
        strategy="backward",
        check_sortedness=False,
    )
    own = pl.col("other").str.split(_MARK).list.first()
    named = found.select("_row", pl.coalesce("_name", own).alias("_name"))
    return (
        rows.join(named, on="_row", how="left", maintain_order="left")
        .with_columns(pl.col("_name").alias("other"))
        .drop("_row", "_name")
    )
