"""What cards say, against the sentences the desk agreed on."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from dashboard.cards import decision, denied, dialogs, evidence, life, words
from dashboard.cards.content import Check, Content, Gate, Prediction, Trust
from dashboard.panels.waiting import next_proposals
from ledger.market import Clock, Quote
from tests.unit.dashboard.samples import LEG, ORDER, PROPOSAL, SIGNATURE, VETO
from trading.limits import OVERRIDABLE
from trading.pretrade import CHECKS

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def _plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def _quote(last: str, *, age: timedelta = timedelta(0)) -> Quote:
    return Quote(
        symbol="IBM",
        bid=None,
        ask=None,
        last=Decimal(last),
        quoted_at=datetime(2012, 7, 3, 13, 14, tzinfo=UTC),
        received_at=NOW - age,
    )


def test_a_buy_names_the_most_it_pays_and_a_sale_the_least_it_takes() -> None:
    sale = replace(LEG, side="sell")

    assert _plain(words.order_sentence(LEG)) == "Buy 25 IBM at 195.93 USD or less"
    assert _plain(words.order_sentence(sale)) == "Sell 25 IBM at 195.93 USD or more"


def test_the_money_and_what_the_stop_loses() -> None:
    content = Content(
        prediction=None,
        trust=None,
        gates=(),
        effects=(),
        checks=(),
        data=None,
        loss_to_stop=Decimal("230.50"),
        equity=Decimal(100_000),
    )

    (sentence,) = decision.money_sentences(PROPOSAL, content)

    assert _plain(sentence) == (
        "Costs at most **4,898.25 USD**. If the stop at 186.71 is hit, you lose about "
        "**230.50 USD** (0.2 % of equity; a gap can cost more). The stop ends with the session."
    )


def test_what_would_fit_is_told_in_shares_money_and_share_of_equity() -> None:
    content = Content(
        prediction=None, trust=None, gates=(), effects=(), checks=(), data=None,
        loss_to_stop=None, equity=Decimal(100_000),
    )  # fmt: skip

    # 8 x 195.93 = 1,567.44
    assert _plain(denied.fits_sentence(Decimal(8), PROPOSAL, content)) == (
        "Fits: 8 shares, 1,567.44 USD, 1.6 % of equity."
    )


def _failed(code: str, *, limit: Decimal | None = Decimal("0.05")) -> Check:
    return Check(
        number=13, code=code, passed=False, warning=False, sentence="No.", figure=Decimal("0.06"),
        limit=limit, unit="fraction", fits=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "limit", "unit", "said"),
    [
        ("0.06", "0.05", "fraction", "**Limit.** 6.0 % is 1.00 points beyond 5.0 %."),
        ("0.0504", "0.05", "fraction", "**Limit.** 5.0 % is 0.04 points beyond 5.0 %."),
        (
            "12000",
            "9500.50",
            "USD",
            "**Limit.** 12,000.00 USD is 2,499.50 USD beyond 9,500.50 USD.",
        ),
        ("31", "30", "count", "**Limit.** 31 is 1 beyond 30."),
        ("3", "3", "count", "**Limit.** 3 has reached it."),
        ("3", "600", "seconds", ""),  # broker and ledger differ, though compared just now
        ("0.06", None, "fraction", ""),
    ],
)
def test_a_check_that_failed_says_how_far_its_figure_is_beyond_the_limit(
    figure: str, limit: str | None, unit: str, said: str
) -> None:
    most = None if limit is None else Decimal(limit)
    check = replace(_failed("too_large", limit=most), figure=Decimal(figure), unit=unit)

    assert _plain(denied.limit_sentence(check)) == said


def test_a_denial_says_how_its_limit_is_changed_and_only_where_a_limit_denied_it() -> None:
    told = denied.change_sentence([_failed("order_too_large")])

    assert "`./desk limit NAME VALUE" in told
    assert "`order_notional`, `order_volume_share`" in told
    assert denied.change_sentence([_failed("trading_state", limit=None)]) == ""
    assert denied.change_sentence([_failed("not_reconciled", limit=None)]) == ""


def test_the_limits_a_denial_names_are_those_of_the_checks_and_can_be_changed() -> None:
    named = {name for names in denied.LIMITS.values() for name in names}

    assert denied.LIMITS.keys() <= {check.code for check in CHECKS}
    assert named <= OVERRIDABLE


def test_an_order_says_why_a_held_replay_does_not_fill_it() -> None:
    held = Clock(
        now=datetime(2012, 7, 3, 16, 55, tzinfo=UTC), session=date(2012, 7, 3), is_open=True,
        next_open=None, next_close=None, early_close=True, replay=True, state="held",
        hold_reason="2 proposals to decide", pace=None, first_session=None, last_session=None,
        received_at=NOW,
    )  # fmt: skip
    waiting = replace(ORDER, state="accepted", filled_quantity=Decimal(0))

    assert "the replay stands still (2 proposals to decide)" in life.steps(waiting, held)
    assert "waiting for the market" in life.steps(waiting, replace(held, state="running"))
    assert "the replay is paused" in life.steps(waiting, replace(held, state="paused"))


def test_while_a_replay_waits_for_its_daily_run_the_next_proposals_are_of_this_close() -> None:
    closed = Clock(
        now=datetime(2012, 7, 2, 20, 0, tzinfo=UTC), session=date(2012, 7, 2), is_open=False,
        next_open=datetime(2012, 7, 3, 13, 30, tzinfo=UTC),
        next_close=datetime(2012, 7, 3, 17, 0, tzinfo=UTC), early_close=True, replay=True,
        state="held", hold_reason="after the close, until the daily run is done", pace=None,
        first_session=None, last_session=None, received_at=NOW,
    )  # fmt: skip

    assert next_proposals(closed).startswith("The proposals of Mon's close come when its daily")
    assert next_proposals(replace(closed, state="running", hold_reason=None)) == (
        "Next proposals after Tue's close, 13:00 New York."
    )


def test_the_price_tells_the_drift_and_the_bound() -> None:
    # 195.46 / 195.83 - 1 = -0.189 %
    sentence = decision.price_sentence(PROPOSAL, _quote("195.46"), Decimal("195.46"), now=NOW)

    assert _plain(sentence) == (
        "**Price.** Proposed at 195.83, now 195.46 (−0.19 %). A signature lapses beyond ±0.50 %."
    )


def test_a_quote_that_is_no_price_is_told_as_one() -> None:
    wide = replace(_quote("195.46"), bid=Decimal(100), ask=Decimal(250))

    assert "; bid 100.00 and ask 250.00 are too far apart to be a price." in _plain(
        decision.price_sentence(PROPOSAL, wide, None, now=NOW)
    )
    assert "; no quote yet." in decision.price_sentence(PROPOSAL, None, None, now=NOW)


def test_an_old_price_turns_grey_with_its_age() -> None:
    sentence = decision.price_sentence(
        PROPOSAL, _quote("195.46", age=timedelta(minutes=17)), Decimal("195.46"), now=NOW
    )

    assert sentence.startswith(":gray[")
    assert "(−0.19 %), as of 09:14, 17 minutes old.] A signature lapses" in _plain(sentence)


@pytest.mark.parametrize(
    ("last", "direction", "drifted"),
    [
        ("196.80", "both", False),  # +0.495 %
        ("196.82", "both", True),  # +0.506 %
        ("194.00", "both", True),  # -0.934 %
        ("194.00", "adverse", False),  # cheaper is good for a buyer
    ],
)
def test_drift_is_judged_by_bound_and_direction(
    last: str, direction: str, *, drifted: bool
) -> None:
    proposal = replace(PROPOSAL, drift_direction=direction)

    assert decision.has_drifted(proposal, Decimal(last)) is drifted


def test_the_life_of_a_signed_order_is_one_line() -> None:
    signed = replace(PROPOSAL, state="signed", marks=(SIGNATURE,))

    (line,) = life.lines(signed, (ORDER,))

    # 195.50 / 195.83 - 1 = -16.9 bps, a gain for the buyer
    assert _plain(line) == (
        ":green[:material/check_circle: Signed] Maria 09:31:07 → sent → accepted → "
        ":green[**filled**] 25 at 195.50, slippage −17 bps against 195.83"
    )


@pytest.mark.parametrize(
    ("limit", "stop", "said"),
    [
        ("195.93", None, "at 195.93"),
        (None, "186.71", "stop 186.71"),
        ("186.50", "186.71", "stop 186.71, at 186.50"),
        (None, None, "at market"),
    ],
)
def test_an_order_says_at_what_price_it_may_fill(
    limit: str | None, stop: str | None, said: str
) -> None:
    order = replace(
        ORDER,
        limit_price=Decimal(limit) if limit else None,
        stop_price=Decimal(stop) if stop else None,
    )

    assert words.terms(order) == said


def test_a_signed_order_that_has_to_wait_says_for_what() -> None:
    waits = replace(PROPOSAL.legs[0], waiting_sentence="Broker and ledger differ.")
    signed = replace(PROPOSAL, state="signed", marks=(SIGNATURE,), legs=(waits,))

    (line,) = life.lines(signed, ())

    assert line.endswith("Waits, not sent yet.] Broker and ledger differ.")


def test_the_stop_that_came_with_an_entry_is_not_told_as_signed_again() -> None:
    signed = replace(PROPOSAL, state="signed", marks=(SIGNATURE,))
    stop = replace(
        ORDER, side="sell", order_type="stop", state="accepted", filled_quantity=Decimal(0)
    )

    _, line = life.lines(signed, (ORDER, stop))

    assert _plain(line) == ":gray[Its stop, sell 25 IBM:] :blue[working]"


def test_before_the_order_exists_it_is_being_sent() -> None:
    signed = replace(PROPOSAL, state="signed", marks=(SIGNATURE,))

    (line,) = life.lines(signed, ())

    assert "sending" in line
    assert "usually 5–15 s" in line


def test_a_lapsed_leg_says_why_nothing_was_sent() -> None:
    sentence = "Not sent. IBM moved +0.61 % after you signed; your signature covered ±0.50 %."
    lapsed = replace(PROPOSAL, state="lapsed", note=sentence, marks=(SIGNATURE,))

    (line,) = life.lines(lapsed, ())

    assert "IBM moved +0.61 % after you signed; your signature covered ±0.50 %." in line


def test_an_unknown_outcome_is_never_called_a_rejection() -> None:
    line = life.steps(replace(ORDER, state="unresolved", filled_quantity=Decimal(0)))

    assert "will not send it again until we know" in line
    assert "rejected" not in line


def test_a_veto_names_person_reason_and_words() -> None:
    (line,) = life.lines(replace(PROPOSAL, state="vetoed", marks=(VETO,)), ())

    assert "Vetoed" in line
    assert "Maria: news. “Earnings tonight”" in line
    assert "We will follow what it would have done." in line


def test_the_dialog_repeats_what_is_signed_and_where_it_goes() -> None:
    text = _plain(" ".join(dialogs.confirmation(PROPOSAL)))

    assert "**Buy 25 IBM at 195.93 USD or less**, good for today, stop 186.71." in text
    assert "at most **4,898.25 USD**" in text
    assert "paper venue within about 15 seconds" in text


def test_the_reason_and_the_doubts_are_told_in_the_agreed_words() -> None:
    prediction = Prediction(0.56, 0.004, -0.024, 0.032, 5, 0.52, 0.195, ())
    trust = Trust(0.55, 0.60, 0.53, 0.48, 0.58, 388, base_rate=0.52)
    gates = (Gate("hit", passed=True, sentence=""), Gate("sharpe", passed=False, sentence="Sharpe"))

    assert _plain(evidence.why_sentence("IBM", prediction)) == (
        "**Why.** The model gives IBM **56 %** to beat the S&P 500 over 5 sessions; expected "
        "+0.4 %, 80 % range −2.4 to +3.2 %. Base rate 52 %."
    )
    assert _plain(evidence.trust_sentence(trust)) == (
        "When it said 55–60 %, it was right 53 % of the time (388 cases, 95 % range 48–58 %): "
        "not distinguishable from luck."
    )
    assert evidence.gates_sentence(gates) == "It meets 1 of 2 gates. Not met: Sharpe."
