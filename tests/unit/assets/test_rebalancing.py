"""A rebalance goes from what is held to the targets, within the limits, sales first."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.drafting import Facts
from assets.rebalancing import Target, book_effects, fitted, legs_for, loss_to_stops, weights
from config.strategies import StrategySettings
from tests.unit.trading.pictures import ACCOUNT, LIMITS, PICTURE
from trading.picture import Holding, Picture, QuoteNow
from trading.pretrade import denials, judge

D = Decimal
NAMES = ("IBM", "MSFT", "AAPL")
PRICES = {"IBM": D("200.00"), "MSFT": D("30.00"), "AAPL": D("600.00")}
RETURNS = {name: np.full(250, 0.001) for name in NAMES}


def facts(symbol: str, held: int = 0) -> Facts:
    price = PRICES[symbol]
    return Facts(symbol, price, price / 100, D("0.01"), D(held))


def picture(**held: int) -> Picture:
    """100,000 USD; each symbol quoted at its close, its data and asset as IBM's are."""
    return replace(
        PICTURE,
        account=replace(ACCOUNT, equity=D(100_000), peak=D(100_000)),
        positions={name: Holding(D(held[name]), PRICES[name]) for name in held},
        quotes={name: QuoteNow(p, p, p, 1) for name, p in PRICES.items()},
        data=dict.fromkeys(NAMES, PICTURE.data["IBM"]),
        assets={n: replace(PICTURE.assets["IBM"], symbol=n) for n in NAMES},
        average_volume=dict.fromkeys(NAMES, D(5_000_000)),
        sectors=dict(zip(NAMES, ("a", "b", "c"), strict=True)),
        returns=RETURNS,
        limits=LIMITS,
    )


def test_sales_come_first_and_what_shrinks_gets_a_new_stop() -> None:
    desk = picture(IBM=25, AAPL=5)
    targets = [
        Target(facts("MSFT"), D("0.03")),
        Target(facts("IBM", 25), D("0.02")),  # 2,000 USD: 10 shares
        Target(facts("AAPL", 5), D(0)),
    ]

    legs = legs_for(targets, equity=D(100_000), picture=desk)

    assert [(leg.side, leg.order_type, leg.symbol, leg.quantity) for leg in legs] == [
        ("sell", "limit", "IBM", D(15)),
        ("sell", "limit", "AAPL", D(5)),
        ("sell", "stop", "IBM", D(10)),
        ("buy", "limit", "MSFT", D(99)),  # 3,000 USD at the limit of 30.22
    ]
    stop = legs[2]
    assert (stop.stop_price, stop.time_in_force, stop.reduces) == (D("196.00"), "gtc", True)


def test_what_is_held_as_wanted_is_left_alone() -> None:
    assert (
        legs_for([Target(facts("IBM", 10), D("0.02"))], equity=D(100_000), picture=picture(IBM=10))
        == []
    )


def test_a_weight_that_was_rounded_is_no_reason_to_trade() -> None:
    # 0.04200001 of 99,999.97 USD are 6.9999995 shares at 600
    targets = [Target(facts("AAPL", 7), D("0.04200001"))]

    assert not legs_for(targets, equity=D("99999.97"), picture=picture(AAPL=7))


@pytest.mark.parametrize(("held", "wanted"), [(24, None), (26, None), (22, 3), (28, -3)])
def test_what_is_off_by_less_than_the_least_trade_is_left_alone(
    held: int, wanted: int | None
) -> None:
    # 5 % of 100,000 USD are 25 shares at 200; the least trade, 0.5 %, is of 2.5 shares
    targets = [Target(facts("IBM", held), D("0.05"))]

    legs = legs_for(targets, equity=D(100_000), picture=picture(IBM=held), least=D("0.005"))

    if wanted is None:
        assert legs == []
    else:
        assert legs[0].side == ("buy" if wanted > 0 else "sell")


def test_a_position_is_left_and_begun_however_small() -> None:
    targets = [Target(facts("IBM", 2), D(0)), Target(facts("MSFT"), D("0.004"))]

    legs = legs_for(targets, equity=D(100_000), picture=picture(IBM=2), least=D("0.005"))

    assert [(leg.side, leg.symbol) for leg in legs] == [("sell", "IBM"), ("buy", "MSFT")]


