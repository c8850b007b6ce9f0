"""The end-of-day report of one session."""

from contextlib import suppress
from datetime import date

import streamlit as st

from dashboard import data, navigation, states

session: date | None = None
with suppress(ValueError):  # not a day: no report
    session = date.fromisoformat(st.query_params.get("session", ""))
found = data.day_reports()
chosen = found.clear() if session is None else found.filter(session=session)
if chosen.is_empty():
    st.title("End of day", anchor=False)
    states.empty("No report was asked for.", then="Choose one on the page Performance.")
else:
    st.markdown(chosen["text"][0])
    st.caption(f"In the lake: `{chosen['object_key'][0]}`")
st.page_link(navigation.path("performance"), label="To Performance", icon=":material/leaderboard:")
