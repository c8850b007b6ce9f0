"""Rules that ask a second model are judged as such, and begin nothing while it is silent."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from assets.entry_filter import SecondModel, of_entries, said_without_future
from assets.judging import Market
from assets.rule_gates import Judged, judged_swing, trial_of, unjudged, variants_of
from assets.searching import configuration_hash
from quant.backtest import Costs
from quant.entries import FEWEST_ENTRIES, entry_samples
from quant.features import CORE, DailyPanel
from quant.signals import SWING, strategy_name
from quant.strategies import SwingRules, bars_of, swing
from tests.unit.assets.test_strategies import NOTHING_BEFORE, THRESHOLDS
from tests.unit.quant.panels import random_panel
from tests.unit.quant.test_entries import EAGER

SUBJECT = "toy/swing trend with meta-labels"
NAMES = CORE.names[:3]


@pytest.fixture(scope="module", name="market")
def _market() -> DailyPanel:
    return random_panel(n_symbols=12, n_sessions=1_400, seed=4)


@pytest.fixture(scope="module", name="second")
def _second(market: DailyPanel) -> SecondModel:
    return asked(market, EAGER, threshold=0.5)


def asked(market: DailyPanel, rules: SwingRules, *, threshold: float) -> SecondModel:
    """A second model whose first feature tells in part what becomes of an entry."""
    values = np.random.default_rng(3).normal(size=(market.n_rows, len(NAMES)))
    plain = entry_samples(market, values.astype(np.float32), NAMES, rules, minimum_history=1)
    entries = plain.labelled(np.arange(plain.n_rows))
    features = plain.features.copy()
    features[entries, 0] += np.sign(plain.labels[entries])
    return of_entries(market, replace(plain, features=features), threshold=threshold, seed=7)


def judged(market: DailyPanel, second: SecondModel) -> Judged:
    bars = bars_of(market)
    return judged_swing(
        bars,
        Market(bars.opens, bars.closes, bars.volumes, first_ordinal=0),
        EAGER,
        second.word.allowed(second.threshold),
        subject=SUBJECT,
        history=NOTHING_BEFORE,
        thresholds=THRESHOLDS,
        least_variance=1.0,
        clean_model=said_without_future(second),
        point_in_time=False,
        real_data=True,
        asked=second.configuration,
    )


def test_nothing_is_begun_without_its_word(market: DailyPanel, second: SecondModel) -> None:
    allowed = second.word.allowed(second.threshold)
    entered = swing(bars_of(market), rules=EAGER, allowed=allowed).entered

    assert entered.any()
    assert second.word.probability[entered].min() >= 0.5
    assert not entered[: int(np.argmax(allowed.any(axis=1)))].any()


def test_it_goes_through_every_gate_and_each_variant_is_a_trial(
    market: DailyPanel, second: SecondModel
) -> None:
    told = judged(market, second)

    assert {verdict.name for verdict in told.verdicts} == set(THRESHOLDS)
    assert told.evidence.leakage_probes is True
    assert len({trial.configuration_hash for trial in told.trials}) == len(variants_of(EAGER))
    for trial in told.trials:
        assert second.configuration.items() <= json.loads(trial.configuration).items()


def test_a_word_that_is_never_enough_is_judged_as_what_it_earns(
    market: DailyPanel, second: SecondModel
) -> None:
    told = judged(market, replace(second, threshold=0.9999))

    assert told.trials
    assert all(not trial.returns.any() for trial in told.trials)
    assert not all(verdict.passed for verdict in told.verdicts)


def test_another_threshold_or_other_features_are_other_trials(second: SecondModel) -> None:
    others = (
        replace(second, threshold=0.6),
        replace(second, dataset=replace(second.dataset, names=CORE.names[1:4])),
    )
    hashes = {
        trial_of(EAGER, np.zeros(3), SUBJECT, asked=one.configuration).configuration_hash
        for one in (second, *others)
    }

    assert len(hashes) == 3


def test_rules_that_ask_nobody_are_the_trials_they_were() -> None:
    rules = SwingRules()
    former = {
        "fast": 20, "slow": 50, "strength": 20.0, "stop_ranges": 3.0, "longest": 10,
        "gross": 0.15, "position": 0.05, "filtered": False, "costs": asdict(Costs()),
    }  # fmt: skip

    told = trial_of(rules, np.zeros(3), "toy/swing", asked=None)

    assert told.configuration_hash == configuration_hash(former, "toy/swing")
    dearer = former | {"costs": asdict(Costs(half_spread_bps=9.0))}
    assert told.configuration_hash != configuration_hash(dearer, "toy/swing")
    assert [strategy_name(SWING, filtered=way) for way in (False, True, "meta")] == [
        "swing trend", "swing trend with model", "swing trend with meta-labels",
    ]  # fmt: skip


def test_a_word_that_knew_what_came_later_is_found_out(second: SecondModel) -> None:
    known = second.word.probability.copy()
    known[np.isfinite(known)] = 1.0 - known[np.isfinite(known)]

    assert said_without_future(second)
    assert not said_without_future(replace(second, word=replace(second.word, probability=known)))


def test_too_few_entries_are_told_with_their_number_and_nothing_is_tried(
    market: DailyPanel,
) -> None:
    silent = asked(market, SwingRules(), threshold=0.5)
    bars = bars_of(market)
    nothing = unjudged(SUBJECT, bars, THRESHOLDS, point_in_time=True, real_data=True)

    assert silent.word.is_silent
    assert silent.told() | {"sentence": ""} == {
        "entries": silent.word.n_entries, "needed": FEWEST_ENTRIES, "silent": True, "sentence": "",
    }  # fmt: skip
    assert f"{silent.word.n_entries} entries" in silent.sentence
    assert f"it needs {FEWEST_ENTRIES}" in silent.sentence
    assert not swing(bars, rules=SwingRules(), allowed=silent.word.allowed(0.01)).held.any()
    assert nothing.trials == ()
    assert not all(verdict.passed for verdict in nothing.verdicts)
    assert nothing.evidence.trades is None
