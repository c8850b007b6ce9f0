"""What a model must show to be champion: each gate's figure, threshold and verdict.

Figures are judged on *active* daily net returns. A figure nobody knows fails its gate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, isnan
from typing import Literal

import numpy as np
from scipy.stats import kurtosis, skew

from quant.overfitting import deflated_sharpe_ratio, minimum_track_record_length
from quant.performance import SESSIONS_PER_YEAR, scaled_drawdown, sharpe_ratio
from quant.typing import FloatArray
from quant.validate import require_finite

Comparison = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True)
class Evidence:
    """What is known of a model; None is "unknown", which fails.

    Attributes
    ----------
    walk_forward_sharpe : float
        Of active net returns, per year.
    deflated_sharpe : float
        Probability, over every trial ever made.
    overfitting_probability : float
        PBO over the study's trials.
    combinatorial_sharpe : float
        10th percentile of the combinatorial paths' Sharpe ratios, per year.
    track_record : float
        Walk-forward sessions.
    track_record_needed : float
        Minimum track record length, in sessions; may be infinite.
    scaled_drawdown : float
        Maximum drawdown at 10 % yearly volatility, a positive fraction.
    trades : float
        Trades of the walk-forward backtest.
    hit_rate : float
        Share of the backtest's closed trades that gained.
    leakage_probes : bool
        Whether every probe passed.
    regime_stability : float
        Lowest yearly Sharpe ratio of active returns over the regimes of the market.
    universe_point_in_time : bool
        False for a universe chosen with hindsight.
    real_data : bool
        False where simulated data entered training.
    """

    walk_forward_sharpe: float | None = None
    deflated_sharpe: float | None = None
    overfitting_probability: float | None = None
    combinatorial_sharpe: float | None = None
    track_record: float | None = None
    track_record_needed: float | None = None
    scaled_drawdown: float | None = None
    trades: float | None = None
    hit_rate: float | None = None
    leakage_probes: bool | None = None
    regime_stability: float | None = None
    universe_point_in_time: bool | None = None
    real_data: bool | None = None


@dataclass(frozen=True)
class GateVerdict:
    """One gate: "`value` `comparison` `threshold`" must hold.

    ``reason`` says why the verdict is what it is, ``sentence`` is what a person reads.
    """

    name: str
    value: float | None
    threshold: float | None
    comparison: Comparison
    passed: bool
    reason: str
    sentence: str


@dataclass(frozen=True)
class _Rule:
    label: str
    comparison: Comparison
    decimals: int = 2


# In the order people read them. A truth is a figure of 1 (yes) or 0 (no).
_RULES: Mapping[str, _Rule] = {
    "walk_forward_sharpe": _Rule("Sharpe", ">"),
    "deflated_sharpe": _Rule("Deflated Sharpe", ">="),
    "overfitting_probability": _Rule("Overfitting probability", "<="),
    "combinatorial_sharpe": _Rule("Sharpe of the 10th-percentile path", ">"),
    "track_record": _Rule("Track record", ">="),
    "scaled_drawdown": _Rule("Drawdown at 10 % volatility", "<="),
    "trades": _Rule("Trades", ">", decimals=0),
    "hit_rate": _Rule("Hit rate", ">"),
    "leakage_probes": _Rule("Leakage probes", ">=", decimals=0),
    "regime_stability": _Rule("Regime stability", ">="),
    "universe_point_in_time": _Rule("Universe known at the time", ">=", decimals=0),
    "real_data": _Rule("Trained on real data", ">=", decimals=0),
}

GATES: tuple[str, ...] = tuple(_RULES)

_TRUTHS = frozenset({"leakage_probes", "universe_point_in_time", "real_data"})
_SIGNS = {">": ">", ">=": "≥", "<": "<", "<=": "≤"}


def judge(evidence: Evidence, thresholds: Mapping[str, float | Decimal]) -> tuple[GateVerdict, ...]:
    """Judge every gate.

    Parameters
    ----------
    evidence : Evidence
        What is known of the model.
    thresholds : mapping of str to number
        A threshold for each of `GATES`; that of ``track_record`` is the share of the minimum
        track record length that must have been lived (1 is all of it). A gate that asks for a
        truth needs it whatever number stands there.

    Returns
    -------
    tuple of GateVerdict
        One per gate, in the order of `GATES`. A gate without a figure or a threshold fails.

    Raises
    ------
    ValueError
        If a threshold is given for a gate that does not exist: a misspelt one would be no gate.
    """
    unknown = sorted(set(thresholds) - set(GATES))
    if unknown:
        raise ValueError(f"no gate is called {', '.join(unknown)}; there are {', '.join(GATES)}.")
    return tuple(_verdict(name, evidence, thresholds) for name in GATES)


def evidence_of_returns(
    active: FloatArray,
    *,
    n_trials: float | None,
    trial_variance: float | None,
    confidence: float = 0.95,
) -> Evidence:
    """Figures that follow from active daily net returns and the ledger of trials.

    Parameters
    ----------
    active : array of shape (n_obs,)
        Active net returns of the walk-forward backtest, one per session.
    n_trials : float, optional
        Every configuration ever scored; None where the history is unknown.
    trial_variance : float, optional
        Sample variance (ddof 1) of their Sharpe ratios per session.
    confidence : float
        Of the minimum track record length.

    Returns
    -------
    Evidence
        With Sharpe, deflated Sharpe, track record and drawdown; the rest is unknown. Returns
        that do not vary have no Sharpe ratio: then only the track record's length is known.

    Raises
    ------
    ValueError
        If `active` is not finite.
    """
    require_finite(active, name="active")
    if active.size < 3 or float(np.std(active)) <= 1e-14:
        return Evidence(track_record=float(active.size))
    ratio = sharpe_ratio(active, periods_per_year=1)
    moments = {"skew": float(skew(active)), "kurtosis": float(kurtosis(active, fisher=False))}
    deflated = None
    if n_trials is not None and trial_variance is not None:
        deflated = deflated_sharpe_ratio(
            ratio,
            n_obs=active.size,
            n_trials=n_trials,
            trial_variance=trial_variance,
            **moments,
        )
    return Evidence(
        walk_forward_sharpe=ratio * float(np.sqrt(SESSIONS_PER_YEAR)),
        deflated_sharpe=deflated,
        track_record=float(active.size),
        track_record_needed=minimum_track_record_length(
            ratio, benchmark=0.0, confidence=confidence, **moments
        ),
        scaled_drawdown=scaled_drawdown(active),
    )


def _verdict(
    name: str, evidence: Evidence, thresholds: Mapping[str, float | Decimal]
) -> GateVerdict:
    rule = _RULES[name]
    given = getattr(evidence, name)
    value = None if given is None or isnan(given) else float(given)
    threshold = _threshold(name, evidence, thresholds)
    passed = value is not None and threshold is not None and _holds(value, rule, threshold)
    reason = _reason(name, rule, value, threshold, passed)
    return GateVerdict(
        name=name,
        value=value,
        threshold=threshold if threshold is not None and isfinite(threshold) else None,
        comparison=rule.comparison,
        passed=passed,
        reason=reason,
        sentence=_sentence(name, rule, value, threshold, passed),
    )


def _threshold(
    name: str, evidence: Evidence, thresholds: Mapping[str, float | Decimal]
) -> float | None:
    if name not in thresholds:
        return None
    if name in _TRUTHS:
        return 1.0  # a truth has no threshold that could be lowered
    wanted = float(thresholds[name])
    if isnan(wanted):
        return None
    if name != "track_record":
        return wanted
    needed = evidence.track_record_needed
    return None if needed is None or isnan(needed) else wanted * needed


def _holds(value: float, rule: _Rule, threshold: float) -> bool:
    return {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
    }[rule.comparison]


def _reason(
    name: str, rule: _Rule, value: float | None, threshold: float | None, passed: bool
) -> str:
    if value is None:
        return "The figure is unknown, and what is unknown fails."
    if threshold is None:
        return "The threshold is unknown, and a gate without one fails."
    if not isfinite(threshold):
        return "The Sharpe ratio is not above zero, so that no track record would be long enough."
    if name in _TRUTHS:
        return "It is so." if passed else "It is not so."
    compared = f"{_figure(name, rule, value)} {_SIGNS[rule.comparison]} "
    return f"{compared}{_figure(name, rule, threshold)} {'holds' if passed else 'does not hold'}."


def _sentence(
    name: str, rule: _Rule, value: float | None, threshold: float | None, passed: bool
) -> str:
    if value is None or threshold is None:
        return f"{rule.label}: not known"
    if name in _TRUTHS:
        said = ("passed", "failed") if name == "leakage_probes" else ("yes", "no")
        return f"{rule.label}: {said[0] if passed else said[1]}"
    if name == "track_record":
        needed = f"{threshold:,.0f}" if isfinite(threshold) else "no number"
        return f"Track record {value:,.0f} of {needed} sessions"
    needs = f"needs {_SIGNS[rule.comparison]} {_figure(name, rule, threshold)}"
    return f"{rule.label} {_figure(name, rule, value)} ({needs})"


def _figure(name: str, rule: _Rule, value: float) -> str:
    if name in {"hit_rate", "scaled_drawdown"}:
        return f"{value * 100:.1f} %".replace("-", "−")
    return f"{value:,.{0 if name == 'track_record' else rule.decimals}f}".replace("-", "−")
