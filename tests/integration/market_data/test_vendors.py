"""Alpaca and Yahoo, each against a canned server on loopback: what they say, and how they fail."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data import connected, sample
from adapters.market_data.alpaca import AlpacaMarketData
from adapters.market_data.batches import Shelf
from adapters.market_data.chain import Chain
from adapters.market_data.errors import (
    EmptyAnswerError,
    NoSourceError,
    NotOfferedError,
    SourceBusyError,
    SourceError,
    SourceKeysError,
    SourceRefusedError,
)
from adapters.market_data.yahoo import YahooMarketData
from config import settings
from config.settings import Settings
from tests.integration.market_data.canned import (
    DOWN,
    HANGING,
    MALFORMED,
    Canned,
    Reply,
    alpaca,
    busy,
    served,
    yahoo,
)
from tests.unit.market_data.books import NOON, Book, StandingClock

BAR = ["symbol", "session", "open", "high", "low", "close", "volume"]
FIRST, LAST = date(2005, 2, 1), date(2005, 3, 31)
# AAPL's splits after FIRST; the last two lie after the end of the sample.
SPLITS = (
    ("AAPL", date(2005, 2, 28), 2),
    ("AAPL", date(2014, 6, 9), 7),
    ("AAPL", date(2020, 8, 31), 4),
)
DIVIDENDS = (("AAPL", date(2005, 2, 10), 0.77), ("AAPL", date(2005, 3, 10), 0.77))


def traded() -> pl.DataFrame:
    """Real bars, and two of later splits' ex-dates, so that charts reach them."""
    real = sample.stocks().select(BAR).cast({"volume": pl.Int64})
    later = pl.DataFrame(
        [
            ("AAPL", date(2014, 6, 9), 92.7, 93.88, 91.75, 93.7, 75_414_997),
            ("AAPL", date(2020, 8, 31), 127.58, 131.0, 126.0, 129.04, 225_702_700),
        ],
        schema=real.schema,
        orient="row",
    )
    return pl.concat([real.filter(pl.col("symbol").is_in(["AAPL", "IBM"])), later])


def asked_for(*symbols: str) -> pl.DataFrame:
    return traded().filter(
        pl.col("symbol").is_in(symbols) & pl.col("session").is_between(FIRST, LAST)
    )


def told(home: Path, **variables: str) -> Settings:
    return settings.load(
        {
            "DESK_HOME": str(home),
            "COUNTERSIGN_MODE": "paper",
            "COUNTERSIGN_BROKER__KIND": "alpaca",
            "COUNTERSIGN_BROKER__KEY_ID": "K",
            "COUNTERSIGN_BROKER__SECRET_KEY": "S",
            "COUNTERSIGN_SOURCES__CONNECT_SECONDS": "30",
            "COUNTERSIGN_SOURCES__ANSWER_SECONDS": "3",
            "COUNTERSIGN_SOURCES__ALPACA_SINCE": "2000-01-01",
        }
        | {f"COUNTERSIGN_{name.upper()}": value for name, value in variables.items()}
    )


@pytest.fixture
def alpaca_server() -> Iterator[Canned]:
    with served(alpaca(traded(), page=30)) as canned:
        yield canned


@pytest.fixture
def yahoo_server() -> Iterator[Canned]:
    with served(yahoo(traded(), SPLITS, DIVIDENDS)) as canned:
        yield canned


@pytest.fixture
def ours(alpaca_server: Canned, tmp_path: Path) -> AlpacaMarketData:
    return AlpacaMarketData(told(tmp_path, broker__data_url=alpaca_server.url))


@pytest.fixture
def theirs(yahoo_server: Canned, tmp_path: Path) -> YahooMarketData:
    return YahooMarketData(told(tmp_path, sources__yahoo_url=yahoo_server.url))


def test_alpaca_gives_every_page_and_says_who_it_is(
    ours: AlpacaMarketData, alpaca_server: Canned
) -> None:
    bars = ours.daily(["AAPL", "IBM"], FIRST, LAST)

    assert bars.select(BAR).rows() == asked_for("AAPL", "IBM").sort("symbol", "session").rows()
    assert set(bars.select("source", "feed", "simulated").rows()) == {("alpaca", "iex", False)}
    # 41 sessions of two symbols are 82 bars: three pages of 30
    assert [query.get("page_token") for _, query in alpaca_server.asked] == [None, "30", "60"]
    assert {query["feed"] for _, query in alpaca_server.asked} == {"iex"}
    assert {query["adjustment"] for _, query in alpaca_server.asked} == {"raw"}


