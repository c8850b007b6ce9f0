"""Whose series a row continues: tickers end, pass to a new name, and are given to other firms.

A `symbol_change` of OLD (the new symbol in `detail`) carries OLD's series over to NEW. After it,
and after a `delisting`, the ticker is another firm's. Rows are told apart by `series` while they
are measured, so that no firm is judged by another's history, and keep their `symbol` beside it.
A reuse that no action announces stays in the series it breaks, where the rules find it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.rules.known import ENDS, effective_session

# A ticker that was delisted and trades on without a break was not: more steps than these.
_IDLE_STEPS: Final = 3
# A delisting is dated by the last trade, the day after, or the filing up to so many days away.
_FILED_WITHIN: Final = 10
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MARK: Final = "\x1f"  # parts a ticker from the number of its listing; no ticker holds it

Days = npt.NDArray[np.int64]  # since 1970-01-01
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Rows:
    """The sessions a ticker has rows on, and their step numbers, ascending."""

    days: Days
    steps: Floats

    def first(self, day: date) -> date | None:
        """Return the first session from a day on."""
        at = int(np.searchsorted(self.days, _number(day)))
        return _day(self.days[at]) if at < self.days.size else None

    def again(self, ended: date, within: int) -> date | None:
        """Return the first session after the absence that began with an end, days within."""
        idle = np.diff(self.steps) > _IDLE_STEPS
        end = _number(ended)
        back = (self.days[1:] >= end) & (self.days[:-1] < end + within)
        found = np.flatnonzero(idle & back)
        return _day(self.days[found[0] + 1]) if found.size else None

    def trades_until(self, day: date) -> bool:
        """Whether there is a row within days before one."""
        number = _number(day)
        begin, end = np.searchsorted(self.days, [number - _FILED_WITHIN, number])
        return bool(end > begin)


_NOWHERE: Final = _Rows(np.empty(0, dtype=np.int64), np.empty(0))


@dataclass
class _Tickers:
    """What is known so far of every ticker that an action names."""

    rows: Mapping[str, _Rows]
    spans: dict[str, list[tuple[date, str]]] = field(default_factory=dict)

    def of(self, symbol: str) -> _Rows:
        """Return the rows of a ticker."""
        return self.rows.get(symbol, _NOWHERE)

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
            begins = found.of(symbol).again(day, _FILED_WITHIN)
            if begins is not None:
                found.cut(symbol, begins)
            continue
        if (begins := found.of(symbol).first(day)) is not None:
            found.cut(symbol, begins)
        if new and found.of(symbol).trades_until(day):
            found.cut(new, day, found.series(symbol, day))
        elif new and (begins := found.of(new).again(day, 0)) is not None:
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


def _rows(frame: pl.DataFrame, symbols: set[str]) -> dict[str, _Rows]:
    named = pl.col("symbol").is_in(sorted(symbols))
    own = frame.lazy().filter(named).select("symbol", "session", "step_no").collect()
    rows: dict[str, _Rows] = {}
    for (symbol,), of_one in own.group_by("symbol"):
        days, at = np.unique(of_one["session"].to_physical().to_numpy(), return_index=True)
        steps = of_one["step_no"].cast(pl.Float64).to_numpy()
        rows[str(symbol)] = _Rows(days.astype(np.int64), steps[at])
    return rows


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _day(number: np.int64) -> date:
    return date.fromordinal(int(number) + _EPOCH)


def parted(frame: pl.DataFrame, told: pl.DataFrame, *, day: str) -> pl.DataFrame:
    """Return `frame` with its series as `symbol`, the ticker as `ticker`, and `listed_on`."""
    rows = frame.select("symbol", day).with_row_index("_row")
    named = rows.filter(pl.col("symbol").is_in(told["symbol"].implode())).sort(day)
    found = named.join_asof(
        told.with_row_index("_at"),
        left_on=day,
        right_on="begins",
        by="symbol",
        strategy="backward",
        check_sortedness=False,
    ).filter(pl.col("_at").is_not_null())
    # Few tickers are told of: the others' rows are given null without being looked for.
    at = np.full(frame.height, -1, dtype=np.int64)
    at[found["_row"].to_numpy()] = found["_at"].to_numpy()
    of_row = pl.Series(at)
    of_row = of_row.set(of_row < 0, None)
    return frame.with_columns(
        pl.coalesce(told["series"].gather(of_row), "symbol").alias("symbol"),
        pl.col("symbol").alias("ticker"),
        told["begins"].gather(of_row).alias("listed_on"),
    )


def of_actions(actions: pl.DataFrame | None, told: pl.DataFrame | None) -> pl.DataFrame | None:
    """Return actions by series, so that each moves the price of its own firm alone."""
    if actions is None or told is None:
        return actions
    dated = actions.with_columns(pl.col("ex_date").cast(pl.Date))
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
