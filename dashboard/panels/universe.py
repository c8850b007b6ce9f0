"""Who may be bought after the newest session, and why not the others."""

import json
from typing import Any

import streamlit as st

from dashboard import data, formats, states, tables


def show() -> None:
    """The universe with its liquidity; reasons stand beside those that are barred."""
    st.subheader("Universe", anchor=False)
    found = data.eligibility()
    if found.is_empty():
        states.empty(
            "Nobody has been judged yet.",
            why="Liquidity and history are looked at in each daily run.",
            then="The first daily run does so.",
        )
        return
    tables.show(
        [
            tables.text("Symbol"),
            tables.text("Tier"),
            tables.figure("Traded a session, USD"),
            tables.figure("Spread"),
            tables.figure("Volatility a year"),
            tables.figure("Market value, USD"),
            tables.text("May be bought"),
        ],
        [_row(row) for row in found.head(50).iter_rows(named=True)],
    )
    most = f"The first 50 of {formats.count(found.height)} · " if found.height > 50 else ""
    st.caption(
        f"{most}After the close of {formats.day(found['session'][0])} · means of 21 sessions; "
        "spread estimated from highs and lows (Corwin & Schultz 2012) · "
        "source `market.eligibility`, `universe.toml`"
    )


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    reasons = " ".join(json.loads(row["reasons"]))
    tier = formats.MISSING if row["tier"] == "none" else row["tier"]
    worth = row["market_cap"]
    return (
        f"**{row['symbol']}**",
        tier,
        formats.number(row["dollar_volume"], decimals=0),
        formats.basis_points(row["spread"], signed=False),
        f"{formats.percent(row['volatility'])} ({row['volatility_bucket']})",
        "no source" if worth is None else formats.number(worth, decimals=0),
        ":green[:material/check: yes]"
        if row["eligible"]
        else f":gray[:material/block: {formats.plain(reasons)}]",
    )
