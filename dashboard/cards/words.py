"""Sentences about proposals and orders that several places share."""

from datetime import datetime

from dashboard import formats
from dashboard.cards import protection
from ledger import splits
from ledger.pages import Leg, Order, Proposal

_LEGS_IN_A_SENTENCE = 2
SIDES = {"buy": "Buy", "sell": "Sell"}
ORDER_STATES = {
    "intended": ("schedule", "gray", "about to be sent"),
    "sent": ("send", "blue", "sent"),
    "accepted": ("done", "blue", "accepted"),
    "partially_filled": ("hourglass_bottom", "orange", "partly filled"),
    "filled": ("check_circle", "green", "filled"),
    "canceled": ("cancel", "gray", "canceled"),
    "rejected": ("block", "red", "rejected"),
    "expired": ("timer_off", "gray", "expired"),
    "unresolved": ("help", "orange", "not known yet"),
}
PROPOSAL_STATES = {
    "open": ("edit_square", "blue", "to decide"),
    "signed": ("check_circle", "green", "signed"),
    "vetoed": ("block", "gray", "vetoed"),
    "expired": ("timer_off", "gray", "expired"),
    "lapsed": ("timer_off", "orange", "lapsed"),
    "superseded": ("update", "gray", "replaced by a new price"),
    "withdrawn": ("undo", "gray", "withdrawn"),
    "denied": ("block", "red", "denied"),
}


def badge(look: tuple[str, str, str]) -> str:
    """An icon, a colour and a word as a badge."""
    icon, colour, word = look
    return f":{colour}-badge[:material/{icon}: {word}]"


def order_sentence(leg: Leg) -> str:
    """``Buy 25 IBM at 195.93 USD or less``."""
    if leg.protects:
        return protection.sentence(leg)
    start = f"{SIDES[leg.side]} {formats.quantity(leg.quantity)} {leg.symbol}"
    if leg.limit_price is None:
        return f"{start} at the market"
    edge = "less" if leg.side == "buy" else "more"
    return f"{start} at {formats.money(leg.limit_price)} or {edge}"


def exits(leg: Leg) -> str:
    """The stop and target that an entry brings: ``, stop 186.71, target 210.00``."""
    if leg.protects:
        return ""
    told = (("stop", leg.stop_loss_price), ("target", leg.take_profit_price))
    return "".join(f", {name} {formats.price(at)}" for name, at in told if at is not None)


def terms(order: Order) -> str:
    """At what price an order may fill: ``at 195.93``, ``stop 186.71``, ``at market``."""
    parts = []
    trailing = protection.trail(order)
    if trailing:
        parts.append(f"stop {trailing} behind the best price")
    if order.stop_price is not None:
        parts.append(f"stop {formats.price(order.stop_price)}")
    if order.limit_price is not None:
        parts.append(f"at {formats.price(order.limit_price)}")
    return ", ".join(parts) or "at market"


def sentence(proposal: Proposal) -> str:
    """The proposal's legs as one sentence; of many their number."""
    if is_flatten(proposal):
        return f"Close every position: {formats.counted(len(proposal.legs), 'order')}"
    if len(proposal.legs) > _LEGS_IN_A_SENTENCE:
        sold = sum(leg.side == "sell" for leg in proposal.legs)
        bought = len(proposal.legs) - sold
        return f"Rebalance: {formats.counted(sold, 'sale')}, {formats.counted(bought, 'purchase')}"
    return "; ".join(order_sentence(leg) for leg in proposal.legs)


def short_action(proposal: Proposal) -> str:
    """``buy 25 IBM``, or ``3 orders``."""
    if len(proposal.legs) != 1:
        return formats.counted(len(proposal.legs), "order")
    leg = proposal.legs[0]
    if leg.protects:
        return f"protect {formats.quantity(leg.quantity)} {leg.symbol}"
    return f"{leg.side} {formats.quantity(leg.quantity)} {leg.symbol}"


def kind(proposal: Proposal) -> str:
    """``advisory model · replay``."""
    source = "advisory model" if proposal.advisory else "champion model"
    if proposal.entered_by:
        source = "entered by hand"
    if is_flatten(proposal):
        source = "flatten"
    if follows_split(proposal):
        source = "stops after a split"
    return f"{source} · {proposal.environment}"


def is_flatten(proposal: Proposal) -> bool:
    """Whether it is the command to close every position."""
    return proposal.content.get("command") == "flatten"


def follows_split(proposal: Proposal) -> bool:
    """Whether the desk proposed it to give back the stops that a split ended."""
    return proposal.strategy == splits.STRATEGY


def one_line(proposal: Proposal) -> str:
    """A collapsed card."""
    until = formats.new_york(proposal.valid_until)
    return (
        f"**{sentence(proposal)}** · {formats.money(proposal.notional)} · {kind(proposal)}"
        f" · until {until}"
    )


def until(valid_until: datetime, *, session_today: bool) -> str:
    """When a proposal expires, with its day unless it is today."""
    if session_today:
        return formats.new_york(valid_until)
    there = valid_until.astimezone(formats.NEW_YORK).date()
    return f"{formats.day(there)}, {formats.new_york(valid_until)}"


def result(order: Order) -> str:
    """``filled 25 at 195.50 (−0.17 % against 195.83)``."""
    if not order.filled_quantity:
        return f":gray[{formats.plain(order.reason)}]" if order.reason else ""
    against = formats.price(order.reference_price)
    slip = formats.basis_points(order.slippage)
    cost = "" if order.slippage is None else f", slippage {slip} against {against}"
    return (
        f"{formats.quantity(order.filled_quantity)} at {formats.price(order.average_price)}{cost}"
    )
