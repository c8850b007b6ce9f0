"""The study told as a page: what was planted, what was accepted, and which gate did the work."""

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from scipy.stats import binomtest

from benchmarks.planted_truth import worlds
from benchmarks.planted_truth.judged import N_SETTINGS, POLICY, thresholds
from benchmarks.planted_truth.leaks import LEAKS, Planted
from benchmarks.planted_truth.samples import NAMES
from benchmarks.planted_truth.study import LEVELS, Record
from quant.gates import GATES, title
from quant.probes import Finding

_WANTED = 0.80  # of markets with a true ratio of 2
_PBO_WITHIN = 0.06  # of one half, the mean over null markets
_PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "optuna")


@dataclass(frozen=True)
class Told:
    """Everything there is to tell; what was not asked for is empty."""

    command: str
    seed: int
    nulls: Sequence[Record]
    power: Sequence[Record]
    leaks: Sequence[Planted]
    clean: Sequence[Finding]
    pbo: bool


def page(told: Told) -> str:
    """The whole report, in Markdown."""
    markets = [*told.nulls, *told.power]
    lines = ["# Planted truth: what the gates let through", "", *_head(told, markets), ""]
    if told.nulls:
        lines += [*_markets(), "", *_nulls(told.nulls), ""]
    if told.power:
        lines += [*_power(told.power), ""]
    if told.pbo and markets:
        lines += [*_overfitting(told.nulls, told.power), ""]
    if told.leaks:
        lines += [*_leaks(told.leaks, told.clean, told.nulls), ""]
    return "\n".join(lines)


def _head(told: Told, markets: Sequence[Record]) -> list[str]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    seconds = sum(record["cpu_seconds"] for record in markets)
    each = f", {seconds / len(markets):.1f} for each of {len(markets)} markets" if markets else ""
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()} with {os.cpu_count()} cores shared "
        f"with other work, Python {platform.python_version()}, {versions}. Seed {told.seed}. "
        f"{seconds:,.0f} seconds of processor time{each}. Written by",
        "",
        f"    {told.command}",
    ]


def _markets() -> list[str]:
    years = worlds.N_YEARS
    return [
        "## The markets and what is done in each",
        "",
        f"A generated market has {worlds.N_SYMBOLS} symbols and {worlds.N_SESSIONS:,} sessions: a "
        "common factor, GARCH(1,1) variances, Student's t with 5 degrees of freedom, a drift of "
        "7 % a year. A resampled one is made of whole sessions of the embedded sample's four long "
        "series (2004 to 2013) in blocks of ten sessions on average (Politis & Romano 1994), each "
        "series given the same mean return: which of them grew fastest is known with hindsight "
        f"only. Each symbol has {len(NAMES)} figures: {len(NAMES) - worlds.N_TOLD} from prices and "
        f"volumes and {worlds.N_TOLD} told from outside, of which one is the signal; in a null "
        "market it means nothing either.",
        "",
        f"The search walks a line through each figure forward (252/63/126) and trades it: "
        f"{len(NAMES)} trials, all counted. Each window of the record that is judged (252/63/21) "
        "uses the figure that did best on earlier sessions, is calibrated on earlier windows, and "
        f"is traded as the desk trades: the {POLICY.k} most probable from {POLICY.threshold}, at "
        "the next open, at all costs. Folds, "
        "calibration, policy, backtest, active returns, combinatorial paths, probes, evidence and "
        f"`quant.gates.judge` are the desk's own, the thresholds those of `config/gates.toml`. The "
        f"record that is judged has {years} years. Two gates are granted, because a made market "
        "cannot fail or meet them: *universe known at the time* (nobody joins or leaves) and "
        "*trained on real data*.",
    ]


