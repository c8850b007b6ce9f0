"""Each gate's figure, threshold and verdict. A figure nobody knows fails its gate."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, isnan
from typing import Literal

from config.gates import COMPARISONS, Comparison
from quant.gates.evidence import Evidence


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


Unit = Literal["ratio", "fraction", "count", "truth"]


@dataclass(frozen=True)
class _Rule:
    title: str  # as a person reads it in a table
    label: str  # how its sentence begins
    unit: Unit = "ratio"


# In the order people read them.
_RULES: Mapping[str, _Rule] = {
    "walk_forward_sharpe": _Rule("Sharpe, walk-forward", "Sharpe"),
    "deflated_sharpe": _Rule("Deflated Sharpe, all trials counted", "Deflated Sharpe"),
    "overfitting_probability": _Rule("Probability of overfitting", "Overfitting probability"),
    "combinatorial_sharpe": _Rule(
        "Sharpe of the 10th-percentile path", "Sharpe of the 10th-percentile path"
    ),
    "track_record": _Rule("Track record, sessions", "Track record", "count"),
    "scaled_drawdown": _Rule(
        "Drawdown at 10 % volatility", "Drawdown at 10 % volatility", "fraction"
    ),
    "trades": _Rule("Trades", "Trades", "count"),
    "hit_rate": _Rule("Hit rate of closed trades", "Hit rate", "fraction"),
    "leakage_probes": _Rule("Leakage probes passed", "Leakage probes", "truth"),
    "regime_stability": _Rule(
        "Sharpe in the worst market regime", "Sharpe in the worst market regime"
    ),
    "universe_point_in_time": _Rule(
        "Universe known at the time", "Universe known at the time", "truth"
    ),
    "real_data": _Rule("Trained on real data", "Trained on real data", "truth"),
}

GATES: tuple[str, ...] = tuple(_RULES)

_TRUTHS = frozenset(name for name, rule in _RULES.items() if rule.unit == "truth")
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


def title(gate: str) -> str:
    """The gate's name as a person reads it.

    Parameters
    ----------
    gate : str
        Name in the gates file.

    Returns
    -------
    str
        Its title; a gate that is known no longer is told by its name, without underscores.
    """
    rule = _RULES.get(gate)
    return gate.replace("_", " ") if rule is None else rule.title


def unit(gate: str) -> Unit:
    """Return what a gate's figure and threshold are: a ratio, a fraction, a count or a truth.

    Parameters
    ----------
    gate : str
        Name in the gates file; a gate that is known no longer is told as a ratio.
    """
    rule = _RULES.get(gate)
    return "ratio" if rule is None else rule.unit


def _verdict(
    name: str, evidence: Evidence, thresholds: Mapping[str, float | Decimal]
) -> GateVerdict:
    rule = _RULES[name]
    given = getattr(evidence, name)
    value = None if given is None or isnan(given) else float(given)
    threshold = _threshold(name, evidence, thresholds)
    passed = (
        value is not None and threshold is not None and _holds(value, COMPARISONS[name], threshold)
    )
    reason = _reason(name, rule, value, threshold, passed)
    return GateVerdict(
        name=name,
        value=value,
        threshold=threshold if threshold is not None and isfinite(threshold) else None,
        comparison=COMPARISONS[name],
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


def _holds(value: float, comparison: Comparison, threshold: float) -> bool:
    return {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
    }[comparison]


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
    compared = f"{_figure(rule, value)} {_SIGNS[COMPARISONS[name]]} "
    return f"{compared}{_figure(rule, threshold)} {'holds' if passed else 'does not hold'}."


def _sentence(
    name: str, rule: _Rule, value: float | None, threshold: float | None, passed: bool
) -> str:
    if value is None or threshold is None:
        return f"{rule.label}: not known"
    if name in _TRUTHS:
        said = ("passed", "failed") if name == "leakage_probes" else ("yes", "no")
        return f"{rule.label}: {said[0] if passed else said[1]}"
    if name == "track_record":
        if not isfinite(threshold):
            return f"Track record {value:,.0f} sessions, and no length would do"
        return f"Track record {value:,.0f} of {threshold:,.0f} sessions"
    needs = f"needs {_SIGNS[COMPARISONS[name]]} {_figure(rule, threshold)}"
    return f"{rule.label} {_figure(rule, value)} ({needs})"


def _figure(rule: _Rule, value: float) -> str:
    if rule.unit == "fraction":
        return f"{value * 100:.1f} %".replace("-", "−")
    return f"{value:,.{2 if rule.unit == 'ratio' else 0}f}".replace("-", "−")
