"""Rules are judged as models are: their variants are trials, and what nobody knows fails."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.judging import Market
from assets.rule_gates import Judged, decided_without_future, judged_swing, trial_of, variants_of
from assets.strategies import model_asked
from assets.training import History
from config import gates as gates_module
from config import settings as settings_module
from config.settings import Settings
from quant.overfitting import deflated_sharpe_ratio
from quant.performance import sharpe_ratio
from quant.strategies import Bars, SwingRules, bars_of
from tests.unit.quant.real_bars import panel as real_panel

RULES = SwingRules()
THRESHOLDS = {name: float(gate.threshold) for name, gate in gates_module.load().gates.items()}
NOTHING_BEFORE = History(configurations=frozenset(), sharpes={})


@pytest.fixture(scope="module", name="bars")
def _bars() -> Bars:
    return bars_of(real_panel())


def judged(bars: Bars, history: History = NOTHING_BEFORE, **changed: object) -> Judged:
    asked: dict[str, object] = {
        "subject": "toy/swing", "history": history, "thresholds": THRESHOLDS,
        "least_variance": 1.0, "clean_model": True, "point_in_time": False, "real_data": True,
        "allowed": None,
    }  # fmt: skip
    told = asked | changed
    market = Market(bars.opens, bars.closes, bars.volumes, first_ordinal=0)
    return judged_swing(bars, market, RULES, told.pop("allowed"), **told)  # type: ignore[arg-type]


@pytest.fixture(scope="module", name="first")
def _first(bars: Bars) -> Judged:
    return judged(bars)


def test_every_variant_that_was_looked_at_is_a_trial_of_its_own(first: Judged) -> None:
    assert len(variants_of(RULES)) == 6  # three pairs of spans, two strengths; RULES among them
    assert variants_of(RULES)[0] == RULES
    assert len({trial.configuration_hash for trial in first.trials}) == 6
    assert {trial.returns.size for trial in first.trials} == {first.trials[0].returns.size}


def test_the_deflated_ratio_counts_the_variants_and_all_that_came_before(
    bars: Bars, first: Judged
) -> None:
    draws = np.random.default_rng(1).normal(0.0, 0.05, 94).tolist()
    others = {f"other-{n}": draw for n, draw in enumerate(draws)}
    many = History(configurations=frozenset(others), sharpes=others)
    active = first.trials[0].returns
    ratios = [*draws, *(sharpe_ratio(t.returns, periods_per_year=1) for t in first.trials)]
    deviations = active - active.mean()
    expected = deflated_sharpe_ratio(
        sharpe_ratio(active, periods_per_year=1),
        n_obs=active.size,
        n_trials=100.0,
        trial_variance=float(np.var(ratios, ddof=1)),
        skew=float((deviations**3).mean() / (deviations**2).mean() ** 1.5),
        kurtosis=float((deviations**4).mean() / (deviations**2).mean() ** 2),
    )

    assert judged(bars, many).evidence.deflated_sharpe == pytest.approx(expected)


def test_every_figure_of_a_long_history_is_known_and_hindsight_fails(first: Judged) -> None:
    told = {verdict.name: verdict for verdict in first.verdicts}

    assert len(told) == 12
    assert [name for name, verdict in told.items() if verdict.value is None] == []
    assert told["leakage_probes"].passed
    assert not told["universe_point_in_time"].passed


def test_a_model_that_nobody_probed_leaves_the_rules_unprobed(bars: Bars) -> None:
    allowed = np.ones(bars.closes.shape, dtype=np.bool_)

    evidence = judged(bars, allowed=allowed, asked={}, clean_model=None).evidence

    assert evidence.leakage_probes is None


def test_too_short_a_history_makes_no_trial_and_fails(bars: Bars) -> None:
    told = judged(bars.until(150))

    assert told.trials == ()
    assert not any(verdict.passed for verdict in told.verdicts if verdict.name != "real_data")


class Restated(Bars):
    """Bars whose lows know the mean of all closes: another number once more is known."""

    def until(self, n_sessions: int) -> Bars:
        then = Bars.until(self, n_sessions)
        return replace(then, lows=then.lows - 0.05 * np.nanmean(then.closes, axis=0))


def test_bars_that_know_the_future_are_found_out(bars: Bars) -> None:
    assert decided_without_future(bars, RULES)
    assert not decided_without_future(Restated(**vars(bars)), RULES)


def test_rules_that_ask_another_model_or_at_another_threshold_are_other_trials(
    tmp_path: Path,
) -> None:
    settings = settings_module.load({"DESK_HOME": str(tmp_path)})

    def told(**training: object) -> Settings:
        return settings.model_copy(
            update={"training": settings.training.model_copy(update=training)}
        )

    strict = settings.strategy.model_copy(update={"threshold": 0.6})
    asked = [
        model_asked(one)
        for one in (
            settings,
            settings.model_copy(update={"strategy": strict}),
            told(model="linear"),
            told(horizon=10),
            told(features="all"),
            told(time_decay=0.5),
            told(anchored=True),
        )
    ]
    again = told(seed=8, trials=50, every=5)  # a search that is repeated asks the same question

    hashes = [
        trial_of(RULES, np.zeros(3), "toy/swing", asked=one).configuration_hash
        for one in (None, *asked)
    ]

    assert len(set(hashes)) == 8
    assert model_asked(again) == asked[0]
    assert "anchored" not in asked[0]  # what was tried before there was a choice stays counted
