"""Orders that wait to close a position, and the price that sets them off."""

from decimal import Decimal
from typing import Protocol

from trading.orders import OCO, STOPS

_HUNDRED = Decimal(100)


class Terms(Protocol):
    """What a leg and an order say of their stop. Prices and trails in USD per share."""

    @property
    def side(self) -> str:
        """Which way it trades: buy or sell."""

    @property
    def stop_price(self) -> Decimal | None:
        """The price of a stop of its own."""

    @property
    def stop_loss_price(self) -> Decimal | None:
        """The price of the stop beside a target."""

    @property
    def trail_percent(self) -> Decimal | None:
        """How far a trailing stop follows, in per cent (5 is 5 %)."""

    @property
    def trail_price(self) -> Decimal | None:
        """The same in USD per share."""


def is_protective(order_type: str, order_class: str | None) -> bool:
    """Return whether an order waits for a price: a stop, or a stop and a target together."""
    return order_type in STOPS or order_class == OCO


def trigger(terms: Terms, best: Decimal) -> Decimal | None:
    """Return the price that sets the stop off, USD per share; None where there is no stop.

    Parameters
    ----------
    terms : Terms
        Of a leg or an order that closes a position.
    best : Decimal
        The best price seen since a trailing stop works; before it does, the present one.
    """
    fixed = terms.stop_price if terms.stop_price is not None else terms.stop_loss_price
    if fixed is not None:
        return fixed
    distance = trail(terms, best)
    if distance is None:
        return None
    return best - distance if terms.side == "sell" else best + distance


def trail(terms: Terms, best: Decimal) -> Decimal | None:
    """Return how far a trailing stop stays behind the best price, USD per share."""
    if terms.trail_price is not None:
        return terms.trail_price
    return None if terms.trail_percent is None else best * terms.trail_percent / _HUNDRED