def _nulls(records: Sequence[Record]) -> list[str]:
    halves = {
        kind: [r for r in records if r["kind"] == kind] for kind in ("generated", "resampled")
    }
    accepted = {kind: sum(r["accepted"] for r in half) for kind, half in halves.items()}
    total = sum(accepted.values())
    return [
        "## Null markets",
        "",
        f"**{total} of {len(records)} accepted** ({_interval(total, len(records))}): "
        + ", ".join(f"{accepted[k]} of {len(half)} {k}" for k, half in halves.items())
        + ".",
        "",
        "| gate | needs | generated refused | resampled refused | refused by it alone "
        "| accepted without it | would pass it alone |",
        "|---|---|---:|---:|---:|---:|---:|",
        *[_gate_row(gate, records, halves) for gate in GATES],
        "",
        "Without both *Sharpe, walk-forward* and *deflated Sharpe* "
        f"{_without(records, 'walk_forward_sharpe', 'deflated_sharpe')} would be accepted; without "
        "the five gates that look at the walk-forward record's size (those two, track record, "
        "drawdown and regimes) "
        + str(
            _without(
                records,
                "walk_forward_sharpe", "deflated_sharpe", "track_record", "scaled_drawdown",
                "regime_stability",
            )
        )
        + ".",
    ]  # fmt: skip


def _gate_row(gate: str, records: Sequence[Record], halves: dict[str, list[Record]]) -> str:
    refused = [str(_refused(half, gate)) for half in halves.values()]
    passed = len(records) - _refused(records, gate)
    return _row(
        title(gate), f"{thresholds()[gate]:g}", *refused, str(_alone(records, gate)),
        str(_without(records, gate)), str(passed),
    )  # fmt: skip


def _power(records: Sequence[Record]) -> list[str]:
    by_level = {level: [r for r in records if r["level"] == level] for level in LEVELS}
    by_level = {level: found for level, found in by_level.items() if found}
    strongest = by_level[max(by_level)]
    return [
        "## Power",
        "",
        "The strength of the signal was set on 30 other markets so that whoever knows which figure "
        "it is, and ranks by it under the desk's policy and costs, earns the stated active net "
        "Sharpe ratio a year on average. *Best use* is what that earned in the markets judged; at "
        "0 the edge just pays its costs.",
        "",
        "| true Sharpe | best use, mean ± s.e. | walk-forward, mean | accepted | 95 % range |",
        "|---:|---:|---:|---:|---:|",
        *[_power_row(level, found) for level, found in by_level.items()],
        "",
        _wanted(strongest),
        "",
        "| gate | " + " | ".join(f"refused at {level:g}" for level in by_level)
        + " | alone at the highest | accepted without it there |",
        "|---|" + "---:|" * (len(by_level) + 2),
        *[
            _row(
                title(gate),
                *[f"{_refused(found, gate)} of {len(found)}" for found in by_level.values()],
                str(_alone(strongest, gate)),
                str(_without(strongest, gate)),
            )
            for gate in GATES
        ],
        "",
        *_even(by_level),
        "",
        *_settings(strongest),
    ]  # fmt: skip


def _wanted(strongest: Sequence[Record]) -> str:
    """Whether the strongest edge is accepted as often as was wanted, and what kept it out."""
    share = sum(r["accepted"] for r in strongest) / len(strongest)
    alone = {gate: _alone(strongest, gate) for gate in GATES}
    told = ", ".join(f"*{title(gate)}* in {n}" for gate, n in alone.items() if n)
    return (
        f"Wanted at the highest ratio are four of five: {share:.0%} is "
        f"**{'met' if share >= _WANTED else 'not met'}**. Refused by one gate alone: "
        f"{told or 'none'}."
    )


def _power_row(level: float, found: Sequence[Record]) -> str:
    best = np.array([r["oracle_sharpe"] for r in found])
    walked = _mean(found, lambda r: r["figures"]["walk_forward_sharpe"])
    accepted = sum(r["accepted"] for r in found)
    error = best.std(ddof=1) / np.sqrt(best.size) if best.size > 1 else float("nan")
    return _row(
        f"{level:g}", f"{best.mean():.2f} ± {error:.2f}", f"{walked:.2f}",
        f"{accepted} of {len(found)}", _interval(accepted, len(found)),
    )  # fmt: skip


