"""The embedded sample, landed as a real bucket would hold it.

Prices: WIKI prices in `bokeh_sampledata`, public domain, unadjusted. Index: S&P 500 price index,
rates: one-month Treasury bills, both in `arch.data`. Splits are the recorded ones; dividends are
implied by the sample's adjusted column, which reinvests a dividend at the close of its ex-date:
adjusted(t) / adjusted(t-1) = ratio * (close(t) + dividend) / close(t-1).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from adapters.market_data import calendar
from adapters.market_data.landing import Kind, Landing, land
from adapters.object_store.protocol import ObjectStore

INDEX = "SPX"
SOURCE = "sample"
SPLITS = (
    ("AAPL", date(2000, 6, 21), 2.0),
    ("AAPL", date(2005, 2, 28), 2.0),
    ("MSFT", date(2003, 2, 18), 2.0),
)
# Adjusted prices are given to about 1e-12 of themselves; the smallest dividend is 0.08 USD.
_SMALLEST_DIVIDEND = 0.001
_FIRST_RATE = date(1970, 1, 1)
_SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
_WORDS = {
    "daily": "daily bars", "index": "index", "rates": "risk-free rate",
    "actions": "corporate actions",
}  # fmt: skip


def seed(
    store: ObjectStore,
    *,
    until: date,
    landed_at: datetime | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> tuple[Landing, ...]:
    """Land the sample up to and including `until`; later sessions are left to the venue.

    Safe to repeat: what lies in the lake is not landed again.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    until : date
        Last session landed.
    landed_at : datetime, optional
        Wall time of the landing; now when None.
    progress : callable, optional
        Called with the share done (0 to 1) and what is being landed.

    Returns
    -------
    tuple of Landing
        Daily bars, index, rates and corporate actions; `key` is empty where nothing was new.

    Raises
    ------
    ValueError
        If the sample has no session up to `until`.
    StoreError
        If the lake cannot be written.
    """
    bars = stocks().filter(pl.col("session") <= until)
    if bars.is_empty():
        raise ValueError(f"`until` must not lie before the sample's first session, was {until}.")
    index = index_bars().filter(pl.col("session") <= until)
    begun = index["session"][0]  # rates before the index have no use here
    delivered: dict[Kind, pl.DataFrame] = {
        "daily": bars,
        "index": index,
        "rates": rates().filter(pl.col("session").is_between(begun, until)),
        "actions": actions(bars),
    }
    at, market_at = landed_at or datetime.now(UTC), calendar.close_of(until)
    landed = []
    for number, (kind, frame) in enumerate(delivered.items()):
        if progress is not None:
            progress(number / len(delivered), _WORDS[kind])
        landed.append(
            land(store, frame, kind=kind, source=SOURCE, landed_at=at, market_at=market_at)
        )
    if progress is not None:
        progress(1.0, "done")
    return tuple(landed)


def stocks() -> pl.DataFrame:
    """The sample's daily bars, unadjusted (USD, shares), and its adjusted close.

    Columns: symbol, session, open, high, low, close, volume, sample_adjusted; sorted by symbol and
    session.
    """
    from bokeh_sampledata import stocks as sample  # noqa: PLC0415 - reads its file on import

    frames = [
        pl.DataFrame(
            {
                "symbol": [symbol] * len(series["date"]),
                "session": pl.Series(series["date"]).str.to_date(),
                **{name: series[name] for name in ("open", "high", "low", "close", "volume")},
                "sample_adjusted": series["adj_close"],
            }
        )
        for symbol, series in ((s, getattr(sample, s)) for s in _SYMBOLS)
    ]
    return pl.concat(frames).sort("symbol", "session")


def index_bars() -> pl.DataFrame:
    """The S&P 500 price index 1999 to 2018: symbol SPX, session, open, high, low, close, volume."""
    return _table("sp500").select(
        pl.lit(INDEX).alias("symbol"),
        pl.col("Date").str.to_date("%m/%d/%Y").alias("session"),
        *(pl.col(name).alias(name.lower()) for name in ("Open", "High", "Low", "Close", "Volume")),
    )


def rates() -> pl.DataFrame:
    """The risk-free rate: first session of a month, and the rate per year as a fraction.

    The source gives the return of a one-month Treasury bill over each month in per cent; it is
    known when the month begins. Twelve such months compounded are the rate per year.
    """
    # 201207 is July 2012.
    months = _table("frenchdata").select(month="Date", percent="RF")
    firsts = (
        calendar.sessions()
        .filter(pl.col("session") >= _FIRST_RATE)
        .group_by((pl.col("session").dt.year() * 100 + pl.col("session").dt.month()).alias("month"))
        .agg(pl.col("session").min())
    )
    return (
        months.join(firsts, on="month")
        .select("session", annual_rate=(1.0 + pl.col("percent") / 100.0) ** 12 - 1.0)
        .sort("session")
    )


def _table(name: str) -> pl.DataFrame:
    """A table that comes with the package `arch`, whose own loader costs seconds of imports."""
    found = importlib.util.find_spec("arch")
    if found is None or found.origin is None:
        raise FileNotFoundError(
            "The sample's index and rates come with the package `arch`, which is not installed. "
            "Install requirements.lock."
        )
    return pl.read_csv(Path(found.origin).parent / "data" / name / f"{name}.csv.gz")


def actions(bars: pl.DataFrame) -> pl.DataFrame:
    """Splits on record and dividends implied by the sample's adjusted column.

    Parameters
    ----------
    bars : polars.DataFrame
        From `stocks`.

    Returns
    -------
    polars.DataFrame
        symbol, session (ex-date), kind (split or cash_dividend), ratio (new shares per old),
        amount (USD per share), implied; sorted by symbol and session.
    """
    splits = pl.DataFrame(SPLITS, schema=["symbol", "session", "ratio"], orient="row").join(
        bars.select("symbol", "session"), on=["symbol", "session"]
    )
    dividends = _implied_dividends(bars, splits)
    return pl.concat(
        [
            splits.with_columns(
                kind=pl.lit("split"), amount=pl.lit(None, pl.Float64), implied=pl.lit(value=False)
            ),
            dividends.with_columns(
                kind=pl.lit("cash_dividend"),
                ratio=pl.lit(None, pl.Float64),
                implied=pl.lit(value=True),
            ),
        ],
        how="diagonal",
    ).sort("symbol", "session", "kind")


def _implied_dividends(bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    before = bars.join(splits, on=["symbol", "session"], how="left").with_columns(
        pl.col("ratio").fill_null(1.0),
        pl.col("close", "sample_adjusted").shift().over("symbol").name.prefix("previous_"),
    )
    growth = pl.col("sample_adjusted") / pl.col("previous_sample_adjusted")
    amount = growth * pl.col("previous_close") / pl.col("ratio") - pl.col("close")
    return (
        before.select("symbol", "session", amount=amount.round(4))
        .filter(pl.col("amount").abs() >= _SMALLEST_DIVIDEND)
        .sort("symbol", "session")
    )
