"""Minute bars as they happen, from Alpaca's stream or whatever speaks its protocol."""

import queue
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from config.settings import Settings

_NEW_YORK = ZoneInfo("America/New_York")
_VENUE_STREAM_KEYS = ("key", "secret")


class MinuteStream:
    """Subscribes to minute bars and keeps them until they are drained.

    Parameters
    ----------
    settings : Settings
        Names the broker's stream, feed and keys.
    symbols : sequence of str
        What to subscribe to.
    """

    def __init__(self, settings: Settings, symbols: Sequence[str]) -> None:
        self._settings = settings
        self._symbols = tuple(symbols)
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def run(self) -> None:
        """Receive until the connection ends for good; the client reconnects by itself."""
        from alpaca.data.enums import DataFeed  # noqa: PLC0415  costs half a second
        from alpaca.data.live.stock import StockDataStream  # noqa: PLC0415

        broker = self._settings.broker
        feed = DataFeed(broker.feed)
        override = None
        if broker.kind == "venue":
            override = f"{broker.url.replace('http', 'ws', 1)}/v2/{feed.value}"
        stream = StockDataStream(
            broker.key_id or _VENUE_STREAM_KEYS[0],
            broker.secret_key or _VENUE_STREAM_KEYS[1],
            raw_data=True,
            feed=feed,
            url_override=override,
        )
        stream.subscribe_bars(self._received, *self._symbols)
        stream.run()

    def drained(self) -> pl.DataFrame:
        """Return the bars received since the last call: the columns of `market.minute_bars`."""
        bars = []
        while True:
            try:
                bars.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        simulated = self._settings.broker.kind == "venue"
        rows = [
            _row(bar, self._settings.broker.kind, self._settings.broker.feed, simulated=simulated)
            for bar in bars
        ]
        return pl.DataFrame(rows)

    async def _received(self, bar: Any) -> None:
        self._waiting.put(bar)


def _row(bar: dict[str, Any], source: str, feed: str, *, simulated: bool) -> dict[str, Any]:
    start = _instant(bar["t"])
    return {
        "symbol": bar["S"],
        "session": start.astimezone(_NEW_YORK).date(),
        "bar_start": start,
        "open": float(bar["o"]),
        "high": float(bar["h"]),
        "low": float(bar["l"]),
        "close": float(bar["c"]),
        "volume": int(bar["v"]),
        "source": source,
        "feed": feed,
        "simulated": simulated,
        "healed": False,
        "known_at": start + timedelta(minutes=1),
    }


def _instant(stamp: Any) -> datetime:
    """Return the aware instant of a stamp, whichever way the stream packed it."""
    if isinstance(stamp, datetime):
        return stamp.astimezone(UTC)
    if isinstance(stamp, str):
        return datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC)
    return datetime.fromtimestamp(stamp.seconds + stamp.nanoseconds * 1e-9, UTC)
