"""Target weights, and what the desk decided about them."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SIGNAL_SCHEMA: Schema = {
    "session": pl.Date, "symbol": pl.String, "strategy": pl.String, "model_version": pl.String,
    "target_weight": pl.Float64, "probability": pl.Float64, "known_at": INSTANT,
}  # fmt: skip
DECISION_SCHEMA: Schema = {
    "session": pl.Date, "symbol": pl.String, "outcome": pl.String, "reason_code": pl.String,
    "sentence": pl.String, "figures": pl.String, "proposal_id": pl.String, "known_at": INSTANT,
}  # fmt: skip
_SIGNAL_SUBJECT = versions.Subject(
    "portfolio.signals",
    key=("session", "symbol", "strategy", "known_at"),
    values=("model_version", "target_weight", "probability"),
)
_DECISION_SUBJECT = versions.Subject(
    "portfolio.decisions",
    key=("session", "symbol", "known_at"),
    values=("outcome", "reason_code", "sentence", "figures", "proposal_id"),
)
_SIGNALS = """
select session, symbol, strategy, model_version, target_weight, probability, known_at
from portfolio.signals
where session between $first and $last and known_at <= $as_of
qualify row_number() over (
    partition by session, symbol, strategy order by known_at desc, recorded_at desc
) = 1
order by session, symbol, strategy
"""
_LATEST_SIGNALS = """
select session, symbol, strategy, model_version, target_weight, probability, known_at
from portfolio.signals
where session = (select max(session) from portfolio.signals)
qualify row_number() over (
    partition by symbol, strategy order by known_at desc, recorded_at desc
) = 1
order by strategy, symbol
"""
_DECISIONS = """
select session, symbol, outcome, reason_code, sentence, figures, proposal_id, known_at
from portfolio.decisions
where session between $first and $last
qualify row_number() over (
    partition by session, symbol order by known_at desc, recorded_at desc
) = 1
order by session, symbol
"""


def record_signals(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add target weights; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("portfolio.signals")`.
    frame : polars.DataFrame
        The columns of `portfolio.signals` without recorded_at; model_version and probability may
        be absent.
    """
    optional = {"model_version": None, "probability": None}
    rows = conformed(frame, SIGNAL_SCHEMA, table="portfolio.signals", defaults=optional)
    return versions.record(conn, _SIGNAL_SUBJECT, rows)


def signals(
    conn: duckdb.DuckDBPyConnection, first: date, last: date, *, as_of: datetime
) -> pl.DataFrame:
    """Target weights of decision sessions from `first` to `last`, as known at `as_of`.

    Columns of `portfolio.signals` without recorded_at; sorted by session, symbol and strategy.
    """
    asked = {"first": first, "last": last, "as_of": require_aware(as_of, name="as_of")}
    return selected(conn, _SIGNALS, asked)


def latest_signals(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Target weights of the newest session, by strategy and symbol; for screens."""
    return selected(conn, _LATEST_SIGNALS)


def record_decisions(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add decisions; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("portfolio.decisions")`.
    frame : polars.DataFrame
        The columns of `portfolio.decisions` without recorded_at; proposal_id may be absent.
    """
    optional = {"proposal_id": None}
    rows = conformed(frame, DECISION_SCHEMA, table="portfolio.decisions", defaults=optional)
    return versions.record(conn, _DECISION_SUBJECT, rows)


def latest_decisions(conn: duckdb.DuckDBPyConnection, first: date, last: date) -> pl.DataFrame:
    """Newest decision per session and symbol, of sessions from `first` to `last`; for screens."""
    return selected(conn, _DECISIONS, {"first": first, "last": last})
