"""What the desk could lose, how much of each limit is used, and the switch that stops it."""

from decimal import Decimal

import streamlit as st

from dashboard import asking, data, figures, formats, states
from dashboard.panels import corrections, risk_figures
from ledger.people import Person
from trading.state import TradingState

person: Person = st.session_state["person"]
_LOOK = {
    TradingState.ACTIVE: ("green", "All signed orders are sent."),
    TradingState.REDUCING: ("orange", "Only orders that reduce risk are sent."),
    TradingState.HALTED: ("red", "Nothing is sent but cancels and a signed flatten."),
}


@st.fragment(run_every=3)
def _state_line() -> None:
    now = data.desk().trading
    colour, meaning = _LOOK[now.state]
    who = data.names().get(now.set_by, now.set_by)
    st.markdown(
        f":{colour}-badge[{now.state}] {meaning} :gray[Set by {formats.plain(who)}, "
        f"{formats.wall(now.set_at)}: {formats.plain(now.reason)}]"
    )


def _control() -> None:
    st.subheader("Trading state", anchor=False)
    _state_line()
    if not any(person.may(role) for role in ("analyst", "signatory", "admin")):
        st.caption("Changing it needs the role analyst, signatory or admin.")
        return
    state = data.desk().trading.state
    may_relax = person.may("signatory") or person.may("admin")
    reason = st.text_input(
        "Reason", key="state-reason", placeholder="Why? Everyone will read this.", max_chars=300
    )
    missing = not (reason or "").strip()
    choices = (
        # Halted again, what still works is cancelled again, and a resume that waits is void.
        ("Halt", "halt", "front_hand", False),
        ("Reduce only", "reduce", "trending_down", state is TradingState.REDUCING),
        ("Resume", "resume", "play_arrow", state is TradingState.ACTIVE or not may_relax),
        ("Flatten", "flatten", "close_fullscreen", False),
    )
    with st.container(horizontal=True):
        for label, kind, icon, is_off in choices:
            if st.button(
                label, key=f"state-{kind}", icon=f":material/{icon}:", disabled=missing or is_off
            ):
                asking.ask(person, kind, {"reason": str(reason).strip()})
    if missing:
        st.caption("Write a reason first. A halt stops every new order at once.")
    st.caption(
        "Flatten: reduce only, cancel open orders, and propose to close every position. Nothing is "
        "sent before that proposal is signed; then it is sent even while trading is halted."
    )
    _outcome()
    for event in data.state_changes()[:4]:
        who = data.names().get(event.set_by, event.set_by)
        st.markdown(
            f":gray[{formats.wall(event.set_at)}] {event.from_state} → **{event.to_state}** "
            f":gray[{formats.plain(who)}: {formats.plain(event.reason)}]"
        )


@st.fragment(run_every=2)
def _outcome() -> None:
    asking.lately(("halt", "reduce", "resume", "flatten"), last=1)


@st.fragment(run_every=5)
def _reconciliation() -> None:
    st.subheader("Reconciliation", anchor=False)
    last = data.reconciliation()
    if last is None:
        states.empty("Not compared yet.", then="Broker and ledger are compared every minute.")
        return
    found = (
        ":green[:material/check: The broker's orders, positions and cash agree with ours.]"
        if last.clean
        else f":orange[:material/warning: {formats.counted(last.differences, 'difference')}]"
    )
    age = formats.span(data.now() - last.finished_at)
    st.markdown(f"{found} :gray[Compared {age} ago.]")


def _usages() -> list[figures.Usage]:
    account, held, limits = data.desk().account, data.positions(), data.limits()
    if account is None or not account.equity:
        return []
    values = {symbol: p.market_value or Decimal(0) for symbol, p in held.items()}
    gross = sum((abs(v) for v in values.values()), Decimal(0)) / account.equity
    net = abs(sum(values.values(), Decimal(0))) / account.equity
    rows = [
        figures.Usage("Gross exposure", float(gross), float(limits.gross_exposure)),
        figures.Usage("Net exposure", float(net), float(limits.net_exposure)),
    ]
    for sector, share in sorted(_sectors(values, account.equity).items()):
        rows.append(figures.Usage(sector, float(share), float(limits.sector_share)))
    largest = sorted(values.items(), key=lambda item: -abs(item[1]))[:5]
    for symbol, value in largest:
        share = abs(value) / account.equity
        rows.append(figures.Usage(symbol, float(share), float(limits.position_share)))
    return rows


def _sectors(values: dict[str, Decimal], equity: Decimal) -> dict[str, Decimal]:
    sectors = data.universe().sectors
    found: dict[str, Decimal] = {}
    for symbol, value in values.items():
        sector = sectors.get(symbol, "Other sectors")
        found[sector] = found.get(sector, Decimal(0)) + abs(value) / equity
    return found


def _exposures() -> None:
    st.subheader("Limits", anchor=False)
    account, rows = data.desk().account, _usages()
    if account is None or not rows:
        states.empty("No account yet.", then="Exposure is shown once the broker has answered.")
        return
    figures.show(
        figures.usage(rows),
        key="limits",
        alt="Used share of each limit: "
        + "; ".join(
            f"{r.label} {formats.percent(r.used)} of {formats.percent(r.limit)}" for r in rows
        ),
        as_of=account.as_of,
        source="`desk.positions`, `limits.toml`; open orders count once they fill",
    )


st.title("Risk", anchor=False)
left, right = st.columns([3, 2], gap="large")
with left:
    _exposures()
    _reconciliation()
    corrections.show(person)
with right:
    _control()
risk_figures.show(data.risk_figures())
