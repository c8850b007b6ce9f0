"""One market through everything a training run of the desk does, to the verdict of its gates."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np

from assets.judging import Earned, tenth_percentile, worst_regime
from benchmarks.planted_truth import samples
from benchmarks.planted_truth.learning import (
    Learner,
    Procedure,
    Trials,
    combinatorial,
    folds_of,
    probed_folds,
    windows,
)
from benchmarks.planted_truth.trading import Trading
from benchmarks.planted_truth.worlds import World
from config import gates as gates_file
from quant.backtest import backtest
from quant.gates import (
    Evidence,
    deflating_variance,
    evidence_of_returns,
    evidence_of_trades,
    judge,
    regime_sharpes,
    regimes,
)
from quant.models import Dataset
from quant.models.calibration import logistic
from quant.overfitting import probability_of_backtest_overfitting
from quant.probes import (
    Finding,
    Rows,
    future_features,
    lagged_features,
    last_bar_removed,
    matured_before_use,
    overlapping_labels,
    overnight_gain,
    shuffled_label,
)
from quant.signals import Policy
from quant.typing import Float64Array, FloatArray

# As `config/desk.toml` has it: the three most probable, from 0.51, a twentieth of equity each.
POLICY = Policy(kind="top_k", k=3, threshold=0.51, gross=0.15, position=0.05)
N_SETTINGS, N_IDEAS = 30, len(samples.NAMES)
_PBO_BLOCKS = 16
_A_YEAR = float(np.sqrt(252.0))


@dataclass(frozen=True)
class Judged:
    """What became of one market."""

    accepted: bool
    passed: dict[str, bool]  # by gate
    figures: dict[str, float | None]  # the evidence
    failed_probes: list[str]
    pbo: dict[str, float]  # of the same ideas by other returns than the gate's
    trial_spread: dict[str, float]  # deviation of the trials' yearly Sharpe ratios
    deflated: dict[str, float | None]  # by other variances of the trials than the gate's
    idea: str  # the feature chosen in the end
    oracle_sharpe: float  # yearly, active and net, of who knows which figure is the signal
    settings: dict[str, float | None]  # the same gates' figures after a search of settings
    cpu_seconds: float


def judged(world: World, *, seed: int, settings_too: bool = False) -> Judged:
    """Search, walk forward, look into it from every side, and let the gates speak."""
    began = time.process_time()
    dataset, market = samples.dataset(world)
    trading = Trading(dataset, market, POLICY)
    learner = Learner(dataset, trading)
    trials, folded = learner.ideas(), learner.folded_ideas()
    idea = int(np.argmin(trials.scores))
    probability, margin = learner.walked()
    gained = trading.earned(probability, margin)
    evidence = _evidence(gained, trials)
    probes = findings(dataset, world, seed=seed)
    regimes_told = {n: s[gained.span] for n, s in regimes(trading.holding).items()}
    paths = [trading.sharpe(logistic(m), m) for m in learner.paths(idea)]
    evidence = replace(
        evidence,
        combinatorial_sharpe=tenth_percentile(np.array(paths)),
        leakage_probes=all(found.passed for found in probes),
        regime_stability=worst_regime(regime_sharpes(gained.active, regimes_told)),
    )
    verdicts = judge(evidence, thresholds())
    return Judged(
        accepted=all(verdict.passed for verdict in verdicts),
        passed={verdict.name: verdict.passed for verdict in verdicts},
        figures=_plain(asdict(evidence)),
        failed_probes=[found.probe for found in probes if not found.passed],
        pbo={
            "net": _pbo(trials.net),
            "folded, before costs": _pbo(folded[0]),
            "folded": _pbo(folded[1]),
        },
        trial_spread={"walked": _spread(trials.net), "folded": _spread(folded[1])},
        deflated={
            "folded": _deflated(gained, float(np.var(_ratios(folded[1]), ddof=1))),
            "luck": _deflated(gained, 1.0 / gained.active.size),
        },
        idea=samples.NAMES[idea],
        oracle_sharpe=oracle_sharpe(world, dataset, trading),
        settings=_after_settings(learner, gained, seed) if settings_too else {},
        cpu_seconds=time.process_time() - began,
    )


def oracle_sharpe(world: World, dataset: Dataset, trading: Trading) -> float:
    """What the desk's policy earns on the signal itself, over the sessions walked forward."""
    first = int(dataset.sessions.min()) + 252 + 63
    told = world.told[dataset.sessions, dataset.symbols, 0]
    known = dataset.sessions >= first
    return trading.sharpe(np.where(known, 1.0, np.nan), np.where(known, told, np.nan))


