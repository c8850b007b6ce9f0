"""Whether the value at risk said before each session held: exceptions, tests, verdict."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard import formats, tables

_SPACE = "\N{NO-BREAK SPACE}"
_DOUBTFUL = 0.05  # p-value below which a record does not fit its figures


def show(found: pl.DataFrame) -> None:
    """Draw the record of each method and level; nothing where there is none."""
    if found.is_empty():
        return
    st.subheader("Did the figures hold?", anchor=False)
    told: dict[tuple[str, float], dict[str, Any]] = {}
    for row in found.iter_rows(named=True):
        # The supervisor's figure counts a year, the others the whole record.
        n_obs = {} if row["measure"] == "basel_plus_factor" else {"n_obs": row["n_obs"]}
        kept = told.setdefault((row["method"], row["level"]), {})
        kept.update({row["measure"]: row["value"]} | n_obs)
    tables.show(
        [
            tables.text("Figures"),
            tables.figure("Exceptions, of expected"),
            tables.figure("Sessions"),
            tables.figure("Chance of so many"),
            tables.figure("… so close"),
            tables.text("Verdict"),
        ],
        [_record(*key, kept) for key, kept in sorted(told.items())],
    )
    st.caption(
        "Losses beyond the value at risk said before them, with the tests of Kupiec (1995) and "
        "Christoffersen (1998); by Monte Carlo below five expected · hypothetical: today's weights "
        "over all history · source `risk.figures`"
    )


def _record(method: str, level: float, kept: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{formats.plain(method).capitalize()} {formats.percent(level, decimals=0)}",
        f"{formats.number(kept.get('exceptions'), decimals=0)} of "
        f"{formats.number(kept.get('expected_exceptions'), decimals=1)}",
        formats.count(kept.get("n_obs")),
        formats.number(kept.get("kupiec_p_value"), decimals=3),
        formats.number(kept.get("independence_p_value"), decimals=3),
        _verdict(kept),
    )


def _verdict(kept: dict[str, Any]) -> str:
    chance = kept.get("christoffersen_p_value")
    if chance is None:
        return formats.MISSING
    if chance < _DOUBTFUL:
        return f":orange[:material/warning:{_SPACE}does{_SPACE}not{_SPACE}fit]"
    if not kept.get("record_is_sufficient"):
        return ":gray[too few expected to tell]"
    return f":green[:material/check:{_SPACE}fits]"
