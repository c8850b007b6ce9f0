"""Feature values by version of the feature set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, require_aware, selected

SCHEMA: Schema = {
    "symbol": pl.String, "session": pl.Date, "version": pl.String, "simulated": pl.Boolean,
    "values": pl.List(pl.Float32), "known_at": INSTANT,
}  # fmt: skip
_SUBJECT = versions.Subject(
    "features.daily",
    key=("symbol", "session", "version", "known_at"),
    values=("values", "simulated"),
)
_VALUES = """
select symbol, session, simulated, values, known_at
from features.daily
where version = $version
  and symbol in (select unnest($symbols::varchar[]))
  and session between $first and $last
  and known_at <= $as_of
qualify row_number() over (
    partition by symbol, session order by known_at desc, recorded_at desc
) = 1
order by session, symbol
"""
_NAMES = "select names from features.versions where version = $version limit 1"


class UnknownVersionError(LookupError):
    """No feature set of that version was registered."""


def register(conn: duckdb.DuckDBPyConnection, version: str, names: Sequence[str]) -> bool:
    """Record the names of a feature set once; True when it was new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("features.versions")`.
    version : str
        Hash of the set.
    names : sequence of str
        In the order of the stored values.

    Raises
    ------
    ValueError
        If the version is registered with other names.
    """
    known = selected(conn, _NAMES, {"version": version})
    if known.height:
        if known["names"][0].to_list() != list(names):
            raise ValueError(
                f"The feature set {version} is registered with other names. Its hash must change "
                "with its names."
            )
        return False
    conn.execute(
        "insert into features.versions values ($v, $n, now())", {"v": version, "n": list(names)}
    )
    return True


def names(conn: duckdb.DuckDBPyConnection, version: str) -> tuple[str, ...]:
    """Names of a feature set in the order of its values.

    Raises
    ------
    UnknownVersionError
        If it was never registered.
    """
    known = selected(conn, _NAMES, {"version": version})
    if known.is_empty():
        raise UnknownVersionError(
            f"No feature set {version!r} is in features.versions. Materialise daily_features."
        )
    return tuple(known["names"][0])


def record(conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> int:
    """Add feature values; return how many rows said something new.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("features.daily")`.
    frame : polars.DataFrame
        The columns of `features.daily` without recorded_at; values are lists of float32.
    """
    return versions.record(conn, _SUBJECT, conformed(frame, SCHEMA, table=_SUBJECT.table))


def daily(
    conn: duckdb.DuckDBPyConnection,
    version: str,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> pl.DataFrame:
    """Feature values as known at `as_of`: symbol, session, simulated, values (list), known_at.

    Sorted by session and symbol; the order of `values` is that of `names`.
    """
    asked = {"version": version, "symbols": list(symbols), "first": first, "last": last}
    return selected(conn, _VALUES, asked | {"as_of": require_aware(as_of, name="as_of")})


def matrix(
    conn: duckdb.DuckDBPyConnection,
    version: str,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> tuple[pl.DataFrame, npt.NDArray[np.float32]]:
    """Rows as known at `as_of`, and their values as an array of shape (n_rows, n_features).

    Raises
    ------
    UnknownVersionError
        If the version was never registered.
    """
    width = len(names(conn, version))
    rows = daily(conn, version, symbols, first, last, as_of=as_of)
    flat = rows["values"].explode(empty_as_null=False).to_numpy().astype(np.float32, copy=False)
    return rows.drop("values"), flat.reshape(rows.height, width)
