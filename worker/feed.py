"""Minute bars into the warehouse while the market is open."""

import logging

from adapters.market_data.live import MinuteStream
from trading.errors import RetryError
from warehouse import bars, connect
from worker.desk import Desk
from worker.heart import heartbeat
from worker.loop import Task

log = logging.getLogger(__name__)

_BATCH_SECONDS = 5.0


class StreamEndedError(RetryError):
    """The stream of minute bars ended; it is opened again."""


def tasks(desk: Desk) -> list[Task]:
    """Return what the feed does."""
    stream = MinuteStream(desk.settings, desk.universe.names)
    warehouse = connect(desk.settings)

    def receive() -> None:
        stream.run()
        raise StreamEndedError("the stream of minute bars ended")

    def store() -> None:
        received = stream.drained()
        if received.is_empty():
            return
        tally = warehouse.write(
            lambda conn: bars.append_minutes(conn, received), "market.minute_bars"
        )
        log.info("minute bars: %s new, %s unchanged", tally.new, tally.unchanged)

    return [
        Task("stream", receive, 2.0),
        Task("minute bars", store, _BATCH_SECONDS),
        heartbeat(desk, "feed"),
    ]
