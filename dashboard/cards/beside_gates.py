"""What stands beside the gates and gates nothing: trials, capacity, members, single features."""

from typing import Any

import streamlit as st

from dashboard import data, formats, tables

_MOST_FEATURES = 10


def show(model_version: str) -> None:
    """Everything that is known of a version beside its gates; nothing where nothing is."""
    told = data.model_evidence(model_version)
    if trials := told.get("trials"):
        _trials(trials)
    if members := told.get("members"):
        _members(members)
    if curve := told.get("capacity"):
        _capacity(curve, told.get("shortfall"))
    if features := told.get("features"):
        _features(features)


def _trials(told: dict[str, Any]) -> None:
    st.markdown(
        f"**{formats.counted(told['configurations'], 'configuration')}** were tried in this "
        f"programme; by how alike they earned they are **{formats.counted(told['ideas'], 'idea')}**"
        ". The gates count every configuration."
    )


def _members(told: list[list[Any]]) -> None:
    said = ", ".join(f"{name} {formats.percent(weight, decimals=0)}" for name, weight in told)
    st.markdown(f"It speaks for several models, each weighted by its matured record: {said}.")


def _capacity(curve: list[dict[str, Any]], shortfall: dict[str, Any] | None) -> None:
    st.markdown("**How much money it carries**")
    tables.show(
        [
            tables.figure("Capital, USD"),
            tables.figure("Sharpe a year"),
            tables.figure("Net return a year"),
            tables.figure("Costs a year"),
            tables.figure("Filled"),
        ],
        [
            (
                formats.number(row["capital"], decimals=0),
                formats.number(row["sharpe"], decimals=2),
                formats.percent(row["net_return"], signed=True),
                formats.percent(row["cost"], decimals=2),
                formats.percent(row["filled"], decimals=0),
            )
            for row in curve
        ],
    )
    said = "Backtest at the next open; impact and the cap of a session's volume grow with capital."
    if shortfall:
        parts = ", ".join(
            f"{name} {formats.number(shortfall[name], decimals=0, signed=True)}"
            for name in ("delay", "commission", "spread", "impact", "opportunity")
        )
        capital = formats.number(shortfall["capital"], decimals=0)
        said += f" Shortfall with {capital} USD, in USD (+ costs): {parts}."
    st.caption(said)


def _features(told: list[dict[str, Any]]) -> None:
    with st.expander("What single features are worth"):
        tables.show(
            [tables.text("Feature"), tables.figure("Log loss rises by, shuffled")],
            [
                (
                    formats.plain(row["feature"]),
                    formats.number(row["rise"], decimals=5, signed=True),
                )
                for row in told[:_MOST_FEATURES]
            ],
        )
        st.caption("On purged folds; at or below 0 the model would not miss it.")
