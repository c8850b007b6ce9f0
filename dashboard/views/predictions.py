"""What the model says of each symbol, why, and how far to trust it."""

import json
from typing import Any

import streamlit as st

from dashboard import data, figures, formats, states, tables
from dashboard.cards import model_card, reading
from dashboard.panels import forecasts, strategies, universe

_MOST_SHOWN = 20

st.title("Predictions", anchor=False)
found = data.predictions()
version = data.version(found["model_version"][0] if found.height else None)
if found.is_empty():
    states.empty(
        "No prediction yet.",
        why="The model is trained in the first daily run.",
        then="It takes a few minutes after the desk's first start; Today shows how far it is.",
    )
    if version.height:
        model_card.show(version.row(0, named=True))
    st.stop()

first = found.row(0, named=True)
counts = data.standing(str(first["model_version"])) if version.height else None
horizon = formats.counted(int(first["horizon"]), "session")
if counts is None or counts.status != "champion":
    why = (
        "It has not passed all its gates." if counts is None or not counts.reason else counts.reason
    )
    st.markdown(
        f":orange-badge[:material/info: advisory] The model {first['model_version']} is no "
        f"champion here. {why} What it says is advice: paper only, small positions, outside the "
        "track record. Expect it to be wrong nearly as often as right."
    )
if first["simulated"]:
    st.markdown(":violet-badge[simulated] Simulated minutes went into these predictions.")

left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader(f"Chance to beat the S&P 500 over {horizon}", anchor=False)
    tables.show(
        [
            tables.text("Symbol"),
            tables.figure("Probability"),
            tables.figure("Expected"),
            tables.figure("80 % range"),
            tables.figure("Volatility a year"),
        ],
        [
            (
                f"**{row['symbol']}**",
                formats.probability(row["probability"]),
                formats.percent(row["expected_return"], signed=True),
                formats.percent_range(row["low"], row["high"]),
                formats.percent(row["volatility"]),
            )
            for row in found.head(50).iter_rows(named=True)
        ],
    )
    st.caption(
        f"After the close of {formats.day(first['session'])} · expected return in excess of the "
        f"index · source `models.predictions`, snapshot {first['snapshot_id']}"
    )
    figures.show(
        figures.spans(
            [
                figures.Span(row["symbol"], row["low"], row["expected_return"], row["high"])
                for row in found.head(_MOST_SHOWN).iter_rows(named=True)
            ]
        ),
        key="prediction-spans",
        alt="Expected return and 80 % range for each symbol; the table above has the figures",
        as_of=first["session"],
        source="`models.predictions`",
    )


def _reasons(row: dict[str, Any]) -> None:
    reasons = [reading.reason(told) for told in json.loads(row["contributions"])[:8]]
    if not reasons:
        states.empty(
            "Nothing moved it.",
            why="No feature whose value is known moved this probability.",
        )
        return
    figures.show(
        figures.contributions([r.meaning for r in reasons], [r.points for r in reasons]),
        key=f"reasons-{row['symbol']}",
        alt="Contributions in percentage points: "
        + "; ".join(
            f"{r.meaning} {formats.number(r.points, decimals=1, signed=True)}" for r in reasons
        ),
        as_of=row["session"],
        source=f"model {row['model_version']}",
    )


with right:
    st.subheader("What moved it from the base rate", anchor=False)
    symbol = st.segmented_control(
        "Symbol",
        found["symbol"].head(_MOST_SHOWN).to_list(),
        default=first["symbol"],
        key="prediction-symbol",
        label_visibility="collapsed",
        required=True,
    )
    _reasons(found.filter(found["symbol"] == (symbol or first["symbol"])).row(0, named=True))
    cases, hit_rate = data.live_score()
    if cases:
        st.markdown(
            f"Live hit rate so far: **{formats.percent(hit_rate)}** of "
            f"{formats.counted(cases, 'matured prediction')}."
        )
    else:
        st.markdown(
            f":gray[No live prediction has matured yet; the first does {horizon} after its entry.]"
        )

if version.height:
    model_card.show(version.row(0, named=True))
    forecasts.show(str(version["model_version"][0]))
strategies.show()
universe.show()
