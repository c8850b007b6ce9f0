"""Regimes are told from the past alone, and each is judged on its own sessions."""

import numpy as np
import pytest

from quant.gates import GATES, REGIMES, regime_sharpes, regimes, title

RNG = np.random.default_rng(5)
# 63 returns make the first volatility, 252 of those the first rank.
FIRST_RANKED = 63 + 252


def test_a_market_that_grows_wilder_is_wild_and_one_that_calms_down_is_calm() -> None:
    noise = np.where(np.arange(1_000) % 2 == 0, 0.01, -0.01)
    wilder = regimes(noise * np.linspace(1.0, 2.0, 1_000))
    calmer = regimes(noise * np.linspace(2.0, 1.0, 1_000))

    assert wilder["wild"][FIRST_RANKED:].all()
    assert calmer["calm"][FIRST_RANKED:].all()
    assert not any(wilder[name][:FIRST_RANKED].any() for name in ("calm", "usual", "wild"))


def test_direction_is_the_sign_of_the_126_sessions_before() -> None:
    market = np.concatenate((np.full(200, 0.01), np.full(200, -0.01)))
    told = regimes(market)

    assert not told["rising"][:126].any()
    assert told["rising"][126:200].all()
    # ln 1.01 = 0.00995, ln 0.99 = -0.01005: after 63 falling sessions 63 rising ones no longer
    # make up for them, so that session 263 is the first to be called falling.
    assert told["rising"][262]
    assert told["falling"][263:].all()


def test_no_later_return_changes_what_a_session_was_called() -> None:
    market = RNG.standard_t(4, 900) * 0.01
    altered = market.copy()
    altered[600:] *= -3.0

    before, after = regimes(market), regimes(altered)

    for name in REGIMES:
        np.testing.assert_array_equal(before[name][:601], after[name][:601])


def test_a_session_has_one_volatility_and_one_direction() -> None:
    told = regimes(RNG.standard_t(4, 900) * 0.01)
    count = sum(told[name][FIRST_RANKED:].astype(int) for name in REGIMES)

    np.testing.assert_array_equal(count, 2)


def test_each_regime_has_the_ratio_of_its_own_sessions() -> None:
    # 0.3 % and -0.1 % in turn: mean 0.1 %, deviation (ddof 1) 0.2 % * sqrt(252 / 251)
    active = np.concatenate((np.tile([0.003, -0.001], 126), np.zeros(252)))
    first = np.arange(504) < 252

    told = regime_sharpes(active, {"rising": first, "falling": ~first})

    assert told["rising"] == pytest.approx(0.5 / np.sqrt(252 / 251) * np.sqrt(252))
    assert told["falling"] is None  # nothing varied there: unknown, not nought


def test_less_than_a_year_in_a_regime_is_not_known() -> None:
    active = RNG.normal(size=600) * 0.01
    few = np.arange(600) < 251

    assert regime_sharpes(active, {"calm": few, "wild": ~few})["calm"] is None


def test_every_gate_has_a_title_without_underscores() -> None:
    titles = [title(name) for name in GATES]

    assert len(set(titles)) == len(GATES)
    assert not any("_" in told for told in titles)
    assert title("a_gate_of_old") == "a gate of old"