@cache
def thresholds() -> dict[str, float]:
    """The desk's own, from its file."""
    return {name: float(gate.threshold) for name, gate in gates_file.load().gates.items()}


@cache
def least_variance() -> float:
    """Of the trials' ratios, in multiples of luck's: the desk's own, from its file."""
    return float(gates_file.load().deflation.least_variance)


def findings(dataset: Dataset, world: World, *, seed: int) -> tuple[Finding, ...]:
    """Every probe a training run makes.

    They look at all features the search was offered together.
    """
    forecast = Procedure(dataset, probed_folds(dataset))
    rows = Rows(dataset.sessions, dataset.symbols, dataset.horizon)
    asked = (forecast, dataset.features, dataset.labels, rows)
    last = world.closes.shape[0] - 1
    return (
        shuffled_label(*asked, rng=np.random.default_rng(seed)),
        lagged_features(*asked),
        future_features(*asked),
        last_bar_removed(*asked),
        *_of_splits(dataset),
        overnight_gain(_traded),
        samples.served(world, (last // 3, 2 * last // 3, last)),
    )


_KNOWN_SPLITS: dict[bytes, tuple[Finding, Finding]] = {}


def _of_splits(dataset: Dataset) -> tuple[Finding, Finding]:
    """Made once for markets with the same sessions and labels: the folds are the same."""
    start, end = dataset.label_start, dataset.label_end
    key = b"".join(values.tobytes() for values in (dataset.sessions, start, end))
    if key not in _KNOWN_SPLITS:
        walked = tuple(windows(dataset))
        used = [(np.concatenate((fold.train, fold.validation)), fold.test) for fold in walked]
        _KNOWN_SPLITS[key] = (
            overlapping_labels(
                (*walked, *folds_of(dataset, 5), *combinatorial(dataset)), start, end
            ),
            matured_before_use(used, dataset.sessions, end),
        )
    return _KNOWN_SPLITS[key]


def _evidence(gained: Earned, trials: Trials) -> Evidence:
    """As a training run gathers it, from the record walked forward and the trials."""
    n_closed, won = evidence_of_trades(gained.profits)
    return replace(
        evidence_of_returns(
            gained.active,
            n_trials=float(trials.net.shape[1]),
            trial_variance=deflating_variance(
                _ratios(trials.net), n_obs=gained.active.size, least=least_variance()
            ),
        ),
        overfitting_probability=_pbo(trials.gross),
        trades=n_closed,
        hit_rate=won,
        universe_point_in_time=True,  # nobody joins or leaves these markets
        real_data=True,  # granted: these markets stand for real ones
    )


def _after_settings(learner: Learner, gained: Earned, seed: int) -> dict[str, float | None]:
    """Figures that follow from the trials, had they been 30 settings of one model."""
    trials = learner.settings(seed=seed, n_trials=N_SETTINGS)
    told = _evidence(gained, trials)
    return _plain(
        {
            "deflated_sharpe": told.deflated_sharpe,
            "overfitting_probability": told.overfitting_probability,
            "trial_spread": _spread(trials.net),
        }
    )


def _traded(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    return backtest(opens, closes, np.full(opens.shape, 1e9), weights).returns


def _pbo(returns: Float64Array) -> float:
    return probability_of_backtest_overfitting(returns, n_blocks=_PBO_BLOCKS).pbo


def _ratios(returns: Float64Array) -> Float64Array:
    """Sharpe ratio per session of each column; 0 for one that never trades."""
    spread = returns.std(axis=0, ddof=1)
    ratios: Float64Array = np.divide(
        returns.mean(axis=0), spread, out=np.zeros_like(spread), where=spread > 0.0
    )
    return ratios


def _spread(returns: Float64Array) -> float:
    return float(np.std(_ratios(returns), ddof=1)) * _A_YEAR


def _deflated(gained: Earned, variance: float) -> float | None:
    """The record's deflated ratio, had the trials had this variance."""
    return evidence_of_returns(
        gained.active, n_trials=float(N_IDEAS), trial_variance=variance
    ).deflated_sharpe


def _plain(figures: Mapping[str, float | bool | None]) -> dict[str, float | None]:
    return {
        name: None if value is None or not np.isfinite(value) else float(value)
        for name, value in figures.items()
    }
