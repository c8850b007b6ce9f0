"""The legs of a proposal that has several: each with its terms and what became of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard import data, formats, tables
from dashboard.cards import words
from ledger.pages import Leg, Order, Proposal

_KINDS = {"adaptive": "adaptive limit", "twap": "even slices", "vwap": "slices by volume"}
_COLUMNS = (
    tables.figure("Leg"),
    tables.text("Order"),
    tables.figure("Reference, USD"),
    tables.figure("At the limit, USD"),
    tables.text("Worked"),
    tables.text("Outcome"),
)


@st.fragment(run_every=2)
def live(code: str) -> None:
    """One row a leg, refreshed while the card is on the screen."""
    found = data.proposals_by_code((code,))
    if found:
        tables.show(_COLUMNS, rows(found[0], data.orders(found[0].proposal_id)))


def rows(proposal: Proposal, orders: Sequence[Order]) -> list[tuple[str, ...]]:
    """The legs as rows, with what was filled of each."""
    told = {int(leg["leg_no"]): leg for leg in proposal.content.get("legs", ())}
    return [
        (
            str(leg.leg_no),
            f"**{words.order_sentence(leg)}**{words.exits(leg)}",
            formats.price(leg.reference_price),
            formats.amount(leg.quantity * (leg.limit_price or leg.reference_price)),
            worked(told.get(leg.leg_no, {}).get("tactic")),
            outcome(proposal, leg, orders, told.get(leg.leg_no, {}).get("tactic")),
        )
        for leg in proposal.legs
    ]


def worked(tactic: Mapping[str, Any] | None) -> str:
    """How a leg is sent: ``at once``, or its tactic with its time and its last action."""
    if tactic is None:
        return "at once"
    starts, ends = (datetime.fromisoformat(str(tactic[name])) for name in ("starts_at", "ends_at"))
    last = "then at the limit" if tactic["final"] == "cross" else "then left"
    slices = f" ({tactic['slices']})" if int(tactic["slices"]) > 1 else ""
    return (
        f"{_KINDS[str(tactic['kind'])]}{slices}, {formats.clock(starts)}–{formats.clock(ends)}, "
        f"{last}"
    )


def outcome(
    proposal: Proposal, leg: Leg, orders: Sequence[Order], told: Mapping[str, Any] | None = None
) -> str:
    """What became of one leg: ``filled 20 of 25 at 195.50``, or why nothing was sent.

    One that is worked in parts, by the tactic `told`, goes on after each of them.
    """
    mine = [o for o in orders if o.leg_id == leg.leg_id and o.side == leg.side]
    filled = sum((o.filled_quantity for o in mine), Decimal(0))
    why = leg.closed_sentence or leg.waiting_sentence or ""
    if not mine:
        if why:
            return formats.plain(why)
        return "—" if proposal.state == "open" else words.PROPOSAL_STATES[proposal.state][2]
    if filled == leg.quantity:
        return f":green[**filled**] {formats.quantity(filled)}{_at(mine, filled)}"
    part = f"{formats.quantity(filled)} of {formats.quantity(leg.quantity)}{_at(mine, filled)}"
    in_parts = told is not None and leg.closed_sentence is None and proposal.state == "signed"
    if in_parts or any(o.is_working for o in mine):
        return f":blue[working] {part}"
    reason = leg.closed_sentence or next((o.reason for o in reversed(mine) if o.reason), None)
    said = f" {formats.plain(reason)}" if reason else ""
    return f":orange[ended] {part}.{said}"


def _at(orders: Sequence[Order], filled: Decimal) -> str:
    if not filled:
        return ""
    paid = sum((o.filled_quantity * (o.average_price or Decimal(0)) for o in orders), Decimal(0))
    return f" at {formats.price(paid / filled)}"
