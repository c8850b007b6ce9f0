"""The shadow ledger's fill model by hand, its laws, and how sure it is of a mean."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant.backtest import Costs
from quant.shadow import FEWEST, Case, Market, Status, mean_interval, simulate
from quant.typing import FloatArray

NAN = float("nan")
FREE = Costs(half_spread_bps=0.0, impact=0.0, participation=1.0)


def market(opens: list[float], *, volume: float = 1e9, width: float = 0.5) -> Market:
    prices = np.array(opens, dtype=np.float64)[:, None]
    return Market(prices, prices - width, prices + width, prices, np.full_like(prices, volume))


def case(**changed: object) -> Case:
    made = Case(
        decided=0, asset=0, sign=1, quantity=100.0, limit=NAN, stop=NAN, horizon=2, capital=1e6
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def test_a_purchase_pays_half_the_spread_and_impact_both_ways() -> None:
    # Volume 10,000: 100 shares are 1 %, impact 0.1 * 0.01**2 = 0.1 bp; half the spread 2 bps.
    (course,) = simulate([case()], market([99, 100, 103, 110], volume=10_000))

    assert (course.status, course.entered, course.left) == (Status.CLOSED, 1, 3)
    assert course.entry == pytest.approx(100 * 1.00021)
    assert course.exit == pytest.approx(110 * (1 - 0.00021))
    # 100 * (109.9769 - 100.0210) = 995.59
    assert course.profit == pytest.approx(995.59)


def test_a_sale_gains_what_the_shares_lose_afterwards() -> None:
    (course,) = simulate([case(sign=-1)], market([99, 100, 98, 95]), costs=FREE)

    assert course.profit == pytest.approx(100 * (100 - 95))


def test_beyond_its_limit_nothing_is_entered() -> None:
    above, at = simulate(
        [case(limit=99.99), case(limit=100.0)], market([99, 100, 100, 100]), costs=FREE
    )

    assert (above.status, above.profit, above.quantity) == (Status.UNFILLED, 0.0, 0.0)
    assert at.status is Status.CLOSED


def test_a_stop_is_left_at_its_price_and_a_gap_at_the_open() -> None:
    touched, gapped = simulate(
        [case(stop=99.6), case(stop=99.0)], market([99, 100, 95, 97]), costs=FREE
    )

    assert (touched.left, touched.exit) == (1, 99.6)  # the low of the first session is 99.5
    assert (gapped.left, gapped.exit) == (2, 95.0)


def test_what_is_not_over_is_valued_at_the_last_close() -> None:
    waiting, held = simulate(
        [case(decided=2), case(decided=1, horizon=5)], market([99, 100, 104]), costs=FREE
    )

    assert waiting.status is Status.WAITING
    assert held.status is Status.HELD
    assert held.profit == pytest.approx(0.0)


def test_a_share_of_the_volume_is_the_most_that_is_traded() -> None:
    (course,) = simulate([case()], market([1, 1, 1, 1], volume=1_000), costs=Costs())

    assert course.quantity == pytest.approx(25.0)  # 2.5 %


def test_all_cases_of_a_session_are_cut_alike_when_capital_is_short() -> None:
    # 100 and 300 shares at 100 USD want 40,000 of 10,000: each gets a quarter.
    few, many = simulate(
        [case(capital=10_000.0), case(quantity=300.0, capital=10_000.0)],
        market([99, 100, 103, 110]), costs=FREE,
    )  # fmt: skip

    assert [few.quantity, many.quantity] == pytest.approx([25.0, 75.0])


def test_capital_is_free_again_once_a_case_has_left() -> None:
    opens = market([99, 100, 100, 100, 100, 100, 100])
    first = case(capital=10_000.0)
    during, after = case(decided=1, capital=10_000.0), case(decided=3, capital=10_000.0)

    courses = simulate([first, during, after], opens, costs=FREE)

    assert [course.quantity for course in courses] == [100.0, 0.0, 100.0]


paths = st.lists(st.floats(5.0, 500.0), min_size=12, max_size=12)
cases = st.builds(
    Case,
    decided=st.integers(0, 10),
    asset=st.just(0),
    sign=st.sampled_from([1, -1]),
    quantity=st.floats(1.0, 5_000.0),
    limit=st.one_of(st.just(NAN), st.floats(5.0, 500.0)),
    stop=st.one_of(st.just(NAN), st.floats(5.0, 500.0)),
    horizon=st.integers(1, 6),
    capital=st.just(100_000.0),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(paths, st.lists(cases, min_size=1, max_size=6))
def test_the_same_case_earns_the_same_whatever_stands_beside_it_in_the_list(
    opens: list[float], some: list[Case]
) -> None:
    twice = simulate([*some, *reversed(some)], market(opens, volume=20_000))

    for one, other in zip(twice[: len(some)], reversed(twice[len(some) :]), strict=True):
        assert _same(one, other)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(paths, st.lists(cases, min_size=1, max_size=6), st.integers(1, 12))
def test_no_later_session_changes_what_was_over_before_it(
    opens: list[float], some: list[Case], known: int
) -> None:
    whole = market(opens, volume=20_000)
    early = [one for one in some if one.decided < known]
    before = Market(*(array[:known] for array in vars(whole).values()))

    for then, now in zip(simulate(early, before), simulate(early, whole), strict=True):
        if then.status in {Status.CLOSED, Status.UNFILLED}:
            assert _same(then, now)
        else:
            assert (then.quantity, then.entered) in {(now.quantity, now.entered), (0.0, -1)}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(paths, st.lists(cases, min_size=1, max_size=6))
def test_together_they_never_hold_more_than_the_capital(
    opens: list[float], some: list[Case]
) -> None:
    courses = simulate(some, market(opens), costs=FREE)

    for row in range(len(opens)):
        held = sum(
            course.notional
            for course in courses
            if 0 <= course.entered <= row and (course.left < 0 or course.left > row)
        )
        assert held <= 100_000.0 * (1 + 1e-9)


def _same(one: object, other: object) -> bool:
    return repr(one) == repr(other)


def _interval(values: FloatArray, *, block: int = 5, level: float = 0.95) -> tuple[float, float]:
    found = mean_interval(
        values, np.arange(values.size), block=block, level=level, rng=np.random.default_rng(1)
    )
    assert found is not None
    return found.low, found.high


def test_of_independent_cases_it_is_the_interval_of_the_textbook() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, size=2_000)

    low, high = _interval(values, block=1)

    half = 1.96 * values.std() / np.sqrt(values.size)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_of_cases_that_move_together_it_is_wider() -> None:
    # Ten in a row are the same figure: the mean is one of 200 draws, not of 2,000.
    values = np.repeat(np.random.default_rng(3).normal(0.0, 1.0, size=200), 10)

    narrow, wide = _interval(values, block=1), _interval(values, block=20)

    assert wide[1] - wide[0] == pytest.approx(2 * 1.96 * values.std() / np.sqrt(200), rel=0.2)
    assert wide[1] - wide[0] > 2.5 * (narrow[1] - narrow[0])


def test_it_moves_with_the_cases_and_is_a_point_where_they_agree() -> None:
    values = np.random.default_rng(3).normal(size=60)

    moved = np.subtract(_interval(values + 7.0), _interval(values))

    assert moved == pytest.approx(7.0)
    assert _interval(np.full(40, 2.5)) == (2.5, 2.5)


def test_too_few_cases_or_too_short_a_record_say_nothing() -> None:
    rng = np.random.default_rng(1)
    few = np.ones(FEWEST - 1)

    assert mean_interval(few, np.arange(few.size), block=1, rng=rng) is None
    assert mean_interval(np.ones(40), np.arange(40) // 4, block=5, rng=rng) is None
    with pytest.raises(ValueError, match="finite"):
        mean_interval(np.array([np.nan]), np.array([0]), block=1, rng=rng)
