"""Market time as the assets need it: what the desk knew, and when."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from adapters.market_data.load import DEFAULT_LAG
from ledger import market as ledger_market
from quality.calendar import exchange
from trading.errors import AskError, RetryError


class ClockUnknownError(RetryError):
    """The market's clock has not been heard yet."""


class NotClosedError(AskError):
    """A session was asked for that has not closed on the market's clock."""


def decision_time(session: date) -> datetime:
    """Return the instant the desk decides at: the session's close and the sources' delay (UTC)."""
    return exchange().close(session) + DEFAULT_LAG


def market_now(ledger: sa.Engine) -> datetime:
    """Return market time as the broker's clock last told it (UTC).

    Raises
    ------
    ClockUnknownError
        If nothing has been heard of it.
    """
    with ledger.connect() as conn:
        clock = ledger_market.latest_clock(conn)
    if clock is None:
        raise ClockUnknownError(
            "The market's clock has not been heard yet: the worker `watch` writes it to the "
            "ledger. See ./desk status, then run this again."
        )
    return clock.now


@dataclass(frozen=True)
class LedgerClock:
    """Market time as the broker last told it; fits `trading.clock.MarketClock`."""

    ledger: sa.Engine

    def now(self) -> datetime:
        """Return the market's time in UTC."""
        return market_now(self.ledger)


def require_closed(sessions: list[date], ledger: sa.Engine) -> None:
    """Refuse sessions that have not closed on the market's clock.

    Raises
    ------
    NotClosedError
        Naming the first of them.
    """
    newest = exchange().last_closed(market_now(ledger))
    early = [session for session in sessions if session > newest]
    if early:
        raise NotClosedError(
            f"{len(early)} of {len(sessions)} sessions have not closed on the market's clock, the "
            f"first is {early[0]}; the newest closed one is {newest}. Choose a range up to it."
        )
