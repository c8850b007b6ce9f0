"""The left half of a card: the sentence, the money, the risk, the price and the clock."""

from datetime import datetime
from decimal import Decimal

import streamlit as st

from dashboard import data, formats, navigation, signin, states, tables
from dashboard.cards import legs, protection, replaced, words
from dashboard.cards.content import Content, Effect
from ledger.market import Clock, Quote
from ledger.pages import Leg, Proposal
from ledger.people import Person
from trading.signatures import beyond, drift


def show(proposal: Proposal, content: Content, person: Person) -> None:
    """What it is, what it costs and risks, and until when."""
    st.markdown(f"## {words.sentence(proposal)}", anchors=False)
    label = f" :violet-badge[{formats.plain(content.label)}]" if content.label else ""
    st.markdown(f":gray[{words.kind(proposal)}]{label}")
    for sentence in money_sentences(proposal, content):
        st.markdown(sentence)
    replaced.show(proposal)
    tactic = next((leg.get("tactic") for leg in proposal.content.get("legs", ())), None)
    if len(proposal.legs) > 1:
        legs.live(proposal.code)
    elif tactic is not None:
        st.markdown(f"**Worked.** {legs.worked(tactic)}; never beyond its limit.")
    if content.effects:
        tables.show(
            [
                tables.text(""),
                tables.figure("before"),
                tables.figure("after"),
                tables.figure("limit"),
            ],
            [_effect(effect) for effect in content.effects],
        )
        then = formats.moment(proposal.created_market_at)
        st.caption(
            f"As the account stood when this was proposed, {then} New York. Every check is made "
            "again before anything is sent."
        )
    _price(proposal.code)
    if content.data is not None:
        st.markdown(_data(content))
    if proposal.state != "open":
        return
    st.markdown(f"**Signatures.** {signatures_sentence(proposal, person)}")
    st.markdown(f"**If you do nothing.** {nothing_sentence(proposal, data.desk().clock)}")


def money_sentences(proposal: Proposal, content: Content) -> list[str]:
    """What it costs at most, and what the stop would lose."""
    if len(proposal.legs) > 1:
        return [many_sentence(proposal, content)]
    if proposal.legs[0].protects:
        return [protection.money_sentence(proposal.legs[0], content)]
    sells = all(leg.side == "sell" for leg in proposal.legs)
    found = [
        f"Brings in at least **{formats.money(proposal.notional)}**."
        if sells
        else f"Costs at most **{formats.money(proposal.notional)}**."
    ]
    found[0] += _exits(proposal.legs[0], content, sells=sells)
    return found


def _exits(leg: Leg, content: Content, *, sells: bool) -> str:
    """What the stop and the target of an entry do."""
    stop, target, text = leg.stop_loss_price, leg.take_profit_price, ""
    if stop is not None and content.loss_to_stop is not None:
        share = (
            f"{formats.percent(content.loss_to_stop / content.equity)} of equity; "
            if content.equity
            else ""
        )
        lasts = (
            "ends with the session" if leg.time_in_force == "day" else "stands until it is canceled"
        )
        text = (
            f" If the stop at {formats.price(stop)} is hit, you lose about "
            f"**{formats.money(content.loss_to_stop)}** ({share}a gap can cost more)."
            f" The stop {lasts}."
        )
    elif not sells:
        text = " No stop is attached; the loss is not bounded by an order."
    if target is not None:
        with_it = ", and the stop goes away with it" if stop is not None else ""
        text += f" At {formats.price(target)} a target closes the position{with_it}."
    return text


def many_sentence(proposal: Proposal, content: Content) -> str:
    """What several legs bring in and cost together."""

    def total(side: str) -> Decimal:
        each = (
            leg.quantity * (leg.limit_price or leg.reference_price)
            for leg in proposal.legs
            if leg.side == side and not leg.protects
        )
        return sum(each, Decimal(0))

    sold, bought = total("sell"), total("buy")
    if all(leg.protects for leg in proposal.legs):
        return "They only close what is held; nothing is traded before the price comes there."
    at_market = any(leg.limit_price is None and not leg.protects for leg in proposal.legs)
    parts = []
    if sold:
        parts.append(f"Brings in {'about' if at_market else 'at least'} **{formats.money(sold)}**")
    if bought:
        parts.append(f"costs {'about' if at_market else 'at most'} **{formats.money(bought)}**")
    text = " and ".join(parts)
    lost = content.loss_to_stop
    risk = f" If every stop is hit, you lose about **{formats.money(lost)}**." if lost else ""
    return f"{text[:1].upper()}{text[1:]}, if all of it is filled. Sales go first.{risk}"


def price_sentence(
    proposal: Proposal, quote: Quote | None, price: Decimal | None, *, now: datetime
) -> str:
    """Reference, price now, drift, and the bound of a signature."""
    leg = proposal.legs[0]
    bound = formats.percent(proposal.drift_bound, decimals=2)
    edge = f"±{bound}" if proposal.drift_direction == "both" else f"{bound} against us"
    start = f"**Price.** Proposed at {formats.price(leg.reference_price)}"
    end = f" A signature lapses beyond {edge}."
    if quote is None or price is None:
        return f"{start}; {no_price(quote)}.{end}"
    moved = price / leg.reference_price - 1
    shown = f"{start}, now {formats.price(price)} ({formats.drift(moved)})"
    if states.is_stale(quote.received_at, now=now):
        old = states.stale_sentence(quote.quoted_at, quote.received_at, now=now)
        return f":gray[{shown}, {old}.]{end}"
    return f"{shown}.{end}"


