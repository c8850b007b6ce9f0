"""Bars of a half-day, with the fewest words."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from adapters.market_data.live import StreamBar
from tests.unit.worker.desks import CLOSE, OPEN, SESSION
from worker.grid import Grid

MINUTE = timedelta(minutes=1)


def at(minute: int) -> datetime:
    """The first instant of a minute of the session, counted from its opening."""
    return OPEN + minute * MINUTE


def bar(symbol: str, minute: int, close: float = 10.0, *, trades: int = 10) -> StreamBar:
    return StreamBar(
        symbol=symbol, start=at(minute), open=10.0, high=max(close, 10.0), low=min(close, 10.0),
        close=close, volume=trades * 100, trades=trades, is_update=False,
    )  # fmt: skip


def update(of: StreamBar, close: float, *, trades: int) -> StreamBar:
    return replace(
        of, close=close, high=max(close, of.high), low=min(close, of.low), trades=trades,
        volume=trades * 100, is_update=True,
    )  # fmt: skip


def grid(*symbols: str, session: date = SESSION) -> Grid:
    return Grid(session, OPEN, CLOSE, symbols)
