"""What the pages read: bounded queries for screens, polars frames out.

They show the latest that is known; research never reads here.
"""

from datetime import date, datetime, timedelta

import duckdb
import polars as pl

from warehouse import actions

_DECISIONS = """
select session, symbol, outcome, reason_code, sentence, figures, proposal_id, known_at
from portfolio.decisions
where session = (select max(session) from portfolio.decisions)
qualify row_number() over (
    partition by symbol order by known_at desc, recorded_at desc
) = 1
order by symbol
limit $most
"""

_PREDICTIONS = """
with mine as (select model_version from models.versions where programme = $programme)
select symbol, session, model_version, probability, margin, expected_return, low, high, horizon,
       volatility, contributions, feature_version, snapshot_id, simulated, known_at
from models.predictions
where kind = 'live'
  and model_version in (select * from mine)
  and session = (
      select max(session) from models.predictions
      where kind = 'live' and model_version in (select * from mine)
  )
qualify row_number() over (
    partition by symbol order by known_at desc, recorded_at desc
) = 1
order by probability desc, symbol
limit $most
"""

_VERSION = """
select *
from models.versions
where model_version = $model_version
order by recorded_at desc
limit 1
"""

_NEWEST_VERSION = """
select *
from models.versions
where programme = $programme
order by trained_at desc, recorded_at desc
limit 1
"""

_GATES = """
select gate, value, threshold, comparison, passed, reason, sentence
from models.gates
where model_version = $model_version
qualify row_number() over (partition by gate order by recorded_at desc) = 1
order by passed, gate
"""

_SCORE = """
select count(*) as cases,
       avg(case when (p.probability > 0.5) = o.outperformed then 1.0 else 0.0 end) as right_share
from models.outcomes o
join models.predictions p using (symbol, session, model_version, kind)
where o.kind = 'live'
  and o.model_version in (select model_version from models.versions where programme = $programme)
"""

_SESSIONS = """
select distinct session from quality.verdicts where dataset = $dataset
order by session desc limit $sessions
"""

_VERDICTS = f"""
select symbol, session, status, checks, checks_passed, finding_id, report
from quality.verdicts
where dataset = $dataset
  and session >= (select min(session) from ({_SESSIONS}))
qualify row_number() over (
    partition by symbol, session order by known_at desc, recorded_at desc
) = 1
order by symbol, session
limit 100000
"""  # noqa: S608 - the inner query is a constant of this module

_VERDICT = """
select status, checks, checks_passed, finding_id, report, known_at
from quality.verdicts
where dataset = 'daily_bars' and symbol = $symbol and session = $session
order by known_at desc, recorded_at desc
limit 1
"""

_FINDINGS = """
select finding_id, symbol, session, bar_start, rule, severity, message, known_at
from quality.findings
order by known_at desc, session desc, symbol
limit $most
"""

_QUARANTINE = """
select q.quarantine_id, q.finding_id, q.dataset, q.symbol, q.session, q.bar_start, q.row,
       q.status, q.person, q.reason, q.known_at, f.rule, f.severity, f.message, f.figures
from (
    select *
    from quality.quarantine
    qualify row_number() over (
        partition by quarantine_id order by known_at desc, recorded_at desc
    ) = 1
) q
left join quality.findings f using (finding_id)
order by q.status = 'held' desc, q.session desc, q.symbol
limit $most
"""

_REPORTS = """
select suite, first_session, last_session, expectations, passed, path, recorded_at
from quality.reports
qualify row_number() over (partition by suite order by last_session desc, recorded_at desc) = 1
order by suite not like '%bars', suite
"""

_CLOSES = """
select session, close
from market.daily_bars
where symbol = $symbol and session between $first and $last
qualify row_number() over (partition by session order by known_at desc, recorded_at desc) = 1
order by session desc
limit $sessions
"""

_AROUND = """
select session, open, high, low, close, volume
from market.daily_bars
where symbol = $symbol and session between $session - 12 and $session + 12
qualify row_number() over (partition by session order by known_at desc, recorded_at desc) = 1
order by session
limit 20
"""

_RISK = """
select session, portfolio, measure, method, level, horizon, value, unit, n_obs, known_at
from risk.figures
where session = (select max(session) from risk.figures)
qualify row_number() over (
    partition by portfolio, measure, method, level, horizon
    order by known_at desc, recorded_at desc
) = 1
order by portfolio, measure, method, level, horizon
limit 500
"""


