"""What the desk decided for each symbol, and why not where there is no proposal."""

import streamlit as st

from dashboard import data, formats, states, tables

_LOOK = {
    "proposed": ":green[:material/check_circle:] proposed",
    "denied": ":red[:material/block:] denied",
    "none": ":gray[:material/remove_circle_outline:] no proposal",
}


def show(_desk: object = None) -> None:
    """One row per symbol with its outcome and the reason."""
    st.subheader("Decision for each symbol", anchor=False)
    found = data.decisions()
    if found.is_empty():
        states.empty(
            "No decision yet.",
            then="The first daily run trains the model and decides for every symbol.",
        )
        return
    rows = [
        (
            f"**{row['symbol']}**",
            _LOOK.get(row["outcome"], formats.plain(row["outcome"])),
            formats.plain(row["sentence"]),
        )
        for row in found.head(50).iter_rows(named=True)
    ]
    tables.show([tables.text("Symbol"), tables.text("Outcome"), tables.text("Why")], rows)
    st.caption(
        f"After the close of {formats.day(found['session'][0])} · source `portfolio.decisions`"
    )
