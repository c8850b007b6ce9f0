"""What happens next on the market, and alerts."""

from datetime import date, datetime

import streamlit as st

from dashboard import data, formats, venue_panel
from ledger import alerts, transact
from ledger.market import Clock
from ledger.pages import Alert, DailyRun, Desk
from ledger.people import Person

_LOOK = {
    "critical": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "note": ":gray[:material/info:]",
}


def show(desk: Desk) -> None:
    """Next events of the market, the replay's controls, and open alerts."""
    _live_events()
    if desk.clock is not None and desk.clock.replay:
        with st.expander("Move the replay", icon=":material/replay:"):
            venue_panel.controls(st.session_state["person"], place="today")
    open_alerts()


@st.fragment(run_every=3)
def _live_events() -> None:
    st.subheader("Next", anchor=False)
    clock = data.desk().clock
    if clock is None:
        st.markdown(":gray[The market's clock has not been heard yet. It comes with the venue.]")
        return
    for when, what in upcoming(clock, data.daily_run()):
        st.markdown(f"**{when}** · {what}")


@st.fragment(run_every=5)
def open_alerts(most: int = 6) -> None:
    """What nobody has acknowledged, with a button each, and how many more there are."""
    found = data.alerts()
    st.subheader("Alerts", anchor=False)
    if not found:
        st.markdown(":green[:material/check:] No open alert.")
    person: Person = st.session_state["person"]
    may = any(person.may(role) for role in alerts.ACKNOWLEDGERS)
    for alert in found[:most]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_alert(alert), width="stretch")
            st.button(
                "Seen",
                key=f"seen-{alert.alert_id}",
                help="You have taken note of it. It is raised anew when it happens anew.",
                on_click=_acknowledge,
                args=(alert, person),
                disabled=not may,
            )
    if len(found) > most:
        st.caption(f"and {formats.counted(len(found) - most, 'more alert')}")


def _acknowledge(alert: Alert, person: Person) -> None:
    transact(
        data.engine(),
        lambda conn: alerts.acknowledge(
            conn, alert_id=alert.alert_id, person_id=person.person_id, desk_at=data.now()
        ),
    )
    data.alerts.clear()
    data.lasting_alerts.clear()
    data.desk.clear()


def upcoming(clock: Clock, run: DailyRun | None) -> list[tuple[str, str]]:
    """Times and what happens then, in order."""
    if clock.state == "ended":
        return [("Now", "The replay has ended. See *End of the replay* for the result")]
    found: list[tuple[datetime, str]] = []
    if clock.next_open is not None:
        found.append((clock.next_open, "The market opens; signed orders may be sent and fill"))
    if clock.next_close is not None:
        early = " early" if clock.early_close and clock.is_open else ""
        found.append(
            (clock.next_close, f"The market closes{early}; the daily run makes new proposals")
        )
    lines = [(_when(at, clock.session), what) for at, what in sorted(found)]
    if run is not None and run.state == "running":
        lines.insert(0, ("Now", f"The daily run of {formats.day(run.session)} is under way"))
    if run is not None and run.state == "failed":
        said = formats.plain(run.detail)
        lines.insert(
            0, ("Now", f":red[The daily run of {formats.day(run.session)} failed.] {said}")
        )
    if clock.state == "paused":
        lines.insert(0, ("Now", "The replay is paused; press Run to go on"))
    return lines


def _when(at: datetime, session: date) -> str:
    there = at.astimezone(formats.NEW_YORK).date()
    return (
        formats.clock(at) if there == session else f"{formats.weekday(there)} {formats.clock(at)}"
    )


def _alert(alert: Alert) -> str:
    at = f" :gray[{formats.moment(alert.market_at)}]" if alert.market_at else ""
    return f"{_LOOK[alert.severity]} {formats.plain(alert.message)}{at}"