def decisions(conn: duckdb.DuckDBPyConnection, *, most: int = 1_000) -> pl.DataFrame:
    """Return what was decided for each symbol after the newest session.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        A reader.
    most : int
        At most so many symbols.

    Returns
    -------
    polars.DataFrame
        One row per symbol: session, symbol, outcome (proposed, denied, none), reason_code,
        sentence, figures (JSON), proposal_id, known_at.
    """
    return conn.execute(_DECISIONS, {"most": most}).pl()


def predictions(
    conn: duckdb.DuckDBPyConnection, *, programme: str, most: int = 1_000
) -> pl.DataFrame:
    """Return a programme's live predictions of its newest session, highest probability first.

    Returns and ranges are fractions over `horizon` sessions, volatility a fraction per year.
    """
    return conn.execute(_PREDICTIONS, {"programme": programme, "most": most}).pl()


def newest_version(conn: duckdb.DuckDBPyConnection, *, programme: str) -> pl.DataFrame:
    """Return the newest state of the version of a programme that was trained last; 0 or 1 row."""
    return conn.execute(_NEWEST_VERSION, {"programme": programme}).pl()


def version(conn: duckdb.DuckDBPyConnection, *, model_version: str) -> pl.DataFrame:
    """Return the newest state of a model version; 0 or 1 row."""
    return conn.execute(_VERSION, {"model_version": model_version}).pl()


def gates(conn: duckdb.DuckDBPyConnection, *, model_version: str) -> pl.DataFrame:
    """Return the gates of a model version, those not met first."""
    return conn.execute(_GATES, {"model_version": model_version}).pl()


def live_score(conn: duckdb.DuckDBPyConnection, *, programme: str) -> tuple[int, float | None]:
    """Return how many live predictions of a programme's models have matured, and the share right.

    The share is a fraction; None without any.
    """
    row = conn.execute(_SCORE, {"programme": programme}).fetchone()
    assert row is not None
    return int(row[0]), None if row[1] is None else float(row[1])


def verdicts(
    conn: duckdb.DuckDBPyConnection, *, dataset: str = "daily_bars", sessions: int = 40
) -> pl.DataFrame:
    """Return the latest verdict of each symbol in the newest `sessions` sessions."""
    return conn.execute(_VERDICTS, {"dataset": dataset, "sessions": sessions}).pl()


def verdict(conn: duckdb.DuckDBPyConnection, *, symbol: str, session: date) -> pl.DataFrame:
    """Return the latest verdict on a daily bar; 0 or 1 row."""
    return conn.execute(_VERDICT, {"symbol": symbol, "session": session}).pl()


def findings(conn: duckdb.DuckDBPyConnection, *, most: int = 200) -> pl.DataFrame:
    """Return the newest findings, errors, warnings and notes alike."""
    return conn.execute(_FINDINGS, {"most": most}).pl()


def quarantine(conn: duckdb.DuckDBPyConnection, *, most: int = 100) -> pl.DataFrame:
    """Return quarantined rows in their latest state with their finding, held ones first."""
    return conn.execute(_QUARANTINE, {"most": most}).pl()


def reports(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the newest quality report of each suite, those of bars first."""
    return conn.execute(_REPORTS).pl()


def closes(
    conn: duckdb.DuckDBPyConnection,
    *,
    symbol: str,
    last: date,
    as_of: datetime,
    sessions: int = 120,
) -> pl.DataFrame:
    """Return up to `sessions` closes until `last`, oldest first, in USD per share of `last`.

    They are adjusted for the splits known at `as_of`: a line over a split has no cliff. Of
    dividends nothing is asked, so that a wrong one keeps no card from being shown.
    """
    # Two days of calendar for each session are more than enough, and let old files be skipped.
    first = last - timedelta(days=2 * sessions + 10)
    asked = {"symbol": symbol, "first": first, "last": last, "sessions": sessions}
    found = conn.execute(_CLOSES, asked).pl().sort("session")
    told = actions.known(conn, [symbol], first, last, as_of=as_of).filter(kind="split")
    for ex_date, ratio in told.select("ex_date", "ratio").iter_rows():
        before = pl.col("session") < ex_date
        found = found.with_columns(close=pl.col("close") / pl.when(before).then(ratio).otherwise(1))
    return found


def around(conn: duckdb.DuckDBPyConnection, *, symbol: str, session: date) -> pl.DataFrame:
    """Return the daily bars within twelve days of `session`, as quoted."""
    return conn.execute(_AROUND, {"symbol": symbol, "session": session}).pl()


def risk_figures(conn: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the risk figures of the newest session; losses are positive."""
    return conn.execute(_RISK).pl()
