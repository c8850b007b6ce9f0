"""What stands beside the gates: how forecasts turned out, and what a version was made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from warehouse import versions
from warehouse.frames import Schema, conformed, selected

RECORD_SCHEMA: Schema = {
    "model_version": pl.String, "kind": pl.String, "part": pl.String, "name": pl.String,
    "last_session": pl.Date, "cases": pl.Int32, "sessions": pl.Int32, "hit_rate": pl.Float64,
    "hit_low": pl.Float64, "hit_high": pl.Float64, "brier": pl.Float64, "brier_low": pl.Float64,
    "brier_high": pl.Float64, "coverage": pl.Float64, "coverage_low": pl.Float64,
    "coverage_high": pl.Float64, "ic": pl.Float64, "ic_low": pl.Float64, "ic_high": pl.Float64,
    "icir": pl.Float64, "luck": pl.Float64, "lucky": pl.Boolean, "calibration": pl.String,
}  # fmt: skip
EVIDENCE_SCHEMA: Schema = {
    "model_version": pl.String, "kind": pl.String, "content": pl.String,
}  # fmt: skip
_RECORD_KEY = ("model_version", "kind", "part", "name")
_RECORDS = versions.Subject(
    "models.records",
    key=_RECORD_KEY,
    values=tuple(name for name in RECORD_SCHEMA if name not in _RECORD_KEY),
)
_EVIDENCE = versions.Subject("models.evidence", key=("model_version", "kind"), values=("content",))
_OPTIONAL = {
    name: None
    for name in RECORD_SCHEMA
    if name.endswith(("_low", "_high")) or name in {"ic", "icir"}
}
_LATEST_RECORDS = """
select *
from models.records
where model_version = $model_version
qualify row_number() over (partition by kind, part, name order by recorded_at desc) = 1
order by kind, part, name
"""
_LATEST_EVIDENCE = """
select kind, content
from models.evidence
where model_version = $model_version
qualify row_number() over (partition by kind order by recorded_at desc) = 1
order by kind
"""


def store_records(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add how matured forecasts did; return how many rows said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("models.records")`.
    frame : polars.DataFrame
        The columns of `models.records` without recorded_at; ends of ranges and the rank
        correlation may be null.
    """
    rows = conformed(frame, RECORD_SCHEMA, table="models.records", defaults=_OPTIONAL)
    return versions.record(conn, _RECORDS, rows)


def records(conn: duckdb.DuckDBPyConnection, model_version: str) -> pl.DataFrame:
    """Newest record of each part of a version's forecasts; columns of `models.records`."""
    return selected(conn, _LATEST_RECORDS, {"model_version": model_version})


def store(conn: duckdb.DuckDBPyConnection, model_version: str, told: Mapping[str, object]) -> int:
    """Add what is known of a version, by kind, as JSON; return how many kinds said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("models.evidence")`.
    model_version : str
        Of `models.versions`, or the name of a classical strategy.
    told : mapping of str to object
        Plain data by kind.
    """
    rows = [
        {"model_version": model_version, "kind": kind, "content": json.dumps(content)}
        for kind, content in told.items()
    ]
    frame = pl.DataFrame(rows, schema=EVIDENCE_SCHEMA)
    return versions.record(conn, _EVIDENCE, frame)


def latest(conn: duckdb.DuckDBPyConnection, model_version: str) -> dict[str, Any]:
    """Newest of each kind that is known of a version, by kind; empty where nothing is."""
    found = selected(conn, _LATEST_EVIDENCE, {"model_version": model_version})
    return {kind: json.loads(content) for kind, content in found.iter_rows()}
