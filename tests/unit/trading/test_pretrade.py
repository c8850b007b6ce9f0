from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trading.pictures import (
    ACCOUNT,
    BUY,
    CLOSE,
    HOLDING,
    LIMITS,
    NOW,
    PICTURE,
    TERMS,
    result,
)
from trading.broker import BrokerAsset
from trading.picture import (
    Activity,
    DataNow,
    Holding,
    MarketNow,
    ModelNow,
    QuoteNow,
    RecentOrder,
    Reconciled,
    WorkingOrder,
)
from trading.pretrade import CHECKS, denials, gravest, judge, judge_leg
from trading.proposals import Leg
from trading.state import TradingState

D = Decimal
ASSET = PICTURE.assets["IBM"]
IDLE = Activity(last_minute=0, today=0, symbol_today={}, recent=())


def leg(**changes: Any) -> Leg:
    return replace(BUY, **changes)


def working(**changes: Any) -> WorkingOrder:
    made = WorkingOrder("IBM", "buy", D(1), D("195.93"), "limit", "p0", 1)
    return replace(made, **changes)


def quote(last: str, age: int = 5) -> dict[str, QuoteNow]:
    return {"IBM": QuoteNow(None, None, D(last), age)}


def recent(age: int) -> Activity:
    return replace(IDLE, recent=(RecentOrder("IBM", "buy", D(25), age, "p0", 1),))


def account(**changes: Any) -> dict[str, Any]:
    return {"account": replace(ACCOUNT, **changes)}


def terms(**changes: Any) -> dict[str, Any]:
    return {"signed": replace(TERMS, **changes)}


def book(symbol: str, quantity: int, price: int) -> dict[str, Any]:
    sectors = {"IBM": "Technology", symbol: "Other"}
    return {"positions": {symbol: Holding(D(quantity), D(price))}, "sectors": sectors}


def test_all_24_checks_stand_in_order_and_pass_on_a_sound_desk() -> None:
    results = judge_leg(PICTURE, BUY)

    assert [check.number for check in CHECKS] == list(range(1, 25))
    assert denials(results) == ()


def losing(share: str) -> dict[str, Any]:
    """A past of 200 sessions, three of them with this loss: the 99 % value at risk."""
    past = np.zeros(200)
    past[[20, 90, 150]] = -float(share)
    return {"returns": {"IBM": past}}


