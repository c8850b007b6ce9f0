"""Minutes of the lake before those of the sources, symbol by symbol."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from adapters.market_data.errors import NoSourceError, NothingAnywhereError
from adapters.market_data.landed_minutes import LandedMinutes
from adapters.market_data.landing import land
from adapters.object_store.folder import FolderStore

MON = date(2012, 7, 2)
OPEN = datetime(2012, 7, 2, 13, 30, tzinfo=UTC)
LANDED = OPEN + timedelta(days=3)


def bars(*symbols: str, close: float) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "symbol": s, "session": MON, "bar_start": OPEN + timedelta(minutes=n),
                "open": close, "high": close, "low": close, "close": close, "volume": 100,
            }
            for s in symbols
            for n in range(2)
        ]
    ).with_columns(pl.col("bar_start").dt.cast_time_unit("us"))  # fmt: skip


class Sources:
    """Has what it is given, or fails; remembers who was asked for."""

    def __init__(self, has: Sequence[str] = (), error: Exception | None = None) -> None:
        self.has, self.error, self.asked = has, error, [""]

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        self.asked = list(symbols)
        if self.error is not None:
            raise self.error
        told = bars(*(s for s in symbols if s in self.has), close=20.0)
        return told.with_columns(
            source=pl.lit("venue"), feed=pl.lit("iex"), simulated=pl.lit(value=True)
        )


def beside(tmp_path: Path, sources: Sources, *, landed: str = "") -> LandedMinutes:
    store = FolderStore(tmp_path)
    if landed:
        land(
            store, bars(landed, close=10.0), kind="minute", source="file", landed_at=LANDED,
            market_at=LANDED,
        )  # fmt: skip
    return LandedMinutes(store, sources)  # type: ignore[arg-type]  # asked for minutes only


def told(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    return rows.select("symbol", "close", "source", "learned_at").unique().sort("symbol").rows()


def test_who_was_landed_stands_and_the_others_are_asked_for(tmp_path: Path) -> None:
    sources = Sources(["IBM", "MSFT"])

    rows = beside(tmp_path, sources, landed="IBM").minutes(["IBM", "MSFT"], MON)

    assert sources.asked == ["MSFT"]
    assert told(rows) == [("IBM", 10.0, "file", LANDED), ("MSFT", 20.0, "venue", None)]
    assert rows["bar_start"].to_list() == [OPEN, OPEN + timedelta(minutes=1)] * 2


def test_without_a_landing_the_sources_answer_alone(tmp_path: Path) -> None:
    rows = beside(tmp_path, Sources(["IBM"])).minutes(["IBM"], MON)

    assert rows["source"].unique().to_list() == ["venue"]


def test_when_all_were_landed_nobody_is_asked(tmp_path: Path) -> None:
    sources = Sources(error=AssertionError("asked"))

    assert beside(tmp_path, sources, landed="IBM").minutes(["IBM"], MON).height == 2


def test_that_no_source_has_the_others_is_an_answer_and_that_one_is_away_is_none(
    tmp_path: Path,
) -> None:
    nothing = beside(tmp_path / "a", Sources(error=NothingAnywhereError("none")), landed="IBM")
    away = beside(tmp_path / "b", Sources(error=NoSourceError("away")), landed="IBM")

    assert nothing.minutes(["IBM", "FB"], MON)["symbol"].unique().to_list() == ["IBM"]
    with pytest.raises(NoSourceError, match="away"):
        away.minutes(["IBM", "FB"], MON)
