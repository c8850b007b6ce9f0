"""Corporate actions: writes, reads as known at an instant, and the factors they imply."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected
from warehouse.versions import Appended

SCHEMA: Schema = {
    "symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "ratio": pl.Float64,
    "amount": pl.Float64, "detail": pl.String, "source": pl.String, "implied": pl.Boolean,
    "known_at": INSTANT, "learned_at": INSTANT,
}  # fmt: skip
_OPTIONAL = {"ratio": None, "amount": None, "detail": None, "learned_at": None, "implied": False}
_SUBJECT = versions.Subject(
    "market.corporate_actions",
    key=("symbol", "ex_date", "kind"),
    values=("ratio", "amount", "detail"),
    day="ex_date",
)
_KNOWN = """
select symbol, ex_date, kind, ratio, amount, detail, source, implied, known_at
from market.corporate_actions
where symbol in (select unnest($symbols::varchar[]))
  and ex_date between $first and $last
  and known_at <= $as_of
qualify row_number() over (partition by symbol, ex_date, kind order by known_at desc) = 1
order by ex_date, symbol, kind
"""


def append(
    conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame, *, learned_at: datetime | None = None
) -> Appended:
    """Add corporate actions; the same again changes nothing, another figure is a correction.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("market.corporate_actions")`.
    frame : polars.DataFrame
        symbol, ex_date, kind, source, known_at, and where they apply ratio (new shares per old),
        amount (USD per share), detail, implied, learned_at.
    learned_at : datetime, optional
        UTC market time at which corrections were learned, for rows that do not say so.

    Raises
    ------
    ValueError
        If a column is missing, a split's ratio or a dividend's amount is not given, or two rows
        contradict each other.
    """
    rows = conformed(frame, SCHEMA, table=_SUBJECT.table, defaults=_OPTIONAL)
    bad = rows.filter(
        ((pl.col("kind") == "split") & ~(pl.col("ratio") > 0).fill_null(value=False))
        | ((pl.col("kind") == "cash_dividend") & ~(pl.col("amount") >= 0).fill_null(value=False))
    )
    if bad.height:
        symbol, ex_date, kind = bad.select("symbol", "ex_date", "kind").row(0)
        raise ValueError(
            f"A split needs a ratio > 0 and a cash_dividend an amount >= 0 (0 cancels it): the "
            f"{kind} of {symbol} on {ex_date} has not."
        )
    return versions.append(conn, _SUBJECT, rows, learned_at=learned_at)


def known(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> pl.DataFrame:
    """Corporate actions with ex-dates from `first` to `last`, as known at `as_of`.

    Columns: symbol, ex_date, kind, ratio (new shares per old share), amount (USD per share),
    detail, source, implied, known_at. Cancelled ones have ratio 1 or amount 0.
    """
    asked = {
        "symbols": list(symbols),
        "first": first,
        "last": last,
        "as_of": require_aware(as_of, name="as_of"),
    }
    return selected(conn, _KNOWN, asked)