# Each row: the check, what denies just beyond, what allows just within.
BEYOND: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
    (1, terms(valid_until=NOW), terms(valid_until=NOW + timedelta(seconds=1))),
    (1, terms(intact=False), {}),
    (1, terms(state="vetoed"), {}),
    (2, terms(signers=("eve",)), {}),
    (2, terms(signatures_needed=2), terms(signatures_needed=2, signers=("maria", "jan"))),
    (2, terms(signatures_needed=2, signers=("maria", "maria")), {}),
    (2, terms(entered_by="maria"), terms(entered_by="jan")),
    (3, {"account_environment": "live"}, {}),
    (
        3,
        terms(account_id="PA1") | account(account_id="PA2"),
        terms(account_id="PA2") | account(account_id="PA2"),
    ),
    (4, {"trading_state": TradingState.REDUCING}, {}),
    (4, {"trading_state": TradingState.HALTED}, {}),
    (5, {"reconciled": Reconciled(True, 181)}, {"reconciled": Reconciled(True, 180)}),
    (5, {"reconciled": Reconciled(False, 1)}, {}),
    (6, {"data": {"IBM": DataNow("passed", 2)}}, {"data": {"IBM": DataNow("passed", 1)}}),
    (6, {"data": {"IBM": DataNow("held", 0)}}, {"data": {"IBM": DataNow("released", 0)}}),
    (6, {"data": {"IBM": DataNow("confirmed", 0)}}, {}),
    (7, {"model": ModelNow("m", "challenger", False)}, {"model": ModelNow("m", "champion", False)}),
    (7, {"model": ModelNow("m", "retired", True)}, {}),
    (7, {"model": ModelNow("m", "demoted", True)}, {}),
    (8, {"assets": {"IBM": replace(ASSET, tradable=False)}}, {}),
    (8, {"restricted": frozenset({"IBM"})}, {"restricted": frozenset({"AAPL"})}),
    (8, account(blocked=True), {}),
    (9, {"market": MarketNow(NOW, False, None, None)}, {}),
    (11, {"quotes": quote("195.46", 61)}, {"quotes": quote("195.46", 60)}),
    # 195.93 / 206.25 = 0.94996, / 206.24 = 0.95001
    (11, {"quotes": quote("206.25")}, {"quotes": quote("206.24")}),
    (12, {"average_volume": {"IBM": D(2_499)}}, {"average_volume": {"IBM": D(2_500)}}),
    # 25 x 195.93 = 4,898.25 is 5 % of 97,965
    (13, account(equity=D(97_964)), account(equity=D(97_965))),
    (13, {"working": (working(leaves=D(1)),)}, {}),
    (13, account(equity=D(89_000)), {}),
    # 951 x 100 + 4,898.25 = 99,998.25
    (14, book("AAPL", 952, 100), book("AAPL", 951, 100)),
    (14, account(settled_cash=D("4898.24")), account(settled_cash=D("4898.25"))),
    (14, account(buying_power=D("4898.24")), account(buying_power=D("4898.25"))),
    (14, account(equity=D(24_999), day_trades=3), account(equity=D(24_999), day_trades=2)),
    (14, account(equity=D(24_999), day_trades=3), account(equity=D(25_000), day_trades=3)),
    (16, {"assets": {"IBM": replace(ASSET, kind="us_option")}}, {}),
    (17, account(equity=D(98_000)), account(equity=D(98_001))),
    (17, account(day_high=D(103_000)), account(day_high=D(102_000))),
    (17, account(peak=D("117647.1")), account(peak=D("117647"))),
    # 25 x 195.93 = 4.89825 % of equity: 81.7 % of it are 4.0019 %, 81.6 % are 3.9970 %
    (17, losing("0.817"), losing("0.816")),
    # 25 x (195.93 - 186.71) = 230.50, open risk at most 6,000
    (17, {"open_stop_risk": D("5769.51")}, {"open_stop_risk": D("5769.50")}),
    (18, {"activity": replace(IDLE, last_minute=30)}, {"activity": replace(IDLE, last_minute=29)}),
    (18, {"activity": replace(IDLE, today=100)}, {"activity": replace(IDLE, today=99)}),
    (
        18,
        {"activity": replace(IDLE, symbol_today={"IBM": 10})},
        {"activity": replace(IDLE, symbol_today={"IBM": 9})},
    ),
    (19, {"activity": recent(300)}, {"activity": recent(301)}),
    (
        20,
        {"working": (working(side="sell", price=D("195.93")),)},
        {"working": (working(side="sell", price=D("195.94")),)},
    ),
    # 0.5 % of 195.83 is 0.979
    (21, {"quotes": quote("196.81")}, {"quotes": quote("196.80")}),
    (21, {"quotes": quote("194.85")}, {"quotes": quote("194.86")}),
    (22, {"builds": frozenset({"b1", "b2"})}, {}),
    (24, {"consecutive_losses": 8}, {"consecutive_losses": 7}),
]


@pytest.mark.parametrize(("number", "beyond", "within"), BEYOND)
def test_each_check_denies_just_beyond_and_allows_just_within(
    number: int, beyond: dict[str, Any], within: dict[str, Any]
) -> None:
    denied = result(number, **beyond)

    assert denied.denies
    assert denied.sentence.endswith(".")
    assert result(number, **within).passed


