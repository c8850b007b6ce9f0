"""What happens today: the start, the next event, what is to decide, what was decided and why."""

import streamlit as st

from dashboard import data
from dashboard.panels import decisions, events, first_run, money_line, start_up, waiting

st.title("Today", anchor=False)
desk = data.desk()

start_up.show()
first_run.show(desk, st.session_state["person"])
left, right = st.columns([3, 2], gap="large")
with left:
    waiting.show(desk)
    decisions.show(desk)
with right:
    events.show(desk)
    money_line.show(desk)
