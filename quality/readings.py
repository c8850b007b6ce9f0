"""What the asset checks read: the newest state of the warehouse, never as of an earlier instant."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import duckdb
import polars as pl

from quality.calendar import exchange

# The longest look-back of a daily feature is a year of sessions and one for its first return.
SUFFICIENT_HISTORY: Final = 253
COMPLETE_SHARE: Final = 0.9
# Contracts that nobody quotes any more are dropped from chains; half of one is not.
CHAIN_SHARE: Final = 0.5
_RECENT: Final = 6  # sessions

_VERDICTS: Final = """
select symbol, session, status
from quality.verdicts
where dataset = $dataset
  and session in (select unnest($sessions::date[]))
qualify row_number() over (
    partition by symbol, session order by known_at desc, recorded_at desc
) = 1
"""
_FINDINGS: Final = """
select distinct symbol, session, rule, severity, message
from quality.findings
where dataset = $dataset
  and rule in (select unnest($rules::varchar[]))
  and session in (select unnest($sessions::date[]))
order by session, symbol
"""
_INCONSISTENT: Final = """
with latest as (
    select symbol, session, open, high, low, close
    from market.daily_bars
    where session in (select unnest($sessions::date[]))
    qualify row_number() over (partition by symbol, session order by known_at desc) = 1
),
held as (
    select symbol, session, status
    from quality.verdicts
    where dataset = 'daily_bars' and session in (select unnest($sessions::date[]))
    qualify row_number() over (
        partition by symbol, session order by known_at desc, recorded_at desc
    ) = 1
)
select symbol, session, open, high, low, close
from latest
where (symbol, session) in (
        select (symbol, session) from held where status in ('passed', 'released')
    )
  and (high < greatest(open, close) - 1e-4 or low > least(open, close) + 1e-4 or low <= 0)
order by session, symbol
"""
_REPEATED: Final = """
select symbol, session, known_at, count(*) as copies
from market.daily_bars
where session in (select unnest($sessions::date[]))
group by symbol, session, known_at
having count(*) > 1
order by session, symbol
"""
_INCOMPLETE: Final = """
with hours as (
    select unnest($sessions::date[]) as session, unnest($opens::timestamptz[]) as opens,
           unnest($closes::timestamptz[]) as closes
),
present as (
    select b.symbol, b.session, count(distinct b.bar_start) as minutes
    from market.minute_bars b join hours h on h.session = b.session
    where b.session in (select unnest($sessions::date[]))
      and b.bar_start >= h.opens and b.bar_start < h.closes
    group by b.symbol, b.session
),
longest as (
    select session, max(minutes) as minutes from present group by session
)
select d.symbol, d.session, coalesce(p.minutes, 0) as minutes, l.minutes as longest
from (
    select distinct symbol, session
    from market.daily_bars
    where session in (select unnest($sessions::date[]))
) d
join longest l on l.session = d.session
left join present p on p.symbol = d.symbol and p.session = d.session
where coalesce(p.minutes, 0) < $share * l.minutes
order by d.session, d.symbol
"""
_LATE: Final = """
with newest as (
    select symbol, max(session) as last_session from market.daily_bars group by symbol
),
judged as (
    select distinct session from quality.verdicts
    where dataset = 'daily_bars' and ($due is null or session <= $due)
    order by session desc limit 6
)
select symbol, last_session, (select max(session) from judged) as newest_session
from newest
where last_session < (select max(session) from judged)
  and last_session >= (select min(session) from judged)
order by symbol
"""
_THIN_CHAINS: Final = """
with stored as (
    select distinct symbol, session, expiry, strike, put_or_call
    from market.options
    where session between $since and $due
),
before as (
    select symbol, max(session) as last_session from stored where session < $due group by symbol
),
alive as (
    select s.symbol, b.last_session, count(*) as contracts
    from stored s join before b on b.symbol = s.symbol and b.last_session = s.session
    where s.expiry >= $due
    group by s.symbol, b.last_session
),
quoted as (select symbol, count(*) as contracts from stored where session = $due group by symbol)
select a.symbol, a.last_session, a.contracts, coalesce(q.contracts, 0) as quoted
from alive a left join quoted q on q.symbol = a.symbol
where coalesce(q.contracts, 0) < $share * a.contracts
order by a.symbol
"""
_UNFINISHED: Final = """
with latest as (
    select symbol, session, version, values
    from features.daily
    where session in (select unnest($sessions::date[]))
    qualify row_number() over (
        partition by symbol, session, version order by known_at desc, recorded_at desc
    ) = 1
)
select f.symbol, f.session, f.version,
       len(list_filter(f.values, x -> x is null or not isfinite(x))) as holes
