"""What is still to be fetched."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from adapters.market_data.landing import land
from adapters.object_store.folder import FolderStore
from assets.deliveries import missing

MON, TUE = date(2012, 7, 2), date(2012, 7, 3)
AT = datetime(2012, 7, 3, 20, 15, tzinfo=UTC)


def bar(symbol: str, session: date) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "symbol": [symbol], "session": [session], "open": [10.0], "high": [11.0],
            "low": [9.0], "close": [10.5], "volume": [100],
        }
    )  # fmt: skip


def test_a_stranger_in_the_lake_keeps_nobody_from_being_fetched(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for symbol, session in (("IBM", MON), ("XYZ", TUE)):
        land(store, bar(symbol, session), kind="daily", source="file", landed_at=AT, market_at=AT)

    assert missing(store, [MON, TUE], ["IBM", "MSFT"]) == [TUE]
