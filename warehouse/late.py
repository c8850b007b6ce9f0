"""When something was learned about a session after that session's own decision."""

# ruff: noqa: S608 - constant statements are set into others, values are bound

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from warehouse.frames import require_aware, selected

# Bars, verdicts and index rows.
_VALUES = """
select session as day, known_at, false as reaches_back
from market.daily_bars
where symbol in (select unnest($symbols::varchar[])) and session between $first and $last
  and known_at > $after and known_at <= $as_of
union all
select session, known_at, false
from quality.verdicts
where dataset = 'daily_bars' and symbol in (select unnest($symbols::varchar[]))
  and session between $first and $last and known_at > $after and known_at <= $as_of
union all
select session, known_at, false
from market.index_bars
where symbol = $index and session between $first and $last
  and known_at > $after and known_at <= $as_of
"""
_LEARNED = f"""
{_VALUES}
union all
select a.ex_date, a.known_at,
       a.kind = 'symbol_change' or coalesce(a.kind = 'delisting' and t.newest >= a.ex_date, false)
from market.corporate_actions a left join (
    select symbol, max(session) as newest
    from market.daily_bars
    where session <= $last
      and symbol in (select symbol from market.corporate_actions where kind = 'delisting')
    group by symbol
) t on t.symbol = a.symbol
where (a.known_at > $after
       or (a.kind in ('symbol_change', 'delisting') and a.ex_date >= cast($after as date)))
  and a.known_at <= $as_of and a.ex_date <= $last
  and (a.symbol in (select unnest($symbols::varchar[]))
       or a.detail in (select unnest($symbols::varchar[])))
union all
select from_session, known_at, false  -- a later word, be it of its end, may tell another sector
from market.universe
where universe = $universe and known_at > $after and known_at <= $as_of
"""
# Of actions only those that say otherwise than before: a first word, however late, is dated itself.
_REPLACED = f"""
{_VALUES}
union all
select a.ex_date, a.known_at, false
from market.corporate_actions a
where a.known_at > $after and a.known_at <= $as_of and a.ex_date <= $last
  and a.symbol in (select unnest($symbols::varchar[]))
  and exists (
      select 1 from market.corporate_actions e
      where e.symbol = a.symbol and e.ex_date = a.ex_date and e.kind = a.kind
        and e.known_at < a.known_at
  )
"""


def learned(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    after: datetime,
    as_of: datetime,
    index: str,
    universe: str,
) -> pl.DataFrame:
    """Return which days were spoken of when, in what was learned between two instants.

    A caller that wants each session's values as they were known at its own decision compares
    `known_at` with the decision of `day`: only what is later can make a difference.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        Whose bars, verdicts and actions count.
    first, last : date
        Sessions looked at, both included; actions before `first` count too.
    after, as_of : datetime
        Aware UTC market times; what was learned after the first and up to the second.
    index, universe : str
        Index in `market.index_bars`; list in `market.universe`.

    Returns
    -------
    polars.DataFrame
        day, known_at, and reaches_back: whether it changes what earlier rows mean, however early
        it was known. Each once. Of changed and ended symbols also those announced before `after`
        that take effect since.
    """
    asked = {
        "symbols": list(symbols), "first": first, "last": last, "index": index,
        "universe": universe,
        "after": require_aware(after, name="after"), "as_of": require_aware(as_of, name="as_of"),
    }  # fmt: skip
    return selected(conn, _distinct(_LEARNED), asked)


def replaced(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    after: datetime,
    as_of: datetime,
    index: str,
) -> pl.DataFrame:
    """Return which days' bars, verdicts, index and actions were said otherwise, and when.

    For a reader that looks at each ticker by itself and dates every action by its own `known_at`:
    renamed firms, lists of members and late first news change nothing there, so that a range need
    not be parted at each of them. Parameters and columns as for `learned`.
    """
    asked = {
        "symbols": list(symbols), "first": first, "last": last, "index": index,
        "after": require_aware(after, name="after"), "as_of": require_aware(as_of, name="as_of"),
    }  # fmt: skip
    return selected(conn, _distinct(_REPLACED), asked)


def _distinct(rows: str) -> str:
    return f"select distinct day, known_at, reaches_back from ({rows})"
