"""Daily and minute bars: bitemporal writes, and reads as known at an instant."""

# ruff: noqa: S608 - one constant statement is set into others, values are bound

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import duckdb
import numpy as np
import polars as pl

from warehouse import versions
from warehouse.frames import INSTANT, Schema, conformed, order, require_aware, selected
from warehouse.versions import Appended

DAILY_SCHEMA: Schema = {
    "symbol": pl.String, "session": pl.Date, "open": pl.Float64, "high": pl.Float64,
    "low": pl.Float64, "close": pl.Float64, "volume": pl.Int64, "source": pl.String,
    "feed": pl.String, "simulated": pl.Boolean, "object_key": pl.String, "known_at": INSTANT,
    "assumed": pl.Boolean, "learned_at": INSTANT,
}  # fmt: skip
MINUTE_SCHEMA: Schema = {
    "symbol": pl.String, "session": pl.Date, "bar_start": INSTANT, "open": pl.Float64,
    "high": pl.Float64, "low": pl.Float64, "close": pl.Float64, "volume": pl.Int64,
    "source": pl.String, "feed": pl.String, "simulated": pl.Boolean, "healed": pl.Boolean,
    "known_at": INSTANT, "learned_at": INSTANT,
}  # fmt: skip
DAILY_OPTIONAL = {"feed": None, "object_key": None, "learned_at": None}
DAILY_VALUES = ("open", "high", "low", "close", "volume", "simulated")

# Symbols are told by their place among those asked for: numbers are compared, fetched and sorted
# several times faster than words.
_ASKED = """
asked as (
    select unnest($symbols::varchar[]) as symbol,
           unnest(range(len($symbols::varchar[])))::integer as code
)
"""
# The rows of one symbol and session as known at $as_of. Only restatements (never `assumed`)
# supersede a row, and they are few: millions of rows are joined to a small table, never sorted.
_KNOWN_BARS = f"""
with {_ASKED},
stored as (
    select *
    from market.daily_bars join asked using (symbol)
    where session between $first and $last
      and known_at <= $as_of
),
newest as (
    select code, session, max(known_at) as known_at
    from stored
    where not assumed
    group by code, session
)
select s.code, {{columns}}
from stored s left join newest n on s.code = n.code and s.session = n.session
where n.known_at is null or s.known_at = n.known_at
"""
# What was said of them until then. A bar without a verdict is not used.
_VERDICTS = f"""
with {_ASKED}
select code, session, status in ('passed', 'released') as usable, known_at, recorded_at
from quality.verdicts join asked using (symbol)
where dataset = 'daily_bars'
  and session between $first and $last
  and known_at <= $as_of
"""
_OHLCV = (
    "symbol", "session", "open", "high", "low", "close", "volume", "source", "feed", "simulated",
    "known_at", "assumed",
)  # fmt: skip
_HISTORY = """
select known_at, assumed, open, high, low, close, volume, source, feed, simulated, object_key,
       recorded_at
from market.daily_bars
where symbol = $symbol and session = $session
order by known_at
"""
_ARE_UNKNOWN = """
select not exists (
    select 1 from market.daily_bars where session between $first and $last
) and not exists (
    select 1 from quality.verdicts
    where dataset = 'daily_bars' and session between $first and $last
)
"""
_LATEST_SESSIONS = """
select symbol, min(session) as first_session, max(session) as last_session,
       count(distinct session) as sessions, count(*) - count(distinct session) as restatements
from market.daily_bars
group by symbol
order by symbol
"""
_MINUTES = """
select symbol, session, bar_start, open, high, low, close, volume, source, feed, simulated, healed,
       known_at
from market.minute_bars
where session = $session
  and symbol in (select unnest($symbols::varchar[]))
  and known_at <= $as_of
qualify row_number() over (partition by symbol, bar_start order by known_at desc) = 1
order by bar_start, symbol
"""


def append_bars(
    conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame, *, learned_at: datetime | None = None
) -> Appended:
    """Add daily bars; the same value again changes nothing, a different one is a restatement.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.writer("market.daily_bars")`.
    frame : polars.DataFrame
        The columns of `market.daily_bars` without `recorded_at`; `feed` and `object_key` may be
        absent. A column `learned_at` (UTC market time of the row's landing) may say per row when
        a differing value was learned. A symbol and session may occur more than once when its
        rows differ in `learned_at`.
    learned_at : datetime, optional
        UTC market time at which differing values were learned, for rows that do not say so.

    Returns
    -------
    Appended
        Rows that were new, unchanged, and restated.

    Raises
    ------
    ValueError
        If a column is missing, two rows contradict each other, or a restatement has no time.
    """
    rows = conformed(frame, DAILY_SCHEMA, table="market.daily_bars", defaults=DAILY_OPTIONAL)
    subject = versions.Subject(
        "market.daily_bars", key=("symbol", "session"), values=DAILY_VALUES, assumed=True
    )
    return versions.append(conn, subject, rows, learned_at=learned_at)


def append_minutes(
    conn: duckdb.DuckDBPyConnection, frame: pl.DataFrame, *, learned_at: datetime | None = None
) -> Appended:
    """Add minute bars; like `append_bars`, with the columns of `market.minute_bars`."""
    optional = {"feed": None, "learned_at": None}
    rows = conformed(frame, MINUTE_SCHEMA, table="market.minute_bars", defaults=optional)
    subject = versions.Subject(
        "market.minute_bars", key=("symbol", "session", "bar_start"), values=DAILY_VALUES
    )
    return versions.append(conn, subject, rows, learned_at=learned_at)


