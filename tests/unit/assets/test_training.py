"""Training counts every configuration once, and what nobody knows fails its gate."""

from dataclasses import replace

import numpy as np
import pytest

from assets.evidence import card
from assets.judging import Market, decided, earned
from assets.searching import Plan, Trial, configuration_hash
from assets.training import History, Trained, free_of_leaks, train
from config import gates as gates_module
from config import universe as universe_module
from quant.capacity import capacity_curve
from quant.labels import average_uniqueness, forward_excess
from quant.models import CANDIDATES, Dataset, UnusableDataError
from quant.models.calibration import logistic
from quant.performance import sharpe_ratio
from quant.probes import Finding
from quant.signals import Policy

N_SESSIONS, N_SYMBOLS = 400, 3  # 252 + 63 + 21 sessions for the first walk-forward window
PLAN = Plan(
    study="toy/h1@2012-07-02",
    trials=2,
    seed=7,
    device="cpu",
    policy=Policy(kind="top_k", k=1, threshold=0.5, gross=0.3, position=0.3),
    thresholds={name: float(gate.threshold) for name, gate in gates_module.load().gates.items()},
    point_in_time=False,
    real_data=True,
)
NOTHING_BEFORE = History(configurations=frozenset(), sharpes={})


def market(
    seed: int = 3, n_symbols: int = N_SYMBOLS, n_sessions: int = N_SESSIONS
) -> tuple[Dataset, Market]:
    """Random walks; the first feature foretells a part of the return after next."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_symbols * n_sessions, 4)).astype(np.float32)
    moves = 0.02 * rng.normal(size=(n_symbols, n_sessions))
    moves[:, 2:] += 0.01 * features[:, 0].reshape(n_symbols, -1)[:, :-2]
    opens = 100.0 * np.exp(np.cumsum(moves, axis=1))
    offsets = np.arange(n_symbols + 1) * n_sessions
    sessions = np.tile(np.arange(n_sessions, dtype=np.int32), n_symbols)
    labels = forward_excess(
        opens.ravel(), np.full(n_sessions, 100.0), offsets, sessions, horizon=1,
        volatility=np.full(sessions.size, 0.02),
    )  # fmt: skip
    dataset = Dataset(
        features=features,
        names=("foretelling", "noise_1", "noise_2", "noise_3"),
        sessions=sessions,
        symbols=np.repeat(np.arange(n_symbols, dtype=np.int32), n_sessions),
        labels=labels.value,
        weights=average_uniqueness(labels.start_session, labels.end_session, offsets),
        label_start=labels.start_session,
        label_end=labels.end_session,
        scale=labels.scale,
    )
    prices = opens.T.copy()
    return dataset, Market(prices, prices, np.full(prices.shape, 1e7), first_ordinal=0)


def trained(history: History, plan: Plan = PLAN) -> Trained:
    return train(*market(), plan, history, progress=lambda _what, _done, _of: None)


@pytest.fixture(scope="module", name="first")
def _first() -> Trained:
    return trained(NOTHING_BEFORE)


def ratios(of: Trained) -> dict[str, float]:
    return {
        t.configuration_hash: float(t.returns.mean() / t.returns.std(ddof=1)) for t in of.trials
    }


def test_each_trial_is_a_configuration_of_its_own(first: Trained) -> None:
    assert len(first.trials) == PLAN.trials
    assert len({trial.configuration_hash for trial in first.trials}) == PLAN.trials


def test_a_configuration_is_the_same_on_a_later_day_and_another_on_other_data() -> None:
    drawn = {"max_depth": 3.0, "l1": 0.5}

    assert configuration_hash(drawn, "toy/h1") == configuration_hash(dict(drawn), "toy/h1")
    assert configuration_hash(drawn, "toy/h1") != configuration_hash(drawn, "toy/h5")
    assert configuration_hash(drawn, "toy/h1") != configuration_hash(drawn | {"l1": 0.6}, "toy/h1")


def test_trials_made_before_are_counted_once(first: Trained) -> None:
    known = History(
        configurations=frozenset(trial.configuration_hash for trial in first.trials),
        sharpes=ratios(first),
    )

    again = trained(known, replace(PLAN, study="toy/h1@2012-07-03"))

    # The same seed draws the same configurations: nothing is new, and the figure stays.
    assert {t.configuration_hash for t in again.trials} == set(known.configurations)
    assert again.n_configurations == first.n_configurations
    assert again.evidence.deflated_sharpe == pytest.approx(first.evidence.deflated_sharpe)


def test_what_walk_forward_windows_choose_among_counts_as_well(first: Trained) -> None:
    assert first.n_configurations == PLAN.trials + len(CANDIDATES)


def test_a_configuration_that_failed_before_and_is_scored_now_has_its_ratio_of_now(
    first: Trained,
) -> None:
    failed = History(configurations=frozenset(ratios(first)), sharpes={})
    scored = replace(failed, sharpes=dict.fromkeys(ratios(first), 0.3))

    for known in (failed, scored):
        told = known.ratios({t.configuration_hash: t.returns for t in first.trials})
        np.testing.assert_allclose(sorted(told), sorted(ratios(first).values()))


def test_every_trial_ever_made_lowers_the_deflated_ratio(first: Trained) -> None:
    draws = np.random.default_rng(1).normal(0.0, 0.1, 500)
    many = History(
        configurations=frozenset(f"other-{n}" for n in range(500)),
        sharpes={f"other-{n}": draw for n, draw in enumerate(draws.tolist())},
    )
    none, some = first.evidence.deflated_sharpe, trained(many).evidence.deflated_sharpe

    assert none is not None
    assert some is not None
    assert some < none


def test_what_nobody_knows_fails(first: Trained) -> None:
    verdicts = {verdict.name: verdict for verdict in first.verdicts}
    unknown = [name for name, verdict in verdicts.items() if verdict.value is None]

    assert "regime_stability" in unknown
    assert not any(verdicts[name].passed for name in unknown)


def test_paths_are_judged_by_the_ratio_that_nine_of_ten_exceed(first: Trained) -> None:
    # Ten groups taken two at a time make nine paths; numpy's percentile is linear between ranks.
    ranked = np.sort(first.paths)

    assert ranked.size == 9
    assert first.evidence.combinatorial_sharpe == pytest.approx(0.2 * ranked[0] + 0.8 * ranked[1])


def test_a_market_lived_for_less_than_a_year_in_each_regime_leaves_stability_unknown(
    first: Trained,
) -> None:
    assert None in first.regimes.values()
    assert first.evidence.regime_stability is None


def test_an_edge_too_good_to_be_true_is_suspected_and_the_splits_are_not(first: Trained) -> None:
    # The first feature alone correlates by 0.4 with the outcome, and dies with its bar.
    failed = {finding.probe for finding in first.probes if not finding.passed}

    assert "last bar removed" in failed
    assert not failed & {"overlapping labels", "matured before use", "same-close fill"}
    assert first.evidence.leakage_probes is False


def test_without_the_comparison_with_serving_nobody_knows_of_leaks() -> None:
    passed = Finding("shuffled label", passed=True, figure=0.0, limit=3.0, sentence="")
    served = replace(passed, probe="train and serve")

    assert free_of_leaks((passed,), None) is None
    assert free_of_leaks((), served) is None
    assert free_of_leaks((passed,), served) is True
    assert free_of_leaks((passed,), replace(served, passed=False)) is False
    gone = replace(passed, probe="absent members")
    assert free_of_leaks((), served, gone) is None
    assert free_of_leaks((passed,), served, gone) is True
    assert free_of_leaks((passed,), served, replace(gone, passed=False)) is False


def test_a_universe_chosen_with_hindsight_fails_its_gate(first: Trained) -> None:
    verdict = next(v for v in first.verdicts if v.name == "universe_point_in_time")

    assert not verdict.passed


def test_the_model_that_is_kept_is_the_trial_with_the_lowest_loss(first: Trained) -> None:
    best = min(first.trials, key=lambda trial: trial.score or np.inf)

    assert first.settings.max_depth == best.configuration["max_depth"]
    assert first.settings.l2 == best.configuration["l2"]


def test_no_prediction_stands_for_a_session_the_model_learnt_from(first: Trained) -> None:
    dataset, _ = market()

    assert dataset.sessions[first.predictions.rows].min() >= 252 + 63


def test_what_each_group_of_features_is_worth_is_told(first: Trained) -> None:
    assert {effect.group for effect in first.effects} == {"other"}
    assert first.effects[0].n_features == 4
    assert first.effects[0].shuffled > 0.0  # the foretelling one is among them


def test_the_card_tells_limits_and_what_was_not_met(first: Trained) -> None:
    told = card(first, universe_module.load(), PLAN.policy, simulated=True)

    assert "chosen with hindsight" in told
    assert "Simulated prices" in told
    assert "Universe known at the time" in told
    assert "a book built otherwise" in told
    assert f"{first.n_configurations} configurations" in told


class KilledError(Exception):
    """Somebody ends the run."""


@pytest.mark.parametrize(("until", "due"), [("trials", 1), ("walk-forward windows", PLAN.trials)])
def test_what_was_scored_is_kept_whatever_becomes_of_the_run(until: str, due: int) -> None:
    kept: dict[str, Trial] = {}

    def keep(trials: tuple[Trial, ...]) -> None:
        kept.update((trial.configuration_hash, trial) for trial in trials)

    def killed(what: str, _done: int, _of: int) -> None:
        if what == until:
            raise KilledError

    with pytest.raises(KilledError):
        train(*market(), PLAN, NOTHING_BEFORE, progress=killed, keep=keep)

    assert len(kept) == due
    assert {trial.state for trial in kept.values()} == {"complete"}
    assert all(trial.returns.any() for trial in kept.values())


def quiet(_what: str, _done: int, _of: int) -> None:
    return


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "nothing but NaN; drop them or load more history: noise_1"),
        (1.0, "are constant; drop them: noise_1"),
        (np.inf, "hold infinite values; make them NaN: noise_1"),
    ],
)
def test_a_column_that_teaches_nothing_is_refused_by_name(value: float, message: str) -> None:
    dataset, prices = market()
    features = dataset.features.copy()
    features[:, 1] = value

    with pytest.raises(UnusableDataError, match=message):
        train(replace(dataset, features=features), prices, PLAN, NOTHING_BEFORE, progress=quiet)


def test_a_history_too_short_for_a_window_is_refused_with_what_it_needs() -> None:
    with pytest.raises(ValueError, match="sessions"):
        train(*market(n_sessions=200), PLAN, NOTHING_BEFORE, progress=quiet)


def test_labels_that_have_not_matured_are_too_few_to_learn_from() -> None:
    dataset, prices = market()
    labels = np.where(np.arange(dataset.n_rows) < 50, dataset.labels, np.nan)

    with pytest.raises(UnusableDataError, match=r"at least 100 rows .* there are 50"):
        train(replace(dataset, labels=labels), prices, PLAN, NOTHING_BEFORE, progress=quiet)


def test_a_search_without_one_scored_trial_says_what_the_trials_said() -> None:
    dataset, prices = market()
    # From the first tested session on every symbol beats the index: no line tells anything apart.
    labels = np.where(dataset.sessions >= 315, np.abs(dataset.labels), dataset.labels)
    kept: list[Trial] = []

    with pytest.raises(UnusableDataError, match=r"None of the 2 trials .* no two classes to score"):
        train(
            replace(dataset, labels=labels),
            prices,
            PLAN,
            NOTHING_BEFORE,
            keep=kept.extend,
            progress=quiet,
        )
    assert {trial.state for trial in kept} == {"fail"}  # they were tried, and count


def test_a_single_symbol_is_learnt_from_and_judged() -> None:
    alone = train(*market(n_symbols=1), PLAN, NOTHING_BEFORE, progress=quiet)

    assert len(alone.verdicts) == len(PLAN.thresholds)
    assert not all(verdict.passed for verdict in alone.verdicts)
    assert np.isfinite(alone.predictions.probability[alone.predictions.rows]).all()


def test_trials_are_traded_on_one_calendar_and_cost_what_trading_costs(first: Trained) -> None:
    # The first window tests session 315; 63 later the first beta is known.
    assert {trial.first_session for trial in first.trials} == {252 + 63 + 63}
    (length,) = {trial.returns.size for trial in first.trials}
    assert length == N_SESSIONS - (252 + 63 + 63)
    for trial in first.trials:
        assert trial.gross.size == length
        assert (trial.gross - trial.returns).sum() > 0.0


def test_the_record_of_a_long_short_policy_pays_the_fee_for_what_it_borrows() -> None:
    dataset, prices = market(n_symbols=2)
    still = np.full(prices.closes.shape, 100.0)
    quiet_market = Market(still, still, prices.volumes, first_ordinal=0)
    margin = np.where(dataset.symbols == 0, 1.0, -1.0)
    long_only = Policy(kind="top_k", k=1, gross=0.6, position=0.3)

    one, both = (
        earned(dataset, quiet_market, logistic(margin), margin, policy).returns
        for policy in (long_only, replace(long_only, long_short=True))
    )

    # Nothing moves: once both sides stand, 0.3 of equity is lent for half a percent a year.
    assert one[100] == pytest.approx(0.0, abs=1e-12)
    assert both[100] == pytest.approx(-0.3 * 0.005 / 252, rel=1e-3)


def test_the_card_tells_that_a_long_short_policy_is_for_research(first: Trained) -> None:
    both = replace(PLAN.policy, long_short=True)

    long_only, told = (
        card(first, universe_module.load(), policy, simulated=False)
        for policy in (PLAN.policy, both)
    )

    assert "long only." in long_only
    assert "long only" not in told
    assert "judged long and short, with the fee for borrowing what is sold: for research" in told


def test_the_capacity_curve_tells_the_ratio_that_the_gates_judge() -> None:
    dataset, prices = market(n_sessions=600)
    # A strong market, of which the desk holds a seventh: beta taken for 1 would cost it all of it.
    drift = np.exp(0.002 * np.arange(prices.closes.shape[0]))[:, None]
    prices = Market(prices.opens * drift, prices.closes * drift, prices.volumes, first_ordinal=0)
    margin = np.random.default_rng(0).normal(size=dataset.n_rows)
    policy = Policy(kind="top_k", k=1, threshold=0.01, gross=0.15, position=0.15)
    gained = earned(dataset, prices, logistic(margin), margin, policy)
    span, weights = decided(dataset, prices, logistic(margin), margin, policy)
    trades = prices.opens[span], prices.closes[span], prices.volumes[span]

    (told,) = capacity_curve(*trades, weights, benchmark=prices.held(span), capitals=(100_000.0,))

    assert told.sharpe == pytest.approx(sharpe_ratio(gained.active))
