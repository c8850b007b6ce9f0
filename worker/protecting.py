"""Brings back what sales took of protecting stops, whatever the pipeline does."""

import os

from assets.flattening import NoResearch
from assets.picture import limits_now
from trading.protecting import restore_stops
from trading.sending import Sender
from worker.desk import Desk


def protect(desk: Desk) -> None:
    """Send the stops that are owed to what sales left of a position."""
    if not desk.ledger.owed_stops():
        return
    restore_stops(
        desk.ledger,
        desk.broker,
        sender=Sender(
            owner=f"executor/stops/{os.getpid()}",
            build=desk.settings.build,
            environment=desk.environment,
            limits=limits_now(desk.limits, desk.engine, desk_at=desk.clock.now()),
            facts=NoResearch(),
        ),
        desk=desk.clock,
        market=desk.market,
    )