def test_yahoo_gives_prices_as_they_were_paid(theirs: YahooMarketData) -> None:
    bars = theirs.daily(["AAPL"], FIRST, LAST)
    real = asked_for("AAPL")

    # The server divides by 56 before the split of 2005 and by 28 after it, as Yahoo does.
    for name in ("open", "high", "low", "close"):
        assert bars[name].to_list() == pytest.approx(real[name].to_list(), abs=5e-5)
    assert bars["volume"].to_list() == real["volume"].to_list()
    assert bars["session"].to_list() == real["session"].to_list()
    assert set(bars.select("source", "feed", "simulated").rows()) == {
        ("yahoo", "consolidated", False)
    }


def test_yahoo_gives_dividends_as_they_were_paid_and_ratios_as_they_were(
    theirs: YahooMarketData,
) -> None:
    found = theirs.actions(["AAPL"], FIRST, LAST)

    assert found.select("ex_date", "kind", "ratio", "amount").rows() == [
        (date(2005, 2, 10), "cash_dividend", None, 0.77),
        (date(2005, 2, 28), "split", 2.0, None),
        (date(2005, 3, 10), "cash_dividend", None, 0.77),
    ]
    assert theirs.actions(["IBM"], FIRST, LAST).is_empty()


def test_yahoo_is_asked_once_for_bars_and_actions_of_a_symbol(
    theirs: YahooMarketData, yahoo_server: Canned
) -> None:
    theirs.actions(["AAPL"], FIRST, LAST)
    later = theirs.daily(["AAPL"], date(2005, 3, 1), LAST)
    assert len(yahoo_server.asked) == 1

    theirs.daily(["AAPL"], date(2005, 1, 3), LAST)

    assert len(yahoo_server.asked) == 2  # what is earlier was not in the chart
    assert later["session"].min() == date(2005, 3, 1)


def test_yahoo_gives_minutes_of_late_only(tmp_path: Path) -> None:
    opens = datetime(2026, 5, 4, 13, 30, tzinfo=UTC)
    minutes = pl.DataFrame(
        {
            "symbol": ["AAPL"] * 3,
            "session": [opens.date()] * 3,
            "bar_start": [opens + timedelta(minutes=n) for n in range(3)],
            "open": [10.0, 11.0, 12.0],
            "high": [11.5, 12.0, 12.5],
            "low": [9.5, 10.5, 11.5],
            "close": [11.0, 12.0, 12.25],
            "volume": [100, 200, 300],
        }
    )
    with served(yahoo(minutes)) as canned:
        vendor = YahooMarketData(
            told(tmp_path, sources__yahoo_url=canned.url), today=lambda: date(2026, 5, 6)
        )
        got = vendor.minutes(["AAPL"], opens.date())
        asked = len(canned.asked)
        with pytest.raises(NotOfferedError, match="30 days; 2026-04-06 lies before 2026-04-07"):
            vendor.minutes(["AAPL"], date(2026, 4, 6))

        assert len(canned.asked) == asked
    assert got.drop("source", "feed", "simulated").rows() == minutes.select(got.columns[:8]).rows()


def test_yahoo_knows_symbols_by_names_of_its_own(tmp_path: Path) -> None:
    index = pl.DataFrame(
        [("SPX", FIRST, 1181.27, 1195.0, 1180.95, 1189.41, 1_681_980_000)],
        schema=asked_for().schema,
        orient="row",
    )
    with served(yahoo(index, known_as={"SPX": "^GSPC"})) as canned:
        vendor = YahooMarketData(told(tmp_path, sources__yahoo_url=canned.url))

        assert vendor.daily(["SPX"], FIRST, LAST)["close"].to_list() == [1189.41]
        with pytest.raises(EmptyAnswerError):
            vendor.daily(["BRK.B"], FIRST, LAST)
    assert [path.rsplit("/", 1)[-1] for path, _ in canned.asked] == ["^GSPC", "BRK-B"]


Question = Callable[[], pl.DataFrame]


@pytest.fixture(params=["alpaca", "yahoo"])
def question(
    request: pytest.FixtureRequest,
    ours: AlpacaMarketData,
    theirs: YahooMarketData,
    alpaca_server: Canned,
    yahoo_server: Canned,
) -> tuple[Question, Canned]:
    """A question to each vendor, and its server."""
    vendor: AlpacaMarketData | YahooMarketData = ours if request.param == "alpaca" else theirs
    canned = alpaca_server if request.param == "alpaca" else yahoo_server
    return lambda: vendor.daily(["AAPL"], FIRST, LAST), canned


