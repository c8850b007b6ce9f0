"""An approval card: collapsed to one line, or open with decision left and evidence right."""

import streamlit as st

from dashboard import asking, data, formats, states
from dashboard.cards import decision, denied, dialogs, evidence, life, words
from dashboard.cards.reading import shown
from ledger.pages import Proposal
from ledger.people import Person
from trading.signatures import SignOutcome
from trading.state import TradingState

_HISTORY = 90  # sessions on the price chart


def collapsed(proposal: Proposal) -> bool:
    """The card as one line; True when it was clicked."""
    icon, _, word = words.PROPOSAL_STATES[proposal.state]
    label = words.one_line(proposal)
    if proposal.state != "open":
        label = f"{words.sentence(proposal)} · {word}"
    with st.container(key=f"line-{proposal.code}"):
        return st.button(
            label,
            key=f"open-{proposal.code}",
            icon=f":material/{icon}:",
            type="tertiary" if proposal.state != "open" else "secondary",
            width="stretch",
        )


def show(proposal: Proposal, person: Person) -> None:
    """The card open, with its buttons at the bottom."""
    content = shown(proposal)
    leg = proposal.legs[0]
    with st.container(border=True, key=f"card-{proposal.code}"):
        left, right = st.columns([10, 9], gap="large")
        with left:
            decision.show(proposal, content, person)
            # Under the decision, whose column is the shorter one: the buttons stay in sight.
            made = proposal.created_market_at.astimezone(formats.NEW_YORK).date()
            closes = data.closes(leg.symbol, proposal.session, made, _HISTORY)
            evidence.price_chart(proposal, content, closes)
        with right:
            evidence.show(proposal, content)
        denied.all_checks(content)
        life.live(proposal.code)
        buttons(proposal, person)


def buttons(proposal: Proposal, person: Person) -> None:
    """What the person may do now; what is not possible says why."""
    dialogs.closed()
    refusal = why_not(proposal, person)
    withdrawable = _may_withdraw(proposal, person)
    _watch(proposal.code, proposal.state, refusal, withdrawable=withdrawable)
    if proposal.state == "open":
        _open_buttons(proposal, person, refusal)
    else:
        _outcome(proposal)
    if withdrawable and st.button(
        "Withdraw my signature", key=f"withdraw-{proposal.code}", icon=":material/undo:"
    ):
        dialogs.withdraw(proposal, person)
        st.rerun()
    asking.lately_for("reprice", proposal.proposal_id)


def _outcome(proposal: Proposal) -> None:
    """What became of the last decision; a refusal stays until the person decides anew."""
    key = dialogs.outcome_key(proposal)
    outcome: SignOutcome | None = st.session_state.get(key)
    if outcome is None:
        return
    if outcome.recorded:
        st.toast(outcome.sentence, icon=":material/check_circle:")
        del st.session_state[key]
    else:
        st.warning(outcome.sentence, icon=":material/info:")


def why_not(proposal: Proposal, person: Person) -> str:
    """Why this person cannot sign now; empty when they can."""
    if not person.may("signatory"):
        return "Signing needs the role signatory."
    if any(m.person_id == person.person_id and _stands(m) for m in proposal.marks):
        return "You have signed; a second person must sign, you cannot sign twice."
    if proposal.entered_by == person.person_id:
        return "You entered this by hand; another person must sign it."
    return _why_not_now(proposal)


def _why_not_now(proposal: Proposal) -> str:
    """Why nobody can sign now."""
    desk = data.desk()
    opens = any(not leg.reduces for leg in proposal.legs)
    if opens and desk.trading.state is not TradingState.ACTIVE:
        return f"Signing is off: trading is {desk.trading.state}, and this does not only reduce."
    if desk.clock is None or states.is_stale(desk.clock.received_at, now=data.now()):
        return "Signing is off: the market's figures are old."
    symbol = proposal.legs[0].symbol
    if decision.price_now(proposal) is None:
        quote = data.quotes().get(symbol)
        if quote is None:
            return f"Signing is off: there is no quote for {symbol} yet."
        return f"Signing is off: {symbol} has no price now, {decision.no_price(quote)}."
    if _has_drifted(proposal):
        return (
            f"Signing is off: the price of {symbol} has left the bound of a signature. "
            f"{decision.way_out(proposal)}"
        )
    return ""


def _has_drifted(proposal: Proposal) -> bool:
    return decision.has_drifted(proposal, decision.price_now(proposal))


def _stands(mark: object) -> bool:
    return getattr(mark, "kind", "") == "sign" and getattr(mark, "withdrawn_at", None) is None


def _open_buttons(proposal: Proposal, person: Person, refusal: str) -> None:
    # One block that stays at the window's lower edge: what is not possible is read beside it.
    with st.container(key=f"acts-{proposal.code}"):
        _outcome(proposal)
        with st.container(horizontal=True, vertical_alignment="center"):
            _acts(proposal, person, refusal)
        if refusal:
            st.caption(f":material/info: {refusal}")


def _acts(proposal: Proposal, person: Person, refusal: str) -> None:
    # Where signing would be refused, what to press first is what helps.
    has_drifted = _has_drifted(proposal)
    if st.button(
        f"Sign: {words.short_action(proposal)}",
        key=f"sign-{proposal.code}",
        type="secondary" if has_drifted else "primary",
        icon=":material/edit_square:",
        shortcut="S",
        disabled=bool(refusal),
    ):
        dialogs.sign(proposal, person)
    may_act = person.may("signatory") or person.may("analyst")
    if st.button(
        "Veto",
        key=f"veto-{proposal.code}",
        icon=":material/block:",
        shortcut="V",
        disabled=not may_act,
    ):
        dialogs.veto(proposal, person)
    if st.button(
        "Ask for a new price",
        key=f"reprice-{proposal.code}",
        type="primary" if has_drifted and decision.can_be_repriced(proposal) else "secondary",
        icon=":material/update:",
        disabled=not may_act,
    ):
        asking.ask(
            person,
            "reprice",
            {"proposal_id": proposal.proposal_id},
            once=f"reprice-{proposal.proposal_id}",
        )
    st.markdown(f":gray[*Proposal {proposal.code}*]")


def _may_withdraw(proposal: Proposal, person: Person) -> bool:
    mine = any(m.person_id == person.person_id and _stands(m) for m in proposal.marks)
    return mine and proposal.sending_at is None and proposal.state in {"open", "signed"}


@st.fragment(run_every=2)
def _watch(code: str, state: str, refusal: str, *, withdrawable: bool) -> None:
    """Redraw the card when it was decided elsewhere, or when what the person may do changed.

    Never under an open dialog: that would take it away with what was typed, and a click in
    that instant would be lost. What was refused meanwhile is said when the dialog is answered.
    """
    if dialogs.is_open():
        return
    found = data.proposals_by_code((code,))
    person: Person = st.session_state["person"]
    if found and (
        found[0].state != state
        or (state == "open" and why_not(found[0], person) != refusal)
        or _may_withdraw(found[0], person) != withdrawable
    ):
        st.rerun()


def described(proposal: Proposal) -> str:
    """Session, strategy and model of a proposal, in one line."""
    model = f" · model {proposal.model_version}" if proposal.model_version else ""
    return f"After {formats.day(proposal.session)} · {formats.plain(proposal.strategy)}{model}"