def _even(by_level: dict[float, list[Record]]) -> list[str]:
    """The deflated ratio by other readings of the spread of trials."""
    least = thresholds()["deflated_sharpe"]

    def passes(found: Sequence[Record], reading: str) -> str:
        sure = sum((r["deflated"][reading] or 0.0) >= least for r in found)
        return f"{sure} of {len(found)}"

    rows = [
        _row(
            f"{level:g}",
            f"{_mean(found, lambda r: r['trial_spread']['walked']):.2f}",
            f"{len(found) - _refused(found, 'deflated_sharpe')} of {len(found)}",
            f"{_mean(found, lambda r: r['trial_spread']['folded']):.2f}",
            passes(found, "folded"),
            passes(found, "luck"),
        )
        for level, found in by_level.items()
    ]
    return [
        "### What the deflated ratio is deflated by",
        "",
        "The expected maximum of luck grows with the spread of the trials' ratios. It is that of "
        "the trials traded as the record is, and never less than what luck alone gives trials "
        "without skill, 1 / sessions "
        f"({np.sqrt(252.0 / (252 * worlds.N_YEARS)):.2f} a year). Beside it stand "
        "the readings that are not used: by purged folds with equal stakes on every symbol, whose "
        "spread is wider on luck (folds forecast each other) and on truth (all symbols at once "
        "earn more than the three held), and by luck alone. Where one trial is truly better than "
        "the others the spread holds the truth as well as luck, which makes the gate stricter.",
        "",
        "| true Sharpe | spread of trials traded, a year | passes as configured | spread by purged "
        "folds | would pass | would pass by luck alone |",
        "|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]


def _settings(strongest: Sequence[Record]) -> list[str]:
    """What the same gates say when the trials are settings of one model."""
    told = [record["settings"] for record in strongest if record["settings"]]
    limits = thresholds()
    low = sum(t["overfitting_probability"] <= limits["overfitting_probability"] for t in told)
    sure = sum((t["deflated_sharpe"] or 0.0) >= limits["deflated_sharpe"] for t in told)
    pbo = np.mean([t["overfitting_probability"] for t in told])
    spread = np.mean([t["trial_spread"] for t in told])
    return [
        "### When the trials are settings and not ideas",
        "",
        f"In the same markets one line through all figures was tuned by Optuna's sampler as the "
        f"desk tunes a model: {N_SETTINGS} trials that all hold the signal and differ in their "
        f"penalties. Their ratios spread by {spread:.2f} a year. *Probability of overfitting* is "
        f"{pbo:.2f} on average and meets its gate in {low} of {len(told)} markets; *deflated "
        f"Sharpe* meets its own in {sure}. Which of thirty nearly equal good settings is best is "
        "a coin's throw, and that is what this figure asks: it cannot tell such a study from one "
        "of thirty equal useless settings.",
    ]


def _overfitting(nulls: Sequence[Record], power: Sequence[Record]) -> list[str]:
    planted = [r for r in power if r["level"] == max(LEVELS)]
    kinds: dict[str, Callable[[Record], float]] = {
        "walked forward and traded, before costs (the gate's)": lambda r: r["figures"][
            "overfitting_probability"
        ],
        "walked forward and traded, net": lambda r: r["pbo"]["net"],
        "purged folds, equal stakes, before costs": lambda r: r["pbo"]["folded, before costs"],
        "purged folds, equal stakes, net": lambda r: r["pbo"]["folded"],
    }
    null = np.array([r["figures"]["overfitting_probability"] for r in nulls])
    mean = float(null.mean()) if null.size else float("nan")
    met = "met" if abs(mean - 0.5) <= _PBO_WITHIN else "not met"
    return [
        "## Probability of backtest overfitting",
        "",
        f"The {len(NAMES)} ideas of each market, by four kinds of returns; means ± s.e. over "
        f"{len(nulls)} null markets and {len(planted)} with a true ratio of {max(LEVELS):g}.",
        "",
        "| returns of the trials | null markets | planted edge |",
        "|---|---:|---:|",
        *[
            _row(name, _mean_error([of(r) for r in nulls]), _mean_error([of(r) for r in planted]))
            for name, of in kinds.items()
        ],
        "",
        f"Wanted on null markets is 0.50 ± {_PBO_WITHIN:.2f}: **{met}**. By forecasts walked "
        "forward luck in one block says nothing of the next, and the mean is that of a coin. "
        "Out-of-fold forecasts are fitted to the sessions on both sides: where luck gave two "
        "blocks the same sign, each is forecast with the sign of the other and both look skilled, "
        "so that blocks of a null market are alike and the figure falls below one half. Costs do "
        "the same where trials differ in how much they trade, as with equal stakes: who trades "
        "less loses less, in every block, and needs no skill for it.",
    ]


def _leaks(
    planted: Sequence[Planted], clean: Sequence[Finding], nulls: Sequence[Record]
) -> list[str]:
    probes = sorted({found.probe for found in clean})
    failed = [probe for record in nulls for probe in record["failed_probes"]]
    return [
        "## Ten leaks",
        "",
        "Each was planted in the manners listed below the table. *Three sessions* is the same "
        "probe when it compares training with serving in three sessions spread over history and "
        "nowhere else; `quant.probes.telling_sessions` chooses more of them, and those around "
        "corrections, actions and new members.",
        "",
        "| leak | probe | caught | 95 % range | three sessions |",
        "|---|---|---:|---:|---:|",
        *[_leak_row(leak, [p for p in planted if p.leak == leak]) for leak in LEAKS],
        "",
        *[f"- *{leak}*: {_manners(p for p in planted if p.leak == leak)}" for leak in LEAKS],
        "",
        "False alarms of the same probes on the same work done properly: "
        + ", ".join(
            f"*{probe}* {sum(f.probe == probe and not f.passed for f in clean)} of "
            f"{sum(f.probe == probe for f in clean)}"
            for probe in probes
        )
        + ".",
        *(
            [
                f"In the {len(nulls)} null markets, where every probe of a training run was made: "
                + (", ".join(f"*{p}* {failed.count(p)}" for p in sorted(set(failed))) or "none")
                + "."
            ]
            if nulls
            else []
        ),
    ]


def _leak_row(leak: str, planted: Sequence[Planted]) -> str:
    caught = sum(not p.finding.passed for p in planted)
    few = [p.few for p in planted if p.few is not None]
    shown = f"{sum(not f.passed for f in few)} of {len(few)}" if few else ""
    probes = ", ".join(sorted({p.finding.probe for p in planted}))
    return _row(leak, probes, f"{caught} of {len(planted)}", _interval(caught, len(planted)), shown)


def _manners(planted: Iterable[Planted]) -> str:
    return ", ".join(dict.fromkeys(p.manner for p in planted)) + "."


def _refused(records: Iterable[Record], gate: str) -> int:
    return sum(not record["passed"][gate] for record in records)


def _alone(records: Iterable[Record], gate: str) -> int:
    return sum([g for g, ok in r["passed"].items() if not ok] == [gate] for r in records)


def _without(records: Iterable[Record], *gates: str) -> int:
    return sum(all(ok for g, ok in r["passed"].items() if g not in gates) for r in records)


def _mean(records: Iterable[Record], figure: Callable[[Record], float | None]) -> float:
    return float(np.mean([figure(record) or 0.0 for record in records]))


def _mean_error(values: Sequence[float]) -> str:
    if len(values) < 2:
        return "–"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def _interval(k: int, n: int) -> str:
    """Clopper and Pearson's 95 % range."""
    told = binomtest(k, n).proportion_ci(method="exact")
    return f"{told.low:.1%} to {told.high:.1%}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