def no_price(quote: Quote | None) -> str:
    """Why a quote tells no price: there is none yet, or it is too wide."""
    if quote is None or quote.bid is None or quote.ask is None:
        return "no quote yet"
    bid, ask = formats.price(quote.bid), formats.price(quote.ask)
    return f"bid {bid} and ask {ask} are too far apart to be a price"


def price_now(proposal: Proposal) -> Decimal | None:
    """What a share of its first leg costs now, USD.

    Of shares that are to be closed, where no quote tells, what the broker values them at: a wide
    quote must not keep people from signing an exit, which then waits for a better one.
    """
    leg = proposal.legs[0]
    told = data.price(leg.symbol)
    held = data.positions().get(leg.symbol) if told is None and leg.reduces else None
    return told if held is None else held.market_price


def has_drifted(proposal: Proposal, price: Decimal | None) -> bool:
    """Whether the price has left the bound of a signature already: none is recorded there."""
    if price is None:
        return False
    leg = proposal.legs[0]
    moved = drift(reference=leg.reference_price, price=price)
    bound, direction = proposal.drift_bound, proposal.drift_direction
    return beyond(moved, side=leg.side, bound=bound, direction=direction)


def can_be_repriced(proposal: Proposal) -> bool:
    """Whether a new price can be asked for: the desk prices one order anew, not a whole book."""
    return len(proposal.legs) == 1


def way_out(proposal: Proposal) -> str:
    """What to do where the price has left the bound."""
    if can_be_repriced(proposal):
        return "Ask for a new price."
    return "It can be signed once the price is back within it."


def signatures_sentence(proposal: Proposal, person: Person) -> str:
    """How many are needed, who has signed, and whether anyone else can."""
    threshold = formats.money(proposal.four_eyes_notional)
    given = [m for m in proposal.marks if m.kind == "sign" and m.withdrawn_at is None]
    if proposal.signatures_needed <= 1:
        return f"One needed (two above {threshold})."
    text = f"Two needed, since it is above {threshold}."
    mine = [mark for mark in given if mark.person_id == person.person_id]
    if mine:
        text = (
            f"You signed at {formats.clock(mine[0].market_at)}. A second person must sign before "
            f"{formats.clock(proposal.valid_until)}; you cannot sign twice."
        )
    elif given:
        who = ", ".join(formats.plain(mark.person) for mark in given)
        text += f" {who} has signed; one more is needed."
    return text + _nobody_else(proposal, person, {mark.person_id for mark in given})


def _nobody_else(proposal: Proposal, person: Person, given: set[str]) -> str:
    able = {p.person_id for p in data.signatories()} - given - {proposal.entered_by or ""}
    missing = proposal.signatures_needed - len(given)
    if len(able) >= missing:
        return ""
    how = (
        "An admin can add one: `./desk user add NAME --role signatory`, who then signs in here "
        "under *Sign in as someone else*."
        if signin.kind(data.settings()) == "os"
        else "An admin can add one: `./desk user add NAME --role signatory`."
    )
    return f" :orange[Nobody else can give the second signature on this desk.] {how}"


def nothing_sentence(proposal: Proposal, clock: Clock | None) -> str:
    """What happens without a decision."""
    today = clock is not None and (
        proposal.valid_until.astimezone(formats.NEW_YORK).date() == clock.session
    )
    until = words.until(proposal.valid_until, session_today=today)
    text = f"It expires at {until}; nothing is sent."
    if clock is not None and clock.replay:
        text += " The replay waits for you before it closes."
    return text


@st.fragment(run_every=2)
def _price(code: str) -> None:
    found = data.proposals_by_code((code,))
    if not found:
        return
    proposal = found[0]
    symbol = proposal.legs[0].symbol
    price = data.price(symbol)
    st.markdown(price_sentence(proposal, data.quotes().get(symbol), price, now=data.now()))
    if proposal.state == "open" and has_drifted(proposal, price):
        st.markdown(
            ":orange[:material/warning: The price has left that bound: a signature given now would "
            f"not be recorded. {way_out(proposal)}]"
        )


def _effect(effect: Effect) -> tuple[str, str, str, str]:
    def shown(value: Decimal | None) -> str:
        if effect.unit == "USD":
            return formats.amount(value)
        return formats.percent(value)

    after = shown(effect.after)
    beyond = effect.limit is not None and effect.after is not None and effect.after > effect.limit
    label = effect.label + (", USD" if effect.unit == "USD" else "")
    return (
        formats.plain(label),
        shown(effect.now),
        f":red[**{after}**]" if beyond else after,
        shown(effect.limit),
    )


def _data(content: Content) -> str:
    bar = content.data
    assert bar is not None
    report = f" [See report]({navigation.report(bar.report)})" if bar.report else ""
    good = bar.passed == bar.checks
    mark = ":green[:material/check:]" if good else ":orange[:material/warning:]"
    return (
        f"**Data.** {mark} {formats.day(bar.session)} close: {bar.passed} of "
        f"{formats.counted(bar.checks, 'check')} passed (the rules that apply to this bar).{report}"
    )
