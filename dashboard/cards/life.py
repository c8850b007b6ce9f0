"""What became of a proposal: signed, sending, accepted, filled; or why not."""

import streamlit as st

from dashboard import data, formats
from dashboard.cards import words
from ledger.market import Clock
from ledger.pages import Leg, Mark, Order, Proposal

_ENDED = {
    "expired": "Expired. Nobody decided in time; nothing was sent.",
    "superseded": "Replaced by a proposal with a new price; nothing was sent for this one.",
    "withdrawn": "Withdrawn before it was sent; nothing was sent.",
    "lapsed": "Not sent. The signature no longer covered the price.",
    "denied": "Denied by the pre-trade checks; nothing was sent.",
}
_PATH = ("sent", "accepted", "filled")


@st.fragment(run_every=2)
def live(code: str) -> None:
    """The life of a proposal, refreshed while the card is on the screen."""
    found = data.proposals_by_code((code,))
    if not found:
        return
    for line in lines(found[0], data.orders(found[0].proposal_id), data.desk().clock):
        st.markdown(line)


def lines(proposal: Proposal, orders: tuple[Order, ...], clock: Clock | None = None) -> list[str]:
    """The life of a proposal as lines of Markdown."""
    if proposal.state == "vetoed":
        return [_vetoed(proposal)]
    if proposal.state == "open":
        return [_half_signed(proposal)] if _signs(proposal) else []
    if proposal.state != "signed" and not orders:
        note = formats.plain(proposal.note) if proposal.note else _ENDED[proposal.state]
        return [f"{words.badge(words.PROPOSAL_STATES[proposal.state])} {note}"]
    signed = " and ".join(
        f"{formats.plain(m.person)} {formats.clock(m.market_at, seconds=True)}"
        for m in _signs(proposal)
    )
    start = f":green[:material/check_circle: Signed] {signed}"
    if not orders:
        return [start + " → " + _before_sending(proposal)]
    legs = {leg.leg_id: leg for leg in proposal.legs}
    found = sorted(orders, key=lambda o: o.intended_at)
    signed_ones = [o for o in found if _is_signed(o, legs.get(o.leg_id))]
    return [f"{start} → {steps(order, clock)}" for order in signed_ones] + [
        _attached(order) for order in found if order not in signed_ones
    ]


def steps(order: Order, clock: Clock | None = None) -> str:
    """One order's way: ``sending → accepted → filled 25 at 195.50``."""
    name = f"{order.side} {formats.quantity(order.quantity)} {order.symbol}"
    if order.state == "intended":
        return f":blue[:material/progress_activity: sending {name}] (usually 5–15 s)"
    if order.state == "unresolved":
        return (
            ":orange[:material/help: not known yet] We do not know yet whether the broker has it. "
            "We ask every few seconds and will not send it again until we know."
        )
    passed = ["sent"]
    if order.state != "sent" and order.acknowledged_at is not None:
        passed.append("accepted")
    if order.state == "partially_filled":
        return " → ".join([*passed, f":orange[partly filled] {words.result(order)}"])
    if order.state == "filled":
        return " → ".join([*passed, f":green[**filled**] {words.result(order)}"])
    if order.state in {"sent", "accepted"}:
        return " → ".join([*passed, _waiting(clock)])
    _, colour, word = words.ORDER_STATES[order.state]
    return " → ".join([*passed, f":{colour}[**{word}**] {words.result(order)}"])


def _waiting(clock: Clock | None) -> str:
    """Why an order that the broker has does not trade yet."""
    if clock is not None and clock.state == "held" and clock.hold_reason:
        return (
            f":violet[:material/hourglass_top: the replay stands still "
            f"({formats.plain(clock.hold_reason)}); this order trades once it goes on]"
        )
    if clock is not None and clock.state == "paused":
        return ":violet[:material/pause: the replay is paused; this order trades once it runs]"
    return ":blue[:material/progress_activity: waiting for the market]"


def _is_signed(order: Order, leg: Leg | None) -> bool:
    """Whether an order is the one that was signed, not the stop or target that hangs on it."""
    if leg is None:
        return True
    beside = leg.order_class is not None and order.order_type != leg.order_type
    return order.side == leg.side and not beside


def _attached(order: Order) -> str:
    """A stop or target that was signed with another: ``Its stop, sell 25 IBM: working``."""
    name = "target" if order.order_type == "limit" else "stop"
    what = f"Its {name}, {order.side} {formats.quantity(order.quantity)} {order.symbol}"
    _, colour, word = words.ORDER_STATES[order.state]
    if order.is_working and order.state != "unresolved":
        colour, word = "blue", "working"
    return f":gray[{what}:] :{colour}[{word}] {words.result(order)}".rstrip()


def _signs(proposal: Proposal) -> list[Mark]:
    return [m for m in proposal.marks if m.kind == "sign" and m.withdrawn_at is None]


def _before_sending(proposal: Proposal) -> str:
    closed = [leg.closed_sentence for leg in proposal.legs if leg.closed_sentence]
    if closed:
        return f":orange[:material/block: Not sent.] {formats.plain(closed[0])}"
    waits = [leg.waiting_sentence for leg in proposal.legs if leg.waiting_sentence]
    if waits:
        return f":orange[:material/hourglass_top: Waits, not sent yet.] {formats.plain(waits[0])}"
    return ":blue[:material/progress_activity: sending] (usually 5–15 s)"


def _half_signed(proposal: Proposal) -> str:
    who = " and ".join(
        f"{formats.plain(m.person)} {formats.clock(m.market_at)}" for m in _signs(proposal)
    )
    return f":blue[:material/hourglass_top: Signed by {who}] A second person must sign."


def _vetoed(proposal: Proposal) -> str:
    veto = next((mark for mark in proposal.marks if mark.kind == "veto"), None)
    if veto is None:
        return words.badge(words.PROPOSAL_STATES["vetoed"])
    reason = formats.plain(veto.reason_code.replace("_", " ")) if veto.reason_code else ""
    said = f" “{formats.plain(veto.reason_text)}”" if veto.reason_text else ""
    return (
        f":gray[:material/block: **Vetoed**] {formats.clock(veto.market_at, seconds=True)} by "
        f"{formats.plain(veto.person)}: {reason}.{said} We will follow what it would have done."
    )
