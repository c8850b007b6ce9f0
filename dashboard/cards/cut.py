"""A proposal for fewer shares than were wanted: which limit cut it, and by how much."""

import streamlit as st

from dashboard import data, formats
from dashboard.cards import denied
from dashboard.cards.reading import shown
from ledger.pages import Proposal


def show(proposal: Proposal) -> None:
    """Say what cut it; nothing where it takes the place of no proposal that was denied."""
    if proposal.content.get("supersedes") is None:
        return
    before = data.replaced(proposal.proposal_id)
    while before is not None and before.state == "superseded":  # the price was asked for anew
        before = data.replaced(before.proposal_id)
    if before is not None and before.state == "denied":
        st.markdown(sentence(proposal, before))


def sentence(proposal: Proposal, before: Proposal) -> str:
    """``**Cut** from 10 to 8 shares. It would be 6.0 % of equity; …`` as the checks knew it."""
    wanted, left = (formats.quantity(p.legs[0].quantity) for p in (before, proposal))
    why = " ".join(denied.said(check) for check in shown(before).failed)
    return (
        f"**Cut** from {wanted} to {left} shares. {why} Proposal {before.code} was denied for it."
    )
