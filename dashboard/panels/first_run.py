"""What a newcomer must know, once."""

import streamlit as st

from dashboard import data, formats, signin
from ledger import people
from ledger.pages import Desk
from ledger.people import Person

_SEEN = "first-run-seen"


def show(desk: Desk, person: Person) -> None:
    """The panel, on a replay, until this person has dismissed it."""
    seen = st.session_state.get(_SEEN) or person.introduced_at is not None
    if seen or desk.clock is None or not desk.clock.replay:
        return
    month = formats.month(desk.clock.session)
    with st.container(border=True, key="first-run"):
        st.markdown(
            f"#### You are in {month}\n"
            "Daily prices are real, as quoted then; minutes are simulated. "
            "Nothing here can reach a real broker. A model suggests trades; you sign or veto. "
            "Do nothing and nothing is sent."
        )
        if st.button("Understood", key="first-run-understood"):
            with data.engine().begin() as conn:
                people.note_introduced(conn, person_id=person.person_id, desk_at=data.now())
            signin.forget()
            st.session_state[_SEEN] = True
            st.rerun()
