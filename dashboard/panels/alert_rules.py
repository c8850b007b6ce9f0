"""What is watched: the desk's own rules, people's rules, and the form that makes one."""

import re
from decimal import Decimal
from typing import Literal, cast

import streamlit as st

from dashboard import data, formats, states, tables
from ledger import alert_rules, alerts, transact
from ledger.people import Person
from trading.alerting import MEASURES, Rule, in_words
from trading.errors import NotAllowedError

_AREAS = {
    "price": "Price",
    "indicator": "Indicator",
    "profit": "Profit and loss",
    "risk": "Risk",
    "data": "Data",
    "order": "Orders",
    "system": "System",
}
_UNITS = {"share": "%", "points": "", "count": ""}
_WHEN = {"worker": "every 5 seconds", "close": "after each close"}
_NUMBER = re.compile(r"[-+]?(?=[\d.])(\d{1,3}(,\d{3})+|\d*)(\.\d+)?")
_PROCESSES = ("watch", "executor", "feed")


def show(person: Person) -> None:
    """Rules as sentences, and the form for whoever may make one."""
    st.subheader("Watched", anchor=False)
    _own(person)
    with st.expander("The desk's own rules", icon=":material/rule:"):
        _built_in()
    if any(person.may(role) for role in alerts.ACKNOWLEDGERS):
        with st.expander("New rule", icon=":material/add_alert:"):
            _form(person)


def _own(person: Person) -> None:
    rules = data.alert_rules()
    if not rules:
        states.empty("No rule of yours yet.", then="Make one below; it is watched at once.")
    may = any(person.may(role) for role in alerts.ACKNOWLEDGERS)
    for rule in rules:
        with st.container(horizontal=True, vertical_alignment="center"):
            when = _WHEN[MEASURES[rule.measure].source]
            st.markdown(
                f"{formats.plain(in_words(rule))} :gray[{rule.severity}, {when}]", width="stretch"
            )
            st.button(
                "Retire",
                key=f"retire-{rule.rule_id}",
                help="It is watched no more. The audit log keeps it.",
                on_click=_retire,
                args=(rule, person),
                disabled=not may,
            )


def _built_in() -> None:
    told = data.built_in_rules()
    rows = [
        (
            formats.plain(in_words(rule)),
            rule.severity,
            _WHEN[MEASURES[rule.measure].source],
            told.rules[rule.rule_id].reason,
        )
        for rule in alert_rules.built_in(told)
    ]
    columns = [tables.text(name) for name in ("Rule", "Severity", "Looked at", "Reason")]
    tables.show(columns, rows)
    st.caption("Source `config/alert_rules.toml`.")


def _form(person: Person) -> None:
    """Plain words, one after the other; the sentence below is what will be watched."""
    area = st.selectbox("What about", list(_AREAS), format_func=_AREAS.__getitem__, key="rule-area")
    names = [name for name, measure in MEASURES.items() if measure.area == area]
    measure = st.selectbox(
        "Watch", names, format_func=lambda name: MEASURES[name].label, key="rule-measure"
    )
    told = MEASURES[measure]
    subject = ""
    if told.of != "desk":
        known = data.universe().names if told.of == "symbol" else _PROCESSES
        subject = st.selectbox(
            "Of", ["", *known], format_func=lambda name: name or f"any {told.of}",
            key="rule-subject",
        )  # fmt: skip
    comparison = st.selectbox("When it is", ["below", "above"], key="rule-comparison")
    unit = _UNITS.get(told.unit, told.unit)
    typed = st.text_input(f"Threshold{f', {unit}' if unit else ''}", key="rule-threshold")
    severity = st.selectbox("As a", ["warning", "note", "critical"], key="rule-severity")
    if severity == "critical":
        minutes = data.limits().alert_reduce_minutes
        st.caption(
            f":orange[:material/warning: A critical alert that nobody acknowledges for {minutes} "
            "minutes lets only reducing orders pass.]"
        )
    threshold = _number(typed, told.unit)
    if threshold is None:
        st.caption("Write a number, such as 190, 1,250 or -1.5: the point stands before decimals.")
        return
    rule = Rule(
        "", measure, subject, cast('Literal["above", "below"]', comparison), threshold,
        cast('Literal["note", "warning", "critical"]', severity),
    )  # fmt: skip
    st.markdown(f"**Tell us when** {formats.plain(in_words(rule))}, {_WHEN[told.source]}.")
    # No callback: its arguments would be those of the page before the last figure was typed.
    if st.button("Watch this", key="rule-make", type="primary"):
        _make(rule, person)
        st.rerun()
    if said := st.session_state.pop("rule-said", None):
        st.markdown(said)


def _number(typed: str | None, unit: str) -> Decimal | None:
    """What was typed, a percentage as a fraction; None when it is no number.

    A comma stands between thousands: what else it could mean, nobody guesses.
    """
    plain = (typed or "").strip().replace("−", "-")
    if not _NUMBER.fullmatch(plain):
        return None
    value = Decimal(plain.replace(",", ""))
    return value / 100 if unit == "share" else value


def _make(rule: Rule, person: Person) -> None:
    try:
        transact(
            data.engine(),
            lambda conn: alert_rules.add(
                conn, rule, person_id=person.person_id, desk_at=data.now()
            ),
        )
    except (NotAllowedError, ValueError) as e:
        st.session_state["rule-said"] = f":red[:material/block: {formats.plain(str(e))}]"
        return
    st.session_state["rule-said"] = ":green[:material/check: It is watched from now on.]"
    data.alert_rules.clear()


def _retire(rule: Rule, person: Person) -> None:
    transact(
        data.engine(),
        lambda conn: alert_rules.retire(
            conn, rule.rule_id, person_id=person.person_id, desk_at=data.now()
        ),
    )
    data.alert_rules.clear()
