"""What stands beside the gates and gates nothing: cash, trials, capacity, members, features."""

from typing import Any

import streamlit as st

from dashboard import data, formats, tables

_MOST_FEATURES = 10


def show(model_version: str) -> None:
    """Everything that is known of a version beside its gates; nothing where nothing is."""
    told = data.model_evidence(model_version)
    if absolute := told.get("absolute"):
        _absolute(absolute)
    if trials := told.get("trials"):
        _trials(trials)
    if members := told.get("members"):
        _members(members)
    if curve := told.get("capacity"):
        _capacity(curve, told.get("shortfall"))
    if features := told.get("features"):
        _features(features)


def _absolute(told: dict[str, Any]) -> None:
    st.markdown("**What it earned over cash**")
    tables.show(
        [
            tables.figure("Return a year"),
            tables.figure("Over cash"),
            tables.figure("Sharpe over cash"),
            tables.figure("Volatility a year"),
            tables.figure("Largest drawdown"),
        ],
        [
            (
                formats.percent(told["annual_return"], signed=True),
                formats.percent(told["excess_return"], signed=True),
                formats.number(told["sharpe"], decimals=2),
                formats.percent(told["volatility"]),
                formats.percent(told["drawdown"]),
            )
        ],
    )
    st.caption(
        f"Net of costs, over the {formats.counted(told['sessions'], 'session')} that the gates "
        f"judge; it gates nothing. {cash_sentence(told)} · source `models.evidence`"
    )


def cash_sentence(told: dict[str, Any]) -> str:
    """What cash was taken to earn, and in how many sessions nobody knows its rate."""
    missing = told["without_rate"]
    if missing == told["sessions"]:
        return "Cash taken to earn nothing: no rates are stored."
    said = f"Cash, idle cash too, earned {formats.percent(told['cash_return'])} a year"
    if not missing:
        return f"{said}."
    return (
        f"{said}; it is taken to earn nothing in {formats.counted(missing, 'session')} for which "
        "no rate is stored."
    )


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
