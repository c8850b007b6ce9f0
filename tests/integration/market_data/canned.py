"""Alpaca and Yahoo as small servers on loopback that answer from frames, or as they are told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import polars as pl

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Reply:
    """One answer: status, body, headers, and seconds before it."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


HANGING = Reply({}, delay=4.0)
DOWN = Reply({"message": "internal error"}, status=500)
MALFORMED = Reply(b'{"bars": {"AAPL": [{"t": ')


def busy(seconds: float) -> Reply:
    return Reply({"message": "too many requests"}, 429, {"Retry-After": f"{seconds:g}"})


Answer = Callable[[str, dict[str, str]], Reply]


@dataclass
class Canned:
    """A server; `planned` replies go first, then what `answer` says."""

    answer: Answer
    planned: list[Reply] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    always: Reply | None = None
    url: str = ""

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        self.asked.append((path, query))
        if self.planned:
            return self.planned.pop(0)
        return self.always or self.answer(path, query)


@contextmanager
def served(answer: Answer) -> Iterator[Canned]:
    """A server on a free port of loopback."""
    canned = Canned(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            reply = canned.reply(unquote(parts.path), query)
            if reply.delay:
                time.sleep(reply.delay)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.data)))
                self.end_headers()
                self.wfile.write(reply.data)
            except OSError:
                return  # the caller did not wait

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    canned.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield canned
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def alpaca(bars: pl.DataFrame, *, page: int = 10_000, times: str = "session") -> Answer:
    """Alpaca's answers from bars as traded: pages of `page` bars, over the symbols asked for."""

    def answer(path: str, query: dict[str, str]) -> Reply:
        if path.endswith("/corporate-actions"):
            return Reply({"corporate_actions": {}, "next_page_token": None})
        wanted = query["symbols"].split(",")
        first, last = (_day(query[name]) for name in ("start", "end"))
        found = bars.filter(
            pl.col("symbol").is_in(wanted) & pl.col("session").is_between(first, last)
        ).sort("symbol", times)
        begin = int(query.get("page_token") or 0)
        told: dict[str, list[dict[str, Any]]] = {}
        for row in found.slice(begin, page).iter_rows(named=True):
            told.setdefault(row["symbol"], []).append(_alpaca_bar(row))
        following = begin + page
        token = str(following) if following < found.height else None
        return Reply({"bars": told, "next_page_token": token})

    return answer


def _alpaca_bar(row: dict[str, Any]) -> dict[str, Any]:
    start = row.get("bar_start") or datetime(
        row["session"].year, row["session"].month, row["session"].day, tzinfo=NEW_YORK
    )
    return {
        "t": start.astimezone(UTC).isoformat().replace("+00:00", "Z"), "o": row["open"],
        "h": row["high"], "l": row["low"], "c": row["close"], "v": row["volume"], "n": 1,
        "vw": row["close"],
    }  # fmt: skip


def yahoo(
    bars: pl.DataFrame,
    splits: Sequence[tuple[str, date, int]] = (),
    dividends: Sequence[tuple[str, date, float]] = (),
    *,
    known_as: dict[str, str] | None = None,
) -> Answer:
    """Yahoo's charts from bars as traded: adjusted, as Yahoo does, for every split.

    `splits` are symbol, ex-date and new shares per old; `dividends` symbol, ex-date and USD per
    share as paid.
    """
    names = known_as or {}

    def answer(path: str, query: dict[str, str]) -> Reply:
        symbol = path.rsplit("/", 1)[-1]
        own = next((ours for ours, theirs in names.items() if theirs == symbol), symbol)
        first, end = (
            datetime.fromtimestamp(int(query[name]), NEW_YORK) for name in ("period1", "period2")
        )
        own_splits = [(day, ratio) for name, day, ratio in splits if name == own]
        rows = [
            row
            for row in bars.filter(pl.col("symbol") == own).sort("session").iter_rows(named=True)
            if first <= _open(row) < end
        ]
        if not rows:
            return Reply(_nothing(symbol), status=404)
        events = {
            "splits": {
                str(_stamp(day)): {
                    "date": _stamp(day), "numerator": ratio, "denominator": 1,
                    "splitRatio": f"{ratio}:1",
                }
                for day, ratio in own_splits
                if first.date() <= day < end.date()
            },
            "dividends": {
                str(_stamp(day)): {"amount": amount / _factor(day, own_splits), "date": _stamp(day)}
                for name, day, amount in dividends
                if name == own and first.date() <= day < end.date()
            },
        }  # fmt: skip
        return Reply(_chart(symbol, rows, own_splits, events))

    return answer


def _chart(
    symbol: str,
    rows: Sequence[dict[str, Any]],
    splits: Sequence[tuple[date, int]],
    events: dict[str, Any],
) -> dict[str, Any]:
    factors = [_factor(row["session"], splits) for row in rows]
    prices = {
        name: [row[name] / factor for row, factor in zip(rows, factors, strict=True)]
        for name in ("open", "high", "low", "close")
    }
    volume = [round(row["volume"] * factor) for row, factor in zip(rows, factors, strict=True)]
    meta = {
        "currency": "USD", "symbol": symbol, "exchangeName": "NMS", "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York", "timezone": "EDT", "gmtoffset": -14400,
        "priceHint": 2, "dataGranularity": "1d", "range": "", "validRanges": ["1d", "max"],
    }  # fmt: skip
    result = {
        "meta": meta,
        "timestamp": [int(_open(row).timestamp()) for row in rows],
        "events": {name: told for name, told in events.items() if told},
        "indicators": {
            "quote": [{**prices, "volume": volume}],
            "adjclose": [{"adjclose": prices["close"]}],
        },
    }
    return {"chart": {"result": [result], "error": None}}


def _nothing(symbol: str) -> dict[str, Any]:
    error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    return {"chart": {"result": None, "error": error}}


def _factor(day: date, splits: Sequence[tuple[date, int]]) -> float:
    """New shares of today for one share of `day`."""
    factor = 1.0
    for ex_date, ratio in splits:
        if day < ex_date:
            factor *= ratio
    return factor


def _open(row: dict[str, Any]) -> datetime:
    start: datetime | None = row.get("bar_start")
    return start or datetime.fromtimestamp(_stamp(row["session"]), NEW_YORK)


def _stamp(day: date) -> int:
    return int(
        (
            datetime(day.year, day.month, day.day, tzinfo=NEW_YORK) + timedelta(hours=9, minutes=30)
        ).timestamp()
    )


def _day(text: str) -> date:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(NEW_YORK).date()