@pytest.mark.parametrize("who", ["alpaca", "yahoo"])
def test_a_vendor_that_hangs_is_given_up(
    who: str, alpaca_server: Canned, yahoo_server: Canned, tmp_path: Path
) -> None:
    canned = alpaca_server if who == "alpaca" else yahoo_server
    canned.always = HANGING
    soon = told(
        tmp_path, broker__data_url=alpaca_server.url, sources__yahoo_url=yahoo_server.url,
        sources__connect_seconds="0.3", sources__answer_seconds="0.4",
    )  # fmt: skip
    vendor = AlpacaMarketData(soon) if who == "alpaca" else YahooMarketData(soon)
    began = time.monotonic()

    with pytest.raises(SourceError, match="gave no answer"):
        vendor.daily(["AAPL"], FIRST, LAST)

    assert time.monotonic() - began > 0.3
    assert len(canned.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        MALFORMED,
        Reply(b""),
        Reply([1, 2]),
        Reply({"bars": {"AAPL": [{"t": "2005-02-01T05:00:00Z"}]}, "chart": {"result": [{}]}}),
        Reply({"bars": {"AAPL": 7}, "chart": {"result": 7, "error": None}}),
        Reply(b"<html>Will be right back</html>"),
    ],
)
def test_an_answer_out_of_form_is_an_error(question: tuple[Question, Canned], reply: Reply) -> None:
    ask, canned = question
    canned.always = reply

    with pytest.raises(SourceError):
        ask()

    assert len(canned.asked) == 1


def test_an_empty_answer_is_an_error(question: tuple[Question, Canned]) -> None:
    ask, canned = question
    canned.always = Reply(
        {"bars": {}, "next_page_token": None, "chart": {"result": [], "error": None}}
    )

    with pytest.raises(EmptyAnswerError):
        ask()


def test_a_vendor_that_is_busy_says_for_how_long(question: tuple[Question, Canned]) -> None:
    ask, canned = question
    canned.always = busy(17)

    with pytest.raises(SourceBusyError) as caught:
        ask()

    assert caught.value.wait == 17.0
    assert len(canned.asked) == 1  # neither library asks again by itself


def test_a_vendor_that_fails_may_be_asked_again(question: tuple[Question, Canned]) -> None:
    ask, canned = question
    canned.planned = [DOWN]

    with pytest.raises(SourceError) as caught:
        ask()

    assert not isinstance(caught.value, SourceRefusedError)
    assert ask().height == 41


def test_a_refusal_is_told_as_one(question: tuple[Question, Canned]) -> None:
    ask, canned = question
    canned.always = Reply({"message": "forbidden"}, status=403)

    with pytest.raises(SourceRefusedError):
        ask()


def test_what_came_before_a_failure_is_kept(theirs: YahooMarketData, yahoo_server: Canned) -> None:
    right = yahoo_server.answer

    def answer(path: str, query: dict[str, str]) -> Reply:
        return DOWN if path.endswith("/IBM") else right(path, query)

    yahoo_server.answer = answer

    with pytest.raises(SourceError) as caught:
        theirs.daily(["AAPL", "IBM"], FIRST, LAST)

    assert caught.value.answered == ("AAPL",)
    assert [frame["symbol"].unique().to_list() for frame in caught.value.rows] == [["AAPL"]]


def test_a_new_process_asks_for_what_the_killed_one_had_not(
    yahoo_server: Canned, tmp_path: Path
) -> None:
    told_both = told(tmp_path, sources__yahoo_url=yahoo_server.url)
    right = yahoo_server.answer
    yahoo_server.answer = lambda path, query: DOWN if path.endswith("/IBM") else right(path, query)
    with pytest.raises(SourceError):
        YahooMarketData(told_both).daily(["AAPL", "IBM"], FIRST, LAST)
    yahoo_server.answer, yahoo_server.asked = right, []

    bars = YahooMarketData(told_both).daily(["AAPL", "IBM"], FIRST, LAST)

    assert [path.rsplit("/", 1)[-1] for path, _ in yahoo_server.asked] == ["IBM"]
    assert bars.height == 82
    assert list((tmp_path / "fetched").iterdir()) == []  # delivered: the next question is new


