"""A model's evidence as tables, filed beside it in the registry."""

from assets.training import Trained
from quant.gates import title


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
    return "\n".join(
        [
            "| combinatorial path | active Sharpe a year |", "|---|---|", *paths, "",
            "| regime | active Sharpe a year |", "|---|---|", *regimes, "",
            "| probe | verdict | |", "|---|---|---|", *probes,
        ]
    )  # fmt: skip
