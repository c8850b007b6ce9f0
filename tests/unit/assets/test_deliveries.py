"""What is still to be fetched, symbol by symbol."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data.errors import NothingAnywhereError
from adapters.market_data.landing import land
from adapters.market_data.load import daily
from adapters.object_store.folder import FolderStore
from assets.deliveries import Dock, delivery, missing, note_silence
from assets.deliveries import land as landed
from config.universe import Listing, Universe

MON, TUE, THU = date(2012, 7, 2), date(2012, 7, 3), date(2012, 7, 5)
DAYS = [MON, TUE, THU]
AT = datetime(2012, 7, 5, 20, 15, tzinfo=UTC)


def bars(symbol: str, *sessions: date, close: float = 10.5) -> pl.DataFrame:
    n = len(sessions)
    return pl.DataFrame(
        {
            "symbol": [symbol] * n, "session": list(sessions), "open": [10.0] * n,
            "high": [11.0] * n, "low": [9.0] * n, "close": [close] * n, "volume": [100] * n,
        }
    )  # fmt: skip


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def put(store: FolderStore, *frames: pl.DataFrame, source: str = "file") -> None:
    land(store, pl.concat(frames), kind="daily", source=source, landed_at=AT, market_at=AT)


def test_a_stranger_in_the_lake_keeps_nobody_from_being_fetched(store: FolderStore) -> None:
    put(store, bars("IBM", MON), bars("MSFT", MON))
    put(store, bars("XYZ", TUE))

    assert missing(store, [MON, TUE], ["IBM", "MSFT"]) == {TUE: {"IBM", "MSFT"}}


def test_a_file_of_one_member_keeps_no_other_member_from_being_fetched(store: FolderStore) -> None:
    put(store, bars("IBM", MON), bars("MSFT", MON))
    put(store, bars("IBM", TUE))

    assert missing(store, DAYS, ["IBM", "MSFT"]) == {TUE: {"MSFT"}, THU: {"IBM", "MSFT"}}


def test_a_delivery_answers_for_its_symbols_in_sessions_in_which_they_did_not_trade(
    store: FolderStore,
) -> None:
    """As the sample does for Facebook before its listing."""
    put(store, bars("IBM", MON, TUE, THU), bars("FB", THU))

    assert missing(store, DAYS, ["IBM", "FB"]) == {}
    assert missing(store, DAYS, ["IBM", "FB", "NEW"]) == {day: {"NEW"} for day in DAYS}


def test_who_was_asked_for_and_had_nothing_is_not_asked_for_again(store: FolderStore) -> None:
    put(store, bars("IBM", MON))
    waiting = missing(store, [MON], ["IBM", "FB"])
    assert waiting == {MON: {"FB"}}

    note_silence(Dock(store, AT, AT), waiting, bars("IBM", MON).clear())

    assert missing(store, [MON], ["IBM", "FB"]) == {}
    assert missing(store, [MON, TUE], ["IBM", "FB"]) == {TUE: {"IBM", "FB"}}


class Told:
    """A source that has some bars; asked for others only, it has nothing."""

    def __init__(self, *frames: pl.DataFrame) -> None:
        self.rows = pl.concat(frames)

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        found = self.rows.filter(
            pl.col("symbol").is_in(symbols), pl.col("session").is_between(first, last)
        )
        if found.is_empty():
            raise NothingAnywhereError("no row")
        return found.with_columns(
            source=pl.lit("venue"), feed=pl.lit(None, pl.String), simulated=pl.lit(value=False)
        )

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        return self.daily(["SPX"], MON, MON).clear()

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        raise AssertionError("asked for minutes")


def universe(*symbols: str) -> Universe:
    listings = (Listing(symbol=s, label=s, sector="Energy") for s in symbols)
    return Universe(name="u", symbols=tuple(listings))


def test_what_a_person_landed_stands_beside_what_is_fetched(store: FolderStore) -> None:
    put(store, bars("IBM", MON, close=10.25))
    source = Told(bars("SPX", MON, TUE), bars("IBM", MON, TUE), bars("MSFT", MON, TUE))
    both = universe("IBM", "MSFT")
    waiting = missing(store, [MON, TUE], both.names)

    told = delivery(store, source, both, waiting)

    assert landed(Dock(store, AT, AT), told) == 5  # all but IBM on Monday
    assert closes(store) == [("IBM", 10.25, "file"), ("MSFT", 10.5, "venue")]
    assert missing(store, [MON, TUE], both.names) == {}
    assert "index" not in delivery(store, source, universe("IBM", "FB"), {MON: {"FB"}})


def test_that_nobody_has_a_symbol_stops_only_a_session_without_any_bar(store: FolderStore) -> None:
    put(store, bars("IBM", MON))
    source, both = Told(bars("SPX", MON, TUE)), universe("IBM", "FB")

    assert "daily" not in delivery(store, source, both, {MON: {"FB"}})
    with pytest.raises(NothingAnywhereError):
        delivery(store, source, both, {MON: {"FB"}, TUE: {"IBM", "FB"}})


def closes(store: FolderStore) -> Sequence[tuple[object, ...]]:
    return daily(store, MON, MON).select("symbol", "close", "source").rows()
