"""A trade that a person enters: what, at which price and why; another person signs it."""

import streamlit as st

from dashboard import asking, data, formats
from dashboard.panels import protecting
from ledger.people import Person
from trading.canonical import Content

_KIND = "propose_by_hand"
_KINDS = {"trade": "Buy or sell", "protect": "Protect what is held"}


def show(person: Person) -> None:
    """The ticket, and what came of the last ones."""
    with st.expander("Enter a trade by hand", icon=":material/edit_square:"):
        if not (person.may("analyst") or person.may("signatory")):
            st.caption("Entering a trade needs the role analyst or signatory.")
            return
        st.caption(_who_signs(person))
        kind = st.segmented_control(
            "Kind of ticket", list(_KINDS), default="trade", format_func=_KINDS.__getitem__,
            key="hand-kind", label_visibility="collapsed",
        )  # fmt: skip
        ticket = protecting.ticket() if kind == "protect" else _trade()
        if st.button("Propose", key="hand-propose", disabled=ticket is None) and ticket:
            asking.ask(person, _KIND, ticket)
        _outcome()


def _trade() -> dict[str, Content] | None:
    """What is entered; None while something is missing."""
    left, right = st.columns(2)
    symbol = left.selectbox("Symbol", data.universe().names, key="hand-symbol")
    side = right.segmented_control(
        "Side", ["buy", "sell"], default="buy", format_func=str.capitalize, key="hand-side"
    )
    quantity = left.number_input(
        "Shares", min_value=1, value=None, step=1, key="hand-quantity", placeholder="whole shares"
    )
    limit = right.number_input(
        "Limit, USD per share", min_value=0.01, value=None, step=0.01, format="%.2f",
        key="hand-limit", placeholder=protecting.last(symbol),
    )  # fmt: skip
    stop = left.number_input(
        "Stop, USD per share", min_value=0.01, value=None, step=0.01, format="%.2f",
        key="hand-stop", placeholder="none: a position is opened without one",
    )  # fmt: skip
    target = right.number_input(
        "Target, USD per share", min_value=0.01, value=None, step=0.01, format="%.2f",
        key="hand-target", placeholder="none: it is held until somebody sells",
    )  # fmt: skip
    reason = st.text_input(
        "Why", key="hand-reason", max_chars=200, placeholder="others sign it by this"
    )
    if side is None or quantity is None or limit is None or not reason.strip():
        return None
    return {
        "symbol": symbol,
        "side": side,
        "quantity": str(quantity),
        "limit_price": f"{limit:.2f}",
        "stop_loss_price": None if stop is None else f"{stop:.2f}",
        "take_profit_price": None if target is None else f"{target:.2f}",
        "reason": reason.strip(),
    }


def _who_signs(person: Person) -> str:
    others = [one.display_name for one in data.signatories() if one.person_id != person.person_id]
    said = "It is judged by every check, and sent when another person has signed it"
    if others:
        return f"{said}: {', '.join(formats.plain(name) for name in others)}."
    return (
        f"{said}. Nobody else may sign on this desk: an admin can add one, "
        "`./desk user add NAME --role signatory`."
    )


@st.fragment(run_every=2)
def _outcome() -> None:
    asking.lately((_KIND,), last=2)
