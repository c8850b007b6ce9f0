"""What a proposal took the place of: one at an older price, or one that a limit denied."""

import streamlit as st

from dashboard import data, formats
from dashboard.cards import denied
from dashboard.cards.reading import shown
from ledger.pages import Proposal


def show(proposal: Proposal) -> None:
    """Say what it was priced at before, and what cut it; nothing where it replaced none."""
    if proposal.content.get("supersedes") is None:
        return
    before = data.replaced(proposal.proposal_id)
    if before is not None and before.state == "superseded":
        st.markdown(repriced(before))
    while before is not None and before.state == "superseded":  # the price was asked for anew
        before = data.replaced(before.proposal_id)
    if before is not None and before.state == "denied":
        st.markdown(cut(proposal, before))


def repriced(before: Proposal) -> str:
    """``**New price.** It takes the place of proposal …`` and at what that was priced."""
    price = formats.price(before.legs[0].reference_price)
    return f"**New price.** It takes the place of proposal {before.code}, priced at {price} USD."


def cut(proposal: Proposal, before: Proposal) -> str:
    """``**Cut** from 10 to 8 shares. It would be 6.0 % of equity; …`` as the checks knew it."""
    wanted, left = (formats.quantity(p.legs[0].quantity) for p in (before, proposal))
    why = " ".join(denied.said(check) for check in shown(before).failed)
    return (
        f"**Cut** from {wanted} to {left} shares. {why} Proposal {before.code} was denied for it."
    )
