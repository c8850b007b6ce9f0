"""Trials, model versions and their gates."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

TRIAL_SCHEMA: Schema = {
    "trial_id": pl.String, "programme": pl.String, "study": pl.String, "number": pl.Int32,
    "configuration": pl.String, "configuration_hash": pl.String, "state": pl.String,
    "score": pl.Float64, "first_session": pl.Date, "returns": pl.List(pl.Float32),
    "hand_made": pl.Boolean,
}  # fmt: skip
VERSION_SCHEMA: Schema = {
    "model_version": pl.String, "run_id": pl.String, "feature_version": pl.String,
    "snapshot_id": pl.Int64, "programme": pl.String, "first_session": pl.Date,
    "last_session": pl.Date, "rows": pl.Int64, "horizon": pl.Int32, "hyperparameters": pl.String,
    "base_rate": pl.Float64, "calibration": pl.String, "importance": pl.String,
    "simulated": pl.Boolean, "status": pl.String, "trained_at": INSTANT,
    "waived_until": INSTANT, "promoted_at": INSTANT,
}  # fmt: skip
GATE_SCHEMA: Schema = {
    "model_version": pl.String, "gate": pl.String, "value": pl.Float64, "threshold": pl.Float64,
    "comparison": pl.String, "passed": pl.Boolean, "reason": pl.String, "sentence": pl.String,
}  # fmt: skip
_TRIALS = """
select trial_id, programme, study, number, configuration, configuration_hash, state, score,
       first_session, returns, hand_made, recorded_at
from models.trials
where programme = $programme
qualify row_number() over (partition by trial_id order by recorded_at) = 1
order by recorded_at, study, number
"""
_CONFIGURATIONS = """
select configuration_hash, first_session, returns
from models.trials
where programme = $programme
qualify row_number() over (
    partition by configuration_hash
    order by coalesce(len(returns), 0) > 0 desc, recorded_at desc, trial_id desc
) = 1
order by configuration_hash
"""
_TALLY = """
select count(distinct configuration_hash) as configurations, count(distinct trial_id) as trials,
       count(distinct trial_id) filter (state = 'complete') as complete
from models.trials
where programme = $programme
"""
_VERSIONS = """
select *
from models.versions
where trained_at <= $as_of
qualify row_number() over (partition by model_version order by recorded_at desc) = 1
order by trained_at, model_version
"""
_GATES = """
select gate, value, threshold, comparison, passed, reason, sentence, recorded_at
from models.gates
where model_version = $model_version
qualify row_number() over (partition by gate order by recorded_at desc) = 1
order by gate
"""


def record_trials(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add trials, each `trial_id` once and never changed; return how many were new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("models.trials")`.
    frame : polars.DataFrame
        The columns of `models.trials` without recorded_at; score, first_session and returns are
        null for trials that did not finish.
    """
    optional = {"score": None, "first_session": None, "returns": None, "hand_made": False}
    rows = conformed(frame, TRIAL_SCHEMA, table="models.trials", defaults=optional)
    return versions.record(conn, versions.Subject("models.trials", key=("trial_id",)), rows)


def trials(conn: duckdb.DuckDBPyConnection, programme: str) -> pl.DataFrame:
    """Every trial ever made in a programme, oldest first; columns of `models.trials`."""
    return selected(conn, _TRIALS, {"programme": programme})


def configurations(conn: duckdb.DuckDBPyConnection, programme: str) -> pl.DataFrame:
    """Every distinct configuration of a programme, with what it earned when it last did.

    Returns
    -------
    polars.DataFrame
        One row a configuration: configuration_hash, first_session, returns. The last two are
        those of its newest trial that has returns; without one `returns` is null or empty.
    """
    return selected(conn, _CONFIGURATIONS, {"programme": programme})


def trial_counts(conn: duckdb.DuckDBPyConnection, programme: str) -> tuple[int, int, int]:
    """Distinct configurations, trials, and completed trials of a programme."""
    found = selected(conn, _TALLY, {"programme": programme}).row(0)
    return int(found[0]), int(found[1]), int(found[2])


def record_version(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add a model version, or a new state of it; return how many rows said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("models.versions")`.
    frame : polars.DataFrame
        The columns of `models.versions` without recorded_at; run_id, waived_until
        and promoted_at may be absent.
    """
    optional = {"run_id": None, "waived_until": None, "promoted_at": None}
    rows = conformed(frame, VERSION_SCHEMA, table="models.versions", defaults=optional)
    values = tuple(name for name in VERSION_SCHEMA if name != "model_version")
    subject = versions.Subject("models.versions", key=("model_version",), values=values)
    return versions.record(conn, subject, rows)


def known_versions(conn: duckdb.DuckDBPyConnection, *, as_of: datetime) -> pl.DataFrame:
    """Versions trained by `as_of` (market time), oldest first, each in its newest state."""
    return selected(conn, _VERSIONS, {"as_of": require_aware(as_of, name="as_of")})


def serving(conn: duckdb.DuckDBPyConnection, programme: str, *, as_of: datetime) -> pl.DataFrame:
    """The version of a programme that predicts at `as_of`: the newest champion, else challenger.

    Where neither is left it is the newest demoted one: what was bought on its word must be left.
    A champion whose waiver has ended serves on; what its status counts for then is for
    `quant.gates.standing` to say.

    Returns
    -------
    polars.DataFrame
        One row of `models.versions`; none when nothing was trained in the programme by then.
    """
    known = known_versions(conn, as_of=as_of).filter(programme=programme)
    for status in ("champion", "challenger", "demoted"):
        held = known.filter(pl.col("status") == status)
        if held.height:
            return held.tail(1)
    return known.clear()


def record_gates(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add what the gates said of a version; return how many rows said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("models.gates")`.
    frame : polars.DataFrame
        The columns of `models.gates` without recorded_at; value may be null.
    """
    rows = conformed(frame, GATE_SCHEMA, table="models.gates", defaults={"value": None})
    values = tuple(name for name in GATE_SCHEMA if name not in {"model_version", "gate"})
    subject = versions.Subject("models.gates", key=("model_version", "gate"), values=values)
    return versions.record(conn, subject, rows)


def latest_gates(conn: duckdb.DuckDBPyConnection, model_version: str) -> pl.DataFrame:
    """Newest word of each gate on a version, with its figure, threshold, reason and sentence."""
    return selected(conn, _GATES, {"model_version": model_version})
