"""What people's decisions earned or cost, against one fill model for all proposals alike."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard import data, formats, states, tables
from quant.shadow import FEWEST

_CUTS = {"person": "By person", "reason": "By reason", "strategy": "By strategy"}
_VERDICTS = {
    "signed": "Signed",
    "vetoed": "Vetoed",
    "expired": "Expired, nobody decided",
    "lapsed": "Signed, then lapsed",
}
_STATUS = {
    "waiting": "enters at the next open",
    "unfilled": "would not have filled",
    "held": "still held",
    "closed": "over",
}


def _cases(count: int) -> str:
    """How many cases stand behind a mean, and whether they are enough."""
    return (
        formats.number(count, decimals=0)
        if count >= FEWEST
        else f"{count} of {FEWEST}, too few to say"
    )


def _range(row: dict[str, Any], sign: int) -> str:
    if row["low_bps"] is None:
        return formats.MISSING
    low, high = sorted((sign * row["low_bps"], sign * row["high_bps"]))
    return (
        f"{formats.number(low, decimals=0, signed=True)} to "
        f"{formats.number(high, decimals=0, signed=True)} bps"
    )


def _mean(row: dict[str, Any], sign: int) -> str:
    if row["low_bps"] is None:
        return formats.MISSING
    return f"{formats.number(sign * row['mean_bps'], decimals=0, signed=True)} bps"


def _line(label: str, row: dict[str, Any], sign: int) -> tuple[str, ...]:
    return (
        label,
        _cases(row["cases"]),
        formats.amount(sign * row["profit"], signed=True),
        _mean(row, sign),
        _range(row, sign),
    )


def _columns(first: str) -> list[tables.Column]:
    return [
        tables.text(first), tables.figure("Cases"), tables.figure("Sum, USD"),
        tables.figure("Each, of its value"), tables.figure("95 % range"),
    ]  # fmt: skip


def _verdicts(figures: pl.DataFrame) -> None:
    st.subheader("What each kind of proposal would have earned", anchor=False)
    whole = {row["verdict"]: row for row in figures.filter(cut="all").iter_rows(named=True)}
    rows = [_line(label, whole[name], 1) for name, label in _VERDICTS.items() if name in whole]
    tables.show(_columns("Proposals"), rows)


def _veto(figures: pl.DataFrame) -> None:
    st.subheader("What the veto earned or cost", anchor=False)
    vetoes = figures.filter(verdict="vetoed")
    if vetoes.is_empty():
        states.empty("No veto is over yet.", then="A veto counts once its trade would have ended.")
        return
    whole = vetoes.filter(cut="all").row(0, named=True)
    gain = formats.money(-whole["profit"], signed=True)
    st.markdown(f"**{gain}** in {formats.counted(whole['cases'], 'case')}: plus is what it saved.")
    for cut, heading in _CUTS.items():
        rows = [
            _line(formats.plain(row["label"] or "not said"), row, -1)
            for row in vetoes.filter(cut=cut).iter_rows(named=True)
        ]
        tables.show(_columns(heading), rows)


def _newest(cases: pl.DataFrame) -> None:
    st.subheader("The newest cases", anchor=False)
    shown = cases.sort("session", "code", descending=True).head(30)
    rows = [
        (
            formats.day(row["session"]),
            f"[{row['code']}](/proposal?proposal={row['code']})",
            f"{'Buy' if row['side'] == 'buy' else 'Sell'} **{row['symbol']}**",
            row["verdict"],
            _STATUS[row["status"]],
            formats.amount(row["profit"], signed=True)
            if row["status"] in {"held", "closed"}
            else formats.MISSING,
        )
        for row in shown.iter_rows(named=True)
    ]
    columns = [
        tables.text("Decided after"), tables.text("Proposal"), tables.text("Trade"),
        tables.text("Decision"), tables.text("How far"), tables.figure("Would have earned, USD"),
    ]  # fmt: skip
    tables.show(columns, rows)


st.title("Judgement", anchor=False)
found = data.shadow_cases()
if found.is_empty():
    states.empty(
        "No decision to follow yet.",
        why="Signed, vetoed, expired and lapsed proposals are followed after each close.",
        then="The first appears after the next daily run.",
    )
    st.stop()
added = data.shadow_figures()
if added.is_empty():
    st.subheader("What the veto earned or cost", anchor=False)
    states.empty("No case is over yet.", then="A case ends at its stop or its horizon.")
else:
    left, right = st.columns(2, gap="large")
    with left:
        _verdicts(added)
    with right:
        _veto(added)
    st.caption(
        f"As of {formats.day(added['session'][0])} · source `portfolio.shadow_figures` · "
        "range: circular block bootstrap over sessions"
    )
_newest(found)
st.caption(
    "Every proposal alike: enters at the next open within its limit, leaves at its stop or at "
    "the open after its horizon; half the spread, impact and 2.5 % of the volume at most, cut "
    "alike where capital is short. Source `portfolio.shadow_cases`."
)
