"""How a model's matured forecasts turned out: live, with the walk-forward expectation beside."""

import json
from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from dashboard import data, figures, formats, states, tables
from quant.models.calibration import CalibrationBin

_PARTS = {
    "all": "Whole model",
    "symbol": "By symbol",
    "regime": "By market",
    "rolling": "As time went by",
}
_MARKETS = {
    "calm": "Calm market",
    "usual": "Usual market",
    "wild": "Wild market",
    "rising": "Rising market",
    "falling": "Falling market",
}
_KINDS = {"live": "live", "walk_forward": "expected"}
_COLUMNS = ["Hit rate", "Rank IC", "Brier", "In 80 % range"]


def show(model_version: str) -> None:
    """Hit rate, rank correlation, Brier score and coverage of one version, part by part."""
    st.subheader("How its forecasts turned out", anchor=False)
    found = data.records(model_version)
    if found.is_empty():
        states.empty(
            "Nothing has been scored yet.",
            why="The record is made in each daily run, once forecasts have matured.",
            then="Until then the model card shows what it was calibrated on.",
        )
        return
    part = st.segmented_control(
        "Part",
        list(_PARTS),
        default="all",
        format_func=_PARTS.__getitem__,
        key="forecast-part",
        label_visibility="collapsed",
        required=True,
    )
    chosen = found.filter(pl.col("part") == (part or "all")).sort("name", "kind")
    if chosen.is_empty():
        states.empty("No record of these yet.", why="A window has 126 sessions.")
        return
    tables.show(
        [tables.text(""), tables.figure("Cases"), *map(tables.figure, _COLUMNS), tables.text("")],
        [_line(row) for row in chosen.head(100).iter_rows(named=True)],
    )
    newest = found["last_session"].max()
    st.caption(
        f"Decisions up to {formats.day(newest if isinstance(newest, date) else None)} · "
        "**expected**: the walk-forward record · 95 % ranges over blocks of 21 sessions, from 84 "
        "sessions on · **luck**: the same calls, had they known nothing of what came · rank IC "
        "only where a session has 20 names or more · a coin's Brier score is 0.25 · source "
        "`models.records`"
    )
    if part in {None, "all"}:
        _calibration(chosen)


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{_name(row)} **{_KINDS[row['kind']]}**",
        f"{formats.count(row['cases'])} in {formats.counted(row['sessions'], 'session')}",
        _share(row, "hit_rate", "hit"),
        _number(row, "ic", decimals=3),
        _number(row, "brier", decimals=3),
        _share(row, "coverage", "coverage"),
        _verdict(row),
    )


def _name(row: dict[str, Any]) -> str:
    name = str(row["name"])
    if row["part"] == "rolling":
        return f"126 sessions to {formats.day(date.fromisoformat(name))},"
    return f"{_MARKETS.get(name, formats.plain(name))}," if name else "All,"


def _verdict(row: dict[str, Any]) -> str:
    if row["luck"] is None:
        return formats.MISSING
    luck = f"luck's {formats.percent(row['luck'])}"
    if row["lucky"]:
        return f":gray[not distinguishable from {luck}]"
    better = row["hit_rate"] > row["luck"]
    return f":green[better than {luck}]" if better else f":red[worse than {luck}]"


def _share(row: dict[str, Any], value: str, ends: str) -> str:
    said = formats.percent(row[value])
    low, high = row[f"{ends}_low"], row[f"{ends}_high"]
    if low is None:
        return said
    return f"{said} ({formats.number(low * 100, decimals=1)} to {formats.percent(high)})"


def _number(row: dict[str, Any], name: str, *, decimals: int) -> str:
    if row[name] is None:
        return formats.MISSING
    said = formats.number(row[name], decimals=decimals)
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low is None:
        return said
    ends = (formats.number(end, decimals=decimals) for end in (low, high))
    return f"{said} ({' to '.join(ends)})"


def _calibration(chosen: pl.DataFrame) -> None:
    live = chosen.filter(pl.col("kind") == "live")
    if live.is_empty():
        return
    row = live.row(0, named=True)
    bins = [_bin(CalibrationBin(**told)) for told in json.loads(row["calibration"])]
    if bins:
        figures.show(
            figures.calibration(bins),
            key="live-calibration",
            alt="Share that came true, live, by predicted probability: "
            + "; ".join(
                f"said {formats.probability(b.predicted)}, "
                f"came true {formats.probability(b.observed)} in {b.cases} cases"
                for b in bins
            ),
            as_of=row["last_session"],
            source="live forecasts that have matured; bars: 95 % ranges; dotted: perfect",
        )


def _bin(told: CalibrationBin) -> figures.Bin:
    middle = (told.low + told.high) / 2
    return figures.Bin(middle, told.hit_share, told.share_low, told.share_high, told.n)
