"""Sends signed legs that are worked in parts, step by step."""

import os

from assets.picture import Viewer, limits_now
from trading.dispatch import send_signed
from trading.ledger import Scope
from trading.sending import Sender
from warehouse import connect
from worker.desk import Desk


def send_parts(desk: Desk) -> None:
    """Take the next step of every signed leg that has a tactic."""
    now = desk.clock.now()
    if not desk.ledger.waiting_legs(not_leased_at=now, scope=Scope.TACTICS):
        return
    limits = limits_now(desk.limits, desk.engine, desk_at=now)
    store = connect(desk.settings)
    try:
        send_signed(
            desk.ledger,
            desk.broker,
            sender=Sender(
                owner=f"executor/parts/{os.getpid()}",
                build=desk.settings.build,
                environment=desk.environment,
                limits=limits,
                facts=Viewer(
                    desk.settings,
                    limits,
                    desk.universe,
                    desk.engine,
                    store,
                    desk.broker,
                    desk.clock,
                ),
                scope=Scope.TACTICS,
            ),
            desk=desk.clock,
            market=desk.market,
        )
    finally:
        store.close()
