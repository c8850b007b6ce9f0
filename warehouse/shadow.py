"""The shadow ledger's cases and what they add up to."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

CASES: Schema = {
    "proposal_id": pl.String, "leg_no": pl.Int32, "code": pl.String, "session": pl.Date,
    "strategy": pl.String, "verdict": pl.String, "person": pl.String, "reason": pl.String,
    "symbol": pl.String, "side": pl.String, "status": pl.String, "quantity": pl.Float64,
    "entry": pl.Float64, "exit": pl.Float64, "entered": pl.Date, "left_at": pl.Date,
    "notional": pl.Float64, "profit": pl.Float64, "known_at": INSTANT,
}  # fmt: skip
FIGURES: Schema = {
    "session": pl.Date, "verdict": pl.String, "cut": pl.String, "label": pl.String,
    "cases": pl.Int32, "profit": pl.Float64, "mean_bps": pl.Float64, "low_bps": pl.Float64,
    "high_bps": pl.Float64, "known_at": INSTANT,
}  # fmt: skip
_CASE_SUBJECT = versions.Subject(
    "portfolio.shadow_cases",
    key=("proposal_id", "leg_no", "session", "known_at"),
    values=tuple(name for name in CASES if name not in {"proposal_id", "leg_no", "session",
                                                        "known_at"}),
)  # fmt: skip
_FIGURE_SUBJECT = versions.Subject(
    "portfolio.shadow_figures",
    key=("session", "verdict", "cut", "label", "known_at"),
    values=("cases", "profit", "mean_bps", "low_bps", "high_bps"),
)
_CASES = """
select proposal_id, leg_no, code, session, strategy, verdict, person, reason, symbol, side, status,
    quantity, entry, exit, entered, left_at, notional, profit, known_at
from portfolio.shadow_cases
where known_at <= $as_of
qualify row_number() over (
    partition by proposal_id, leg_no order by known_at desc, recorded_at desc
) = 1
order by session, code, leg_no
"""
_LATEST = """
select session, verdict, cut, label, cases, profit, mean_bps, low_bps, high_bps, known_at
from portfolio.shadow_figures
where session = (select max(session) from portfolio.shadow_figures)
qualify row_number() over (
    partition by session, verdict, cut, label order by known_at desc, recorded_at desc
) = 1
order by verdict, cut, label
"""


def record_cases(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add cases that stand otherwise than was known; return how many.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("portfolio.shadow_cases")`.
    frame : polars.DataFrame
        The columns of `portfolio.shadow_cases` without recorded_at.
    """
    optional = dict.fromkeys(("entry", "exit", "entered", "left_at"))
    rows = conformed(frame, CASES, table="portfolio.shadow_cases", defaults=optional)
    if rows.is_empty():
        return 0
    said = [name for name in CASES if name != "known_at"]
    # One that is over says the same every night: it is written once.
    known = cases(conn, as_of=rows["known_at"].to_list()[-1])
    news = rows.join(known.select(said), on=said, how="anti", nulls_equal=True)
    return versions.record(conn, _CASE_SUBJECT, news)


def record_figures(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add figures; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("portfolio.shadow_figures")`.
    frame : polars.DataFrame
        The columns of `portfolio.shadow_figures` without recorded_at.
    """
    optional = dict.fromkeys(("mean_bps", "low_bps", "high_bps"))
    rows = conformed(frame, FIGURES, table="portfolio.shadow_figures", defaults=optional)
    return versions.record(conn, _FIGURE_SUBJECT, rows)


def cases(conn: duckdb.DuckDBPyConnection, *, as_of: datetime) -> pl.DataFrame:
    """Every case as it was known at `as_of`; columns of the table without recorded_at."""
    return selected(conn, _CASES, {"as_of": require_aware(as_of, name="as_of")})


def latest_figures(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Figures of the newest session; for screens."""
    return selected(conn, _LATEST)
