"""Train a model and gather the evidence its gates judge; no service is spoken to but the study."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from assets import probing
from assets.judging import (
    Earned,
    Market,
    earned,
    path_sharpes,
    sharpes_by_regime,
    tenth_percentile,
    worst_regime,
)
from assets.searching import (
    N_JOBS,
    Keep,
    Plan,
    Trial,
    hyperparameters,
    searched,
    walked_configurations,
)
from quant.gates import (
    Evidence,
    GateVerdict,
    deflating_variance,
    evidence_of_returns,
    evidence_of_trades,
    judge,
)
from quant.models import (
    Dataset,
    FittedModel,
    Hyperparameters,
    UnusableDataError,
    Windows,
    fit_final,
    small_search,
    walk_forward_predictions,
)
from quant.models.explanation import GroupEffect, feature_effects, group_effects
from quant.models.learners import Bench, prepare
from quant.models.walkforward import Predictions
from quant.overfitting import probability_of_backtest_overfitting
from quant.performance import sharpe_ratio
from quant.performance.returns import varies
from quant.probes import Finding
from quant.splits import default_embargo, purged_k_fold
from quant.typing import FloatArray

_EXPLAINED_FOLDS = 3
_PBO_BLOCKS = 16


@dataclass(frozen=True)
class History:
    """Configurations of the programme before this run, and the ratios of those that had returns."""

    configurations: frozenset[str]
    sharpes: Mapping[str, float]  # per session, by configuration

    def ratios(self, scored: Mapping[str, FloatArray]) -> FloatArray:
        """Ratio per session of each configuration, that of `scored` ones by their returns now."""
        now = {told: ratio_of(returns) for told, returns in scored.items()}
        return np.array(list((dict(self.sharpes) | now).values()))


@dataclass(frozen=True)
class Trained:
    """A model, its walk-forward record, and what its gates say."""

    model: FittedModel
    predictions: Predictions
    trials: tuple[Trial, ...]
    evidence: Evidence
    verdicts: tuple[GateVerdict, ...]
    returns: FloatArray  # net daily returns of the walk-forward backtest
    active: FloatArray
    settings: Hyperparameters
    paths: FloatArray  # yearly active Sharpe ratio along each combinatorial path
    regimes: Mapping[str, float | None]  # the same in each regime, walk-forward
    probes: tuple[Finding, ...]
    effects: tuple[GroupEffect, ...]  # of the groups of features
    single: tuple[tuple[str, float], ...]  # the rise of log loss with one feature shuffled
    n_configurations: int  # ever scored in the programme: what the deflated ratio is deflated by
    time_decay: float = 1.0  # weight that the oldest rows of a training window tend to
    anchored: bool = False  # each training window began with the first session


def train(
    dataset: Dataset,
    market: Market,
    plan: Plan,
    history: History,
    *,
    served: Finding | None = None,
    absent: Finding | None = None,
    keep: Keep | None = None,
    progress: Callable[[str, int, int], None],
) -> Trained:
    """Search, walk forward, fit on the latest sessions, and judge.

    The search walks each configuration forward: its choice serves the final model only, which
    predicts later sessions. In the record that is judged each window chooses among settings on
    its own earlier sessions. `served` compares training with serving; without it nobody knows
    whether the model is free of leaks. `absent` looks for members that were never seen, where
    the universe has a past. `keep` is given what was scored as soon as it is: it counts whatever
    becomes of the run.

    Raises
    ------
    UnusableDataError
        If the data cannot train a model, or no trial could be scored.
    """
    trials = searched(dataset, market, plan, progress, keep=keep)
    windows = Windows(anchored=plan.anchored)
    bench = prepare(plan.family, dataset.features, device=plan.device, n_jobs=N_JOBS)
    settings = hyperparameters(plan, _best(trials).configuration)
    walked = walk_forward_predictions(
        dataset,
        partial(small_search, seed=plan.seed, device=plan.device, family=plan.family),
        seed=plan.seed,
        device=plan.device,
        windows=windows,
        progress=lambda done, of: progress("walk-forward windows", done, of),
    )
    model = fit_final(
        dataset, settings, seed=plan.seed, device=plan.device, windows=windows, history=walked
    )
    gained = earned(dataset, market, walked.probability, walked.margin, plan.policy)
    looked = _looked_into(dataset, market, plan, model, gained, bench, progress)
    evidence = replace(
        _evidence(trials, history, gained, plan),
        combinatorial_sharpe=tenth_percentile(looked.paths),
        leakage_probes=free_of_leaks(looked.probes, served, absent),
        regime_stability=worst_regime(looked.regimes),
    )
    return Trained(
        model=model,
        predictions=walked,
        trials=trials,
        evidence=evidence,
        verdicts=judge(evidence, plan.thresholds),
        returns=gained.returns,
        active=gained.active,
        settings=settings,
        paths=looked.paths,
        regimes=looked.regimes,
        probes=(*looked.probes, *(one for one in (served, absent) if one is not None)),
        effects=looked.effects,
        single=looked.single,
        n_configurations=len(_configurations(trials, history, plan)),
        time_decay=dataset.time_decay,
        anchored=plan.anchored,
    )


@dataclass(frozen=True)
class _Looked:
    """A final model looked into from four sides."""

    paths: FloatArray
    regimes: Mapping[str, float | None]
    probes: tuple[Finding, ...]
    effects: tuple[GroupEffect, ...]
    single: tuple[tuple[str, float], ...]


def _looked_into(
    dataset: Dataset,
    market: Market,
    plan: Plan,
    model: FittedModel,
    gained: Earned,
    bench: Bench,
    progress: Callable[[str, int, int], None],
) -> _Looked:
    paths = path_sharpes(
        dataset,
        market,
        model.settings,
        plan.policy,
        n_rounds=model.n_rounds,
        seed=plan.seed,
        device=plan.device,
        progress=lambda done, of: progress("combinatorial folds", done, of),
        bench=bench,
    )
    probes = probing.findings(
        dataset,
        model.settings,
        n_rounds=model.n_rounds,
        seed=plan.seed,
        device=plan.device,
        anchored=plan.anchored,
        bench=bench,
    )
    effects, single = _effects(dataset, plan, model, bench)
    return _Looked(paths, sharpes_by_regime(market, gained), probes, effects, single)


def _effects(
    dataset: Dataset, plan: Plan, model: FittedModel, bench: Bench
) -> tuple[tuple[GroupEffect, ...], tuple[tuple[str, float], ...]]:
    """What each group of features and each feature is worth to the configuration.

    All rounds the final model kept are grown: no fold has validation rows to stop by.
    """
    embargo = default_embargo(dataset.sessions, dataset.label_start, dataset.label_end)
    folds = purged_k_fold(
        dataset.sessions,
        dataset.label_start,
        dataset.label_end,
        n_folds=_EXPLAINED_FOLDS,
        embargo=embargo,
    )
    settings = replace(model.settings, n_rounds=max(1, model.n_rounds))
    asked = (settings, tuple(folds))
    groups = {name: plan.groups.get(name, "other") for name in dataset.names}
    return (
        group_effects(dataset, groups, *asked, seed=plan.seed, bench=bench, device=plan.device),
        feature_effects(dataset, *asked, seed=plan.seed, bench=bench),
    )


def _complete(trials: tuple[Trial, ...]) -> list[Trial]:
    return [trial for trial in trials if trial.state == "complete"]


def _best(trials: tuple[Trial, ...]) -> Trial:
    scored = _complete(trials)
    if not scored:
        told = next((trial.error for trial in trials if trial.error), "nothing that was kept.")
        raise UnusableDataError(
            f"None of the {len(trials)} trials of the search could be scored. The first that "
            f"failed said: {told} Mend what it names in the data, or in `[training]` features, "
            "horizon and first_session, and train again."
        )
    return min(scored, key=lambda trial: trial.score or np.inf)


def _evidence(trials: tuple[Trial, ...], history: History, gained: Earned, plan: Plan) -> Evidence:
    sharpes = history.ratios({t.configuration_hash: t.returns for t in _complete(trials)})
    figures = evidence_of_returns(
        gained.active,
        n_trials=float(len(_configurations(trials, history, plan))),
        trial_variance=deflating_variance(
            sharpes, n_obs=gained.active.size, least=plan.least_variance
        ),
    )
    n_closed, won = evidence_of_trades(gained.profits)
    return replace(
        figures,
        overfitting_probability=_pbo(_complete(trials)),
        trades=n_closed,
        hit_rate=won,
        universe_point_in_time=plan.point_in_time,
        real_data=plan.real_data,
    )


def _configurations(trials: tuple[Trial, ...], history: History, plan: Plan) -> frozenset[str]:
    """Every configuration ever scored, those that walk-forward windows choose among included."""
    scored = {trial.configuration_hash for trial in trials}
    return history.configurations | scored | walked_configurations(plan).keys()


def free_of_leaks(
    probed: tuple[Finding, ...], served: Finding | None, absent: Finding | None = None
) -> bool | None:
    """Whether every probe passed; unknown unless all could be made or one has failed.

    `absent` may be missing: a universe without a past has a gate of its own.
    """
    found = (*probed, *(one for one in (served, absent) if one is not None))
    if not all(finding.passed for finding in found):
        return False
    return None if served is None or not probed else True


def ratio_of(returns: FloatArray) -> float:
    """Per session; 0 for a trial that never traded, whatever rounding left of its returns."""
    return sharpe_ratio(returns, periods_per_year=1) if _varies(returns) else 0.0


def _varies(returns: FloatArray) -> bool:
    return returns.size > 1 and varies(returns)


def _pbo(trials: list[Trial]) -> float | None:
    """Of the trials' returns before costs: who trades less is not the more skilled (ADR 8)."""
    lengths = {trial.gross.size for trial in trials}
    if len(trials) < 2 or len(lengths) != 1:
        return None
    table = np.column_stack([trial.gross for trial in trials])
    if table.shape[0] < 2 * _PBO_BLOCKS or sum(map(_varies, table.T)) < 2:
        return None  # fewer than two ever traded: nothing was chosen
    return probability_of_backtest_overfitting(table, n_blocks=_PBO_BLOCKS).pbo


def settings_of(trained: Trained) -> dict[str, object]:
    """Return the settings of the final model as plain data, those of its windows too."""
    windows = {"time_decay": trained.time_decay, "anchored": trained.anchored}
    return asdict(trained.settings) | windows
