"""Sentences about orders that wait to close a position: stops, trails, a stop and a target."""

from decimal import Decimal
from typing import Protocol

from dashboard import formats
from dashboard.cards.content import Content
from ledger.pages import Leg
from trading.protection import trigger

_SIDES = {"buy": "Buy", "sell": "Sell"}


class Trailed(Protocol):
    """A leg or an order, as far as it follows the price."""

    @property
    def trail_percent(self) -> Decimal | None:
        """In per cent: 5 is 5 %."""

    @property
    def trail_price(self) -> Decimal | None:
        """In USD per share."""


def trail(order: Trailed) -> str:
    """How far a trailing stop follows: ``5.0 %`` or ``2.50 USD``; empty where none does."""
    if order.trail_percent is not None:
        return formats.percent(order.trail_percent / 100, decimals=2)
    return formats.money(order.trail_price) if order.trail_price is not None else ""


def sentence(leg: Leg) -> str:
    """``Sell 25 IBM at the market once it trades at 186.71 or below``."""
    start = f"{_SIDES[leg.side]} {formats.quantity(leg.quantity)} {leg.symbol}"
    less, more = ("below", "more") if leg.side == "sell" else ("above", "less")
    if leg.order_type == "trailing_stop":
        turned = "falls" if leg.side == "sell" else "rises"
        return f"{start} at the market once it {turned} {trail(leg)} from its best price"
    if leg.order_class is not None:
        return (
            f"{start} at {formats.money(leg.limit_price)} or {more} (target), or at the market "
            f"once it trades at {formats.price(leg.stop_loss_price)} or {less} (stop)"
        )
    once = f"once it trades at {formats.price(leg.stop_price)} or {less}"
    if leg.limit_price is None:
        return f"{start} at the market {once}"
    return f"{start} at {formats.money(leg.limit_price)} or {more} {once}"


def money_sentence(leg: Leg, content: Content) -> str:
    """What the stop would lose from the price now, and what it does not promise."""
    level = trigger(leg, leg.reference_price)
    said = "It only closes what is held; nothing is traded before the price comes there."
    if level is None or content.loss_to_stop is None:
        return said
    share = (
        f"{formats.percent(content.loss_to_stop / content.equity)} of equity; "
        if content.equity
        else ""
    )
    said += (
        f" At {formats.price(level)} you lose about **{formats.money(content.loss_to_stop)}** from "
        f"the price now ({share}a gap can cost more)."
    )
    if leg.order_type == "stop_limit":
        said += " **Beyond its limit it is not filled:** a gap may leave the position open."
    if leg.order_type == "trailing_stop":
        said += " The stop follows the price as it turns for you, and never comes back."
    if leg.order_class is not None:
        said += " One of the two closes the position, the other goes away with it."
    return f"{said} It stands until it is canceled."


def levels(leg: Leg) -> list[tuple[str, float, bool]]:
    """Name, price and whether it is dashed, of what a chart should mark beside a limit."""
    marks = []
    stop = trigger(leg, leg.reference_price)
    if stop is not None:
        marks.append(("Stop now" if trail(leg) else "Stop", float(stop), True))
    if leg.take_profit_price is not None:
        marks.append(("Target", float(leg.take_profit_price), False))
    return marks