from latest f
where holes > 0
  and (
      select count(distinct b.session) from market.daily_bars b
      where b.symbol = f.symbol and b.session <= f.session
  ) >= $history
order by f.session, f.symbol
"""


def _rows(conn: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object]) -> pl.DataFrame:
    return pl.DataFrame(conn.execute(sql, dict(values)).to_arrow_table())


def verdicts(
    conn: duckdb.DuckDBPyConnection, *, dataset: str, sessions: Sequence[date]
) -> pl.DataFrame:
    """Return symbol, session and newest status of every verdict of the sessions."""
    return _rows(conn, _VERDICTS, {"dataset": dataset, "sessions": list(sessions)})


def findings(
    conn: duckdb.DuckDBPyConnection,
    *,
    dataset: str,
    rules: Sequence[str],
    sessions: Sequence[date],
) -> pl.DataFrame:
    """Return symbol, session, rule, severity and message of the findings of some rules."""
    values = {"dataset": dataset, "rules": list(rules), "sessions": list(sessions)}
    return _rows(conn, _FINDINGS, values)


def inconsistent_bars(conn: duckdb.DuckDBPyConnection, *, sessions: Sequence[date]) -> pl.DataFrame:
    """Return usable daily bars whose high or low contradicts open and close."""
    return _rows(conn, _INCONSISTENT, {"sessions": list(sessions)})


def repeated_keys(conn: duckdb.DuckDBPyConnection, *, sessions: Sequence[date]) -> pl.DataFrame:
    """Return keys of daily bars that occur more than once."""
    return _rows(conn, _REPEATED, {"sessions": list(sessions)})


def incomplete_minutes(
    conn: duckdb.DuckDBPyConnection, *, sessions: Sequence[date]
) -> pl.DataFrame:
    """Return symbols whose regular minutes fall short of nine tenths of the fullest symbol's.

    Minutes before the opening and after the close fill no gap.
    """
    calendar = exchange()
    known = [session for session in sessions if calendar.is_session(session)]
    hours = {
        "sessions": known,
        "opens": [calendar.open(session) for session in known],
        "closes": [calendar.close(session) for session in known],
    }
    return _rows(conn, _INCOMPLETE, hours | {"share": COMPLETE_SHARE})


def late_symbols(conn: duckdb.DuckDBPyConnection, *, due: date | None = None) -> pl.DataFrame:
    """Return symbols that had a bar within six sessions and none for the newest one judged.

    `due` (a session) leaves out later ones; the wall clock plays no part.
    """
    return _rows(conn, _LATE, {"due": due})


def thin_chains(conn: duckdb.DuckDBPyConnection, *, due: date | None) -> pl.DataFrame:
    """Return shares whose options were quoted within six sessions and hardly are in the one due.

    Columns: symbol, last_session (before `due`), contracts (of its chain, those still alive) and
    quoted (in `due`, usable ones). Without a session due there are none.
    """
    earlier = () if due is None else exchange().sessions(date.min, due)[-_RECENT - 1 :]
    if not earlier:
        return pl.DataFrame(
            schema={
                "symbol": pl.String, "last_session": pl.Date, "contracts": pl.Int64,
                "quoted": pl.Int64,
            }
        )  # fmt: skip
    asked = {"since": earlier[0], "due": due, "share": CHAIN_SHARE}
    return _rows(conn, _THIN_CHAINS, asked)


def unfinished_features(
    conn: duckdb.DuckDBPyConnection, *, sessions: Sequence[date]
) -> pl.DataFrame:
    """Return rows of features with holes although a year of bars lies behind them."""
    return _rows(conn, _UNFINISHED, {"sessions": list(sessions), "history": SUFFICIENT_HISTORY})
