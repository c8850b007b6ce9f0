"""Plant, judge and report: `python -m benchmarks.defects [--variants N]` writes the report."""

import argparse
import importlib.metadata
import platform
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.defects import daily, held_out, minute
from benchmarks.defects.scores import (
    Passing,
    Score,
    clean_rows,
    daily_scores,
    look_alikes,
    minute_scores,
)

REPORT = Path(__file__).parents[2] / "docs" / "reports" / "quality.md"
SEED, HELD_OUT_SEED = 7, 99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=24, help="plants of each class")
    variants = parser.parse_args().variants
    tuned = daily_scores(variants, planters=daily.PLANTERS, seed=SEED)
    tuned |= _prefixed(minute_scores(variants, planters=minute.PLANTERS, seed=SEED))
    apart = daily_scores(variants, planters=held_out.DAILY, seed=HELD_OUT_SEED)
    apart |= _prefixed(minute_scores(variants, planters=held_out.MINUTE, seed=HELD_OUT_SEED))
    text = _report(variants, tuned, apart, look_alikes(), clean_rows())
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _prefixed(scores: dict[str, Score]) -> dict[str, Score]:
    return {f"minute: {name}": score for name, score in scores.items()}


def _report(
    variants: int,
    tuned: dict[str, Score],
    apart: dict[str, Score],
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
        f"`python -m benchmarks.defects --variants {variants}`; seeds {SEED} and "
        f"{HELD_OUT_SEED}, held apart.",
        "",
        "Each class is planted into clean bars: one real symbol alone (500 to 800 sessions), six "
        "years of the real five, and a generated market of 40 symbols; minutes into random walks "
        "of one or twelve symbols. No index is given; actions are those on record. A defect is "
        "*found* when nine of ten of its rows are called errors on their own symbol and session "
        "(minute). *False* are clean rows called errors, with how many of 10,000 clean rows.",
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
        "## Real look-alikes",
        "",
        f"{passing.events} deliveries around events that happened (crashes, surges, first days, "
        "closures, half-days, splits on record; each among others, alone, and without history; "
        "and news, crashes, delistings and a squeeze written into clean markets). Called errors: "
        f"**{len(passing.refused)}**; errors on their other rows: {passing.besides}.",
        *[f"- {line}" for line in passing.refused],
        "",
        "## False alarms on clean bars",
        "",
        "| bars | rows | errors | of 10,000 | by rule |",
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
    return (
        f"| {name} | {score.plants} | {score.found / score.plants:.1%} | "
        f"{score.rows_found / score.rows:.1%} | {score.rows_found / max(called, 1):.1%} | "
        f"{score.false} | {score.false / score.clean * 1e4:.2f} | {_named(score.rules, 3)} |"
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
