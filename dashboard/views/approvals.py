"""The queue of proposals: sign or veto one at a time; a decided card stays in its place.

A card at a new price comes where the old one was.
"""

import streamlit as st

from dashboard import data, formats, navigation, states
from dashboard.cards import card, denied, dialogs
from dashboard.cards.reading import shown
from dashboard.panels import by_hand
from dashboard.panels.waiting import next_proposals
from ledger.pages import Proposal
from ledger.people import Person

person: Person = st.session_state["person"]
_QUEUE = "approvals-queue"
_OPEN = "approvals-open"


def _queue() -> list[Proposal]:
    """Open proposals and those decided since this page was opened, each in its place."""
    if st.session_state.get("previous-page") != "approvals":
        st.session_state[_QUEUE] = []
        st.session_state.pop(_OPEN, None)
    kept: list[str] = st.session_state.setdefault(_QUEUE, [])
    _put_in_place(kept)
    kept += [proposal.code for proposal in data.proposals() if proposal.code not in kept]
    found = {proposal.code: proposal for proposal in data.proposals_by_code(tuple(kept))}
    return [found[code] for code in kept if code in found]


def _put_in_place(kept: list[str]) -> None:
    """Let proposals at a new price take the places of the old, the open card's and a link's too."""
    linked = st.query_params.get("proposal", "")
    new: dict[str, str] = {}
    for old in data.proposals_by_code((*kept, linked)):
        if old.state == "superseded":
            after = _newest(old)
            dialogs.hand_on(old, after)
            new[old.code] = after.code
    kept[:] = dict.fromkeys(new.get(code, code) for code in kept)
    if linked in new:
        st.query_params["proposal"] = new[linked]
    if (code := st.session_state.get(_OPEN, "")) in new:
        st.session_state[_OPEN] = new[code]


def _newest(proposal: Proposal) -> Proposal:
    """The proposal at the newest price, however often one was asked for."""
    while proposal.state == "superseded" and (after := data.replacing(proposal.proposal_id)):
        proposal = after
    return proposal


def _open_code(queue: list[Proposal]) -> str:
    codes = [proposal.code for proposal in queue]
    # A card that was open stays open after its decision, until the person turns to another.
    for wanted in (st.query_params.get("proposal", ""), st.session_state.get(_OPEN, "")):
        if wanted in codes:
            return wanted
    waiting = [proposal.code for proposal in queue if proposal.state == "open"]
    return (waiting or codes)[0]


def _turn(codes: list[str], at: str, *, by: int) -> None:
    st.query_params["proposal"] = codes[(codes.index(at) + by) % len(codes)]


def _turning(codes: list[str], opened: str) -> None:
    if len(codes) < 2:
        return
    st.markdown(f":gray[{codes.index(opened) + 1} of {len(codes)}]", width="content")
    for label, key, icon, by in (
        ("Back", "K", "arrow_upward", -1),
        ("Next", "J", "arrow_downward", 1),
    ):
        st.button(
            label,
            key=label.lower(),
            shortcut=key,
            icon=f":material/{icon}:",
            on_click=_turn,
            args=(codes, opened),
            kwargs={"by": by},
        )


@st.fragment(run_every=3)
def _newcomers(known: tuple[str, ...]) -> None:
    fresh = [p for p in data.proposals() if p.code not in known]
    if fresh and not known:
        st.rerun()
    if fresh and st.button(
        f"Show {formats.counted(len(fresh), 'new proposal')}", icon=":material/add:", type="primary"
    ):
        st.rerun()


def _denied() -> None:
    """Cards of what was denied, until its time is over; from then on a line each."""
    clock = data.desk().clock
    found = data.proposals(("denied",), 20)
    over = [p for p in found if clock is not None and p.valid_until <= clock.now]
    lasting = [p for p in found if p not in over]
    if lasting:
        st.subheader("Denied", anchor=False)
    for proposal in lasting:
        denied.show(proposal, shown(proposal), person)
    _lines("Denied in former sessions", over[::-1])


def _decided(queue: list[Proposal]) -> None:
    here = {p.code for p in queue}
    ended = data.proposals(("signed", "vetoed", "expired", "lapsed", "withdrawn", "superseded"), 20)
    _lines("Decided before", [p for p in reversed(ended) if p.code not in here])


def _lines(heading: str, found: list[Proposal]) -> None:
    """One line each, leading to the proposal's page; nothing where there is none."""
    if not found:
        return
    with st.expander(f"{heading} ({formats.count(len(found))})"):
        for proposal in found:
            if card.collapsed(proposal):
                st.switch_page(
                    navigation.path("proposal"), query_params={"proposal": proposal.code}
                )


queue = _queue()
opened = _open_code(queue) if queue else ""
st.session_state[_OPEN] = opened
with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Approvals", anchor=False, width="stretch")
    _turning([proposal.code for proposal in queue], opened)
_newcomers(tuple(p.code for p in queue))
if not queue:
    states.empty("Nothing to decide.", then=next_proposals(data.desk().clock))
for proposal in queue:
    if proposal.code == opened:
        card.show(proposal, person)
    elif card.collapsed(proposal):
        st.query_params["proposal"] = proposal.code
        st.rerun()
by_hand.show(person)
_denied()
_decided(queue)
