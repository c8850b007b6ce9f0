"""What people must know of, what they know of and lasts, and what the desk watches."""

import streamlit as st

from dashboard import data, formats, states, tables
from dashboard.panels import alert_rules, events
from ledger.people import Person

person: Person = st.session_state["person"]


@st.fragment(run_every=5)
def _lasting() -> None:
    st.subheader("Acknowledged, and it lasts", anchor=False)
    found = data.lasting_alerts()
    if not found:
        states.empty("Nothing.", then="What you acknowledge stays here until it is over.")
        return
    for alert in found[:20]:
        who = data.names().get(alert.acknowledged_by or "", "somebody")
        st.markdown(
            f":gray[:material/visibility:] {formats.plain(alert.message)} :gray[since "
            f"{formats.wall(alert.raised_at)}, seen by {formats.plain(who)}]"
        )


@st.fragment(run_every=5)
def _deliveries() -> None:
    st.subheader("Messages", anchor=False)
    told = data.settings().alerts
    if not told.configured:
        states.empty(
            "Alerts stay on this desk.",
            why="No webhook and no mail server is set.",
            then="See `docs/alerts.md`, then try `./desk alerts test`.",
        )
        return
    chain = " then ".join(told.configured)
    st.caption(
        f"By {chain}, each {told.escalate_minutes:g} minutes unacknowledged; "
        f"{told.severity} or worse."
    )
    found = data.alert_deliveries()
    if not found:
        states.empty("No message yet.", then="`./desk alerts test` sends one.")
        return
    rows = [
        (
            formats.wall(one.changed_at),
            one.channel,
            one.state,
            formats.number(one.attempts, decimals=0),
            formats.plain(one.detail) or formats.MISSING,
        )
        for one in found
    ]
    columns = [
        tables.text("Time"), tables.text("Channel"), tables.text("State"),
        tables.figure("Attempts"), tables.text("Reason"),
    ]  # fmt: skip
    tables.show(columns, rows)
    st.caption("Source `desk.alert_deliveries`, desk time.")


st.title("Alerts", anchor=False)
left, right = st.columns([3, 2], gap="large")
with left:
    events.open_alerts(most=50)
    _lasting()
    _deliveries()
with right:
    alert_rules.show(person)
