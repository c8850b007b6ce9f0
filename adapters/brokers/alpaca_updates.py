"""The stream of trade updates, as a hint that something happened; the query is the fact.

alpaca-py's stream joins again by itself after a lost connection. What was said meanwhile is gone,
and updates may come twice, late or never: so none is read, each only says that it is time to ask.
"""

from collections.abc import Callable
from typing import Any

from alpaca.trading.stream import TradingStream

from config.settings import BrokerSettings
from trading.errors import RetryError

_BACKOFF_SECONDS = (0.5, 10.0)
_VENUE_KEYS = ("key", "secret")  # a venue without keys takes any


class UpdatesEndedError(RetryError):
    """The stream of trade updates ended; it is opened again."""


class TradeUpdates:
    """Listens to the account's trade updates.

    Parameters
    ----------
    broker : BrokerSettings
        Names the stream and its keys.
    hear : callable
        Called in the stream's thread at every update, and at every joining. It must be quick and
        must not raise.
    """

    def __init__(self, broker: BrokerSettings, hear: Callable[[], None]) -> None:
        self._broker = broker
        self._hear = hear
        self._stream: _Stream | None = None

    def listen(self) -> None:
        """Listen for as long as the process lives, or until `stop`.

        Raises
        ------
        UpdatesEndedError
            When the stream has ended.
        """
        self._stream = _Stream(self._broker, self._hear)
        self._stream.subscribe_trade_updates(self._heard)
        self._stream.run()
        raise UpdatesEndedError(f"The stream {self._broker.stream_url} ended; it is opened again.")

    def stop(self) -> None:
        """End listening, from another thread."""
        if self._stream is not None:
            self._stream.stop()

    async def _heard(self, _update: Any) -> None:
        self._hear()


class _Stream(TradingStream):
    """alpaca-py's stream, with pauses of our own, telling of every joining."""

    def __init__(self, broker: BrokerSettings, joined: Callable[[], None]) -> None:
        super().__init__(
            broker.key_id or _VENUE_KEYS[0],
            broker.secret_key or _VENUE_KEYS[1],
            raw_data=True,
            url_override=broker.stream_url,
        )
        self._reconnect_min_backoff, self._reconnect_max_backoff = _BACKOFF_SECONDS
        self._joined = joined

    async def _start_ws(self) -> None:
        await super()._start_ws()  # type: ignore[no-untyped-call]  # it ships none
        self._joined()
