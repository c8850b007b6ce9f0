"""Bars that were corrected after the desk first learned them: before, after, since when."""

from typing import Any

import streamlit as st

from dashboard import data, formats, states, tables

_FIELDS = ("open", "high", "low", "close", "volume")


def show() -> None:
    """The newest corrections; both values stay on record."""
    st.subheader("Restatements", anchor=False)
    found = data.restatements()
    if found.is_empty():
        states.empty("No bar has been restated.", why="Every bar says what it said at first.")
        return
    tables.show(
        [
            tables.text("Session"),
            tables.text("Symbol"),
            tables.text("Known since"),
            tables.text("Source"),
            tables.text("What changed"),
        ],
        [_row(row) for row in found.head(30).iter_rows(named=True)],
    )
    st.caption(
        "Both values are kept: research as of an earlier time still sees the earlier one · "
        "source `market.daily_bars`"
    )


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        formats.day(row["session"]),
        f"**{row['symbol']}**",
        formats.moment(row["known_at"]),
        formats.plain(row["source"]),
        changes(row),
    )


def changes(row: dict[str, Any]) -> str:
    """``close 59.94 → 599.41; volume 1,000 → 100,000``; prices in USD."""
    told = [
        f"{name} {_figure(name, row[f'{name}_before'])} → {_figure(name, row[name])}"
        for name in _FIELDS
        if row[name] != row[f"{name}_before"]
    ]
    return "; ".join(told) or "nothing but its source"


def _figure(name: str, value: float) -> str:
    return formats.number(value, decimals=0) if name == "volume" else formats.price(value)
