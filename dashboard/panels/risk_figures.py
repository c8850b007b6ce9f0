"""The risk figures of the last close: what could be lost, by whom, and whether figures held."""

from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from config import scenarios
from dashboard import figures, formats, states, tables
from dashboard.panels import var_record

_MEASURES = {
    "value_at_risk": "Value at risk",
    "undiversified_value_at_risk": "Value at risk if all fell together",
    "volatility": "Volatility a year",
    "beta": "Beta to the index",
    "drawdown": "Drawdown now",
    "maximum_drawdown": "Largest drawdown",
    "days_to_exit": "Sessions to be out",
    "average_correlation": "Mean correlation",
    "correlation_break_p_value": "Chance that correlations are as before",
}
_METHODS = {
    "historical": "Historical",
    "filtered": "Historical at today's volatility (GARCH)",
    "normal": "Normal",
    "cornish_fisher": "Cornish–Fisher",
    "monte_carlo": "Monte Carlo, normal",
    "student": "Monte Carlo, fat tails",
}
_TAILS = ("value_at_risk", "expected_shortfall")
_HEADLINE = "historical"  # the others are drawn, and stand under "every method"
# Figures of the holdings as they are: no horizon, no past to observe.
_OF_TODAY = (
    "gross_exposure", "net_exposure", "long_exposure", "short_exposure", "largest_position",
    "concentration", "days_to_exit", "stress",
)  # fmt: skip
_OF_RECORDS = (
    "exceptions", "expected_exceptions", "record_is_sufficient", "kupiec_p_value",
    "independence_p_value", "christoffersen_p_value", "basel_plus_factor",
)  # fmt: skip
_MOST_BARS = 12


def show(found: pl.DataFrame) -> None:
    """Draw every section; each says what is missing."""
    total = found.filter(pl.col("portfolio") == "total")
    is_stress = pl.col("measure").str.starts_with("stress")
    is_record = pl.col("measure").is_in(_OF_RECORDS)
    left, right = st.columns([5, 4], gap="large")
    with left:
        _losses(total.filter(~is_stress & ~is_record))
    with right:
        st.subheader("Stress", anchor=False)
        stress = total.filter(is_stress)
        if stress.is_empty():
            states.empty("No stress figure yet.", then="They come with the risk figures.")
        else:
            _stress(stress)
        _by_symbol(found.filter(pl.col("portfolio") != "total"))
    var_record.show(total.filter(is_record))


def _losses(found: pl.DataFrame) -> None:
    st.subheader("What the portfolio could lose", anchor=False)
    if found.is_empty():
        states.empty(
            "No risk figure yet.",
            why="They are computed after each close from the holdings of that session.",
            then="The first come with the first daily run after a fill.",
        )
        return
    is_tail = pl.col("measure").is_in(_TAILS)
    is_first = (pl.col("method") == _HEADLINE) & (pl.col("horizon") == 1)
    shown = found.filter(~is_tail | is_first)
    _table(shown.sort(pl.col("measure").map_elements(_rank, return_dtype=pl.Int64), "level"))
    tails = found.filter(is_tail)
    if tails.height > tails.filter(is_first).height:
        _methods_beside(tails.filter(pl.col("horizon") == 1))
        with st.expander("Every method and horizon"):
            _every_method(tails)


def _methods_beside(tails: pl.DataFrame) -> None:
    """How far the methods agree about tomorrow."""
    values = {
        (row["method"], _tail(row["measure"], row["level"])): row["value"]
        for row in tails.sort("level", "measure", descending=[False, True]).iter_rows(named=True)
    }
    methods = sorted({method for method, _ in values}, key=_place)
    measures = dict.fromkeys(measure for _, measure in values)
    named = [_METHODS.get(method, method) for method in methods]
    shares = {m: [values.get((method, m)) for method in methods] for m in measures}
    figures.show(
        figures.losses_by_method(named, shares),
        key="losses-by-method",
        alt="Loss in one session by method, share of equity: "
        + "; ".join(
            f"{name}: "
            + ", ".join(f"{m} {formats.percent(of[i], decimals=2)}" for m, of in shares.items())
            for i, name in enumerate(named)
        ),
        as_of=tails["session"][0],
        source="`risk.figures`, one session ahead",
    )


def _tail(measure: str, level: float) -> str:
    meaning = "Loss" if measure == "value_at_risk" else "Mean beyond"
    return f"{meaning} {formats.percent(level, decimals=0)}"


def _every_method(tails: pl.DataFrame) -> None:
    columns = (
        tails.select("horizon", "level", "measure")
        .unique()
        .sort("horizon", "level", "measure", descending=[False, False, True])
    )
    values = {
        (row["method"], row["horizon"], row["level"], row["measure"]): row["value"]
        for row in tails.iter_rows(named=True)
    }
    asked = list(columns.iter_rows())
    tables.show(
        [
            tables.text("Method"),
            *(
                tables.figure(f"{_tail(measure, level)}, {formats.counted(horizon, 'session')}")
                for horizon, level, measure in asked
            ),
        ],
        [
            (
                _METHODS.get(method, formats.plain(method)),
                *(formats.percent(values.get((method, *which)), decimals=2) for which in asked),
            )
            for method in sorted({key[0] for key in values}, key=_place)
        ],
    )


