"""Sizes, limits and stops, redone by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from assets.drafting import (
    Facts,
    daily_volatility,
    drift_bound,
    effects,
    entry,
    leaving,
    loss_to_stop,
    price,
    valid_until,
)
from config import limits as limits_module
from config import settings as settings_module
from tests.unit.trading.pictures import BUY, PICTURE

LIMITS = limits_module.load()
EQUITY = Decimal(100_000)
# Close 200.00 USD, average true range 4.00 USD, 1 % a day.
FACTS = Facts("IBM", Decimal("200.00"), Decimal("4.00"), Decimal("0.01"), Decimal(0))


def bought(facts: Facts = FACTS, weight: str = "0.05", equity: Decimal = EQUITY) -> Decimal | None:
    leg = entry(facts, weight=Decimal(weight), equity=equity, limits=LIMITS)
    return None if leg is None else leg.quantity


def test_the_price_may_drift_by_three_quarters_of_a_days_volatility() -> None:
    assert drift_bound(FACTS, LIMITS) == Decimal("0.0075")  # 0.75 * 1 %


def test_a_calm_symbol_may_drift_by_half_a_per_cent() -> None:
    calm = replace(FACTS, daily_volatility=Decimal("0.002"))

    assert drift_bound(calm, LIMITS) == Decimal("0.0050")  # 0.75 * 0.2 % is less


def test_a_buys_limit_is_where_its_signature_would_lapse() -> None:
    leg = entry(FACTS, weight=Decimal("0.05"), equity=EQUITY, limits=LIMITS)

    assert leg is not None
    assert leg.limit_price == Decimal("201.50")  # 200 * 1.0075
    assert leg.stop_loss_price == Decimal("193.50")  # two ranges of 4.00 below the limit
    assert (leg.side, leg.order_type, leg.time_in_force) == ("buy", "limit", "gtc")
    assert leg.reference_price == Decimal("200.00")


def test_the_weight_bounds_the_size_where_the_stop_is_near() -> None:
    assert bought() == 24  # 5,000 / 201.50 = 24.8; risk alone would allow 400 / 8.00 = 50


def test_the_risk_bounds_the_size_where_the_stop_is_far() -> None:
    wild = replace(FACTS, average_true_range=Decimal("20.00"))

    assert bought(wild) == 10  # 0.4 % of 100,000 is 400; 400 / 40.00


def test_no_leg_where_not_even_one_share_fits() -> None:
    assert bought(weight="0.002") is None  # 200 USD buy no share at 201.50
    assert bought(equity=Decimal(1_000)) is None


def test_leaving_sells_all_that_is_held_and_only_reduces() -> None:
    leg = leaving(replace(FACTS, held=Decimal(30)), limits=LIMITS)

    assert (leg.side, leg.quantity, leg.reduces) == ("sell", Decimal(30), True)
    assert leg.limit_price == Decimal("198.50")  # 200 * 0.9925
    assert leg.stop_loss_price is None


def test_what_is_lost_at_the_stop_is_counted_from_the_worst_price() -> None:
    leg = entry(FACTS, weight=Decimal("0.05"), equity=EQUITY, limits=LIMITS)

    assert leg is not None
    assert loss_to_stop(leg) == Decimal("192.00")  # 24 * (201.50 - 193.50)
    assert loss_to_stop(leaving(replace(FACTS, held=Decimal(1)), limits=LIMITS)) is None


def test_the_card_shows_figures_before_and_after_with_their_limits() -> None:
    # 20 shares at 195.93 or less: 3,918.60 of 100,000 USD; to the stop 20 * 9.22 = 184.40.
    told = effects(replace(BUY, quantity=Decimal(20)), PICTURE, LIMITS)

    assert [(e.label, e.now, e.after, e.limit) for e in told] == [
        ("IBM, share of equity", Decimal(0), Decimal("0.039186"), Decimal("0.05")),
        ("Gross exposure", Decimal(0), Decimal("0.039186"), Decimal("1.00")),
        ("Risk to the stop", None, Decimal("0.001844"), Decimal("0.004")),
        ("Cash", Decimal(90_000), Decimal("86081.40"), None),
    ]


def test_nothing_is_shown_of_an_unknown_account() -> None:
    assert effects(BUY, replace(PICTURE, account=None), LIMITS) == ()


def test_in_replay_a_proposal_lives_to_the_next_close() -> None:
    settings = settings_module.load({}, running=False)

    # 3 July 2012 closed at 13:00 in New York.
    assert valid_until(date(2012, 7, 2), settings, LIMITS) == datetime(2012, 7, 3, 17, tzinfo=UTC)


def test_elsewhere_it_lives_half_an_hour_past_the_open() -> None:
    settings = settings_module.load({}, running=False).model_copy(update={"mode": "paper"})

    until = valid_until(date(2012, 7, 2), settings, LIMITS)

    assert until == datetime(2012, 7, 3, 14, 0, tzinfo=UTC)  # 09:30 in New York and 30 minutes


def test_a_years_volatility_is_a_days_times_the_root_of_its_sessions() -> None:
    assert daily_volatility(0.158745) == Decimal("0.010000")  # 0.158745 / 15.8745


@pytest.mark.parametrize(
    ("value", "told"), [(10.004, "10.00"), (10.006, "10.01"), (9.995, "10.00")]
)
def test_prices_are_whole_cents(value: float, told: str) -> None:
    assert price(value) == Decimal(told)