def closes(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
    judged: bool = True,
) -> pl.DataFrame:
    """Closes as known at `as_of`: session, symbol, close (USD per share, unadjusted).

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        As listed then.
    first, last : date
        Sessions, both included.
    as_of : datetime
        Aware UTC market time; what was learned later is left out.
    judged : bool
        Whether only rows whose verdict (as known then) is passed or released are returned.
    """
    return accepted(
        conn, ("session", "symbol", "close"), asked(symbols, first, last, as_of), judged=judged
    )


def ohlcv(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
    judged: bool = True,
) -> pl.DataFrame:
    """Bars as known at `as_of`, unadjusted, with source, feed, simulated, known_at and assumed.

    Parameters as for `closes`; sorted by session and symbol.
    """
    return accepted(conn, _OHLCV, asked(symbols, first, last, as_of), judged=judged)


def any_simulated(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> bool:
    """Whether any usable bar from `first` to `last` is simulated, as known at `as_of`."""
    wanted = asked(symbols, first, last, as_of)
    rows = accepted(conn, ("symbol", "session", "simulated"), wanted, judged=True, by=None)
    return bool(rows["simulated"].any())


def minutes(
    conn: duckdb.DuckDBPyConnection, symbols: Sequence[str], session: date, *, as_of: datetime
) -> pl.DataFrame:
    """Minute bars of a session as known at `as_of`, unadjusted, sorted by bar_start and symbol."""
    wanted = {
        "symbols": list(symbols),
        "session": session,
        "as_of": require_aware(as_of, name="as_of"),
    }
    return selected(conn, _MINUTES, wanted)


def are_unknown(conn: duckdb.DuckDBPyConnection, first: date, last: date) -> bool:
    """Whether no daily bar of any symbol was ever stored or judged from `first` to `last`."""
    found = conn.execute(_ARE_UNKNOWN, {"first": first, "last": last}).fetchone()
    return bool(found and found[0])


def history(conn: duckdb.DuckDBPyConnection, symbol: str, session: date) -> pl.DataFrame:
    """Every value the desk ever held for a bar, oldest first; for checks and screens."""
    return selected(conn, _HISTORY, {"symbol": symbol, "session": session})


def latest_coverage(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Per symbol: first_session, last_session, sessions and restatements; for screens."""
    return selected(conn, _LATEST_SESSIONS)


def accepted(
    conn: duckdb.DuckDBPyConnection,
    columns: Sequence[str],
    wanted: Mapping[str, object],
    *,
    judged: bool,
    by: tuple[str, str] | None = ("session", "symbol"),
) -> pl.DataFrame:
    """Columns of the bars as known at an instant, sorted; `wanted` as `asked` returns it.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    columns : sequence of str
        Of `market.daily_bars`, symbol and session among them.
    wanted : mapping
        Symbols, span and instant.
    judged : bool
        Whether only rows whose verdict (as known then) is passed or released are returned.
    by : pair of str, optional
        Symbol and session in the order by which the rows are sorted; in no order when None.
    """
    named = ", ".join(f"s.{name}" for name in columns if name != "symbol")
    found = selected(conn, _KNOWN_BARS.format(columns=named), wanted)
    if judged:
        found = found.filter(_usable(found, selected(conn, _VERDICTS, wanted)))
    if by is not None:
        # The symbols asked for are sorted, so their places are ordered as they are.
        coded = ("code", by[1]) if by[0] == "symbol" else (by[0], "code")
        found = found[order(found, coded)]
    names = pl.Series(wanted["symbols"], dtype=pl.String)  # type: ignore[arg-type]  # a list
    return found.with_columns(symbol=names.gather(found["code"])).select(columns)


def _usable(rows: pl.DataFrame, told: pl.DataFrame) -> pl.Series:
    """Whether the newest verdict of each row's symbol and session lets it be used."""
    if rows.is_empty() or told.is_empty():
        return pl.repeat(value=False, n=rows.height, eager=True)
    both = pl.concat([rows.select("code", "session"), told.select("code", "session")])
    day = both["session"].to_physical().to_numpy()
    place = both["code"].to_numpy().astype(np.int64) * (int(np.ptp(day)) + 1) + (day - day.min())
    asked_for, judged = place[: rows.height], place[rows.height :]
    # One flag for each symbol and day there can be is far quicker than a join of millions.
    accepts = np.zeros(int(place.max()) + 1, dtype=np.bool_)
    passes = told["usable"].to_numpy()
    accepts[judged[passes]] = True
    if not passes.all():  # the few that were ever refused: what was said last counts
        refused = np.zeros_like(accepts)
        refused[judged[~passes]] = True
        doubted = refused[judged]
        last = told.filter(doubted).with_columns(place=pl.Series(judged[doubted]))
        last = last.sort("known_at", "recorded_at").unique("place", keep="last")
        accepts[last["place"].to_numpy()] = last["usable"].to_numpy()
    return pl.Series(accepts[asked_for])


def asked(symbols: Sequence[str], first: date, last: date, as_of: datetime) -> dict[str, object]:
    """Return the values bound in the queries of bars as known at an instant, checked."""
    if first > last:
        raise ValueError(f"`first` must not lie after `last`, was {first} after {last}.")
    return {
        "symbols": sorted(set(symbols)),
        "first": first,
        "last": last,
        "as_of": require_aware(as_of, name="as_of"),
    }
