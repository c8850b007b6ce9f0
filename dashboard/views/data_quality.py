"""Whether the data can be trusted: verdicts, findings, quarantine, and the report."""

from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from dashboard import asking, data, figures, formats, navigation, states, tables
from dashboard.cards import held_back
from dashboard.panels import restatements
from ledger.people import Person

person: Person = st.session_state["person"]
_MOST_SYMBOLS = 60
_NAMED = 5
_CODES = {"held": 0, "released": 1, "confirmed": 1, "passed": 2}
_WORDS = {
    "held": "held back",
    "released": "released by a steward",
    "confirmed": "confirmed as wrong by a steward",
    "passed": "passed",
}
_SEVERITY = {
    "error": ":red[:material/error: error]",
    "warning": ":orange[:material/warning: warning]",
    "note": ":gray[:material/info: note]",
}


def _cell(row: dict[str, Any] | None, symbol: str, session: date) -> str:
    where = f"{symbol}, {formats.day(session)}"
    if row is None:
        return f"{where}<br>no verdict: blocked"
    return (
        f"{where}<br>{_WORDS.get(row['status'], row['status'])}, "
        f"{row['checks_passed']} of {row['checks']} checks passed"
    )


def _most_troubled(found: pl.DataFrame) -> list[str]:
    """At most 60 symbols by name; those with verdicts that did not pass come in first."""
    ranked = (
        found.group_by("symbol")
        .agg((pl.col("status") != "passed").sum().alias("troubles"))
        .sort(["troubles", "symbol"], descending=[True, False])
    )
    return sorted(ranked["symbol"].head(_MOST_SYMBOLS).to_list())


def _heat_map(found: pl.DataFrame) -> None:
    symbols = _most_troubled(found)
    sessions = sorted(set(found["session"].to_list()))
    by_place = {(r["symbol"], r["session"]): r for r in found.iter_rows(named=True)}
    cells = [[by_place.get((symbol, day)) for day in sessions] for symbol in symbols]
    held = int((found["status"] == "held").sum())
    decided = int(found["status"].is_in(["released", "confirmed"]).sum())
    told = [
        f"{formats.counted(n, 'verdict')} {what}"
        for n, what in ((held, "held back"), (decided, "decided by a steward"))
        if n
    ]
    st.subheader(", ".join(told) or "Every verdict passed", anchor=False)
    figures.show(
        figures.verdicts(
            symbols,
            sessions,
            [[None if c is None else _CODES.get(c["status"]) for c in row] for row in cells],
            [
                [_cell(c, symbol, day) for c, day in zip(row, sessions, strict=True)]
                for symbol, row in zip(symbols, cells, strict=True)
            ],
        ),
        key="verdicts",
        alt=f"Verdicts for {len(symbols)} symbols over {len(sessions)} sessions, {held} held back",
        as_of=sessions[-1],
        source="`quality.verdicts`",
    )
    st.markdown(
        ":green[■ passed] &nbsp; :red[■ held back] &nbsp; :orange[■ decided by a steward] &nbsp; "
        ":gray[■ no verdict: blocked]"
    )


def _reports() -> None:
    """The newest report of each suite, and a warning where an expectation was not met."""
    newest = data.reports()
    if newest.is_empty():
        return
    told = [_report(row) for row in newest.iter_rows(named=True)]
    st.markdown(
        f":material/description: {' · '.join(told)} · [All reports](/data-docs/)",
        help="Rules that every row met, of all in the newest report of each kind of data. "
        "The checks of a symbol are those of them that apply to its rows.",
    )


def _report(row: dict[str, Any]) -> str:
    name = f"{row['suite'].replace('_', ' ').capitalize()} of {formats.day(row['last_session'])}"
    rules = formats.counted(row["expectations"], "rule")
    met = f"{formats.count(row['passed'])} of {rules} met"
    said = met if row["passed"] == row["expectations"] else f":orange[{met}]"
    return f"[{name}]({navigation.report(row['path'])}) {said}"


def _together(found: pl.DataFrame) -> pl.DataFrame:
    """What a rule says of several symbols of a session in the same words is one row."""
    same = ["session", "severity", "rule", "message"]
    return found.group_by(same, maintain_order=True).agg(pl.col("symbol").sort())


def _names(symbols: list[str]) -> str:
    """At most five symbols, and how many more."""
    named = ", ".join(symbols[:_NAMED])
    return named if len(symbols) <= _NAMED else f"{named} and {len(symbols) - _NAMED} more"


def _findings(found: pl.DataFrame) -> None:
    st.subheader("Findings", anchor=False)
    if found.is_empty():
        states.empty("No finding.", why="The rules found nothing wrong in the loaded sessions.")
        return
    shown = st.segmented_control(
        "Severity",
        ["error", "warning", "note"],
        selection_mode="multi",
        key="finding-severity",
        default=["error", "warning"],
        label_visibility="collapsed",
    )
    rows = _together(found.filter(pl.col("severity").is_in(shown or ["error", "warning", "note"])))
    tables.show(
        [
            tables.text("Session"),
            tables.text("Symbol"),
            tables.text("Severity"),
            tables.text("Rule"),
            tables.text("What"),
        ],
        [
            (
                formats.day(row["session"]),
                f"**{_names(row['symbol'])}**",
                _SEVERITY.get(row["severity"], row["severity"]),
                formats.plain(row["rule"].replace("_", " ")),
                formats.plain(row["message"]),
            )
            for row in rows.head(40).iter_rows(named=True)
        ],
    )
    if rows.height > 40:
        st.caption(f"The newest 40 of {formats.count(rows.height)} · source `quality.findings`")


def _quarantine(found: pl.DataFrame) -> None:
    st.subheader("Quarantine", anchor=False)
    if found.is_empty():
        states.empty("Nothing is in quarantine.", then="A row with an error would wait here.")
        return
    for row in found.head(20).iter_rows(named=True):
        held_back.show(row, person)
    asking.lately(("release_row", "confirm_row"))


st.title("Data quality", anchor=False)
verdicts = data.verdicts()
if verdicts.is_empty():
    states.empty(
        "Nothing has been checked yet.",
        why="Bars are checked as they are loaded.",
        then="The first materialisation does so; Today shows how far it is.",
    )
    st.stop()
_reports()
_heat_map(verdicts)
_quarantine(data.quarantine())
_findings(data.findings())
restatements.show()
