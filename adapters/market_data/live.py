"""Minute bars as they happen, and again on request, over Alpaca's protocol.

What alpaca-py's stream does by itself: it joins again after a lost connection, with pauses that
double from `backoff`; a refused subscription and wrong keys are only logged, and it goes on; an
exception in a callback loses the rest of its frame. So the callback here never raises, every
joining is counted, and whoever listens asks by REST for what did not come.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import polars as pl
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live.stock import StockDataStream
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from requests.adapters import HTTPAdapter

from adapters.market_data.calendar import INSTANT
from config.settings import BrokerSettings, Settings
from trading.errors import RetryError

log = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
_TIMEOUT_SECONDS = (5.0, 30.0)  # to connect, between bytes
_BACKOFF_SECONDS = (1.0, 30.0)
_VENUE_KEYS = ("key", "secret")  # a venue without keys takes any
_BARS: dict[str, Any] = {
    "symbol": pl.String, "bar_start": INSTANT, "open": pl.Float64, "high": pl.Float64,
    "low": pl.Float64, "close": pl.Float64, "volume": pl.Int64,
}  # fmt: skip


class MinutesUnavailableError(RetryError):
    """A question for minute bars stayed without a usable answer."""


@dataclass(frozen=True, slots=True)
class StreamBar:
    """One minute bar as the stream told it; prices in USD, unadjusted."""

    symbol: str
    start: datetime  # UTC, first instant of the minute
    open: float
    high: float
    low: float
    close: float
    volume: int  # shares
    trades: int  # grows as late trades come in
    is_update: bool  # told again, with late trades

    @property
    def end(self) -> datetime:
        """The first instant after the minute."""
        return self.start + MINUTE


class MinuteStream:
    """Subscribes to minute bars and their updates, and hands each on as it comes.

    Parameters
    ----------
    settings : Settings
        Names the broker's stream, feed and keys.
    symbols : sequence of str
        What to subscribe to.
    hear : callable
        Takes a bar; called in the stream's thread. It must be quick and must not raise.
    backoff : (float, float)
        Shortest and longest pause before joining again, in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        symbols: Sequence[str],
        hear: Callable[[StreamBar], None],
        *,
        backoff: tuple[float, float] = _BACKOFF_SECONDS,
    ) -> None:
        self._broker = settings.broker
        self._symbols = tuple(symbols)
        self._hear = hear
        self._backoff = backoff
        self._stream: _CountedStream | None = None
        self._joined_before = 0
        self.unreadable = 0  # messages that were no bars

    @property
    def joined(self) -> int:
        """How often the stream was joined."""
        return self._joined_before + (self._stream.joined if self._stream else 0)

    def run(self) -> None:
        """Receive until `stop` is called, or the broker refuses the subscription."""
        stream = _CountedStream(self._broker, self._backoff)
        stream.subscribe_bars(self._received, *self._symbols)
        stream.subscribe_updated_bars(self._received, *self._symbols)
        self._stream = stream
        try:
            stream.run()
        finally:
            self._joined_before, self._stream = self.joined, None

    def stop(self) -> None:
        """Leave the stream: `run` returns within some seconds."""
        stream = self._stream
        if stream is not None and stream.is_up:
            stream.stop()

    async def _received(self, message: Any) -> None:
        try:
            bar = _bar(message)
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            self.unreadable += 1
            log.warning("not a minute bar (%s): %r", e, message)
        else:
            self._hear(bar)


