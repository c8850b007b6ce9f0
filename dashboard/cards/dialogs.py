"""Confirming a signature, choosing a veto's reason, withdrawing."""

import streamlit as st

from dashboard import data, formats
from dashboard.cards import deciding, decision, words
from dashboard.cards.reading import shown
from ledger.pages import Proposal
from ledger.people import Person
from trading.signatures import SignOutcome

REASONS = {
    "price": "Price",
    "size": "Size",
    "news": "News I know of",
    "data": "Data looks wrong",
    "model": "Don't trust the model",
    "other": "Other",
}


_OPEN = "dialog-open"
_DONE = "dialog-done"


def sign(proposal: Proposal, person: Person) -> None:
    """Ask once more before signing."""
    _opening(proposal)
    _sign(proposal, person)


def veto(proposal: Proposal, person: Person) -> None:
    """Ask for the reason of a veto."""
    _opening(proposal)
    _veto(proposal, person)


def closed() -> None:
    """Say that no dialog is open: a page drawn anew has closed it."""
    st.session_state.pop(_OPEN, None)


def is_open() -> bool:
    """Tell whether the person is answering a dialog, which a redrawn page would take away."""
    return bool(st.session_state.get(_OPEN))


def outcome_key(proposal: Proposal) -> str:
    """Where the session keeps what became of the last decision about this proposal."""
    return f"outcome-{proposal.code}"


def hand_on(old: Proposal, new: Proposal) -> None:
    """Let what became of a decision about `old` be read on the card that took its place."""
    outcome = st.session_state.pop(outcome_key(old), None)
    if outcome is not None:
        st.session_state[outcome_key(new)] = outcome


def _opening(proposal: Proposal) -> None:
    st.session_state.pop(_DONE, None)
    st.session_state.pop(outcome_key(proposal), None)
    st.session_state[_OPEN] = True


@st.dialog("Sign this order?", on_dismiss="rerun")
def _sign(proposal: Proposal, person: Person) -> None:
    if st.session_state.pop(_DONE, None) == proposal.code:
        st.rerun()
    for sentence in confirmation(proposal):
        st.markdown(sentence)
    with st.container(horizontal=True):
        st.button(
            "Sign",
            type="primary",
            key=f"confirm-{proposal.code}",
            icon=":material/edit_square:",
            on_click=_signed,
            args=(proposal, person),
        )
        if st.button("Back", key=f"back-{proposal.code}"):
            st.rerun()


@st.dialog("Why do you veto?", on_dismiss="rerun")
def _veto(proposal: Proposal, person: Person) -> None:
    if st.session_state.pop(_DONE, None) == proposal.code:
        st.rerun()
    st.markdown(f"{words.sentence(proposal)}. One click on a reason vetoes it.")
    st.text_input("In your own words (optional)", key=f"veto-text-{proposal.code}", max_chars=500)
    with st.container(horizontal=True):
        for reason, label in REASONS.items():
            st.button(
                label,
                key=f"veto-{reason}-{proposal.code}",
                on_click=_vetoed,
                args=(proposal, person, reason),
            )


def confirmation(proposal: Proposal) -> list[str]:
    """What the signature covers, in sentences."""
    lines = []
    for leg in proposal.legs:
        good = {"day": "good for today", "gtc": "good until canceled"}.get(
            leg.time_in_force, formats.plain(leg.time_in_force)
        )
        if leg.time_in_force == "gtc" and not leg.reduces:  # the desk cancels it by then
            good = f"good until {formats.new_york(proposal.valid_until)}"
        stop = words.exits(leg)
        if stop and leg.time_in_force == "gtc":
            stop += " until canceled"
        lines.append(f"**{words.order_sentence(leg)}**, {good}{stop}.")
    if len(proposal.legs) > 1:
        lines.append(decision.many_sentence(proposal, shown(proposal)))
    elif proposal.legs[0].protects:
        lines.append(decision.money_sentences(proposal, shown(proposal))[0])
    else:
        edge = "at least" if proposal.legs[0].side == "sell" else "at most"
        lines.append(f"In all {edge} **{formats.money(proposal.notional)}**.")
    where = {
        "replay": "the paper venue",
        "paper": "the paper account",
        "live": "**the live account**",
    }[proposal.environment]
    if proposal.signatures_needed > 1:
        lines.append(f"*It goes to {where} once a second person has signed.*")
    else:
        lines.append(
            f"*It goes to {where} within about 15 seconds. You can withdraw until it is being "
            "sent.*"
        )
    return lines


def _signed(proposal: Proposal, person: Person) -> None:
    _finish(proposal, deciding.sign(proposal, person))


def _vetoed(proposal: Proposal, person: Person, reason: str) -> None:
    text = str(st.session_state.get(f"veto-text-{proposal.code}") or "").strip()
    _finish(proposal, deciding.veto(proposal, person, reason=reason, text=text))


def withdraw(proposal: Proposal, person: Person) -> None:
    """Take a signature back, which works until it is being sent."""
    _finish(proposal, deciding.withdraw(proposal, person))


def _finish(proposal: Proposal, outcome: SignOutcome) -> None:
    st.session_state[outcome_key(proposal)] = outcome
    st.session_state[_DONE] = proposal.code
    data.proposals.clear()
    data.proposals_by_code.clear()
    data.desk.clear()
