from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import limits as limits_module
from trading.limits import OVERRIDABLE, Override, OverrideError, effective, size_factor

D = Decimal
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
LIMITS = limits_module.load()


def override(name: str, value: str, *, seconds: int = 1) -> Override:
    return Override(name, D(value), NOW + timedelta(seconds=seconds))


def test_an_override_holds_until_the_instant_it_expires() -> None:
    told = [override("sector_share", "0.3")]

    assert effective(LIMITS, told, now=NOW).sector_share == D("0.3")
    assert effective(LIMITS, told, now=NOW + timedelta(seconds=1)) == LIMITS


def test_of_two_overrides_of_one_limit_the_later_stands() -> None:
    told = [override("sector_share", "0.3"), override("sector_share", "0.2")]

    assert effective(LIMITS, told, now=NOW).sector_share == D("0.2")


def test_an_expired_override_does_not_hide_an_older_one_that_holds() -> None:
    told = [override("sector_share", "0.3"), override("sector_share", "0.2", seconds=0)]

    assert effective(LIMITS, told, now=NOW).sector_share == D("0.3")


def test_a_window_longer_than_what_is_looked_at_is_refused() -> None:
    assert effective(LIMITS, [override("duplicate_window_minutes", "1440")], now=NOW)
    with pytest.raises(OverrideError, match="duplicate_window_minutes"):
        effective(LIMITS, [override("duplicate_window_minutes", "1441")], now=NOW)


def test_counts_stay_whole_numbers() -> None:
    assert effective(LIMITS, [override("positions", "12")], now=NOW).positions == 12
    with pytest.raises(OverrideError, match="positions"):
        effective(LIMITS, [override("positions", "12.5")], now=NOW)


@given(
    st.sampled_from(["position_share", "advisory_position", "advisory_position_connected"]),
    st.decimals(min_value=0, max_value=5, places=3),
)
def test_no_override_lifts_a_position_past_the_hard_ceiling(name: str, value: Decimal) -> None:
    made = effective(LIMITS, [Override(name, value, NOW + timedelta(days=1))], now=NOW)

    assert getattr(made, name) == min(value, D("0.20"))
    assert made.position_ceiling == D("0.20")


@pytest.mark.parametrize("name", ["position_ceiling", "profile", "lease_seconds", "nonsense"])
def test_what_is_no_limit_to_override_is_refused(name: str) -> None:
    assert name not in OVERRIDABLE
    with pytest.raises(OverrideError, match=name):
        effective(LIMITS, [override(name, "0.5")], now=NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sector_share", "1.01"),
        ("sector_share", "-0.01"),
        ("sector_share", "NaN"),
        ("order_notional", "0"),
        ("gross_exposure", "Infinity"),
        ("daily_loss_reduce", "0.01"),  # below the 2 % that pause entries
    ],
)
def test_a_value_that_makes_no_sense_stops_everything(name: str, value: str) -> None:
    with pytest.raises(OverrideError, match=name):
        effective(LIMITS, [override(name, value)], now=NOW)


@pytest.mark.parametrize(
    ("drawdown", "factor"),
    [
        ("0", "1"),
        ("0.0999", "1"),
        ("0.10", "0.5"),
        ("0.1499", "0.5"),
        ("0.15", "0"),
        ("0.50", "0"),
        ("NaN", "0"),
    ],
)
def test_a_drawdown_halves_sizes_and_then_ends_them(drawdown: str, factor: str) -> None:
    assert size_factor(LIMITS, drawdown=D(drawdown)) == D(factor)
