"""The vendor's class against a venue in its own process."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters.market_data import connected, sample
from adapters.market_data.alpaca import AlpacaMarketData
from adapters.market_data.errors import SourceError, SourceKeysError
from config import settings
from config.settings import Settings
from tests.integration.venue.served import ServedVenue
from tests.unit.market_data.books import Book, StandingClock

DAY = date(2012, 7, 2)
SYMBOLS = ["AAPL", "IBM"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedVenue]:
    """A venue whose first replayed session has closed."""
    venue = ServedVenue(tmp_path_factory.mktemp("venue"), start=str(DAY))
    venue.post("/venue/jump", {"to": "close"})
    yield venue
    venue.stop()


def source(venue: ServedVenue, home: Path, *, key: str = "PKTEST") -> AlpacaMarketData:
    return AlpacaMarketData(embedded(venue, home, key=key))


def embedded(venue: ServedVenue, home: Path, *, key: str = "PKTEST") -> Settings:
    return settings.load(
        {
            "DESK_HOME": str(home),
            "COUNTERSIGN_VENUE__PORT": str(venue.port),
            "COUNTERSIGN_BROKER__KEY_ID": key,
            "COUNTERSIGN_BROKER__SECRET_KEY": "secret",
        }
    )


def test_daily_bars_are_the_real_ones(served: ServedVenue, tmp_path: Path) -> None:
    bars = source(served, tmp_path).daily(SYMBOLS, date(2012, 6, 25), DAY)

    real = sample.stocks().drop("sample_adjusted")
    wanted = real.filter(
        real["symbol"].is_in(SYMBOLS) & real["session"].is_between(date(2012, 6, 25), DAY)
    )
    assert bars.select(wanted.columns).rows() == wanted.rows()
    assert set(bars.select("source", "feed", "simulated").rows()) == {("venue", "iex", False)}


def test_the_embedded_desk_has_the_venue_alone_and_is_told_who_served(
    served: ServedVenue, tmp_path: Path
) -> None:
    told = embedded(served, tmp_path)
    chain = connected.chain(told, book=Book(), clock=StandingClock())
    assert [one.name for one in chain.sources] == ["venue"]

    bars, minutes = chain.daily([*SYMBOLS, "SPX"], DAY, DAY), chain.minutes(["IBM"], DAY)

    assert bars["symbol"].to_list() == [*SYMBOLS, "SPX"]
    assert set(bars.select("source", "feed", "simulated").rows()) == {("venue", "iex", False)}
    assert set(minutes.select("source", "feed", "simulated").rows()) == {("venue", "iex", True)}


def test_the_index_comes_from_the_same_place(served: ServedVenue, tmp_path: Path) -> None:
    bars = source(served, tmp_path).daily(["SPX"], DAY, DAY)

    assert bars["close"].item() == pytest.approx(1365.51, abs=0.005)  # S&P 500, 2 July 2012


def test_minutes_add_up_to_the_day(served: ServedVenue, tmp_path: Path) -> None:
    vendor = source(served, tmp_path)
    minutes = vendor.minutes(["IBM"], DAY)
    day = vendor.daily(["IBM"], DAY, DAY)

    assert minutes["simulated"].all()
    assert minutes.height == 390
    assert minutes["bar_start"][0] == datetime(2012, 7, 2, 13, 30, tzinfo=UTC)
    assert minutes["volume"].sum() == day["volume"].item()
    assert minutes["high"].max() == day["high"].item()


def test_actions_have_their_figures_and_origin(served: ServedVenue, tmp_path: Path) -> None:
    vendor = source(served, tmp_path)

    splits = vendor.actions(["AAPL"], date(2000, 1, 1), DAY)
    paid = vendor.actions(["IBM"], date(2012, 5, 1), DAY)

    assert splits.select("ex_date", "ratio", "implied").rows() == [
        (date(2000, 6, 21), 2.0, False),
        (date(2005, 2, 28), 2.0, False),
    ]
    assert paid.select("ex_date", "kind", "amount", "implied").rows() == [
        (date(2012, 5, 8), "cash_dividend", pytest.approx(0.85), True)
    ]
    assert vendor.actions(["FB"], DAY, DAY).is_empty()


def test_quotes_have_a_bid_below_the_ask(served: ServedVenue, tmp_path: Path) -> None:
    quotes = source(served, tmp_path).quotes(SYMBOLS)

    assert quotes["symbol"].to_list() == SYMBOLS
    assert (quotes["bid"] < quotes["ask"]).all()


def test_an_empty_answer_is_a_failure(served: ServedVenue, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="An empty answer counts as none"):
        source(served, tmp_path).daily(SYMBOLS, date(2012, 7, 7), date(2012, 7, 8))


def test_wrong_keys_are_told(served: ServedVenue, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"refused .* Check the broker's keys"):
        source(served, tmp_path, key="WRONG").daily(SYMBOLS, DAY, DAY)


def test_a_vendor_that_is_away_is_told(served: ServedVenue, tmp_path: Path) -> None:
    told = {"DESK_HOME": str(tmp_path), "COUNTERSIGN_VENUE__PORT": "9"}
    keys = {"COUNTERSIGN_BROKER__KEY_ID": "K", "COUNTERSIGN_BROKER__SECRET_KEY": "S"}

    with pytest.raises(SourceError, match="gave no answer"):
        AlpacaMarketData(settings.load(told | keys)).daily(SYMBOLS, DAY, DAY)
    with pytest.raises(SourceKeysError, match="COUNTERSIGN_BROKER__KEY_ID"):
        AlpacaMarketData(settings.load(told)).daily(SYMBOLS, DAY, DAY)
