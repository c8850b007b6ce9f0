"""What a model is, what it was trained on, which gates it met, and whether it keeps its word."""

import json
from typing import Any

import streamlit as st

from dashboard import data, figures, formats, states, tables
from dashboard.cards import beside_gates
from quant.gates import title, unit
from quant.models.calibration import CalibrationBin

_STATUS = {"champion": "green", "challenger": "orange", "retired": "gray"}


def show(version: dict[str, Any]) -> None:
    """The card of one model version."""
    st.subheader("Model card", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _facts(version)
        _gates(str(version["model_version"]))
        beside_gates.show(str(version["model_version"]))
    with right:
        st.markdown("**Does it keep its word?**")
        _calibration(version)
        st.markdown("**Limits of use**")
        policy = data.model_evidence(str(version["model_version"])).get("policy", {})
        sides = "long and short (research)" if policy.get("long_short") else "long only"
        st.markdown(
            f"One horizon ({formats.counted(int(version['horizon']), 'session')}), {sides}, "
            "liquid large companies. Trained on few symbols chosen with hindsight, so its record "
            "flatters it. The index is taken without its dividends, a symbol with its own: beating "
            "it is easier by the yield of the index, about 2 % a year. Not for news days, and not "
            "a forecast of the market itself."
        )


def _facts(version: dict[str, Any]) -> None:
    counts = data.standing(str(version["model_version"]))
    colour = _STATUS.get(counts.status, "gray")
    st.markdown(
        f"**{version['model_version']}** :{colour}-badge[{counts.status}]"
        + (" :violet-badge[trained on simulated data]" if version["simulated"] else "")
    )
    if counts.reason:
        st.markdown(counts.reason)
    st.markdown(
        f"Trained on {formats.count(int(version['rows']))} rows, "
        f"{formats.day(version['first_session'])} to {formats.day(version['last_session'])}; "
        f"base rate {formats.probability(float(version['base_rate']))}; "
        f"features {str(version['feature_version'])[:12]}; snapshot {version['snapshot_id']}."
    )


def _gates(model_version: str) -> None:
    gates = data.gates(model_version)
    if gates.is_empty():
        states.empty("No gate has been judged.", why="Unknown counts as not met.")
        return
    met = int(gates["passed"].sum())
    st.markdown(f"**Meets {met} of {formats.counted(gates.height, 'gate')}**")
    tables.show(
        [
            tables.text("Gate"),
            tables.text("Met"),
            tables.figure("Figure"),
            tables.figure("Needs"),
        ],
        [_gate(row) for row in gates.iter_rows(named=True)],
    )
    with st.expander("Why these thresholds"):
        for row in gates.iter_rows(named=True):
            st.markdown(
                f"**{formats.plain(title(str(row['gate'])))}.** "
                f"{formats.plain(row['sentence'])} {formats.plain(row['reason'])}"
            )


def _gate(row: dict[str, Any]) -> tuple[str, ...]:
    """One gate: its title, whether it is met, its figure and what it needs."""
    name, value = str(row["gate"]), row["value"]
    met = ":green[:material/check: met]" if row["passed"] else ":red[:material/close: not met]"
    needs = formats.needed(
        row["threshold"], row["comparison"], unit=unit(name), is_known=value is not None
    )
    return formats.plain(title(name)), met, formats.gate(value, unit=unit(name)), needs


def _calibration(version: dict[str, Any]) -> None:
    table = [CalibrationBin(**row) for row in json.loads(version["calibration"])]
    bins = [_bin(told) for told in table if told.n > 0]
    if not bins:
        states.empty("No calibration yet.", why="It needs matured out-of-sample predictions.")
        return
    figures.show(
        figures.calibration(bins),
        key="calibration",
        alt="Share that came true by predicted probability: "
        + "; ".join(
            f"said {formats.probability(b.predicted)}, came true {formats.probability(b.observed)} "
            f"in {b.cases} cases"
            for b in bins
        ),
        as_of=version["last_session"],
        source="walk-forward predictions; bars: 95 % ranges; dotted: perfect",
    )


def _bin(told: CalibrationBin) -> figures.Bin:
    middle = (told.low + told.high) / 2
    return figures.Bin(middle, told.hit_share, told.share_low, told.share_high, told.n)
