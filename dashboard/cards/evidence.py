"""The right half of a card: why, and how far to trust it."""

from collections.abc import Sequence
from datetime import date

import polars as pl
import streamlit as st

from dashboard import data, figures, formats
from dashboard.cards import protection, words
from dashboard.cards.content import Content, Gate, Prediction, Trust
from ledger.pages import Leg, Proposal

_BARS = 90


def show(proposal: Proposal, content: Content) -> None:
    """Why, its chart, the doubts."""
    if content.prediction is not None:
        _why(proposal, content.prediction)
    elif words.is_flatten(proposal):
        st.markdown(
            "**Why.** A person asked to close every position. It is sent even while trading is "
            "halted. Stops of these positions are cancelled as their orders go out."
        )
    elif words.follows_split(proposal):
        st.markdown(after_split_sentence(proposal))
    elif proposal.model_version is not None:
        st.markdown("**Why.** The model's forecasts of the session, put together as one book.")
    else:
        st.markdown(_by_hand(proposal))
    _doubts(content, advisory=proposal.advisory)


def _by_hand(proposal: Proposal) -> str:
    """Who entered it and why, as it is signed."""
    who = data.names().get(proposal.entered_by or "", "")
    said = proposal.content.get("reason")
    by = f" by {formats.plain(who)}" if who else ""
    reason = f": “{formats.plain(str(said))}”." if said else "."
    return f"**Why.** Entered by hand{by}{reason} No model stands behind it."


def after_split_sentence(proposal: Proposal) -> str:
    """What the split ended, and what signing gives back."""
    said = proposal.content.get("reason") or "A split ended the stops of this position."
    return (
        f"**Why.** {formats.plain(str(said))} This gives the position the same cover back, in new "
        "shares at new prices. No model stands behind it."
    )


def why_sentence(symbol: str, prediction: Prediction) -> str:
    """The prediction in words."""
    base = (
        ""
        if prediction.base_rate is None
        else f" Base rate {formats.probability(prediction.base_rate)}."
    )
    return (
        f"**Why.** The model gives {symbol} **{formats.probability(prediction.probability)}** "
        f"to beat the S&P 500 over {formats.counted(prediction.horizon, 'session')}; "
        f"expected {formats.percent(prediction.expected_return, signed=True)}, 80 % range "
        f"{formats.percent_range(prediction.low, prediction.high)}.{base}"
    )


def trust_sentence(trust: Trust) -> str:
    """The record of predictions like this one, in words."""
    verdict = "not distinguishable from luck"
    if not trust.is_like_luck:
        verdict = "better than luck" if trust.right > trust.base_rate else "worse than luck"
    return (
        f"When it said {formats.number(100 * trust.said_low, decimals=0)}–"
        f"{formats.probability(trust.said_high)}, it was right "
        f"{formats.probability(trust.right)} of the time "
        f"({formats.counted(trust.cases, 'case')}, 95 % range "
        f"{formats.number(100 * trust.right_low, decimals=0)}–"
        f"{formats.probability(trust.right_high)}): {verdict}."
    )


def gates_sentence(gates: Sequence[Gate]) -> str:
    """How many gates are met, and which are not."""
    met = sum(gate.passed for gate in gates)
    unmet = [formats.plain(gate.sentence) for gate in gates if not gate.passed]
    text = f"It meets {met} of {formats.counted(len(gates), 'gate')}."
    return f"{text} Not met: {'; '.join(unmet)}." if unmet else text


def _why(proposal: Proposal, prediction: Prediction) -> None:
    symbol = proposal.legs[0].symbol
    st.markdown(why_sentence(symbol, prediction))
    if not prediction.reasons:
        st.markdown("No feature whose value is known moved the probability.")
    else:
        figures.show(
            figures.contributions(
                [reason.meaning for reason in prediction.reasons],
                [reason.points for reason in prediction.reasons],
            ),
            key=f"why-{proposal.code}",
            alt="What moved the probability from the base rate: "
            + "; ".join(
                f"{r.meaning} {formats.number(r.points, decimals=1, signed=True)} points"
                for r in prediction.reasons
            ),
            as_of=proposal.session,
            source=f"model {proposal.model_version}",
        )


def _doubts(content: Content, *, advisory: bool) -> None:
    parts = []
    if content.trust is not None:
        parts.append(trust_sentence(content.trust))
    if content.gates:
        parts.append(gates_sentence(content.gates))
    if advisory:
        begun = "So it is" if parts else "It is"
        parts.append(f"{begun} **advisory**: paper only, small, and outside the track record.")
    if parts:
        st.markdown("**How far to trust it.** " + " ".join(parts))


def price_chart(proposal: Proposal, content: Content, closes: pl.DataFrame) -> None:
    """Closes with the limit, the stop and the forecast's range; nothing without a history."""
    if closes.height < 2:
        return
    leg = proposal.legs[0]
    last = float(closes["close"][-1])
    session: date = closes["session"][-1]
    forecast = band = ""
    if content.prediction is not None:
        forecast, band = ", and the forecast's 80 % range", "; band: model"
    figures.show(
        figures.price(
            closes["session"].to_list()[-_BARS:],
            closes["close"].to_list()[-_BARS:],
            marks=marks(leg),
            band=_band(content.prediction, last),
            height=170,
        ),
        key=f"price-{proposal.code}",
        alt=f"{leg.symbol} closes in USD to {formats.day(session)}, last {formats.price(last)}, "
        f"with limit and stop{forecast}",
        as_of=session,
        source=f"`market.daily_bars`, adjusted for splits{band}",
    )


def marks(leg: Leg) -> list[figures.Mark]:
    """Return the levels of a leg that its chart shows: limit or target, and stop."""
    found = []
    if leg.limit_price is not None:
        name = "Target" if leg.order_class is not None else "Limit"
        found.append(figures.Mark(name, float(leg.limit_price)))
    for name, at, dashed in protection.levels(leg):
        found.append(figures.Mark(name, at, dashed=dashed))
    return found


def _band(prediction: Prediction | None, last: float) -> figures.Band | None:
    if prediction is None:
        return None
    return figures.Band(
        low=last * (1 + prediction.low),
        high=last * (1 + prediction.high),
        middle=last * (1 + prediction.expected_return),
        sessions=prediction.horizon,
    )
