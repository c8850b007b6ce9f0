"""What a newcomer must know, once."""

import streamlit as st

from dashboard import formats
from ledger.pages import Desk

_SEEN = "first-run-seen"
_COOKIE_PARAMETER = "seen"


def show(desk: Desk) -> None:
    """The panel, on a replay, until it is dismissed."""
    replays = desk.clock is not None and desk.clock.replay
    if not replays or st.session_state.get(_SEEN) or desk.clock is None:
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
            st.session_state[_SEEN] = True
            st.rerun()