OF_THE_LEG = [
    (9, leg(time_in_force="gtd"), BUY),
    (9, leg(order_type="trailing_stop"), BUY),
    (10, leg(quantity=D("NaN")), BUY),
    (10, leg(quantity=D("0.5")), leg(quantity=D("0.5"), stop_loss_price=None)),
    (10, leg(quantity=D(100_001)), leg(quantity=D(100_000))),
    (11, leg(limit_price=D("195.935")), BUY),
    (11, leg(limit_price=None), BUY),
    # 256 x 195.31 = 49,999.36
    (
        12,
        leg(quantity=D(257), limit_price=D("195.31")),
        leg(quantity=D(256), limit_price=D("195.31")),
    ),
    # 0.4 % of 100,000 is 400 = 25 x 16.00
    (17, leg(stop_loss_price=D("179.92")), leg(stop_loss_price=D("179.93"))),
]  # fmt: skip


@pytest.mark.parametrize(("number", "beyond", "within"), OF_THE_LEG)
def test_each_check_of_the_order_itself_denies_just_beyond(
    number: int, beyond: Leg, within: Leg
) -> None:
    assert result(number, beyond).denies
    assert result(number, within).passed


MISSING: list[tuple[int, dict[str, Any]]] = [
    (1, {"signed": None}),
    (1, {"market": None}),
    (2, {"signed": None}),
    (3, {"account_environment": None}),
    (4, {"trading_state": None}),
    (5, {"reconciled": None}),
    (6, {"data": {}}),
    (7, {"model": None}),
    (8, {"assets": {}}),
    (8, {"account": None}),
    (9, {"market": None}),
    (10, {"assets": {}}),
    (11, {"quotes": {}}),
    (12, {"average_volume": {}}),
    (13, {"account": None}),
    (13, {"positions": None}),
    (13, {"working": None}),
    (14, {"account": None}),
    (14, {"positions": None}),
    (14, {"sectors": {}}),
    (14, account(equity=D(24_999))),
    (15, {"positions": None}),
    (16, {"assets": {}}),
    (17, {"account": None}),
    (17, account(last_equity=None)),
    (17, account(peak=None)),
    (17, {"open_stop_risk": None}),
    (17, {"returns": {}}),
    (17, {"returns": {"IBM": np.zeros(99)}}),
    (18, {"activity": None}),
    (19, {"activity": None}),
    (20, {"working": None}),
    (21, {"quotes": {}}),
    (22, {"builds": None}),
    (24, {"consecutive_losses": None}),
]


@pytest.mark.parametrize(("number", "missing"), MISSING)
def test_a_missing_input_denies_an_opening_order(number: int, missing: dict[str, Any]) -> None:
    assert result(number, **missing).denies


AFTER_THE_CLOSE: dict[str, Any] = {
    "sending": False,
    "signed": None,
    "market": MarketNow(NOW, False, None, None),
}
# What a proposal may be made without, because it is asked again before anything is sent.
DEFERRED: list[tuple[int, dict[str, Any]]] = [
    (5, {"reconciled": None}),
    (5, {"reconciled": Reconciled(True, 181)}),
    (5, {"reconciled": Reconciled(False, 1, frozenset({"AAPL"}))}),
    (11, {"quotes": {}}),
    (11, {"quotes": quote("195.46", 61)}),
    (22, {"builds": None}),
    (22, {"builds": frozenset({"b1", "b2"})}),
    (4, {"trading_state": TradingState.HALTED}),
    (18, {"activity": replace(IDLE, last_minute=30)}),
]
ASKED_LATER = {1, 2, 5, 11, 21, 22}  # about a signature, or above


@pytest.mark.parametrize(("number", "changes"), DEFERRED)
def test_a_proposal_after_the_close_leaves_for_later_what_is_asked_before_sending(
    number: int, changes: dict[str, Any]
) -> None:
    answer = result(number, **AFTER_THE_CLOSE | changes)

    assert answer.passed
    assert answer.warning
    assert answer.sentence.endswith("Checked again before sending.")


@pytest.mark.parametrize(
    ("number", "missing"),
    [row for row in MISSING if row[0] not in ASKED_LATER],
)
def test_whatever_else_is_missing_denies_a_proposal_that_opens(
    number: int, missing: dict[str, Any]
) -> None:
    assert result(number, **AFTER_THE_CLOSE | missing).denies


