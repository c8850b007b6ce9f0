"""What people ask for becomes a row that a worker carries out; its outcome is shown here."""

from collections.abc import Mapping

import streamlit as st

from dashboard import data, formats
from ledger import requests
from ledger.connection import new_id
from ledger.people import Person
from trading.canonical import Content

_WORDS = {"waiting": "waiting", "running": "under way", "done": "done", "refused": "refused"}
_COLOURS = {"waiting": "gray", "running": "blue", "done": "green", "refused": "red"}
_ICONS = {
    "waiting": "schedule",
    "running": "progress_activity",
    "done": "check_circle",
    "refused": "block",
}
_NAMES = {
    "venue_run": "Run the replay",
    "venue_pause": "Pause the replay",
    "venue_step": "Step the replay",
    "venue_jump": "Jump",
    "venue_pace": "Change the pace",
    "halt": "Halt",
    "reduce": "Reduce only",
    "resume": "Resume",
    "cancel_order": "Cancel an order",
    "flatten": "Flatten",
    "reprice": "New price",
    "propose_fitting": "A size that fits",
    "propose_by_hand": "A trade by hand",
    "release_row": "Release a row",
    "confirm_row": "Confirm a row",
    "correct_positions": "Book what the broker holds",
}


def ask(
    person: Person,
    kind: str,
    payload: Mapping[str, Content] | None = None,
    *,
    once: str | None = None,
) -> requests.Request:
    """Write the request; the same `once` again is the same request."""
    with data.engine().begin() as conn:
        made = requests.add(
            conn,
            kind=kind,
            payload=dict(payload or {}),
            person_id=person.person_id,
            idempotency_key=once or new_id(),
            desk_at=data.now(),
        )
    data.requested.clear()
    return made


def lately(kinds: tuple[str, ...], *, last: int = 3) -> None:
    """The newest requests of these kinds with their outcomes, one line each."""
    for request in data.requested(kinds, last):
        st.markdown(line(request))


@st.fragment(run_every=2)
def lately_for(kind: str, proposal_id: str) -> None:
    """The newest request of this kind about one proposal."""
    for request in data.requested((kind,), 20):
        if request.payload.get("proposal_id") == proposal_id:
            st.markdown(line(request))
            return


def line(request: requests.Request) -> str:
    """One request as a line of Markdown."""
    said = str((request.outcome or {}).get("sentence") or "")
    look = f":{_COLOURS[request.state]}[:material/{_ICONS[request.state]}: "
    text = f"{look}{_NAMES.get(request.kind, request.kind)}: {_WORDS[request.state]}]"
    return f"{text} {formats.plain(said)}".strip()