def test_legs_are_cut_to_what_passes_with_those_before_them_and_numbered() -> None:
    desk = picture(IBM=25)
    legs = legs_for(
        [Target(facts("IBM", 25), D(0)), Target(facts("MSFT"), D("0.05"))],
        equity=D(100_000),
        picture=desk,
    )
    wanted = replace(legs[-1], quantity=D(1000))  # 30 % of equity

    fit = fitted([legs[0], wanted], desk)

    assert [leg.leg_no for leg in fit.legs] == [1, 2]
    # 1,000 at the limit of 30.22 are 30.2 % of 100,000 USD
    assert {symbol: no.code for symbol, no in fit.cut.items()} == {"MSFT": "too_large"}
    assert fit.cut["MSFT"].limit == D("0.05")
    assert denials(judge(desk, fit.legs)) == ()
    # 5 % of 100,000 USD at the limit of 30.22 are 165 shares; the risk to the stop allows more
    assert fit.legs[1].quantity * wanted.worst_price <= 5_000


def test_the_effect_of_all_legs_is_told_together() -> None:
    desk = picture(IBM=25)
    legs = legs_for(
        [Target(facts("IBM", 25), D(0)), Target(facts("MSFT"), D("0.03"))],
        equity=D(100_000),
        picture=desk,
    )

    told = {effect.label: effect for effect in book_effects(legs, desk, LIMITS)}

    # 25 x 200 are 5.0 %; 99 x 30.22 are 2.99178 %
    ibm = told["IBM, share of equity"]
    assert (ibm.now, ibm.after) == (D("0.05"), D(0))
    assert told["Gross exposure"].after == D("0.029918")
    cash = told["Cash"]
    assert cash.now is not None
    assert cash.after is not None
    # 25 are sold at the limit of 198.50, 99 bought at 30.22
    assert cash.after - cash.now == 25 * D("198.50") - 99 * D("30.22")
    # two ranges of 0.30 below the limit
    assert loss_to_stops(legs) == 99 * D("0.60")


@pytest.mark.parametrize("kind", ["minimum_variance", "maximum_sharpe", "hierarchical_risk_parity"])
def test_weights_keep_within_cap_and_room(kind: str) -> None:
    rng = np.random.default_rng(7)
    returns = {name: 0.002 + 0.01 * rng.standard_normal(250) for name in NAMES}
    strategy = StrategySettings(name="s", portfolio=kind)

    found = weights(strategy, NAMES, returns=returns, held={}, cap=0.05, room=0.12)

    assert set(found) == set(NAMES)
    assert all(0 <= weight <= D("0.0500001") for weight in found.values())
    assert sum(found.values()) == pytest.approx(D("0.12"), abs=D("0.000001"))


def test_a_wide_penalty_leaves_the_book_as_it_is() -> None:
    rng = np.random.default_rng(7)
    returns = {name: 0.01 * rng.standard_normal(250) for name in NAMES}
    strategy = StrategySettings(
        name="s", portfolio="hierarchical_risk_parity", turnover_penalty=0.5
    )
    held = {"IBM": 0.04, "MSFT": 0.03, "AAPL": 0.02}

    found = weights(strategy, NAMES, returns=returns, held=held, cap=0.05, room=0.15)

    assert {name: float(weight) for name, weight in found.items()} == pytest.approx(held)


def test_one_symbol_takes_what_fits_and_none_takes_nothing() -> None:
    strategy = StrategySettings(name="s", portfolio="minimum_variance")

    assert weights(strategy, ["IBM"], returns=RETURNS, held={}, cap=0.05, room=0.15) == {
        "IBM": D("0.05")
    }
    assert weights(strategy, [], returns={}, held={}, cap=0.05, room=0.15) == {}
    assert weights(strategy, ["IBM"], returns=RETURNS, held={}, cap=0.05, room=0.0) == {}


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    held=st.tuples(*[st.integers(0, 40)] * 3),
    shares=st.tuples(*[st.integers(0, 60)] * 3),
)
def test_no_rebalance_leaves_a_limit_or_sells_what_is_not_held(
    held: tuple[int, ...], shares: tuple[int, ...]
) -> None:
    owned = {name: n for name, n in zip(NAMES, held, strict=True) if n}
    desk = picture(**owned)
    targets = [
        Target(facts(name, owned.get(name, 0)), D(share) / 1000)
        for name, share in zip(NAMES, shares, strict=True)
    ]

    fit = fitted(legs_for(targets, equity=D(100_000), picture=desk), desk)

    if fit.legs:
        assert denials(judge(desk, fit.legs)) == ()
    assert [leg.side for leg in fit.legs] == sorted((leg.side for leg in fit.legs), reverse=True)
    for name in NAMES:
        sold = sum(leg.quantity for leg in fit.legs if (leg.symbol, leg.side) == (name, "sell"))
        assert sold <= owned.get(name, 0)
