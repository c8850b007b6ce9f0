"""Classical strategies beside the model's policy: what they want, and how far to trust it."""

import polars as pl
import streamlit as st

from config.strategies import StrategiesSettings
from dashboard import data, formats, states, tables
from dashboard.cards import beside_gates
from quant.gates import title
from quant.signals import REVERSION, SWING, strategy_name

_SIDES = {1: "buy", 0: "nothing", -1: "sell short"}
_ASKED = {
    False: "",
    True: ", where the model agrees",
    "meta": ", where a second model that learnt from such entries agrees",
}


def show() -> None:
    """What the classical strategies that are on want, beside the model."""
    told = data.settings().strategies
    if told.swing != "off":
        _swing(told)
    if told.reversion != "off":
        name = strategy_name(REVERSION, filtered=told.reversion_filter)
        st.subheader("Mean reversion by the minute", anchor=False)
        unmet = _word(
            name, "They make no proposal: nobody could sign in time for what a minute decides."
        )
        _reversion()
        _lived(name)
        _unmet(unmet)
        beside_gates.show(name)


def _word(name: str, use: str) -> pl.DataFrame:
    """Say how far the rules are to be trusted; return the gates that are not met."""
    gates = data.gates(name)
    unmet = gates.filter(~pl.col("passed"))
    if gates.is_empty() or unmet.height:
        judged = (
            f"have met {gates.height - unmet.height} of {formats.counted(gates.height, 'gate')}"
            if gates.height
            else "have not been judged yet"
        )
        st.markdown(f":orange-badge[:material/info: advisory] These rules {judged}. {use}")
    return unmet


def _unmet(unmet: pl.DataFrame) -> None:
    if unmet.height:
        with st.expander("Gates that are not met"):
            for row in unmet.iter_rows(named=True):
                st.markdown(
                    f"**{formats.plain(title(str(row['gate'])))}.** "
                    f"{formats.plain(row['sentence'])} {formats.plain(row['reason'])}"
                )


def _lived(name: str) -> None:
    """What following the rules through the stored minutes came to."""
    told = data.model_evidence(name).get("minutes")
    if not told or not told["sessions"]:
        return
    st.caption(
        f"Followed through {formats.counted(told['sessions'], 'session')} with minutes, "
        f"{told['first']} to {told['last']}: {formats.counted(told['trades'], 'trade')}, "
        f"{formats.percent(told['net_return'], decimals=2, signed=True)} of equity after costs"
        f"{', on simulated minutes' if told['simulated'] else ''} · source `models.evidence`"
    )


def _reversion() -> None:
    """What the intraday rules wanted last; nothing while the feed is in trouble."""
    if trouble := data.feed_trouble():
        states.empty("No intraday signal now.", why=trouble)
        return
    found = data.intraday_signals()
    if found.is_empty():
        states.empty("No intraday signal yet.", why="The rules follow the open market.")
        return
    if found["simulated"].any():
        st.markdown(":violet-badge[simulated] These minutes are simulated.")
    tables.show(
        [
            tables.text("Symbol"), tables.text("Wanted"), tables.figure("Close, USD"),
            tables.figure("Stop, USD"), tables.text("After the minute"),
        ],
        [
            (
                f"**{row['symbol']}**",
                _SIDES[row["side"]],
                formats.price(row["close"]),
                formats.price(row["stop"]),
                formats.new_york(row["bar_start"]),
            )
            for row in found.head(50).iter_rows(named=True)
        ],
    )  # fmt: skip
    st.caption(
        f"{formats.day(found['session'][0])} · more than two deviations from the session's VWAP "
        "and oversold; flat by the close · source `portfolio.intraday_signals`"
    )


def _swing(told: StrategiesSettings) -> None:
    """The swing strategy's signals after the newest close, its gates and its capacity."""
    name = strategy_name(SWING, filtered=told.swing_filter)
    st.subheader("Swing trend following", anchor=False)
    use = "It makes proposals" if told.swing == "proposed" else "It makes no proposal"
    unmet = _word(name, f"{use} (`strategies.swing`).")
    found = data.signals().filter(pl.col("strategy") == name)
    if found.is_empty():
        states.empty("No signal yet.", why="The rules are followed in each daily run.")
    else:
        tables.show(
            [tables.text("Symbol"), tables.text("Wanted"), tables.figure("Share of equity")],
            [
                (
                    f"**{row['symbol']}**",
                    "held or to buy" if row["target_weight"] > 0 else "not wanted",
                    formats.percent(row["target_weight"]),
                )
                for row in found.head(50).iter_rows(named=True)
            ],
        )
        asked = _ASKED[told.swing_filter]
        st.caption(
            f"After the close of {formats.day(found['session'][0])} · bought on a pull-back in a "
            f"rising trend{asked}; left after 10 sessions, below a stop of 3 average true ranges, "
            "or when the trend turns · source `portfolio.signals`"
        )
    if second := data.model_evidence(name).get("filter"):
        st.caption(str(second["sentence"]))
    _unmet(unmet)
    beside_gates.show(name)
