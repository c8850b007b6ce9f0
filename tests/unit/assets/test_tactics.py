"""A drafted leg gets the tactic that the desk is set to, where one applies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from assets.tactics import window, with_tactic
from quant.volume_curve import volume_curve
from tests.unit.trading.pictures import BUY, CLOSE, LIMITS
from trading.proposals import Leg

D = Decimal
OPENS = datetime(2012, 7, 5, 13, 30, tzinfo=UTC)
CLOSES = datetime(2012, 7, 5, 20, 0, tzinfo=UTC)
TIME = window(OPENS, CLOSES, valid_until=CLOSES)


def worked(leg: Leg, kind: str, curve: tuple[Decimal, ...] = ()) -> Leg:
    return with_tactic(
        leg, kind, time=TIME, limits=LIMITS, daily_volatility=D("0.0195"), curve=curve
    )


def test_the_first_and_last_minutes_are_avoided() -> None:
    assert TIME is not None
    assert (TIME.starts_at, TIME.ends_at) == (
        OPENS + timedelta(minutes=5),
        CLOSES - timedelta(minutes=5),
    )
    short = window(OPENS, CLOSES, valid_until=OPENS + timedelta(minutes=14))
    assert short is None


def test_none_leaves_the_leg_as_it_is() -> None:
    assert worked(CLOSE, "none").tactic is None
    assert worked(replace(CLOSE, order_type="market", limit_price=None), "twap").tactic is None


def test_a_leg_with_its_own_stop_is_not_sliced() -> None:
    tactic = worked(BUY, "twap").tactic

    assert tactic is not None
    assert (tactic.kind, tactic.slices) == ("adaptive", 1)


def test_slices_and_orders_stay_within_what_a_symbol_may_see_in_a_day() -> None:
    tactic = worked(CLOSE, "twap").tactic
    few = worked(replace(CLOSE, quantity=D(2)), "twap").tactic

    assert tactic is not None
    assert few is not None
    assert (tactic.kind, tactic.slices, tactic.most_children) == ("twap", 6, 9)
    assert tactic.most_children <= LIMITS.symbol_orders_per_day
    assert (few.slices, few.most_children) == (2, 5)
    # 1.95 % over the root of 390 minutes
    assert tactic.volatility == D("0.000987")


def test_without_a_curve_slices_by_volume_are_even_and_say_so() -> None:
    curve = (D("0.3"), D("0.4"), D("0.5"), D("0.6"), D("0.7"), D(1))
    by_volume, even = worked(CLOSE, "vwap", curve).tactic, worked(CLOSE, "vwap").tactic

    assert by_volume is not None
    assert even is not None
    assert (by_volume.kind, by_volume.curve) == ("vwap", curve)
    assert (even.kind, even.curve) == ("twap", ())


def test_each_prior_session_counts_alike() -> None:
    busy = np.array([300.0, 100.0, 0.0, 0.0])
    calm = np.array([0.0, 0.0, 1.0, 3.0])

    # the first half: 100 % and 0 %; the second what is left
    assert volume_curve(np.vstack([busy, calm]), slices=2) == pytest.approx([0.5, 1.0])
    assert volume_curve(busy[None, :], slices=4) == pytest.approx([0.75, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("volumes", [np.zeros((2, 4)), np.full((2, 4), -1.0), np.ones(4)])
def test_volumes_that_tell_nothing_are_refused(
    volumes: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    with pytest.raises(ValueError, match="volumes"):
        volume_curve(volumes, slices=2)
