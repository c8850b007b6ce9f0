"""One proposal by its code, as a link leads to it, whatever its state."""

import streamlit as st

from dashboard import data, formats, navigation, states
from dashboard.cards import as_signed, card, denied
from dashboard.cards.reading import shown
from ledger.people import Person

person: Person = st.session_state["person"]
code = st.query_params.get("proposal", "")
found = data.proposals_by_code((code,)) if code else ()
st.title(f"Proposal {formats.plain(code)}" if code else "Proposal", anchor=False)
if not found:
    states.empty(
        "There is no such proposal." if code else "No proposal was asked for.",
        then="Open one from Approvals or Orders.",
    )
elif found[0].state == "denied":
    denied.show(found[0], shown(found[0]), person)
else:
    st.caption(card.described(found[0]))
    card.show(found[0], person)
    as_signed.show(found[0])
st.page_link(navigation.path("approvals"), label="To Approvals", icon=":material/edit_square:")
