"""Judge rules that learn nothing: every variant tried is a trial, and the gates are the models'."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from assets.judging import (
    Earned,
    Market,
    profits,
    sharpes_by_regime,
    worst_regime,
)
from assets.searching import configuration_hash
from assets.training import History
from quant.backtest import Costs, backtest
from quant.gates import (
    Evidence,
    GateVerdict,
    deflating_variance,
    evidence_of_returns,
    evidence_of_trades,
    judge,
)
from quant.overfitting import probability_of_backtest_overfitting
from quant.performance import BETA_KNOWN_AFTER, judged_returns, sharpe_ratio
from quant.performance.returns import varies
from quant.strategies import Bars, ReversionRules, SwingRules, swing_weights
from quant.typing import BoolArray, FloatArray

FEWEST = 3  # active returns that have a ratio
_PBO_BLOCKS = 16
_CUTS = (0.4, 0.6, 0.8)  # of the sessions: what was decided by then must not know the rest
# Neighbours that anyone who chose the rules may have looked at; each is a trial.
_PAIRS = ((10, 30), (20, 50), (30, 100))
_STRENGTHS = (20.0, 25.0)


@dataclass(frozen=True)
class RuleTrial:
    """One variant of the rules with its active net returns by session."""

    configuration: str  # JSON
    configuration_hash: str
    returns: FloatArray
    score: float | None  # Sharpe ratio a year; None where nothing varied


@dataclass(frozen=True)
class Judged:
    """What the gates say of the rules as configured, and every variant that was tried."""

    subject: str
    first_row: int  # session with which the trials' returns begin
    trials: tuple[RuleTrial, ...]
    evidence: Evidence
    verdicts: tuple[GateVerdict, ...]
    span: slice  # rows of the market the rules were traded in
    weights: FloatArray  # what they decided there


def judged_swing(
    bars: Bars,
    market: Market,
    rules: SwingRules,
    allowed: BoolArray | None,
    *,
    subject: str,
    history: History,
    thresholds: Mapping[str, float],
    least_variance: float,
    clean_model: bool | None,
    point_in_time: bool,
    real_data: bool,
    asked: Mapping[str, object] | None = None,
) -> Judged:
    """Trade the rules and their neighbours through all of history, and judge the rules.

    `clean_model` says whether a model that filters is free of leaks, `asked` is its part in the
    configuration. What is judged is no fit: each combinatorial path of a rule is the record
    itself.
    """
    variants = variants_of(rules)
    start = _start(variants, allowed)
    if bars.closes.shape[0] < start + BETA_KNOWN_AFTER + FEWEST:
        return unjudged(subject, bars, thresholds, point_in_time=point_in_time, real_data=real_data)
    weights = [swing_weights(bars, rules=one, allowed=allowed)[start:] for one in variants]
    gained = [_earned(market, one, start) for one in weights]
    trials = tuple(
        trial_of(one, told.active, subject, asked=asked)
        for one, told in zip(variants, gained, strict=True)
    )
    mine = gained[0]
    evidence = replace(
        evidence_of_record(mine.active, trials, history, least_variance),
        overfitting_probability=overfitting_of(
            [_before_costs(market, one, start) for one in weights]
        ),
        combinatorial_sharpe=trials[0].score,
        leakage_probes=_free_of_leaks(bars, rules, allowed, clean_model),
        regime_stability=worst_regime(sharpes_by_regime(market, mine)),
        universe_point_in_time=point_in_time,
        real_data=real_data,
    )
    n_closed, won = evidence_of_trades(mine.profits)
    evidence = replace(evidence, trades=n_closed, hit_rate=won)
    return Judged(
        subject,
        mine.span.start,
        trials,
        evidence,
        judge(evidence, thresholds),
        slice(start, mine.span.stop),
        weights[0],
    )


def unjudged(
    subject: str,
    bars: Bars,
    thresholds: Mapping[str, float],
    *,
    point_in_time: bool,
    real_data: bool,
) -> Judged:
    """Return what the gates say of rules that could not be traded: nothing is known, or tried."""
    nothing = Evidence(universe_point_in_time=point_in_time, real_data=real_data)
    none = np.empty((0, bars.closes.shape[1]))
    return Judged(subject, 0, (), nothing, judge(nothing, thresholds), slice(0, 0), none)


def variants_of(rules: SwingRules) -> tuple[SwingRules, ...]:
    """Return the rules, then their neighbours: the spans and strengths one would try."""
    near = (
        replace(rules, fast=fast, slow=slow, strength=strength)
        for fast, slow in _PAIRS
        for strength in _STRENGTHS
    )
    return tuple(dict.fromkeys((rules, *near)))


def decided_without_future(bars: Bars, rules: SwingRules, allowed: BoolArray | None = None) -> bool:
    """Return whether sessions that are cut off change no decision before them."""
    whole = swing_weights(bars, rules=rules, allowed=allowed)
    n_sessions = bars.closes.shape[0]
    for share in _CUTS:
        cut = int(share * n_sessions)
        then = swing_weights(
            bars.until(cut), rules=rules, allowed=None if allowed is None else allowed[:cut]
        )
        if not np.array_equal(then, whole[:cut], equal_nan=True):
            return False
    return True


def _start(variants: tuple[SwingRules, ...], allowed: BoolArray | None) -> int:
    """First session in which every variant can decide: one calendar for all of them."""
    slowest = max(one.slow for one in variants)
    spoken = 0 if allowed is None else int(np.argmax(allowed.any(axis=1)))
    return max(slowest, spoken)


def _earned(market: Market, weights: FloatArray, start: int) -> Earned:
    opens, closes = market.opens[start:], market.closes[start:]
    result = backtest(opens, closes, market.volumes[start:], weights)
    active = judged_returns(result.returns, market.held(slice(start, None)))
    span = slice(start + BETA_KNOWN_AFTER, market.closes.shape[0])
    return Earned(result.returns, active, profits(result, closes), span)


def _before_costs(market: Market, weights: FloatArray, start: int) -> FloatArray:
    """Who trades less is not the more skilled: overfitting is told from returns before costs."""
    free = Costs(half_spread_bps=0.0, impact=0.0, borrow_rate=0.0)
    opens, closes, volumes = market.opens[start:], market.closes[start:], market.volumes[start:]
    return backtest(opens, closes, volumes, weights, costs=free).returns


def trial_of(
    rules: SwingRules | ReversionRules,
    active: FloatArray,
    subject: str,
    *,
    asked: Mapping[str, object] | None,
) -> RuleTrial:
    """Return a variant of the rules as a trial, with what it earned.

    `asked` tells of the model whose word they need, None where they need none: at another
    threshold, or with another kind of model, they are another trial, as at other costs. Those
    filed before costs were told stay beside them (`assets.searching.configuration_of`).
    """
    filtered = {"filtered": asked is not None, **(asked or {})}
    told = asdict(rules) | filtered | {"costs": asdict(Costs())}
    return RuleTrial(
        configuration=json.dumps(told),
        configuration_hash=configuration_hash(told, subject),
        returns=active,
        score=sharpe_ratio(active) if active.size > 1 and varies(active) else None,
    )


def evidence_of_record(
    active: FloatArray, trials: tuple[RuleTrial, ...], history: History, least_variance: float
) -> Evidence:
    """Return what follows from a record's active returns, deflated by every trial ever made."""
    mine = {trial.configuration_hash for trial in trials}
    return evidence_of_returns(
        active,
        n_trials=float(len(history.configurations | mine)),
        trial_variance=deflating_variance(
            history.ratios({trial.configuration_hash: trial.returns for trial in trials}),
            n_obs=active.size,
            least=least_variance,
        ),
    )


def overfitting_of(returns: list[FloatArray]) -> float | None:
    """Return the probability of overfitting of variants' returns; None where it cannot be told."""
    table = np.column_stack(returns)
    if table.shape[0] < 2 * _PBO_BLOCKS or not all(varies(column) for column in table.T):
        return None
    return probability_of_backtest_overfitting(table, n_blocks=_PBO_BLOCKS).pbo


def _free_of_leaks(
    bars: Bars, rules: SwingRules, allowed: BoolArray | None, clean_model: bool | None
) -> bool | None:
    if not decided_without_future(bars, rules, allowed):
        return False
    return clean_model
