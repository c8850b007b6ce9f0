"""What the data stream tells while market time passes."""

from datetime import datetime, timedelta
from typing import Any

from venue.market import Quote
from venue.minutes import Minutes, trades
from venue.paper import PaperVenue
from venue.sample import DailyBar
from venue.sessions import NEW_YORK, Session

EXCHANGE, TAPE = "V", "C"


def bar_json(minutes: Minutes, index: int, start: datetime) -> dict[str, Any]:
    """One minute bar in the data service's letters; `t` stays an instant."""
    return {
        "t": start,
        "o": float(minutes.open[index]),
        "h": float(minutes.high[index]),
        "l": float(minutes.low[index]),
        "c": float(minutes.close[index]),
        "v": int(minutes.volume[index]),
        "n": int(minutes.trade_count[index]),
        "vw": float(minutes.vwap[index]),
    }


def daily_json(bar: DailyBar) -> dict[str, Any]:
    """One daily bar in the data service's letters.

    The sample has no count of trades and no average price. Clients of other languages read both
    as numbers, so that they are made here as a minute's are.
    """
    midnight = datetime.combine(bar.session, datetime.min.time(), NEW_YORK)
    return {
        "t": midnight,
        "o": bar.open,
        "h": bar.high,
        "l": bar.low,
        "c": bar.close,
        "v": bar.volume,
        "n": trades(bar.volume),
        "vw": round((bar.open + bar.high + bar.low + bar.close) / 4.0, 4),
    }


def quote_json(quote: Quote) -> dict[str, Any]:
    """A quote in the data service's letters."""
    return {
        "t": quote.at,
        "ax": EXCHANGE,
        "ap": float(quote.ask),
        "as": quote.ask_size,
        "bx": EXCHANGE,
        "bp": float(quote.bid),
        "bs": quote.bid_size,
        "c": ["R"],
        "z": TAPE,
    }


def trade_json(price: float, size: int, at: datetime) -> dict[str, Any]:
    """A trade in the data service's letters; its number is its second."""
    return {
        "t": at,
        "x": EXCHANGE,
        "p": price,
        "s": size,
        "c": ["@"],
        "i": int(at.timestamp()),
        "z": TAPE,
    }


def last_trade(minutes: Minutes, index: int, start: datetime) -> dict[str, Any]:
    """The last trade of a minute, of an average size."""
    bar = bar_json(minutes, index, start)
    last = start + timedelta(seconds=59, milliseconds=999)
    return trade_json(bar["c"], max(1, bar["v"] // bar["n"]), last)


def tell_minute(venue: PaperVenue, session: Session, index: int) -> None:
    """Tell the bar and the last trade of a minute that is over."""
    bars_wanted = venue.wanted("bars")
    if not bars_wanted and not venue.wanted("trades"):
        return
    start = session.minute_start(index)
    for symbol in venue.market.symbols:
        minutes = venue.market.minutes(symbol, session)
        if minutes is None:
            continue
        bar = bar_json(minutes, index, start)
        venue.tell("bars", {"T": "b", "S": symbol, **bar})
        if symbol != venue.market.index_symbol:
            venue.tell("trades", {"T": "t", "S": symbol, **last_trade(minutes, index, start)})


def tell_quotes(venue: PaperVenue) -> None:
    """Tell every symbol's quote as a minute begins."""
    if not venue.wanted("quotes"):
        return
    for symbol in venue.market.symbols:
        quote = venue.market.quote(symbol, venue.now)
        if quote:
            venue.tell("quotes", {"T": "q", "S": symbol, **quote_json(quote)})


def tell_daily(venue: PaperVenue, session: Session) -> None:
    """Tell the daily bars of a session that has closed."""
    if not venue.wanted("dailyBars"):
        return
    for symbol in venue.market.symbols:
        bar = venue.market.served_daily(symbol, session.date)
        if bar:
            venue.tell("dailyBars", {"T": "d", "S": symbol, **daily_json(bar)})
