"""Predictions, and what became of them."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "symbol": pl.String, "session": pl.Date, "model_version": pl.String, "kind": pl.String,
    "probability": pl.Float64, "margin": pl.Float64, "expected_return": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "horizon": pl.Int32, "volatility": pl.Float64,
    "contributions": pl.String, "feature_version": pl.String, "snapshot_id": pl.Int64,
    "simulated": pl.Boolean, "known_at": INSTANT,
}  # fmt: skip
OUTCOME_SCHEMA: Schema = {
    "symbol": pl.String, "session": pl.Date, "model_version": pl.String, "kind": pl.String,
    "excess_return": pl.Float64, "outperformed": pl.Boolean, "matured_session": pl.Date,
    "known_at": INSTANT,
}  # fmt: skip
_KEY = ("symbol", "session", "model_version", "kind", "known_at")
_SUBJECT = versions.Subject(
    "models.predictions",
    key=_KEY,
    # The snapshot is where the same features were read: another one alone is nothing new.
    values=(
        "probability", "margin", "expected_return", "low", "high", "horizon", "volatility",
        "contributions", "feature_version", "simulated",
    ),
)  # fmt: skip
_OUTCOMES = versions.Subject(
    "models.outcomes", key=_KEY, values=("excess_return", "outperformed", "matured_session")
)
_KNOWN = """
select symbol, session, model_version, kind, probability, margin, expected_return, low, high,
       horizon, volatility, contributions, feature_version, snapshot_id, simulated, known_at
from models.predictions
where session between $first and $last
  and kind = $kind
  and ($model_version is null or model_version = $model_version)
  and known_at <= $as_of
qualify row_number() over (
    partition by symbol, session, model_version order by known_at desc, recorded_at desc
) = 1
order by session, symbol, model_version
"""
_SCORED = """
with scored as (
    select symbol, session, model_version, excess_return, outperformed, matured_session
    from models.outcomes
    where kind = $kind and known_at <= $as_of
    qualify row_number() over (
        partition by symbol, session, model_version order by known_at desc, recorded_at desc
    ) = 1
),
predicted as (
    select symbol, session, model_version, probability, expected_return, low, high, horizon,
           simulated
    from models.predictions
    where kind = $kind
      and ($model_version is null or model_version = $model_version)
      and known_at <= $as_of
    qualify row_number() over (
        partition by symbol, session, model_version order by known_at desc, recorded_at desc
    ) = 1
)
select p.*, s.excess_return, s.outperformed, s.matured_session
from predicted p {join} join scored s using (symbol, session, model_version)
{where}
order by session, symbol, model_version
"""
_MATURED = _SCORED.format(join="inner", where="")
_UNSCORED = _SCORED.format(join="left", where="where s.matured_session is null")
_CALIBRATION = f"""
select width_bucket as bin, count(*) as count, avg(probability) as predicted,
       avg(outperformed::integer) as observed
from (
    select probability, outperformed,
           least(floor(probability * $bins), $bins - 1)::integer as width_bucket
    from ({_MATURED})
)
group by width_bucket
order by width_bucket
"""  # noqa: S608 - the inner query is a constant of this module


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add predictions; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("models.predictions")`.
    frame : polars.DataFrame
        The columns of `models.predictions` without recorded_at.
    """
    return versions.record(conn, _SUBJECT, conformed(frame, SCHEMA, table=_SUBJECT.table))


def known(
    conn: duckdb.DuckDBPyConnection,
    first: date,
    last: date,
    *,
    as_of: datetime,
    kind: str = "live",
    model_version: str | None = None,
) -> pl.DataFrame:
    """Predictions of decision sessions from `first` to `last`, as known at `as_of`.

    Columns of `models.predictions` without recorded_at; sorted by session and symbol.
    """
    asked = {"first": first, "last": last, "kind": kind, "model_version": model_version}
    return selected(conn, _KNOWN, asked | {"as_of": require_aware(as_of, name="as_of")})


def record_outcomes(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add outcomes of matured predictions; return how many said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("models.outcomes")`.
    frame : polars.DataFrame
        The columns of `models.outcomes` without recorded_at.
    """
    return versions.record(conn, _OUTCOMES, conformed(frame, OUTCOME_SCHEMA, table=_OUTCOMES.table))


def matured(
    conn: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    kind: str = "live",
    model_version: str | None = None,
) -> pl.DataFrame:
    """Predictions with their outcomes, as known at `as_of`.

    Columns: symbol, session, model_version, probability, expected_return, low, high, horizon,
    simulated, excess_return (fraction), outperformed, matured_session.
    """
    return selected(conn, _MATURED, _asked(as_of, kind, model_version))


def unscored(
    conn: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    kind: str = "live",
    model_version: str | None = None,
) -> pl.DataFrame:
    """Predictions without outcome as known at `as_of`; columns of `matured`, the last ones null."""
    return selected(conn, _UNSCORED, _asked(as_of, kind, model_version))


def calibration(
    conn: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    kind: str = "live",
    model_version: str | None = None,
    bins: int = 10,
) -> pl.DataFrame:
    """How often predictions of each probability came true, as known at `as_of`.

    Columns: bin (0 to bins - 1), count, predicted (mean probability), observed (share that
    outperformed).
    """
    return selected(conn, _CALIBRATION, _asked(as_of, kind, model_version) | {"bins": bins})


def _asked(as_of: datetime, kind: str, model_version: str | None) -> dict[str, object]:
    moment = require_aware(as_of, name="as_of")
    return {"as_of": moment, "kind": kind, "model_version": model_version}
