"""Comparisons across symbols by hand: ties, members, sessions apart; and the index by session."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from quant.features import DAILY, DailyPanel, Feature, Registry, daily_features
from quant.features.across import cross_section
from quant.features.expressions import sector_mean
from quant.features.terms import RETURN


def four_symbols() -> DailyPanel:
    """Two sessions; the second closes +10 %, 0 %, −5 % and 0 %."""
    close = np.array([10.0, 11.0, 20.0, 20.0, 100.0, 95.0, 50.0, 50.0])
    ones = np.ones(8)
    return DailyPanel(
        symbols=("A", "B", "C", "D"),
        offsets=np.array([0, 2, 4, 6, 8]),
        sessions=np.tile(np.array([12_000, 12_001], dtype=np.int32), 4),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=1e3 * ones,
        split_factor=ones,
        return_factor=ones,
        index_sessions=np.array([11_999, 12_001], dtype=np.int32),
        index_close=np.array([1_000.0, 1_010.0]),
    )


def second_session(panel: DailyPanel, name: str) -> np.ndarray:
    return daily_features(panel, registry=DAILY.select([name]), from_session=12_001)[:, 0]


def test_equal_returns_share_a_rank() -> None:
    # Two share places 1 and 2 of 0 … 3.
    assert second_session(four_symbols(), "rank_return_1").tolist() == [1.0, 0.5, 0.0, 0.5]


def test_a_symbol_outside_the_universe_has_no_rank_and_moves_none() -> None:
    member = np.ones(8, dtype=np.bool_)
    member[7] = False
    panel = replace(four_symbols(), member=member)

    ranks = second_session(panel, "rank_return_1")

    assert ranks[:3] == pytest.approx([1.0, 0.5, 0.0])
    assert np.isnan(ranks[3])


def test_dispersion_is_the_deviation_across_members() -> None:
    returns = np.log([1.1, 1.0, 0.95, 1.0])

    dispersion = second_session(four_symbols(), "dispersion_1")

    assert dispersion == pytest.approx(np.full(4, returns.std(ddof=1)), rel=1e-6)


def test_one_member_alone_has_no_rank() -> None:
    member = np.zeros(8, dtype=np.bool_)
    member[1] = True

    ranks = second_session(replace(four_symbols(), member=member), "rank_return_1")

    assert np.isnan(ranks).all()


OF_SECTOR = Registry([Feature("mean", "cross-section", sector_mean(RETURN), "of the sector")])


def sector_means(sector: np.ndarray | None = None, member: np.ndarray | None = None) -> np.ndarray:
    panel = replace(four_symbols(), sector=sector, member=member)
    return daily_features(panel, registry=OF_SECTOR, from_session=12_001)[:, 0]


def test_a_sector_is_its_members_of_the_session() -> None:
    move = np.log([1.1, 1.0, 0.95, 1.0])
    sector = np.array([0, 7, 7, 7, 0, 0, 0, 7], dtype=np.int32)  # A joins B and D on the second day
    member = np.ones(8, dtype=np.bool_)
    member[7] = False

    together, alone = move[[0, 1, 3]].mean(), move[2]
    assert sector_means(sector=sector) == pytest.approx([together, together, alone, together])
    without = move[[0, 1]].mean()
    means = sector_means(sector=sector, member=member)
    assert means[:3] == pytest.approx([without, without, alone])
    assert np.isnan(means[3])


def test_symbols_whose_sector_is_unknown_count_as_one() -> None:
    assert sector_means() == pytest.approx(np.full(4, np.log([1.1, 0.95]).sum() / 4.0))


def test_a_sector_is_numbered_from_zero() -> None:
    with pytest.raises(ValueError, match=r"`sector` must be 0 or more, was -1\."):
        sector_means(sector=np.full(8, -1, dtype=np.int32))


def test_a_session_without_an_index_close_has_no_relative_figure() -> None:
    # The index has no close on 12 000, the session before.
    days = np.arange(8, dtype=np.int32) + 12_000
    close = np.array([10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0])
    ones = np.ones(8)
    panel = DailyPanel(
        symbols=("A",),
        offsets=np.array([0, 8]),
        sessions=days,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=ones,
        split_factor=ones,
        return_factor=ones,
        index_sessions=np.delete(days, 6),
        index_close=np.full(7, 100.0),
    )

    strength = daily_features(panel, registry=DAILY.select(["strength_5"]))[:, 0]

    assert np.isnan(strength[[0, 1, 2, 3, 4, 6]]).all()
    assert strength[5] == pytest.approx(np.log(1.5))
    assert strength[7] == pytest.approx(np.log(17 / 12))


def test_a_panel_without_an_index_still_has_the_rest() -> None:
    panel = replace(
        four_symbols(),
        index_sessions=np.empty(0, dtype=np.int32),
        index_close=np.empty(0),
    )

    assert np.isnan(second_session(panel, "index_return_21")).all()
    assert np.isfinite(second_session(panel, "rank_return_1")).all()


_RNG = np.random.default_rng(21)
CROWDS = {
    "usual": _RNG.normal(size=500),
    "rounded to ties": np.round(_RNG.normal(size=400), 1),
    "a few far ones": np.concatenate((_RNG.normal(size=300), [1e9, -1e9, 1e300])),
    "crowded at one end": np.exp(6.0 * _RNG.normal(size=300)),
    "all alike": np.full(50, 0.25),
    "next to each other": 1.0 + np.arange(60)[::-1] * np.finfo(np.float64).eps,
    "below the smallest normal": np.arange(40)[::-1] * 5e-324,
    "without bounds": np.concatenate((_RNG.normal(size=40), [np.inf, -np.inf, np.inf])),
    "too far apart to subtract": np.concatenate((_RNG.normal(size=40), [1.7e308, -1.7e308])),
    "nought of both signs": np.concatenate((np.zeros(20), -np.zeros(20), [1.0, -1.0])),
    "few": np.array([3.0, 1.0, 2.0, 1.0]),
}


@pytest.mark.parametrize("crowd", list(CROWDS))
def test_ranks_are_those_of_scipy_however_values_crowd(crowd: str) -> None:
    values = np.concatenate((CROWDS[crowd], [np.nan]))
    member = np.ones(values.size, dtype=np.bool_)
    member[3] = False
    ranks = np.zeros(values.size)

    bounds = np.array([0, values.size])
    cross_section(values, member, np.arange(values.size), bounds, 60, ranks, 0, 1)

    ranked = member & ~np.isnan(values)
    expected = (rankdata(values[ranked]) - 1.0) / (ranked.sum() - 1)
    np.testing.assert_array_equal(ranks[ranked], expected)
    assert np.isnan(ranks[~ranked]).all()
