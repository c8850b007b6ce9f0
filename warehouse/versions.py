"""Append-only values with the time they were learned: new, unchanged, or restated."""

# ruff: noqa: S608 - names of tables and columns come from the code, values are bound

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from warehouse.frames import registered, require_aware


@dataclass(frozen=True)
class Appended:
    """How many delivered rows were new, already known, or different from what was known."""

    new: int = 0
    unchanged: int = 0
    restated: int = 0

    def __add__(self, other: Appended) -> Appended:
        """Return the sum, figure by figure."""
        return Appended(
            self.new + other.new,
            self.unchanged + other.unchanged,
            self.restated + other.restated,
        )


@dataclass(frozen=True)
class Subject:
    """A bitemporal table: what identifies a fact, and what it says."""

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...] = ()
    assumed: bool = False  # whether the table has the column `assumed`
    day: str = "session"  # the key's date, by which the table is pruned
    written: str = "recorded_at"  # column with the wall time of writing


def append(
    conn: duckdb.DuckDBPyConnection,
    subject: Subject,
    rows: pl.DataFrame,
    *,
    learned_at: datetime | None,
) -> Appended:
    """Add `rows` to the table of `subject` so that repeating it changes nothing.

    A key that is not there takes its row's `known_at`. For a key that is there, the row is
    compared with the value in force when it was learned (`learned_at`, else a `known_at` that is
    not assumed): the same value is unchanged, another is a restatement known from then on.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        A transaction that holds the table's lock.
    subject : Subject
        The table and its columns.
    rows : polars.DataFrame
        The table's columns without `recorded_at`, and `learned_at` (may be null).
    learned_at : datetime, optional
        For rows whose `learned_at` is null.

    Raises
    ------
    ValueError
        If two rows of a key contradict each other at one time, or a restatement has no time.
    """
    if learned_at is not None:
        moment = require_aware(learned_at, name="learned_at")
        rows = rows.with_columns(pl.col("learned_at").fill_null(moment))
    told = [*subject.key, *subject.values, "learned_at"]
    if not _repeats(rows, subject.key):
        return _append_once(conn, subject, rows) if rows.height else Appended()
    different = rows.unique(subset=told, keep="first", maintain_order=True)
    tally = Appended(unchanged=rows.height - different.height)
    for generation in _generations(subject, different):
        tally += _append_once(conn, subject, generation)
    return tally


