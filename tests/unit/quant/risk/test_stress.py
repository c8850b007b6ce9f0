"""Stress by hand, the desk's scenario file, and correlations that change."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, norm

from config import scenarios
from config.documents import ROOT
from config.errors import SettingsError
from config.scenarios import (
    CorrelationRise,
    MarketMove,
    Scenario,
    SectorMove,
    SingleGap,
    VolatilityRise,
    Window,
)
from quant.risk import (
    Book,
    Replay,
    correlation_break,
    correlations,
    normal_value_at_risk,
    scenario_loss,
    stress_loss,
    undiversified_value_at_risk,
    with_correlation,
)

TOLD = {"label": "A label", "reason": "A reason of some length."}
COVARIANCE = np.array([[4.0, 1.0, 0.5], [1.0, 1.0, 0.2], [0.5, 0.2, 2.0]]) * 1e-4
BOOK = Book(
    symbols=("A", "B", "C"),
    sectors=("Tech", "Tech", "Oil"),
    weights=np.array([0.5, 0.3, -0.2]),
    betas=np.array([1.2, 1.0, 0.5]),
    covariance=COVARIANCE,
)


def test_stress_takes_the_gap_instead_of_the_markets_move() -> None:
    weights, betas = np.array([0.5, 0.3]), np.array([1.2, 1.0])

    # 0.5 * 1.2 * 10 % and a gap of 40 % on 0.3
    assert stress_loss(weights, {1: -0.4}, betas=betas, market=-0.1) == pytest.approx(0.18)


@pytest.mark.parametrize(
    ("scenario", "loss", "struck"),
    [
        # 10 % of 0.5 * 1.2 + 0.3 * 1.0 - 0.2 * 0.5
        (MarketMove(kind="market", move=-0.10, **TOLD), 0.08, "book"),
        # 25 % of 0.5 + 0.3; oil would gain 5 %
        (SectorMove(kind="sector", move=-0.25, **TOLD), 0.20, "Tech"),
        (SectorMove(kind="sector", sector="Oil", move=-0.25, **TOLD), -0.05, "Oil"),
        # 30 % of the largest, and up for the short one
        (SingleGap(kind="gap", size=0.30, **TOLD), 0.15, "A"),
        (SingleGap(kind="gap", symbol="C", size=0.30, **TOLD), 0.06, "C"),
    ],
)
def test_scenarios_by_hand(scenario: Scenario, loss: float, struck: str) -> None:
    found = scenario_loss(scenario, BOOK)

    assert found.loss == pytest.approx(loss)
    assert found.struck == struck


def test_a_price_falls_to_zero_and_no_further() -> None:
    far = MarketMove(kind="market", move=-0.9, **TOLD)

    # 0.5 loses all (1.2 * 0.9 > 1), 0.3 loses 90 %, the short gains 45 %
    assert scenario_loss(far, BOOK).loss == pytest.approx(0.5 + 0.27 - 0.09)


def test_doubled_volatility_doubles_the_value_at_risk() -> None:
    calm = normal_value_at_risk(BOOK.weights, COVARIANCE, level=0.99)

    found = scenario_loss(VolatilityRise(kind="volatility", times=2.0, **TOLD), BOOK)
    assert found.loss == pytest.approx(2 * calm)


def test_correlation_one_leaves_no_diversification_to_a_long_book() -> None:
    long = Book(BOOK.symbols, BOOK.sectors, np.abs(BOOK.weights), BOOK.betas, COVARIANCE)

    found = scenario_loss(CorrelationRise(kind="correlation", **TOLD), long)
    assert found.loss == pytest.approx(undiversified_value_at_risk(long.weights, COVARIANCE))


def test_a_window_is_played_again_on_what_is_held_now() -> None:
    lived = Window(kind="window", first=date(2008, 9, 12), last=date(2008, 11, 20), **TOLD)
    replay = Replay(growth=np.array([-0.5, 0.1, np.nan]), index=-0.4)

    # 0.25 lost, 0.03 gained, and the short one that was not listed gains 0.2 * 0.5 * 0.4
    assert scenario_loss(lived, BOOK, replay=replay).loss == pytest.approx(0.25 - 0.03 - 0.04)
    with pytest.raises(ValueError, match="needs the returns from 2008-09-12"):
        scenario_loss(lived, BOOK)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (SectorMove(kind="sector", sector="Gold", move=-0.2, **TOLD), "'Gold'; the book's sectors"),
        (SingleGap(kind="gap", symbol="Z", size=0.2, **TOLD), "'Z', which is not in the book"),
    ],
)
def test_what_is_not_held_is_not_struck(scenario: Scenario, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scenario_loss(scenario, BOOK)


def test_a_book_whose_parts_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="one entry per asset"):
        Book(("A",), ("Tech",), np.ones(2), np.ones(2), np.eye(2))


def test_the_committed_scenarios_cover_what_is_asked() -> None:
    found = scenarios.load(ROOT / "scenarios.toml").scenarios

    assert {s.kind for s in found.values()} == {
        "market", "volatility", "sector", "gap", "correlation", "window",
    }  # fmt: skip
    moves = {s.move for s in found.values() if isinstance(s, MarketMove)}
    assert moves == {-0.10, -0.20}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "meteor"', "market"),
        ('kind = "market"\nmove = -1.5', "Wanted: -1.0 or more"),
        ('kind = "market"\nmove = -0.1\nspeed = 2', "Unknown key"),
        ('kind = "window"\nfirst = 2008-11-20\nlast = 2008-09-12', "after `first`"),
    ],
)
def test_a_wrong_scenario_file_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scenarios.toml"
    path.write_text(
        f'[scenarios.one]\nlabel = "One"\nreason = "A reason of some length."\n{text}\n'
    )

    with pytest.raises(SettingsError, match=message) as raised:
        scenarios.load(path)
    assert str(path) in str(raised.value)


@given(st.floats(0, 1), st.floats(0, 1))
def test_moved_correlations_keep_volatilities_and_stay_a_covariance(
    toward: float, strength: float
) -> None:
    moved = with_correlation(COVARIANCE, toward=toward, strength=strength)

    np.testing.assert_allclose(np.diag(moved), np.diag(COVARIANCE))
    assert np.linalg.eigvalsh(moved).min() >= -1e-18


def test_break_of_one_pair_by_hand() -> None:
    # With two assets Jennrich's statistic is (r1 - r2)² n1 n2 / (n1 + n2) / (1 - r̄²)², the
    # difference over its asymptotic deviation; r̄ is the mean weighed by observations
    rng = np.random.default_rng(1)
    first = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=120)
    second = rng.multivariate_normal([0, 0], [[1, 0.2], [0.2, 1]], size=80)

    found = correlation_break(first, second)

    r1, r2 = (float(np.corrcoef(x[:, 0], x[:, 1])[0, 1]) for x in (first, second))
    pooled = (120 * r1 + 80 * r2) / 200
    by_hand = (r1 - r2) ** 2 * 120 * 80 / 200 / (1 - pooled**2) ** 2
    assert found.statistic == pytest.approx(by_hand)
    assert found.p_value == pytest.approx(chi2.sf(by_hand, 1))
    assert found.pair == (0, 1)
    assert [found.before, found.after] == pytest.approx([r1, r2])
    z = (np.arctanh(r2) - np.arctanh(r1)) / np.sqrt(1 / 117 + 1 / 77)
    assert found.pair_p_value == pytest.approx(2 * norm.sf(abs(z)))


def test_a_break_is_found_where_it_is_and_seldom_where_there_is_none() -> None:
    rng = np.random.default_rng(2)
    same = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    changed = same.copy()
    changed[1, 3] = changed[3, 1] = -0.2

    quiet = [
        correlation_break(*(rng.multivariate_normal(np.zeros(4), same, size=250) for _ in range(2)))
        for _ in range(100)
    ]
    loud = correlation_break(
        rng.multivariate_normal(np.zeros(4), same, size=250),
        rng.multivariate_normal(np.zeros(4), changed, size=250),
    )

    assert sum(found.p_value < 0.05 for found in quiet) <= 12  # 5 expected
    assert loud.p_value < 1e-6
    assert loud.pair == (1, 3)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.column_stack((np.arange(9.0), np.ones(9))), r"positions \[1\] do not vary"),
        (np.array([[0.1, np.nan], [0.2, 0.1], [0.3, 0.0]]), "must be finite"),
        (np.ones((2, 2)), "n_obs >= 3"),
    ],
)
def test_returns_without_a_correlation_are_refused(returns: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        correlations(returns)


def test_assets_that_reproduce_each_other_are_refused() -> None:
    one = np.random.default_rng(3).normal(size=(60, 1))
    with pytest.raises(ValueError, match="reproduced by the others"):
        correlation_break(np.hstack((one, 2 * one)), np.hstack((one, 3 * one)))