def test_while_the_market_is_open_a_proposal_needs_a_fresh_quote() -> None:
    assert result(11, sending=False, quotes={}).denies
    assert result(11, sending=False, quotes=quote("195.46", 61)).denies
    assert result(11, **AFTER_THE_CLOSE | {"market": None, "quotes": {}}).denies


def test_a_proposal_is_not_sized_on_what_broker_and_ledger_differ_about() -> None:
    here = Reconciled(False, 1, frozenset({"IBM"}))

    assert result(5, **AFTER_THE_CLOSE | {"reconciled": here}).denies


def test_a_proposal_to_reduce_waits_for_what_is_not_known() -> None:
    blind: dict[str, Any] = {"account": None, "assets": {}, "activity": None, "average_volume": {}}

    assert denials(judge_leg(replace(HOLDING, **AFTER_THE_CLOSE | blind), CLOSE)) == ()


def test_a_check_that_several_things_deny_as_gravely_says_them_all() -> None:
    fallen = replace(ACCOUNT, last_equity=Decimal(120_000), peak=Decimal(130_000))

    told = result(17, account=fallen)

    # 20,000 of 120,000 since the close, 30,000 of 130,000 since the peak
    assert told.sentence == (
        "The desk lost 16.7 % today; 2.0 % pause entries. "
        "Equity is 23.1 % below its peak; the limit is 15.0 %."
    )
    assert told.figure == Decimal(20_000) / Decimal(120_000)


def test_what_lasts_weighs_more_than_what_time_cures_and_equals_are_told_together() -> None:
    lost = result(17, account=replace(ACCOUNT, last_equity=Decimal(120_000)))
    paused = result(24, consecutive_losses=8)
    unknown = result(4, trading_state=None)
    passed = result(3)

    assert gravest([passed, unknown, lost, paused]) == (lost, paused)
    assert gravest([passed, unknown]) == (unknown,)
    assert gravest([passed]) == ()


def test_value_at_risk_that_nobody_computed_is_said() -> None:
    answer = result(17)

    assert answer.passed
    assert answer.warning
    assert answer.sentence == "Value at risk after the trade was not computed here."


def test_value_at_risk_is_of_the_whole_book_after_the_trade() -> None:
    held = {"AAPL": Holding(D(50), D(100))}
    up_and_down = np.tile([0.2, -0.2], 100)
    returns = {"IBM": up_and_down, "AAPL": -up_and_down}
    answer = result(17, positions=held, returns=returns)

    # What IBM loses AAPL wins: 20 % of |5,000 - 4,898.25| / 100,000 = 0.0204 %.
    assert answer.passed
    # 60 % of both losing together: 0.6 x 9,898.25 / 100,000 = 5.9 %.
    crash = np.tile([0.0, -0.6], 100)
    together = result(17, positions=held, returns={"IBM": crash, "AAPL": crash})
    assert together.denies
    assert together.figure == D("0.0593895")


def test_an_entry_of_a_model_without_its_stop_risks_all_it_costs() -> None:
    bare = leg(stop_loss_price=None, quantity=D(2))  # 391.86 of at most 400 USD

    assert result(17, bare, stop_demanded=True).passed
    assert result(17, replace(bare, quantity=D(3)), stop_demanded=True).denies
    assert result(17, replace(bare, quantity=D(25))).passed  # entered by a person
    assert not result(17, CLOSE, HOLDING, stop_demanded=True).denies


def test_every_check_but_reduce_only_has_a_missing_input_that_denies() -> None:
    assert {number for number, _ in MISSING} == set(range(1, 25)) - {23}
    assert result(23, CLOSE, positions=None).denies


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (6, {"data": {}}),
        (6, {"data": {"IBM": DataNow("held", 9)}}),
        (7, {"model": ModelNow("m", "retired", False)}),
        (17, account(equity=D(70_000))),
        (24, {"consecutive_losses": 20}),
    ],
)
def test_bad_data_a_bad_model_or_losses_never_trap_a_position(
    number: int, changes: dict[str, Any]
) -> None:
    answer = result(number, CLOSE, HOLDING, **changes)

    assert answer.passed
    assert answer.warning
    assert denials(judge_leg(replace(HOLDING, **changes), CLOSE)) == ()


