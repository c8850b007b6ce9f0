"""Sizes under a drawdown, and the past a value at risk is figured from."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from assets.drafting import Facts, allowed_entry, effects
from assets.picture import past_betas, past_returns
from tests.unit.trading.pictures import ACCOUNT, BUY, CLOSE, LIMITS, PICTURE
from trading.checks.fitting import judged
from trading.picture import Holding
from trading.pretrade import denials

D = Decimal
# The stop lies 0.20 USD away, so that 5 % of equity is reached before 0.4 % of it is at risk.
FACTS = Facts("IBM", D("195.83"), D("0.10"), D("0.01"), D(0))


@pytest.mark.parametrize(
    ("peak", "shares"),
    [
        ("100000", 25),  # 5,000 / 197.29
        ("111111", 25),  # 10.0 % less a hair
        ("111112", 12),  # from 10 % on half: 2,500 / 197.29
        ("117646", 12),
        ("117648", None),  # from 15 % on nothing
    ],
)
def test_a_drawdown_halves_sizes_once_and_then_opens_nothing(peak: str, shares: int | None) -> None:
    picture = replace(PICTURE, account=replace(ACCOUNT, peak=D(peak)))
    leg = allowed_entry(FACTS, weight=D("0.2"), equity=ACCOUNT.equity, picture=picture)

    assert (None if leg is None else leg.quantity) == shares


def test_a_drawdown_halves_what_may_be_lost_to_the_stop() -> None:
    far = replace(FACTS, average_true_range=D(10))  # the stop lies 20 USD away: 400 / 20
    fallen = replace(PICTURE, account=replace(ACCOUNT, peak=D(112_000)))
    sizes = [
        allowed_entry(far, weight=D("0.2"), equity=ACCOUNT.equity, picture=picture)
        for picture in (PICTURE, fallen)
    ]

    assert [None if leg is None else leg.quantity for leg in sizes] == [20, 10]


def test_nothing_is_opened_while_the_drawdown_is_not_known() -> None:
    unknown = replace(PICTURE, account=replace(ACCOUNT, peak=None))

    assert allowed_entry(FACTS, weight=D("0.05"), equity=D(100_000), picture=unknown) is None


def test_the_first_denial_says_what_would_fit_every_check() -> None:
    # 30 shares pass 5 % of equity; of the money only 1,600 USD are settled: 8 x 195.93.
    poor = replace(PICTURE, account=replace(ACCOUNT, settled_cash=D(1_600)))
    results = judged(poor, replace(BUY, quantity=D(30)))

    assert [(r.code, r.fits) for r in denials(results)] == [("too_large", 8), ("exposure", None)]
    assert not denials(judged(poor, replace(BUY, quantity=D(8))))


def test_the_card_values_what_is_held_as_the_account_does() -> None:
    held = replace(PICTURE, positions={"IBM": Holding(D(10), D(200))})
    bought, gross, *_ = effects(replace(BUY, quantity=D(20)), held, LIMITS)
    sold, empty, *_ = effects(replace(CLOSE, quantity=D(10)), held, LIMITS)

    assert (bought.now, bought.after) == (D("0.02"), D("0.059186"))  # 2,000 + 20 x 195.93
    assert (gross.now, gross.after) == (bought.now, bought.after)
    assert (sold.after, empty.after) == (D(0), D(0))


def closes(symbol: str, *prices: float) -> pl.DataFrame:
    last = date(2012, 7, 2)
    days = [last - timedelta(days=n) for n in range(len(prices))][::-1]
    return pl.DataFrame({"session": days, "symbol": symbol, "adjusted_close": prices})


def test_past_returns_are_of_the_same_sessions_and_need_a_past() -> None:
    long = closes("IBM", *[100.0, 110.0] * 60)
    late = closes("FB", *[50.0] * 101)
    young = closes("NEW", *[50.0] * 100)
    told = past_returns(pl.concat([long, late, young]))

    assert set(told) == {"IBM", "FB"}  # 100 closes are 99 returns
    assert told["IBM"].shape == told["FB"].shape == (119,)
    assert told["IBM"][0] == pytest.approx(0.1)
    assert told["IBM"][1] == pytest.approx(-1 / 11)
    assert not told["FB"].any()


def test_without_closes_there_are_no_returns() -> None:
    assert past_returns(closes("IBM").clear()) == {}


def test_a_beta_is_the_slope_on_the_index_and_needs_a_past() -> None:
    first = date(2011, 1, 3)
    days = [first + timedelta(days=n) for n in range(140)]
    moves = [0.01 if n % 2 else -0.01 for n in range(139)]
    points = [1000.0]
    closes = [100.0]
    for move in moves:
        points.append(points[-1] * (1 + move))
        closes.append(closes[-1] * (1 + 1.5 * move))
    index = pl.DataFrame({"session": days, "close": points})
    told = pl.DataFrame({"session": days, "symbol": "IBM", "adjusted_close": closes})
    young = told.tail(100).with_columns(symbol=pl.lit("FB"))  # 99 returns

    assert past_betas(pl.concat([told, young]), index) == {"IBM": Decimal("1.5000")}
    assert past_betas(told, index.clear()) == {}
