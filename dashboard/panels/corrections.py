"""Where broker and ledger hold different shares, and booking what the broker holds."""

from collections.abc import Sequence

import streamlit as st

from dashboard import asking, data, formats, tables
from ledger.connection import new_id
from ledger.people import Person
from ledger.position_corrections import SHORTEST_REASON, Differing, payload

_COLUMNS = (
    tables.text("Symbol"), tables.figure("Ledger"), tables.figure("Broker"),
    tables.figure("Difference"), tables.figure("Average price (USD)"),
)  # fmt: skip
_DONE = "correct-done"


def show(person: Person) -> None:
    """What differs in the newest figures; a signatory may ask to book it."""
    found = data.differing()
    if not found:
        return
    _table(found)
    if not person.may("signatory"):
        st.caption("Booking what the broker holds needs the role signatory.")
        return
    names = st.multiselect(
        "Book what the broker holds of", [one.symbol for one in found], key="correct-symbols"
    )
    reason = st.text_input(
        "Why", key="correct-reason", max_chars=300, placeholder="Who traded past the desk, and why?"
    )
    is_short = len((reason or "").strip()) < SHORTEST_REASON
    if st.button("Book as corrections", key="correct", disabled=not names or is_short):
        _confirm(person, [one for one in found if one.symbol in names], str(reason), new_id())
    st.caption(
        f"For trades past the desk and new tickers; the reason needs {SHORTEST_REASON} characters "
        "and is kept for ever. No order is sent, and trading stays as it is until a person resumes."
    )
    _outcome()


@st.dialog("Book what the broker holds?")
def _confirm(person: Person, chosen: Sequence[Differing], reason: str, once: str) -> None:
    if st.session_state.pop(_DONE, None) == once:
        st.rerun()
    _table(chosen)
    st.markdown(f"*{formats.plain(reason)}*")
    with st.container(horizontal=True):
        st.button(
            "Book", type="primary", key="correct-confirm", on_click=_asked,
            args=(person, chosen, reason, once),
        )  # fmt: skip
        if st.button("Back", key="correct-back"):
            st.rerun()


def _asked(person: Person, chosen: Sequence[Differing], reason: str, once: str) -> None:
    asking.ask(person, "correct_positions", payload(chosen, reason=reason), once=once)
    st.session_state[_DONE] = once


def _table(shown: Sequence[Differing]) -> None:
    tables.show(_COLUMNS, [_row(one) for one in shown])


def _row(one: Differing) -> tuple[str, ...]:
    return (
        f"**{one.symbol}**",
        formats.quantity(one.ours),
        formats.quantity(one.theirs),
        ("+" if one.change > 0 else "") + formats.quantity(one.change),
        formats.price(one.average_price),
    )


@st.fragment(run_every=2)
def _outcome() -> None:
    asking.lately(("correct_positions",), last=1)