class _CountedStream(StockDataStream):
    """alpaca-py's stream, with pauses of our own and a count of how often it joined."""

    def __init__(self, broker: BrokerSettings, backoff: tuple[float, float]) -> None:
        feed = DataFeed(broker.feed)
        override = None
        if broker.kind == "venue":
            override = f"{broker.url.replace('http', 'ws', 1)}/v2/{feed.value}"
        super().__init__(
            broker.key_id or _VENUE_KEYS[0],
            broker.secret_key or _VENUE_KEYS[1],
            raw_data=True,
            feed=feed,
            url_override=override,
        )
        self._reconnect_min_backoff, self._reconnect_max_backoff = backoff
        self.joined = 0

    @property
    def is_up(self) -> bool:
        """Whether its loop runs, connected or waiting to be."""
        return self._loop is not None

    async def _start_ws(self) -> None:
        await super()._start_ws()
        self.joined += 1


class MinuteHistory:
    """Minute bars of a span, asked for after the fact.

    Parameters
    ----------
    settings : Settings
        Names the broker's data address, feed and keys.
    """

    def __init__(self, settings: Settings) -> None:
        self._broker = settings.broker

    @cached_property
    def _client(self) -> StockHistoricalDataClient:
        client = StockHistoricalDataClient(
            self._broker.key_id or _VENUE_KEYS[0],
            self._broker.secret_key or _VENUE_KEYS[1],
            raw_data=True,
            url_override=self._broker.data_url,
        )
        for scheme in ("http://", "https://"):
            client._session.mount(scheme, _Timed())  # noqa: SLF001 - there is no public way
        return client

    def between(self, symbols: Sequence[str], first: datetime, until: datetime) -> pl.DataFrame:
        """Return the bars that start in [`first`, `until`): possibly none.

        Columns: symbol, bar_start (UTC), open, high, low, close (USD, unadjusted), volume
        (shares); sorted by symbol and bar_start.

        Raises
        ------
        MinutesUnavailableError
            If there is no usable answer.
        """
        asked = StockBarsRequest(
            symbol_or_symbols=list(symbols),
            timeframe=TimeFrame.Minute,
            start=first,
            end=until - timedelta(seconds=1),
            adjustment=Adjustment.RAW,
            feed=DataFeed(self._broker.feed),
        )
        try:
            told = self._client.get_stock_bars(asked)
            rows = [
                (symbol, _instant(b["t"]), b["o"], b["h"], b["l"], b["c"], round(b["v"]))
                for symbol, bars in _by_symbol(told).items()
                for b in bars or ()
            ]
        except (APIError, requests.RequestException, ValueError, KeyError, TypeError) as e:
            raise MinutesUnavailableError(
                f"{self._broker.data_url} gave no minute bars from {first:%Y-%m-%d %H:%M} to "
                f"{until:%H:%M} UTC: {e}. They are asked for again; see ./desk doctor if it lasts."
            ) from e
        frame = pl.DataFrame(rows, schema=_BARS, orient="row")
        return frame.unique(["symbol", "bar_start"], keep="last").sort("symbol", "bar_start")


class _Timed(HTTPAdapter):
    """Requests that give up: alpaca-py sets no timeout and takes none."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passes every option on
        if options.get("timeout") is None:
            options["timeout"] = _TIMEOUT_SECONDS
        return super().send(request, **options)


def _by_symbol(told: Any) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise TypeError(f"the answer is {type(told).__name__}, not an object")
    bars: Mapping[str, Any] | None = told.get("bars", told)
    return bars or {}


def _bar(message: Mapping[str, Any]) -> StreamBar:
    return StreamBar(
        symbol=message["S"],
        start=_instant(message["t"]),
        open=float(message["o"]),
        high=float(message["h"]),
        low=float(message["l"]),
        close=float(message["c"]),
        volume=int(message["v"]),
        trades=int(message.get("n") or 0),
        is_update=message["T"] == "u",
    )


def _instant(stamp: Any) -> datetime:
    """Return the aware instant of a stamp, whichever way it was packed."""
    if isinstance(stamp, datetime):
        return stamp.astimezone(UTC)
    if isinstance(stamp, str):
        return datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC)
    whole = datetime.fromtimestamp(stamp.seconds, UTC)
    return whole + timedelta(microseconds=stamp.nanoseconds // 1000)
