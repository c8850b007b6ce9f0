"""Plant, judge and report: `python -m benchmarks.defects [--variants N]` writes the report."""

import argparse
import importlib.metadata
import platform
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.defects import actions, daily, held_out, minute, options, second
from benchmarks.defects.scores import (
    Passing,
    Score,
    action_scores,
    clean_rows,
    daily_scores,
    look_alikes,
    minute_scores,
    option_scores,
)

REPORT = Path(__file__).parents[2] / "docs" / "reports" / "quality.md"
SEED, HELD_OUT_SEED, SECOND_SEED = 7, 99, 2026


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=24, help="plants of each class")
    variants = parser.parse_args().variants
    tuned = daily_scores(variants, planters=daily.PLANTERS, seed=SEED)
    tuned |= _prefixed("minute", minute_scores(variants, planters=minute.PLANTERS, seed=SEED))
    tuned |= _prefixed("options", option_scores(variants, planters=options.PLANTERS, seed=SEED))
    tuned |= _prefixed("actions", action_scores(variants, planters=actions.PLANTERS, seed=SEED))
    apart = daily_scores(variants, planters=held_out.DAILY, seed=HELD_OUT_SEED)
    apart |= _prefixed(
        "minute", minute_scores(variants, planters=held_out.MINUTE, seed=HELD_OUT_SEED)
    )
    text = _report(variants, tuned, apart, _second(variants), look_alikes(), clean_rows())
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _second(variants: int) -> dict[str, Score]:
    """Score the third set, of all kinds of data."""
    seed = SECOND_SEED
    scores = daily_scores(variants, planters=second.DAILY, seed=seed)
    scores |= _prefixed("minute", minute_scores(variants, planters=second.MINUTE, seed=seed))
    scores |= _prefixed("options", option_scores(variants, planters=second.OPTIONS, seed=seed))
    return scores | _prefixed(
        "actions", action_scores(variants, planters=second.ACTIONS, seed=seed)
    )


def _prefixed(kind: str, scores: dict[str, Score]) -> dict[str, Score]:
    return {f"{kind}: {name}": score for name, score in scores.items()}


def _report(
    variants: int,
    tuned: dict[str, Score],
    apart: dict[str, Score],
    third: dict[str, Score],
    passing: Passing,
    clean: list[tuple[str, int, Counter[str]]],
) -> str:
    versions = ", ".join(
        f"{n} {importlib.metadata.version(n)}" for n in ("polars", "numba", "numpy")
    )
    lines = [
        "# Data quality: what is caught and what is not",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {versions}. Written by "
        f"`python -m benchmarks.defects --variants {variants}`; seeds {SEED}, {HELD_OUT_SEED} and "
        f"{SECOND_SEED}, held apart.",
        "",
        "Each class is planted into clean bars: one real symbol alone (500 to 800 sessions), six "
        "years of the real five, and a generated market of 40 symbols; minutes into random walks "
        "of one or twelve symbols; quotes into chains by Black and Scholes of three shares, one "
        "of which splits; records into the actions of a generated market, judged beside its bars. "
        "No index is given; actions are those on record. A defect is "
        "*found* when nine of ten of its rows are called errors on their own symbol and session "
        "(minute, contract); a dividend left out when the next one is warned of. *False* are clean "
        "rows called errors, with how many of 10,000 clean rows.",
        "",
        "## Planted while the rules were written",
        "",
        *_table(tuned),
        "",
        "## Planted afterwards, otherwise built, nothing tuned to them",
        "",
        "On its first run (2026-11-21) this set gave 93.5 % of plants and 99.8 % of rows: of "
        "*filled forward* only the first session of each gap was found (0 of 12 plants), a "
        "mistake in the rules that was then repaired. All other classes stand as first written.",
        "",
        *_table(apart),
        "",
        "## A third set, of all kinds of data, written before it was first judged",
        "",
        "On its first run (2026-11-21), before anything was repaired: 267 of 276 plants (96.7 %), "
        "44,231 of 44,240 rows, and 1,593 clean rows called errors, all of them quotes (78 of "
        "them options whose other side was spoiled; the others strikes that are listed both before "
        "a split and, of another contract, after it). Missed were six ratios in percent and three "
        "splits on file late. The two mistakes about options and the ratios were then repaired; "
        "the table is what came after. Of a split on file late the rows between the price's fall "
        "and the record are held, and its record passes: that is left so.",
        "",
        *_table(third),
        "",
        "## Real look-alikes",
        "",
        f"{passing.events} deliveries around events that happened (crashes, surges, first days, "
        "closures, half-days, splits on record; each among others, alone, and without history; "
        "and news, crashes, delistings and a squeeze written into clean markets). Called errors: "
        f"**{len(passing.refused)}**; errors on their other rows: {passing.besides}.",
        *[f"- {line}" for line in passing.refused],
        "",
        "## False alarms on clean data",
        "",
        "| data | rows | errors | of 10,000 | by rule |",
        "| --- | ---: | ---: | ---: | --- |",
        *[
            f"| {name} | {rows:,} | {found.total()} | {found.total() / rows * 1e4:.2f} | "
            f"{_named(found)} |"
            for name, rows, found in clean
        ],
        "",
    ]
    return "\n".join(lines)


def _table(scores: dict[str, Score]) -> list[str]:
    whole = Score()
    for score in scores.values():
        for name in ("plants", "found", "rows", "rows_found", "clean", "false"):
            setattr(whole, name, getattr(whole, name) + getattr(score, name))
    return [
        "| class | plants | found | recall of rows | precision | false | of 10,000 | by rule |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        *[_line(name.replace("_", " "), score) for name, score in scores.items()],
        _line("**all**", whole),
        "",
        *_by_rule(scores),
    ]


def _line(name: str, score: Score) -> str:
    called = score.rows_found + score.false
    share = score.false / max(score.clean, 1)  # a class may leave no clean row
    return (
        f"| {name} | {score.plants} | {score.found / score.plants:.1%} | "
        f"{score.rows_found / score.rows:.1%} | {score.rows_found / max(called, 1):.1%} | "
        f"{score.false} | {share * 1e4:.2f} | {_named(score.rules, 3)} |"
    )


def _by_rule(scores: dict[str, Score]) -> list[str]:
    right, wrong = Counter[str](), Counter[str]()
    for score in scores.values():
        right.update(score.rules)
        wrong.update(score.false_rules)
    return [
        "| rule | findings on spoiled rows | on clean rows | precision |",
        "| --- | ---: | ---: | ---: |",
        *[
            f"| {rule} | {right[rule]:,} | {wrong[rule]} | "
            f"{right[rule] / (right[rule] + wrong[rule]):.1%} |"
            for rule in sorted({*right, *wrong})
        ],
    ]


def _named(found: Counter[str], most: int = 4) -> str:
    return ", ".join(f"{rule} {count:,}" for rule, count in found.most_common(most)) or "—"


if __name__ == "__main__":
    main()
