"""What became of forecasts is scored by the field's figures, and luck is called luck."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import brier_score_loss

from quant.models.record import Outcomes, expected_floor, gains, keeps_its_word, record_of
from quant.typing import FloatArray

RNG = np.random.default_rng(5)


def outcomes(*, n_sessions: int, names: int, skill: float = 0.0, seed: int = 5) -> Outcomes:
    rng = np.random.default_rng(seed)
    excess = rng.normal(size=n_sessions * names) * 0.02
    right = rng.random(excess.size) < 0.5 + skill
    called = np.where(right, excess > 0.0, excess <= 0.0)
    return Outcomes(
        sessions=np.repeat(np.arange(n_sessions), names),
        probability=np.where(called, 0.5, 0.3) + 0.2 * rng.random(excess.size) * called,
        low=np.full(excess.size, -1.2816 * 0.02),
        high=np.full(excess.size, 1.2816 * 0.02),
        excess=excess,
    )


def test_figures_are_those_counted_by_hand() -> None:
    told = Outcomes(
        sessions=np.array([0, 0, 1, 1]),
        probability=np.array([0.6, 0.4, 0.5, 0.9]),
        low=np.full(4, -0.01),
        high=np.full(4, 0.02),
        excess=np.array([0.01, 0.03, -0.01, 0.02]),
    )

    record = record_of(told)

    assert (record.n, record.sessions) == (4, 2)
    assert record.hit_rate.value == 2 / 4  # the second and the third were called wrongly
    assert record.coverage.value == 3 / 4  # 0.03 lies outside; the ends belong to the range
    assert record.brier.value == pytest.approx(
        brier_score_loss([1, 1, 0, 1], told.probability), abs=1e-12
    )
    assert record.lucky  # two sessions tell nothing
    assert record.hit_rate.low is None
    assert record.ic is None  # two names


def test_the_rank_correlation_is_scipys_mean_over_sessions() -> None:
    told = outcomes(n_sessions=12, names=25, skill=0.2)
    each = [
        float(spearmanr(told.probability[s::1][:25], told.excess[s::1][:25]).statistic)
        for s in range(0, 300, 25)
    ]

    record = record_of(told)

    assert record.ic is not None
    assert record.ic.value == pytest.approx(np.mean(each))
    assert record.icir == pytest.approx(np.mean(each) / np.std(each, ddof=1))


def test_a_coin_is_not_told_from_luck_and_skill_is() -> None:
    lucky = [record_of(outcomes(n_sessions=252, names=5, seed=seed)).lucky for seed in range(40)]

    assert sum(lucky) >= 34  # 95 % of 40 are 38; four more for the bootstrap of twelve blocks
    assert not record_of(outcomes(n_sessions=252, names=5, skill=0.1)).lucky


@pytest.mark.parametrize("said", [0.6, 0.4])
def test_a_word_that_is_always_the_same_is_luck_wherever_more_rise_than_fall(said: float) -> None:
    rng = np.random.default_rng(0)
    sessions = np.repeat(np.arange(1_000), 5)
    told = Outcomes(
        sessions=sessions,
        probability=np.full(sessions.size, said),
        low=np.full(sessions.size, -1.0),
        high=np.full(sessions.size, 1.0),
        excess=np.where(rng.random(sessions.size) < 0.55, 0.01, -0.01),
    )

    record = record_of(told)

    assert record.lucky
    assert record.luck == record.hit_rate.value  # about 55 % of rises, or 45 % of falls


def test_luck_is_what_the_same_calls_hit_at_the_base_rate() -> None:
    told = Outcomes(
        sessions=np.array([0, 0, 1, 1, 2]),
        probability=np.array([0.6, 0.7, 0.4, 0.5, 0.3]),
        low=np.zeros(5),
        high=np.zeros(5),
        excess=np.array([0.01, 0.01, 0.01, -0.01, -0.01]),
    )

    # Three of five rose, three of five calls were for a rise.
    assert record_of(told).luck == pytest.approx(3 / 5 * 3 / 5 + 2 / 5 * 2 / 5)


def test_a_random_caller_is_luck_where_more_rise_than_fall() -> None:
    told = outcomes(n_sessions=252, names=5)
    rng = np.random.default_rng(3)
    rising = replace(told, excess=np.where(rng.random(told.excess.size) < 0.6, 0.01, -0.01))

    assert record_of(rising).lucky


def test_sessions_and_not_forecasts_are_the_cases() -> None:
    one = outcomes(n_sessions=252, names=1, skill=0.04)
    many = Outcomes(*(np.repeat(v, 30) for v in vars(one).values()))  # thirty copies of each

    alone, copied = record_of(one).hit_rate, record_of(many).hit_rate

    assert (alone.low, alone.high) == pytest.approx((copied.low, copied.high))


def test_gains_follow_the_calls() -> None:
    told = Outcomes(
        sessions=np.array([3, 3, 1]),
        probability=np.array([0.6, 0.4, 0.5]),
        low=np.zeros(3),
        high=np.zeros(3),
        excess=np.array([0.02, 0.04, -0.01]),
    )

    np.testing.assert_allclose(gains(told), [-0.01, (0.02 - 0.04) / 2])


def test_the_floor_is_the_fifth_percentile_of_a_looks_mean() -> None:
    before = RNG.normal(0.001, 0.02, 6_300)

    floor = expected_floor(before)

    # Independent sessions: the mean of 63 has a deviation of 0.02 / sqrt(63).
    assert floor == pytest.approx(before.mean() - 1.645 * 0.02 / np.sqrt(63), abs=4e-4)


def test_one_bad_look_is_forgiven_and_two_in_a_row_are_not() -> None:
    before = RNG.normal(0.001, 0.02, 2_520)
    floor = expected_floor(before)
    assert floor is not None
    bad, good = np.full(63, floor - 0.001), np.full(63, 0.001)

    def kept(*looks: FloatArray) -> bool:
        return keeps_its_word(np.concatenate(looks), before)

    assert kept(bad)
    assert kept(bad, good)
    assert kept(bad, good, bad)
    assert not kept(good, bad, bad)
    assert not kept(bad, bad, good[:40])  # a look that has not ended says nothing yet


def test_without_a_record_nobody_is_demoted() -> None:
    assert keeps_its_word(np.full(200, -0.5), np.zeros(100))


def test_an_unchanged_model_is_hardly_ever_demoted() -> None:
    before = RNG.normal(0.0, 0.02, 2_520)
    rng = np.random.default_rng(9)

    kept = [keeps_its_word(rng.normal(0.0, 0.02, 126), before) for _ in range(200)]

    assert sum(kept) >= 196  # 0.05 * 0.05 of 200 is a half


def test_without_any_outcome_there_is_no_record() -> None:
    none = outcomes(n_sessions=1, names=1)
    with pytest.raises(ValueError, match="at least one matured forecast"):
        record_of(replace(none, **{name: value[:0] for name, value in vars(none).items()}))
