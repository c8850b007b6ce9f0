"""How the live feed of minute bars stands, kept as the figures of its run."""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ledger import runs
from trading.canonical import Content

JOB = "minute feed"
STALE_ALERT = "feed_stale"  # open while no bar comes though one is due
_SILENT_AFTER = timedelta(seconds=15)  # wall time without a report
_BAR = timedelta(minutes=1)


@dataclass(frozen=True)
class FeedState:
    """What the feed last said of itself."""

    session: date  # the session it watches
    market_at: datetime  # market time of this report
    newest_at: datetime | None  # end of the newest bar heard, market time
    stale_since: datetime | None  # market time from which a bar is overdue; None while they come
    gaps: int  # minutes over and missing, all symbols
    healed: int  # minutes of the session that were asked for and came
    no_trade: int  # minutes of the session that were asked for and had no trade
    waiting: int  # bars heard and not stored yet
    batches: int  # written since the process started
    bars: int  # heard since the process started
    restated: int  # values that were replaced since the process started
    reconnects: int  # since the process started

    @property
    def lag(self) -> timedelta | None:
        """How far the newest bar is behind the market's clock."""
        return None if self.newest_at is None else max(self.market_at - self.newest_at, timedelta())


def overdue(now: datetime, *, opens: datetime, newest_at: datetime | None) -> timedelta:
    """Return how long a bar is overdue at market time `now` of a running session; 0 if none is.

    Parameters
    ----------
    now : datetime
        Market time.
    opens : datetime
        When the session opened: its first bar is due a minute later.
    newest_at : datetime, optional
        End of the newest bar heard.
    """
    due = max(opens, newest_at or opens) + _BAR
    return max(now - due, timedelta())


def record(conn: sa.Connection, state: FeedState, *, desk_at: datetime) -> None:
    """Keep what the feed says of itself; it replaces what it said before."""
    tags: dict[str, Content] = {
        name: value.isoformat() if isinstance(value, date | datetime) else value
        for name, value in vars(state).items()
    }
    runs.record(conn, run_id=JOB, job=JOB, state="started", desk_at=desk_at, tags=tags)


def latest(conn: sa.Connection) -> FeedState | None:
    """Return what the feed last said, or None before its first report."""
    run = runs.by_id(conn, JOB)
    return None if run is None else _state(run)


def trouble(conn: sa.Connection, *, desk_at: datetime) -> str | None:
    """Return why intraday data must not be acted on now, as a sentence; None when it may be.

    Parameters
    ----------
    desk_at : datetime
        Wall time: a feed that says nothing counts as dead.
    """
    run = runs.by_id(conn, JOB)
    if run is None:
        return "The live feed has not reported yet."
    silent = desk_at - run.updated_at
    if silent > _SILENT_AFTER:
        return f"The live feed has said nothing for {silent.total_seconds():.0f} s."
    since = _state(run).stale_since
    if since is not None:
        return f"No minute bar has come since one was due at {since:%H:%M} UTC, market time."
    return None


def _state(run: runs.Run) -> FeedState:
    told: dict[str, Any] = {field.name: run.tags[field.name] for field in fields(FeedState)}
    for name in ("market_at", "newest_at", "stale_since"):
        told[name] = told[name] and datetime.fromisoformat(told[name])
    return FeedState(**(told | {"session": date.fromisoformat(told["session"])}))
