"""What a share costs by the quote on record, as the checks take it."""

from decimal import Decimal

import sqlalchemy as sa

from config.limits import Limits
from ledger import market
from trading.looking import quotes_now


def price_now(conn: sa.Connection, symbol: str, *, limits: Limits) -> Decimal | None:
    """Return the price of a symbol, USD per share; None when nobody tells one."""
    clock, quote = market.latest_clock(conn), market.latest_quotes(conn).get(symbol)
    if clock is None or quote is None:
        return None
    return quotes_now({symbol: quote.told}, clock, limits)[symbol].price
