"""Unmodified alpaca-py reads market data at the venue."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.models import Quote
from alpaca.data.requests import (
    CorporateActionsRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from tests.integration.venue.served import HEADERS, ServedVenue

DAY, MINUTE = TimeFrame.Day, TimeFrame.Minute


def utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def test_daily_bars_end_where_the_clock_stands(
    served: ServedVenue, stocks: StockHistoricalDataClient
) -> None:
    query = StockBarsRequest(
        symbol_or_symbols=["AAPL", "SPX"],
        timeframe=DAY,
        start=utc(2012, 6, 28),
        end=utc(2012, 12, 31),
    )
    bars = stocks.get_stock_bars(query)
    assert [b.timestamp.day for b in bars["AAPL"]] == [28, 29, 2]
    last = bars["AAPL"][-1]
    # The sample's row for 2012-07-02.
    assert last.timestamp == datetime(2012, 7, 2, 4, tzinfo=UTC)
    assert (last.open, last.close) == (584.73, 592.52)
    # Never null: other clients than Python's read them as numbers.
    assert last.vwap == pytest.approx((last.open + last.high + last.low + last.close) / 4, abs=1e-4)
    assert last.trade_count == last.volume // 180
    assert bars["SPX"][-1].close == pytest.approx(1365.51, abs=0.01)

    served.post("/venue/jump", {"to": "next_open"})
    assert len(stocks.get_stock_bars(query)["AAPL"]) == 3
    served.post("/venue/jump", {"to": "close"})
    assert len(stocks.get_stock_bars(query)["AAPL"]) == 4


def test_minutes_appear_when_they_are_over_and_make_up_the_day(
    served: ServedVenue, stocks: StockHistoricalDataClient
) -> None:
    served.post("/venue/jump", {"to": "next_open"})
    served.post("/venue/step", {"minutes": 30})
    query = StockBarsRequest(symbol_or_symbols="IBM", timeframe=MINUTE, start=utc(2012, 7, 3))
    assert len(stocks.get_stock_bars(query)["IBM"]) == 30
    served.post("/venue/jump", {"to": "close"})
    minutes = stocks.get_stock_bars(query)["IBM"]
    assert len(minutes) == 210  # closed at 13:00
    quarter = StockBarsRequest(
        symbol_or_symbols="IBM",
        timeframe=TimeFrame(15, TimeFrameUnit.Minute),
        start=utc(2012, 7, 3),
    )
    (day,) = stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols="IBM", timeframe=DAY, start=utc(2012, 7, 3))
    )["IBM"]
    for bars in (minutes, stocks.get_stock_bars(quarter)["IBM"]):
        assert bars[0].open == day.open
        assert max(b.high for b in bars) == day.high
        assert min(b.low for b in bars) == day.low
        assert bars[-1].close == day.close
        assert sum(b.volume for b in bars) == day.volume


def test_pages_limits_and_order(served: ServedVenue, stocks: StockHistoricalDataClient) -> None:
    def page(**params: object) -> dict[str, Any]:
        reply = requests.get(
            f"{served.url}/v2/stocks/bars",
            params={
                "symbols": "AAPL,IBM,MSFT",
                "timeframe": "1Day",
                "start": "2012-06-25",
                **params,
            },
            headers=HEADERS,
            timeout=10,
        )
        assert reply.headers["X-Venue-Feed"] == "iex"
        return reply.json()

    seen: list[tuple[str, str]] = []
    token, pages = None, 0
    while pages == 0 or token:
        found = page(limit=4, **({"page_token": token} if token else {}))
        assert 0 < sum(len(b) for b in found["bars"].values()) <= 4
        seen += [(s, b["t"]) for s, bars in found["bars"].items() for b in bars]
        token, pages = found["next_page_token"], pages + 1
    assert pages == 5  # 3 symbols x 6 sessions, 4 a page
    assert len(set(seen)) == len(seen) == 18
    assert seen == sorted(seen)
    backwards = page(sort="desc")["bars"]["IBM"]
    assert [b["t"] for b in backwards] == sorted((b["t"] for b in backwards), reverse=True)

    # alpaca-py asks for page after page by itself.
    query = StockBarsRequest(symbol_or_symbols="IBM", timeframe=MINUTE, start=utc(2012, 4, 1))
    # 20 sessions in April (Good Friday off), 22 in May, 21 in June, one in July; none closed early.
    assert len(stocks.get_stock_bars(query)["IBM"]) == 64 * 390
    limited = query.model_copy(update={"limit": 12_345})
    assert len(stocks.get_stock_bars(limited)["IBM"]) == 12_345


def test_adjusted_bars_do_not_jump_at_a_split(stocks: StockHistoricalDataClient) -> None:
    def closes(adjustment: Adjustment) -> list[float]:
        query = StockBarsRequest(
            symbol_or_symbols="AAPL",
            timeframe=DAY,
            start=utc(2005, 2, 25),
            end=utc(2005, 3, 1),
            adjustment=adjustment,
        )
        return [b.close for b in stocks.get_stock_bars(query)["AAPL"]]

    assert closes(Adjustment.RAW) == [88.99, 44.86]
    assert closes(Adjustment.SPLIT) == [44.495, 44.86]


def test_quotes_trades_bars_and_snapshots_are_of_now(
    served: ServedVenue, stocks: StockHistoricalDataClient
) -> None:
    def quote() -> Quote:
        query = StockLatestQuoteRequest(symbol_or_symbols=["AAPL", "SPX"])
        found = stocks.get_stock_latest_quote(query)
        assert set(found) == {"AAPL"}  # an index has no quotes
        return found["AAPL"]

    after_close = quote()
    assert after_close.timestamp == datetime(2012, 7, 2, 20, tzinfo=UTC)
    assert after_close.bid_price < 592.52 < after_close.ask_price
    # 2 basis points of 592.52 are 0.1185, rounded outward to cents.
    assert (after_close.bid_price, after_close.ask_price) == (592.40, 592.64)

    served.post("/venue/jump", {"to": "next_open"})
    served.post("/venue/step", {"minutes": 5})
    now = datetime(2012, 7, 3, 13, 35, tzinfo=UTC)
    assert quote().timestamp == now
    trade = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    assert quote().bid_price < trade["AAPL"].price < quote().ask_price
    bar = stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert bar.timestamp == datetime(2012, 7, 3, 13, 34, tzinfo=UTC)
    snapshot = stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert snapshot.daily_bar.close == 592.52
    assert snapshot.minute_bar == bar


def test_corporate_actions_are_known_from_the_close_before(
    served: ServedVenue, actions: CorporateActionsClient
) -> None:
    query = CorporateActionsRequest(
        symbols=["AAPL", "MSFT"], start=date(2000, 1, 1), end=date(2013, 3, 1)
    )
    found = actions.get_corporate_actions(query).data
    splits = [(s.symbol, str(s.ex_date), s.new_rate) for s in found["forward_splits"]]
    assert splits == [
        ("AAPL", "2000-06-21", 2.0),
        ("MSFT", "2003-02-18", 2.0),
        ("AAPL", "2005-02-28", 2.0),
    ]
    special = [d.rate for d in found["cash_dividends"] if str(d.ex_date) == "2004-11-15"]
    assert special == [3.08]  # the special dividend of 3.00 with the ordinary 0.08
    assert max(d.ex_date for d in found["cash_dividends"]) < date(2012, 7, 2)

    served.post("/venue/jump", {"to": "2012-08-08"})  # ex-date is the next session
    found = actions.get_corporate_actions(query).data["cash_dividends"]
    assert (found[-1].symbol, str(found[-1].ex_date), found[-1].rate) == (
        "AAPL",
        "2012-08-09",
        2.65,
    )


def test_planted_cases_reach_the_data(
    served: ServedVenue, stocks: StockHistoricalDataClient, actions: CorporateActionsClient
) -> None:
    served.post(
        "/venue/events",
        {"kind": "bad_close", "symbol": "IBM", "session": "2012-07-05", "factor": 0.1},
        status=201,
    )
    served.post(
        "/venue/events",
        {"kind": "split", "symbol": "MSFT", "ratio": 2, "ex_date": "2012-07-05"},
        status=201,
    )
    served.post("/venue/jump", {"to": "2012-07-05"})
    query = StockBarsRequest(
        symbol_or_symbols=["IBM", "MSFT"], timeframe=DAY, start=utc(2012, 7, 3)
    )
    bars = stocks.get_stock_bars(query)
    # The sample's closes: IBM 195.93 and 195.29, Microsoft 30.76 and 30.70.
    assert [b.close for b in bars["IBM"]] == [195.93, 19.529]
    assert [b.close for b in bars["MSFT"]] == [30.76, 15.35]
    adjusted = query.model_copy(update={"adjustment": Adjustment.SPLIT})
    assert [b.close for b in stocks.get_stock_bars(adjusted)["MSFT"]] == [15.38, 15.35]
    found = actions.get_corporate_actions(
        CorporateActionsRequest(symbols=["MSFT"], start=date(2012, 7, 5), end=date(2012, 7, 5))
    )
    assert found.data["forward_splits"][0].new_rate == 2


def test_a_planted_gap_moves_quotes_at_once_and_minutes_from_then_on(
    served: ServedVenue, stocks: StockHistoricalDataClient
) -> None:
    served.post("/venue/jump", {"to": "next_open"})
    served.post("/venue/step", {"minutes": 10})

    def middle() -> float:
        query = StockLatestQuoteRequest(symbol_or_symbols="AAPL")
        quote = stocks.get_stock_latest_quote(query)["AAPL"]
        return (quote.ask_price + quote.bid_price) / 2

    before = middle()
    gap = {"kind": "price_gap", "symbol": "AAPL", "fraction": 0.0061}
    served.post("/venue/events", gap, status=201)
    assert middle() == pytest.approx(before * 1.0061, abs=0.02)
    served.post("/venue/jump", {"to": "close"})
    query = StockBarsRequest(symbol_or_symbols="AAPL", timeframe=DAY, start=utc(2012, 7, 3))
    (bar,) = stocks.get_stock_bars(query)["AAPL"]
    assert bar.close == pytest.approx(599.41 * 1.0061, abs=0.01)


def test_wrong_questions_are_refused(
    stocks: StockHistoricalDataClient, served: ServedVenue
) -> None:
    served.get("/v2/stocks/bars?symbols=AAPL&timeframe=7Days", status=422)
    served.get("/v2/stocks/bars?timeframe=1Day", status=422)
    served.get("/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=yesterday", status=422)
    served.get("/v2/stocks/NOPE/quotes/latest", status=404)
    stranger = StockHistoricalDataClient("PKTEST", "wrong", url_override=served.url)
    with pytest.raises(APIError) as caught:
        stranger.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))
    assert caught.value.status_code == 403
