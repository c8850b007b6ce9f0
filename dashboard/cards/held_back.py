"""A row in quarantine: what arrived, why it is held, and what a steward may do."""

import json
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard import asking, data, formats, navigation, tables
from ledger.people import Person

_STATES = {
    "held": ("red", "held back, data not trusted"),
    "released": ("green", "released"),
    "confirmed": ("gray", "confirmed as wrong, stays out"),
}


@dataclass(frozen=True)
class _Decision:
    """One of a steward's two decisions, and what it does."""

    kind: str
    label: str
    does: str
    deed: str


_DECISIONS = (
    _Decision(
        "release_row",
        "Release: it is right",
        "The row of **{symbol}, {day}** goes into the market data as it was delivered{close}. "
        "Features, forecasts and risk are computed with it from then on, and {symbol} can be "
        "traded on it; research as of an earlier time still sees it held. This cannot be taken "
        "back: a wrong row then needs a correction by its source.",
        "Release it",
    ),
    _Decision(
        "confirm_row",
        "Confirm: it is wrong",
        "The row of **{symbol}, {day}** stays out of the market data for good, and {symbol} is not "
        "traded on this session's data. This cannot be taken back: a right row comes as a "
        "correction by its source.",
        "Keep it out",
    ),
)


def show(row: dict[str, Any], person: Person) -> None:
    """The card of one quarantined row."""
    colour, state = _STATES.get(row["status"], ("gray", str(row["status"])))
    with st.container(border=True, key=f"held-{row['quarantine_id']}"):
        st.markdown(f"## :{colour}[{row['symbol']}: {state}]", anchors=False)
        st.markdown(formats.plain(str(row["message"] or "")))
        if row["status"] == "held":
            st.markdown(
                f"{row['symbol']} cannot be traded on this session's data. The other symbols are "
                "not affected. The row is in quarantine, not deleted."
            )
        else:
            st.markdown(
                f"{formats.plain(row['person'] or 'A steward')}: "
                f"{formats.plain(row['reason'] or 'no reason given')}"
            )
        _neighbours(row)
        _report(row)
        if row["status"] == "held":
            _decide(row, person)


def _neighbours(row: dict[str, Any]) -> None:
    with st.expander("See the row and its neighbours"):
        delivered = json.loads(row["row"])
        bars = [
            (formats.day(bar["session"]), *_figures(bar))
            for bar in data.around(row["symbol"], row["session"]).iter_rows(named=True)
            if bar["session"] != row["session"]
        ]
        bars.append(
            (f":red[**{formats.day(row['session'])}**, as delivered]", *_figures(delivered))
        )
        tables.show(
            [
                tables.text("Session"),
                *(tables.figure(name) for name in ("Open", "High", "Low", "Close", "Volume")),
            ],
            bars,
        )
        st.caption("USD per share, as quoted; volume in shares · source `market.daily_bars`")


def _report(row: dict[str, Any]) -> None:
    verdict = data.verdict(row["symbol"], row["session"])
    report = verdict["report"][0] if verdict.height else None
    if report:
        st.markdown(f":material/description: [Open the report]({navigation.report(report)})")


def _figures(bar: dict[str, Any]) -> list[str]:
    prices = [_price(bar.get(name)) for name in ("open", "high", "low", "close")]
    volume = bar.get("volume")
    return [*prices, formats.count(None if volume is None else int(float(volume)))]


def _price(value: Any) -> str:
    return formats.price(None if value is None else float(value))


def _decide(row: dict[str, Any], person: Person) -> None:
    if not person.may("steward"):
        st.caption("A data steward can release or confirm it, with a reason.")
        return
    key = str(row["quarantine_id"])
    reason = st.text_input(
        "Reason",
        key=f"reason-{key}",
        placeholder="What makes the row right, or wrong?",
        max_chars=300,
    )
    said = str(reason or "").strip()
    with st.container(horizontal=True):
        for decision in _DECISIONS:
            with st.popover(decision.label, disabled=not said):
                st.markdown(decision.does.format(**_told(row)))
                if st.button(decision.deed, key=f"{decision.kind}-{key}", disabled=not said):
                    _ask(person, decision.kind, key, said)


def _told(row: dict[str, Any]) -> dict[str, str]:
    """What a decision is about, in words: the symbol, its session and the close as delivered."""
    close = json.loads(row["row"]).get("close")
    at = "" if close is None else f" with its close of **{_price(close)} USD**"
    return {"symbol": str(row["symbol"]), "day": formats.day(row["session"]), "close": at}


def _ask(person: Person, kind: str, key: str, reason: str) -> None:
    asking.ask(
        person, kind, {"quarantine_id": key, "reason": reason}, once=f"{kind}-{key}-{reason}"
    )
    st.toast("Asked. The outcome appears below.", icon=":material/schedule:")
