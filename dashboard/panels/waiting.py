"""What a person has to decide, one line each, leading to Approvals."""

import streamlit as st

from dashboard import data, formats, navigation, states
from dashboard.cards import words
from ledger.market import Clock
from ledger.pages import Desk


def show(desk: Desk) -> None:
    """Open proposals in one line each, or when the next ones come."""
    if desk.clock is not None and desk.clock.state == "ended":
        st.page_link(
            navigation.path("replay_end"),
            label="The replay has ended: see the result",
            icon=":material/flag:",
        )
    st.subheader("To decide", anchor=False)
    found = data.proposals()
    if not found:
        states.empty("Nothing to decide.", then=next_proposals(desk.clock))
        return
    for proposal in found:
        st.page_link(
            navigation.path("approvals"),
            label=words.one_line(proposal),
            icon=":material/edit_square:",
            query_params={"proposal": proposal.code},
        )


def next_proposals(clock: Clock | None) -> str:
    """When there will be something to decide again."""
    if clock is None:
        return "Proposals come after the first daily run, a few minutes after the desk's start."
    if clock.state == "ended":
        return "The replay has ended; there will be no more proposals."
    if clock.state == "held" and not clock.is_open:
        return (
            f"The proposals of {formats.weekday(clock.session)}'s close come when its daily run is "
            "done; at the desk's start a model is trained first."
        )
    if clock.next_close is None:
        return "Next proposals after the next close."
    there = clock.next_close.astimezone(formats.NEW_YORK).date()
    on = "today's" if there == clock.session else f"{formats.weekday(there)}'s"
    return f"Next proposals after {on} close, {formats.new_york(clock.next_close)}."
