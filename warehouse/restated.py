"""Daily bars whose value was corrected after the desk first learned it."""

from __future__ import annotations

import duckdb
import polars as pl

from warehouse.frames import selected

# A value that replaced another is never `assumed`, so that only such keys are looked at.
_LATEST = """
with corrected as (select distinct symbol, session from market.daily_bars where not assumed)
select symbol, session, known_at, source,
       lag(source) over said as source_before,
       lag(known_at) over said as known_before,
       open, lag(open) over said as open_before,
       high, lag(high) over said as high_before,
       low, lag(low) over said as low_before,
       close, lag(close) over said as close_before,
       volume, lag(volume) over said as volume_before
from market.daily_bars semi join corrected using (symbol, session)
window said as (partition by symbol, session order by known_at)
qualify known_before is not null
order by known_at desc, symbol, session
limit $most
"""


def latest(conn: duckdb.DuckDBPyConnection, *, most: int = 50) -> pl.DataFrame:
    """Return the newest restatements, each beside the value it replaced; for screens.

    Columns: symbol, session, known_at and source of both values (`..._before` for the earlier),
    open, high, low, close (USD per share, unadjusted) and volume (shares) likewise.
    """
    return selected(conn, _LATEST, {"most": most})