def test_an_answer_kept_too_long_is_asked_for_anew(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("old", pl.DataFrame({"a": [1]}))
    hour_ago = time.time() - 3_601
    for path in tmp_path.iterdir():
        os.utime(path, (hour_ago, hour_ago))
    shelf.put("new", pl.DataFrame({"a": [2]}))

    assert shelf.taken("old") is None
    assert shelf.taken("never") is None
    kept = shelf.taken("new")
    assert kept is not None
    assert kept["a"].to_list() == [2]


def test_a_symbol_the_vendor_has_not_is_left_out(
    ours: AlpacaMarketData, theirs: YahooMarketData
) -> None:
    for vendor in (ours, theirs):
        bars = vendor.daily(["FB", "AAPL"], FIRST, LAST)

        assert bars["symbol"].unique().to_list() == ["AAPL"]


def test_alpaca_is_not_asked_for_what_is_older_than_it(tmp_path: Path) -> None:
    with served(alpaca(traded())) as canned:
        vendor = AlpacaMarketData(
            told(tmp_path, broker__data_url=canned.url, sources__alpaca_since="2016-01-01")
        )
        with pytest.raises(NotOfferedError, match="since 2016-01-01"):
            vendor.daily(["AAPL"], FIRST, LAST)

    assert canned.asked == []


@pytest.fixture
def chain(alpaca_server: Canned, yahoo_server: Canned, tmp_path: Path) -> Chain:
    """Alpaca, then Yahoo, as the desk makes them."""
    made = connected.chain(
        told(
            tmp_path,
            broker__data_url=alpaca_server.url,
            sources__yahoo_url=yahoo_server.url,
            sources__pause_seconds="0.01",
        ),
        book=Book(),
        clock=StandingClock(),
    )
    assert isinstance(made.clock, StandingClock)
    return replace(made, sleep=made.clock.forward)


@pytest.mark.parametrize(
    ("planned", "asked"),
    [
        ([busy(0.1)] * 2, 3),
        ([MALFORMED], 2),
        ([HANGING], 2),
        ([Reply({"bars": {}, "next_page_token": None})] * 4, 5),
    ],
)
def test_what_passes_is_ridden_out(
    chain: Chain, alpaca_server: Canned, planned: list[Reply], asked: int
) -> None:
    alpaca_server.planned = planned

    bars = chain.daily(["IBM"], FIRST, date(2005, 2, 28))

    assert set(bars["source"]) == {"alpaca"}
    assert bars.height == 19  # weekdays of February 2005 less Presidents' Day
    assert len(alpaca_server.asked) == asked
    assert chain.book.standing("alpaca").failures == 0


def test_the_wait_alpaca_asks_for_is_kept_to_the_second(
    chain: Chain, alpaca_server: Canned
) -> None:
    alpaca_server.planned = [busy(17)]

    chain.daily(["IBM"], FIRST, FIRST)

    assert chain.clock.now() == NOON + timedelta(seconds=17)


def test_a_symbol_alpaca_has_not_comes_from_yahoo_and_is_no_failure(
    chain: Chain, alpaca_server: Canned
) -> None:
    alpaca_server.answer = alpaca(traded().filter(pl.col("symbol") != "IBM"))

    bars = chain.daily(["AAPL", "IBM"], FIRST, FIRST)

    assert bars.select("symbol", "source", "feed").rows() == [
        ("AAPL", "alpaca", "iex"),
        ("IBM", "yahoo", "consolidated"),
    ]
    assert isinstance(chain.book, Book)
    assert (chain.book.of, chain.book.switches) == ({}, [])


def test_nobody_left_is_told_with_what_each_said(
    chain: Chain, alpaca_server: Canned, yahoo_server: Canned
) -> None:
    alpaca_server.always = yahoo_server.always = DOWN

    with pytest.raises(NoSourceError, match=r"No source gave daily bars .*alpaca: .*yahoo: "):
        chain.daily(["IBM"], FIRST, LAST)

    assert isinstance(chain.book, Book)
    assert chain.book.switches == [("alpaca", None), ("yahoo", None)]


def test_an_order_with_a_broker_the_desk_has_no_keys_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceKeysError, match=r"names venue, and `broker\.kind` is alpaca"):
        connected.chain(
            told(tmp_path, sources__order="venue,yahoo"), book=Book(), clock=StandingClock()
        )
