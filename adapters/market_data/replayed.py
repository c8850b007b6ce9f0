"""A market written as the embedded venue reads it (`python -m venue --market DIR`)."""

from __future__ import annotations

import gzip
import io
import json
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from adapters.market_data.generated import INDEX, SOURCE, GeneratedMarket

_BAR: Final = ("symbol", "session", "open", "high", "low", "close", "volume")
_EXCHANGE: Final = "NYSE"


def write(folder: Path, made: GeneratedMarket, *, first: date) -> None:
    """Write bars from `first` on, and the splits and dividends the protocol can tell of.

    Parameters
    ----------
    folder : Path
        Made when it is not there; what lies in it is written over.
    made : GeneratedMarket
    first : date
        First session written; older ones lie in the lake.
    """
    folder.mkdir(parents=True, exist_ok=True)
    since = pl.col("session") >= first
    bars = pl.concat([made.daily.select(_BAR), made.index.select(_BAR)]).filter(since)
    text = bars.sort("session", "symbol").write_csv()
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:  # equal markets, equal bytes
        file.write(text.encode())
    (folder / "bars.csv.gz").write_bytes(packed.getvalue())
    told = made.actions.filter(since, pl.col("kind").is_in(["split", "cash_dividend"])).select(
        kind=pl.col("kind").str.strip_prefix("cash_"),
        symbol="symbol",
        ex_date="session",
        value=pl.coalesce("ratio", "amount"),
    )
    told.write_csv(folder / "actions.csv")
    about = {
        "name": SOURCE,
        "index": INDEX,
        "stocks": {symbol: [f"Generated {symbol}", _EXCHANGE] for symbol in sorted(made.sectors)},
    }
    (folder / "market.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
