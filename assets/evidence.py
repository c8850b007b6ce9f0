"""A model's evidence as tables, filed beside it in the registry."""

from assets.training import Trained
from config.universe import Universe
from quant.gates import title
from quant.signals import Policy

_BOTH_SIDES = (
    "judged long and short, with the fee for borrowing what is sold: for research, as the desk "
    "proposes no short sale."
)


def gates_table(trained: Trained) -> str:
    """What each gate said, in Markdown."""
    lines = [
        f"| {title(v.name)} | {'met' if v.passed else 'not met'} | {v.sentence} |"
        for v in trained.verdicts
    ]
    return "\n".join(["| gate | verdict | |", "|---|---|---|", *lines])


def told(trained: Trained) -> str:
    """Figures behind the gates: each path, each regime, each probe, in Markdown."""
    paths = [f"| {n} | {sharpe:.2f} |" for n, sharpe in enumerate(trained.paths, start=1)]
    regimes = [
        f"| {name} | {'not known' if sharpe is None else f'{sharpe:.2f}'} |"
        for name, sharpe in trained.regimes.items()
    ]
    probes = [
        f"| {f.probe} | {'passed' if f.passed else 'failed'} | {f.sentence} |"
        for f in trained.probes
    ]
    effects = [
        f"| {e.group} ({e.n_features}) | {e.shuffled:+.5f} | {e.left_out:+.5f} |"
        for e in trained.effects
    ]
    return "\n".join(
        [
            "| combinatorial path | active Sharpe a year |", "|---|---|", *paths, "",
            "| regime | active Sharpe a year |", "|---|---|", *regimes, "",
            "| probe | verdict | |", "|---|---|---|", *probes, "",
            "| features | log loss rises, shuffled | log loss rises, left out |", "|---|---|---|",
            *effects,
        ]
    )  # fmt: skip


def card(trained: Trained, universe: Universe, policy: Policy, *, simulated: bool) -> str:
    """What the model is for, what it is not for, and what it leans on, in Markdown.

    `policy` is what its gates judged it by.
    """
    model = trained.model
    failed = [title(v.name) for v in trained.verdicts if not v.passed]
    limits = [
        f"One horizon of {model.horizon} sessions, from the open after the decision; "
        + (_BOTH_SIDES if policy.long_short else "long only."),
        f"The {len(universe.names)} symbols of {universe.name} and no others"
        + ("." if universe.point_in_time else ", chosen with hindsight: its record flatters it."),
        "Judged with equal shares for the symbols chosen: a book built otherwise (`portfolio`, "
        "`turnover_penalty`, `least_trade`) has no record here.",
        f"A symbol's dividends count and those of {universe.index} do not: who does as the index "
        "does beats it by the yield of the index, for the S&P 500 about 2 % a year. The gates' "
        "benchmark has its dividends.",
        "Daily bars alone: it knows no news, no reports and no orders.",
        "Probabilities and ranges mean what they meant in its walk-forward record, while the "
        "market stays like it.",
        *(["Simulated prices are among what it learnt."] if simulated else []),
        *([f"Not met: {', '.join(failed)}. Advice only."] if failed else []),
    ]
    leans = [f"- {e.group}: {e.n_features} features" for e in trained.effects if e.shuffled > 0.0]
    return "\n".join(
        [
            f"A model of the kind {model.family}, {model.n_rounds} rounds, trained on "
            f"{model.n_train} rows; {trained.n_configurations} configurations were tried for it "
            f"and its forerunners. {_learnt_from(trained.anchored)} {_aged(trained.time_decay)}",
            "",
            "## Limits of use", "", *(f"- {limit}" for limit in limits), "",
            "## What it leans on, most first", "", *(leans or ["- Nothing that can be told."]),
        ]
    )  # fmt: skip


def _learnt_from(anchored: bool) -> str:
    """Which sessions each walk-forward window, and the final model, learnt from."""
    if anchored:
        return "Each window learns from all sessions before it (anchored)."
    return "Each window learns from the last sessions before it (rolling)."


def _aged(decay: float) -> str:
    """What became of old rows in training."""
    if decay == 1.0:
        return "Old rows weigh as much as new ones (no time decay)."
    return (
        f"Rows of a training window weigh less with age, the oldest {decay:g} of the newest (time "
        "decay); what it is judged and calibrated on does not age."
    )
