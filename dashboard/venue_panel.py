"""The replay's controls: run, pause, step, jump, pace. Each press is a request."""

from decimal import Decimal

import streamlit as st

from dashboard import asking, data, formats
from ledger.people import Person

KINDS = ("venue_run", "venue_pause", "venue_step", "venue_jump", "venue_pace")
_PACES = {pace: Decimal(pace) for pace in ("0.5", "1", "5", "15", "60")}


def popover(person: Person) -> None:
    """The controls behind one button of the header."""
    with st.popover("Replay", icon=":material/replay:", width="content"):
        controls(person, place="header")


def controls(person: Person, *, place: str) -> None:
    """The controls themselves; `place` keeps the keys of two copies apart."""
    if not (person.may("analyst") or person.may("signatory")):
        st.caption("Moving the replay needs the role analyst or signatory.")
        return
    clock = data.desk().clock
    if clock is None:
        return
    is_still = clock.state in {"paused", "ended"}
    with st.container(horizontal=True, key=f"venue-{place}-run"):
        if is_still:
            _button(person, "Run", "venue_run", {}, icon="play_arrow", place=place)
        else:
            _button(person, "Pause", "venue_pause", {}, icon="pause", place=place)
        _button(person, "30 minutes", "venue_step", {"minutes": 30}, icon="skip_next", place=place)
    with st.container(horizontal=True, key=f"venue-{place}-jump"):
        for label, to in (
            ("Next open", "next_open"),
            ("Before the close", "before_close"),
            ("Next close", "close"),
        ):
            _button(person, label, "venue_jump", {"to": to}, place=place)
    key = f"venue-{place}-pace"
    st.segmented_control(
        "Market minutes per second",
        list(_PACES),
        default=next((name for name, pace in _PACES.items() if pace == clock.pace), None),
        key=key,
        on_change=_change_pace,
        args=(person, key),
    )
    outcome(place=place)
    if clock.first_session and clock.last_session:
        st.caption(
            f"The replay runs from {formats.day(clock.first_session)} "
            f"to {formats.day(clock.last_session)}."
        )


def _change_pace(person: Person, key: str) -> None:
    wanted = st.session_state.get(key)
    if wanted is not None:
        asking.ask(person, "venue_pace", {"minutes_per_second": wanted})


@st.fragment(run_every=2)
def outcome(*, place: str) -> None:
    """What became of the last press."""
    asking.lately(KINDS, last=1)


def _button(
    person: Person,
    label: str,
    kind: str,
    payload: dict[str, str | int],
    *,
    place: str,
    icon: str | None = None,
) -> None:
    shown = f":material/{icon}:" if icon else None
    if st.button(label, key=f"venue-{place}-{label}", icon=shown):
        asking.ask(person, kind, dict(payload))
        st.toast(f"Asked the venue: {label.lower()}", icon=":material/schedule:")
