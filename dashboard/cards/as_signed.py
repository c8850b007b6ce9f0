"""A decision from the very bytes that were on the screen, hashed again."""

import json

import streamlit as st

from dashboard import data, formats
from ledger.pages import Proposal
from trading.canonical import content_hash


def show(proposal: Proposal) -> None:
    """Whether the stored bytes still have the hash that was signed, and the bytes themselves."""
    stored = data.stored_bytes(proposal.code)
    st.markdown(sentence(proposal, stored))
    with st.expander(f"The stored bytes ({formats.count(len(stored))})"):
        st.code(json.dumps(json.loads(stored), indent=2, ensure_ascii=False), language="json")


def sentence(proposal: Proposal, stored: bytes) -> str:
    """What hashing the bytes again says."""
    now = content_hash(stored)
    signed = [mark for mark in proposal.marks if mark.kind == "sign"]
    what = "signed" if signed else "on the screen"
    if now != proposal.content_hash:
        return (
            ":red[:material/gpp_bad: The stored bytes are not those that were "
            f"{what}.] Hashed now: `{now}`, then: `{proposal.content_hash}`. Nothing of this "
            "proposal can be sent. Run `./desk verify`."
        )
    return (
        f":green[:material/verified_user:] These are the bytes that were {what}. "
        f"SHA-256, computed now: `{now}`"
    )