def _rank(measure: str) -> int:
    """Holdings first, then how they swing, then what they could lose."""
    known = (*_OF_TODAY, "beta", "volatility", *_TAILS, "undiversified_value_at_risk")
    return known.index(measure) if measure in known else len(known)


def _place(method: str) -> tuple[int, str]:
    """Where a method stands among the known ones; the others come last, by name."""
    known = list(_METHODS)
    return (known.index(method) if method in known else len(known), method)


def _by_symbol(found: pl.DataFrame) -> None:
    if found.is_empty():
        return
    st.subheader("Whose risk it is", anchor=False)
    values = {
        (row["portfolio"], row["measure"]): row["value"] for row in found.iter_rows(named=True)
    }
    symbols = sorted(
        {symbol for symbol, _ in values},
        key=lambda symbol: -(values.get((symbol, "component_value_at_risk")) or 0.0),
    )
    shares = [values.get((symbol, "component_value_at_risk")) or 0.0 for symbol in symbols]
    _bars(
        symbols[:_MOST_BARS],
        shares[:_MOST_BARS],
        key="risk-by-symbol",
        meaning="Share of the value at risk",
        session=found["session"][0],
    )
    tables.show(
        [
            tables.text("Symbol"),
            tables.figure("Of value at risk"),
            tables.figure("Of expected shortfall"),
            tables.figure("Sessions to be out"),
        ],
        [
            (
                f"**{formats.plain(symbol)}**",
                formats.percent(values.get((symbol, "component_value_at_risk")), decimals=2),
                formats.percent(values.get((symbol, "component_expected_shortfall")), decimals=2),
                formats.number(values.get((symbol, "days_to_exit")), decimals=2),
            )
            for symbol in symbols
        ],
    )
    st.caption(
        "Shares of equity that add up to the portfolio's figure; a negative one hedges the others "
        "· out at 10 % of the usual volume · source `risk.figures`"
    )


def _stress(found: pl.DataFrame) -> None:
    named = _scenario_labels()
    rows = [
        (named.get(row["measure"], formats.plain(row["measure"])), row["method"], row["value"])
        for row in found.sort("value", descending=True).iter_rows(named=True)
    ]
    _bars(
        [label for label, _, _ in rows],
        [loss for _, _, loss in rows],
        key="stress",
        meaning="Loss if it happened to today's holdings",
        session=found["session"][0],
    )
    with st.expander("How each was reckoned"):
        tables.show(
            [tables.text("If this happened to today's holdings"), tables.text("How"),
             tables.figure("Loss, share of equity")],
            [
                (
                    label,
                    formats.plain(str(method).replace("_", " ")),
                    formats.percent(loss, decimals=1),
                )
                for label, method, loss in rows
            ],
        )  # fmt: skip
    st.caption(
        f"Holdings of {formats.day(found['session'][0])}, the costliest first · scenarios and "
        "their reasons: `scenarios.toml` · source `risk.figures`"
    )


def _bars(labels: list[str], shares: list[float], *, key: str, meaning: str, session: date) -> None:
    figures.show(
        figures.losses(labels, shares),
        key=key,
        alt=f"{meaning}, share of equity: "
        + "; ".join(
            f"{label} {formats.percent(share, decimals=2)}"
            for label, share in zip(labels, shares, strict=True)
        ),
        as_of=session,
        source="`risk.figures`",
    )


def _table(found: pl.DataFrame) -> None:
    tables.show(
        [
            tables.text("Measure"),
            tables.text("Method"),
            tables.text("Horizon"),
            tables.figure("Figure"),
            tables.figure("Observations"),
        ],
        [_measure(row) for row in found.iter_rows(named=True)],
    )
    st.caption(
        f"After the close of {formats.day(found['session'][0])} · losses are positive, as shares "
        "of equity unless said otherwise · source `risk.figures`"
    )


def _measure(row: dict[str, Any]) -> tuple[str, ...]:
    level = "" if row["level"] is None else f" {formats.percent(row['level'], decimals=1)}"
    is_of_today = str(row["measure"]).startswith(_OF_TODAY)
    named = _MEASURES | _scenario_labels()
    name = named.get(row["measure"], str(row["measure"]).replace("_", " ").capitalize())
    return (
        f"{name}{level}",
        formats.plain(str(row["method"]).replace("_", " ")),
        formats.MISSING if is_of_today else formats.counted(int(row["horizon"]), "session"),
        formats.number(row["value"])
        if row["unit"] == "sessions"
        else formats.measured(row["value"], unit=str(row["unit"])),
        formats.MISSING if is_of_today else formats.count(int(row["n_obs"])),
    )


@st.cache_data(ttl=60, max_entries=1, show_spinner=False)
def _scenario_labels() -> dict[str, str]:
    found = scenarios.load().scenarios
    return {f"stress_{name}": formats.plain(told.label) for name, told in found.items()}
