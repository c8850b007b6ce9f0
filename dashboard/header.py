"""The line on top of every page: market time, mode, trading state, what waits, who is here."""

import streamlit as st

from dashboard import data, formats, signin, states, venue_panel
from dashboard.panels import toasts
from ledger.market import Clock
from ledger.pages import Desk
from ledger.people import Person
from trading.state import TradingState

_RUNNING = {
    "running": "▶ running",
    "paused": ":material/pause: paused",  # the sign for it is missing in many fonts
    "held": ":material/hourglass_top: waiting",
    "ended": "■ ended",
    "live": "",
}
_STATE_COLOURS = {
    TradingState.ACTIVE: "green",
    TradingState.REDUCING: "orange",
    TradingState.HALTED: "red",
}


def show(person: Person) -> None:
    """Draw the header; it refreshes itself every two seconds."""
    with st.container(key="desk-header", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            _line(person)
        if _is_replay():
            venue_panel.popover(person)


@st.fragment(run_every=2)
def _line(person: Person) -> None:
    if not signin.holds(person):  # signed out in another window, or other rights since
        st.rerun()
    desk = data.desk()
    st.markdown(sentence(desk, person))
    toasts.show()
    if desk.clock is not None and states.is_stale(desk.clock.received_at, now=data.now()):
        st.markdown(
            ":gray[:material/cloud_off: Market figures "
            + states.stale_sentence(desk.clock.now, desk.clock.received_at, now=data.now())
            + ". Signing is off until they move again.]"
        )
    elif desk.clock is not None and desk.clock.hold_reason:
        st.markdown(f":violet[:material/hourglass_top: {formats.plain(desk.clock.hold_reason)}]")


def sentence(desk: Desk, person: Person) -> str:
    """The header as one line of Markdown."""
    waiting = f"**{desk.to_decide} to decide**" if desk.to_decide else "nothing to decide"
    parts = [
        market_time(desk.clock),
        mode_badge(desk),
        f":{_STATE_COLOURS[desk.trading.state]}-badge[{desk.trading.state}]",
        waiting,
    ]
    if desk.alerts:
        counted = formats.counted(desk.alerts, "alert")
        parts.append(f":orange[:material/warning: [{counted}](/alerts)]")
    parts.append(f":gray[signed in: {formats.plain(signin.described(person))}]")
    return " &nbsp; ".join(part for part in parts if part)


def market_time(clock: Clock | None) -> str:
    """``Tue 3 Jul 2012 · 09:31 New York · closes 13:00 (early)``."""
    if clock is None:
        return "**Waiting for the market's clock**"
    if clock.state == "ended":
        return f"**{formats.day(clock.session)}** · the replay has ended"
    if clock.is_open:
        early = " (early)" if clock.early_close else ""
        then = f"closes {formats.clock(clock.next_close)}{early}"
    elif clock.next_open is not None:
        there = clock.next_open.astimezone(formats.NEW_YORK).date()
        on = "" if there == clock.session else f"{formats.weekday(there)} "
        then = f"closed, opens {on}{formats.clock(clock.next_open)}"
    else:
        then = "closed"
    today = clock.now.astimezone(formats.NEW_YORK).date()
    return f"**{formats.day(today)}** · {formats.new_york(clock.now)} · {then}"


def mode_badge(desk: Desk) -> str:
    """REPLAY, PAPER or LIVE, and whether time runs."""
    if desk.clock is not None and desk.clock.replay:
        return f":violet-badge[REPLAY {_RUNNING[desk.clock.state]}]"
    if desk.account is None:
        return ""
    if desk.account.environment == "live":
        return ":red-badge[:material/priority_high: LIVE]"
    return ":blue-badge[PAPER]"


def _is_replay() -> bool:
    clock = data.desk().clock
    return clock is not None and clock.replay