def _generations(subject: Subject, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield rows such that each key occurs once at a time, in the order they were learned."""
    key = list(subject.key)
    if not rows.select(pl.struct(key).is_duplicated().any()).item():
        if rows.height:
            yield rows
        return
    same_time = rows.filter(pl.struct([*key, "learned_at"]).is_duplicated())
    if same_time.height:
        first = ", ".join(str(v) for v in same_time.select(key).row(0))
        raise ValueError(
            f"Rows for {subject.table} must not contradict each other: {first} has several values "
            "learned at one time. Quarantine them before appending."
        )
    order = pl.col("learned_at").rank("ordinal").over(key).fill_null(0)
    ranked = rows.with_columns(order.alias("generation"))
    for number in sorted(ranked["generation"].unique()):
        yield ranked.filter(pl.col("generation") == number).drop("generation")


def _append_once(conn: duckdb.DuckDBPyConnection, subject: Subject, rows: pl.DataFrame) -> Appended:
    sessions = {"first": rows[subject.day].min(), "last": rows[subject.day].max()}
    with registered(conn, "delivered", rows):
        if not _overlaps(conn, subject, **sessions):
            # Nothing to compare with: a history that is loaded for the first time.
            conn.execute(_insert_new(subject, [c for c in rows.columns if c != "learned_at"]))
            return Appended(new=rows.height)
        conn.execute(_compared(subject), sessions)
    _require_dated(conn, subject)
    columns = [c for c in rows.columns if c != "learned_at"]
    conn.execute(_insert(subject, columns))
    counts = dict(conn.execute(_COUNTS).fetchall())
    conn.execute("drop table temp.main.compared")
    return Appended(**{str(state): int(n) for state, n in counts.items()})


def _overlaps(
    conn: duckdb.DuckDBPyConnection, subject: Subject, *, first: object, last: object
) -> bool:
    """Whether the table has a row on any of the days delivered."""
    found = conn.execute(
        f"select 1 from {subject.table} where {subject.day} between $first and $last limit 1",
        {"first": first, "last": last},
    ).fetchone()
    return found is not None


def _insert_new(subject: Subject, columns: list[str]) -> str:
    names = ", ".join(columns)
    return (
        f"insert into {subject.table} ({names}, {subject.written}) "
        f"select {names}, now() from delivered"
    )


_COUNTS = "select state, count(*) from temp.main.compared group by state"


def _compared(subject: Subject) -> str:
    """Return the statement that sets each delivered row beside what is known of its key.

    A value learned before the first one was known (a restatement landed while the market's clock
    still stands at the close) takes effect just after it, hence the millisecond.
    """
    key = ", ".join(subject.key)
    values = ", ".join(f"{v} := {v}" for v in subject.values)
    told_at = "case when not assumed then known_at end" if subject.assumed else "known_at"
    return f"""
create or replace temp table compared as
with told as (
    select *, struct_pack({values}) as told, coalesce(learned_at, {told_at}) as told_at
    from delivered
),
known as (
    select {key}, struct_pack({values}) as value, known_at as value_at,
           min(known_at) over (partition by {key}) as first_at
    from {subject.table}
    where {subject.day} between $first and $last
      and ({key}) in (select ({key}) from delivered)
),
history as (
    select {key}, any_value(first_at) as first_at,
           arg_max(value, value_at)
               filter (told_at is null or value_at <= greatest(told_at, first_at)) as in_force,
           coalesce(bool_or(value = told and {_NEAR}), false) as repeated,
           max(value_at) filter ({_NEAR}) as taken_at
    from told join known using ({key})
    group by {key}
)
select told.*, taken_at,
       case when told_at is not null then greatest(told_at, first_at) end as effective_at,
       case when first_at is null then 'new'
            when in_force = told or repeated then 'unchanged'
            else 'restated' end as state
from told left join history using ({key})
"""


_NEAR = (
    "told_at is not null and value_at >= greatest(told_at, first_at)"
    " and value_at < greatest(told_at, first_at) + interval 1 millisecond"
)


def _require_dated(conn: duckdb.DuckDBPyConnection, subject: Subject) -> None:
    undated = conn.execute(
        f"select {', '.join(subject.key)} from temp.main.compared "
        "where state = 'restated' and effective_at is null limit 1"
    ).fetchone()
    if undated is not None:
        raise ValueError(
            f"Rows for {subject.table} restate {', '.join(str(v) for v in undated)}, but nothing "
            "says when the new value was learned. Pass `learned_at`, the market time of its "
            "landing."
        )


def _insert(subject: Subject, columns: list[str]) -> str:
    taken = {
        "known_at": "case when state = 'new' then known_at "
        "else coalesce(taken_at + interval 1 microsecond, effective_at) end",
        "assumed": "state = 'new' and assumed",
    }
    chosen = ", ".join(taken.get(c, c) for c in columns)
    return (
        f"insert into {subject.table} ({', '.join(columns)}, recorded_at) "
        f"select {chosen}, now() from temp.main.compared where state <> 'unchanged' "
        f"order by {', '.join(subject.key)}"
    )


def record(conn: duckdb.DuckDBPyConnection, subject: Subject, rows: pl.DataFrame) -> int:
    """Add the rows that say something new; return how many.

    A row is left out when the newest row of its key says the same, so that repeating a run
    changes nothing. Without `values`, a key is written once. The newest `recorded_at` of a key
    counts.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        A transaction that holds the table's lock.
    subject : Subject
        The table; its key, with `known_at` where the table has it.
    rows : polars.DataFrame
        The table's columns without `recorded_at`.

    Raises
    ------
    ValueError
        If two rows of a key contradict each other.
    """
    if not _repeats(rows, subject.key):
        return _recorded(conn, subject, rows)
    distinct = rows.unique(subset=[*subject.key, *subject.values], maintain_order=True)
    if _repeats(distinct, subject.key):
        twice = distinct.filter(pl.struct(list(subject.key)).is_duplicated())
        first = ", ".join(str(v) for v in twice.select(subject.key).row(0))
        raise ValueError(
            f"Rows for {subject.table} must have one row per key; {first} has "
            f"{twice.height} that differ."
        )
    return _recorded(conn, subject, distinct)


def _repeats(rows: pl.DataFrame, key: tuple[str, ...]) -> bool:
    """Whether a key occurs twice."""
    keys = rows.select(*key)
    # Keys with different hashes differ, and hashes are compared several times faster than words.
    return keys.hash_rows().n_unique() < rows.height and keys.n_unique() < rows.height


def _recorded(conn: duckdb.DuckDBPyConnection, subject: Subject, distinct: pl.DataFrame) -> int:
    """Add rows with distinct keys that say something new."""
    if distinct.is_empty():
        return 0
    with registered(conn, "delivered", distinct):
        if subject.day in distinct.columns and not _overlaps(
            conn, subject, first=distinct[subject.day].min(), last=distinct[subject.day].max()
        ):
            conn.execute(_insert_new(subject, distinct.columns))
            return distinct.height
        counted = conn.execute(_record(subject, distinct.columns)).fetchone()
    assert counted is not None
    return int(counted[0])


def _record(subject: Subject, columns: list[str]) -> str:
    key = ", ".join(subject.key)
    same = " and ".join(
        f"k.{name} is not distinct from d.{name}" for name in (*subject.key, *subject.values)
    )
    newest = f"""
        select {", ".join((*subject.key, *subject.values))}
        from {subject.table}
        where ({key}) in (select ({key}) from delivered)
        qualify row_number() over (partition by {key} order by {subject.written} desc) = 1
    """
    chosen = ", ".join(f"d.{name}" for name in columns)
    return (
        f"insert into {subject.table} ({', '.join(columns)}, {subject.written}) "
        f"select {chosen}, now() from delivered d "
        f"where not exists (select 1 from ({newest}) k where {same}) "
        f"order by {', '.join(f'd.{name}' for name in subject.key)}"
    )
