"""The dead man's switch: after a silence of its own, a desk only reduces until it is reconciled."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ledger import state
from ledger.tables import heartbeats
from trading.state import TradingState


def noticed(conn: sa.Connection, *, process: str, longest: timedelta, desk_at: datetime) -> None:
    """Put the desk in REDUCING if the process gave no sign of life for too long.

    Asked in the transaction of its next sign of life: after a start, and after a computer slept.

    Parameters
    ----------
    process : str
        Whose heartbeat is meant.
    longest : timedelta
        The longest silence that is none (wall time).
    desk_at : datetime
        Now (wall time).
    """
    last = conn.scalar(sa.select(heartbeats.c.beat_at).where(heartbeats.c.process == process))
    if last is None or desk_at - last <= longest:
        return
    state.tighten(
        conn,
        to=TradingState.REDUCING,
        reason=f"The desk was silent since {last:%d %b %H:%M} UTC: until ledger and broker have "
        "been compared, orders only reduce.",
        process=state.SILENCE,
        desk_at=desk_at,
    )


def over(conn: sa.Connection, *, desk_at: datetime) -> None:
    """Let trading go on as before a silence: ledger and broker agree."""
    state.take_back(
        conn,
        process=state.SILENCE,
        reason="The desk was silent; ledger and broker agree.",
        desk_at=desk_at,
    )