def test_reducing_passes_what_reduces_and_halted_nothing() -> None:
    assert result(4, CLOSE, HOLDING, trading_state=TradingState.REDUCING).passed
    assert result(4, CLOSE, HOLDING, trading_state=TradingState.HALTED).denies


def test_a_dispute_elsewhere_does_not_trap_a_position() -> None:
    elsewhere = Reconciled(False, 1, frozenset({"AAPL"}))
    here = Reconciled(False, 1, frozenset({"IBM"}))

    assert result(5, CLOSE, HOLDING, reconciled=elsewhere).passed
    assert result(5, CLOSE, HOLDING, reconciled=here).denies


def test_what_claims_to_reduce_must_reduce_open_orders_counted() -> None:
    selling = (working(side="sell", leaves=D(1), price=D(195)),)

    assert result(23, CLOSE, HOLDING).passed
    assert result(23, CLOSE, HOLDING, working=selling).denies
    assert result(23, CLOSE, HOLDING, working=selling).fits == 24
    assert result(23, CLOSE).denies


def test_through_zero_takes_two_orders_and_shorts_must_be_easy_to_borrow() -> None:
    sale = replace(CLOSE, quantity=D(26), reduces=False)
    hard = {"IBM": BrokerAsset("IBM", True, True, True, easy_to_borrow=False)}

    assert result(15, sale, HOLDING).denies
    assert result(15, replace(sale, quantity=D(1)), assets=hard).denies
    assert result(15, replace(CLOSE, reduces=False), HOLDING).passed


def test_a_denial_says_what_would_fit_and_that_fits() -> None:
    large = leg(quantity=D(30))
    denied = result(13, large)

    assert denied.sentence == "It would be 5.9 % of equity; the limit for one position is 5.0 %."
    assert denied.fits == 25
    assert result(13, leg(quantity=denied.fits)).passed
    assert result(13, leg(quantity=denied.fits + 1)).denies


def test_a_proposal_made_after_the_close_waits_for_what_time_cures() -> None:
    assert denials(judge_leg(replace(PICTURE, **AFTER_THE_CLOSE), BUY)) == ()
    assert result(9, **AFTER_THE_CLOSE).warning
    assert result(13, leg(quantity=D(30)), **AFTER_THE_CLOSE).denies


def test_a_batch_is_judged_cumulatively() -> None:
    each = leg(quantity=D(13), stop_loss_price=None)
    several = [each, replace(each, leg_no=2)]

    assert result(13, each).passed
    assert {r.code for r in denials(judge(PICTURE, several))} >= {"too_large", "duplicate"}


legs = st.builds(
    lambda n, side, quantity: leg(
        leg_no=n, side=side, quantity=D(quantity), stop_loss_price=None, limit_price=D("195.50")
    ),
    st.integers(1, 99),
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 40),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(legs, min_size=1, max_size=6), st.integers(-30, 30))
def test_no_batch_that_passes_exceeds_the_position_limit_when_filled(
    batch: list[Leg], held: int
) -> None:
    positions = {"IBM": Holding(D(held), D("195.46"))} if held else {}
    if denials(judge(replace(PICTURE, positions=positions), batch)):
        return
    after = D(held) + sum((x.quantity if x.side == "buy" else -x.quantity for x in batch), D(0))

    assert abs(after) * D("195.50") <= max(
        LIMITS.position_share * ACCOUNT.equity, abs(D(held)) * D("195.50")
    )


def test_each_letter_of_the_picture_is_looked_at_quickly() -> None:
    many = [leg(leg_no=n) for n in range(1, 31)]

    assert len(judge(PICTURE, many)) == 24
