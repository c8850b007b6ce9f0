"""What firms were worth on the market after a session, by what was known of their shares then."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from adapters.market_data import fundamentals
from assets.desk_time import decision_time
from warehouse import Warehouse, actions

_NEW_YORK = ZoneInfo("America/New_York")


def capitals(
    warehouse: Warehouse, firms: pl.DataFrame, closes: Mapping[str, float | None], session: date
) -> dict[str, float]:
    """Return USD by symbol: the shares that were known, after splits since, times the close.

    A firm of which only the value was told has that one; one without either, or without a close
    to value its shares at, is left out.

    Parameters
    ----------
    warehouse : Warehouse
        Has the splits.
    firms : polars.DataFrame
        From `fundamentals.table`.
    closes : mapping
        USD per share, unadjusted, of the session.
    session : date
        Exchange session.
    """
    rows = fundamentals.known(firms, as_of=decision_time(session)).filter(
        pl.col("symbol").is_in(list(closes))
    )
    if rows.is_empty():
        return {}
    grown = _grown(warehouse, rows, session)
    found: dict[str, float] = {}
    for row in rows.iter_rows(named=True):
        symbol, close = row["symbol"], closes[row["symbol"]]
        if row["shares_outstanding"] is not None and close is not None:
            found[symbol] = row["shares_outstanding"] * grown.get(symbol, 1.0) * close
        elif row["market_cap"] is not None:
            found[symbol] = row["market_cap"]
    return found


def _grown(warehouse: Warehouse, rows: pl.DataFrame, session: date) -> dict[str, float]:
    """Return how many shares one became by splits after its count was known."""
    counted = rows.with_columns(
        counted=pl.col("known_at").dt.convert_time_zone(_NEW_YORK.key).dt.date()
    )
    first = counted["counted"].min()
    assert isinstance(first, date)
    with warehouse.reader() as conn:
        known = actions.known(
            conn, counted["symbol"].to_list(), first, session, as_of=decision_time(session)
        )
    since = known.filter(pl.col("kind") == "split").join(counted, on="symbol")
    ratios = since.filter(pl.col("ex_date") > pl.col("counted")).group_by("symbol")
    return dict(ratios.agg(pl.col("ratio").product()).iter_rows())
