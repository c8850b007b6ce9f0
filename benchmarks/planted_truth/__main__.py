"""Plant, search, judge and report: `python -m benchmarks.planted_truth --full`.

A study goes on where it was stopped: each market is kept in the folder as soon as it is judged.
Ctrl-C writes the report of what has been judged so far.
"""

import argparse
import os
import sys
from pathlib import Path

# Before numpy: one thread each, so that `--workers` alone says how many cores are used.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from benchmarks.planted_truth import leaks, study  # noqa: E402  after the threads are set
from benchmarks.planted_truth.report import Told, page  # noqa: E402
from quant.probes import Finding  # noqa: E402

_ROOT = Path(__file__).parents[2]
REPORT = _ROOT / "docs" / "reports" / "planted-truth.md"
_CLEAN = {True: 20, False: 3}
_FOR_PBO = 20  # null markets of each half: forty in all


def main() -> None:
    """Run what was asked for and write the report."""
    asked = _arguments().parse_args()
    size = study.REDUCED if asked.reduced else study.FULL
    wanted = asked.only or "everything"
    nulls, power = [], []
    if wanted in {"everything", "nulls", "pbo"}:
        few = study.Size(min(size.nulls, _FOR_PBO), size.power) if wanted == "pbo" else size
        nulls = study.nulls(few, asked.seed)
    if wanted in {"everything", "power", "pbo"}:
        power = study.power(size, asked.seed)
    if wanted == "pbo":
        power = [market for market in power if market.level == max(study.LEVELS)]
    told = Told(
        command=f"python -m benchmarks.planted_truth {_size(asked)} --seed {asked.seed}",
        seed=asked.seed,
        nulls=_judged(nulls, asked),
        power=_judged(power, asked),
        leaks=_leaks(wanted, asked),
        clean=_clean(wanted, asked),
        pbo=wanted in {"everything", "pbo"},
    )
    text = page(told)
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _size(asked: argparse.Namespace) -> str:
    size = "--reduced" if asked.reduced else "--full"
    return f"{size} --only {asked.only}" if asked.only else size


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_truth", description=__doc__)
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--full", action="store_true", help=f"{study.FULL} (the default)")
    much.add_argument("--reduced", action="store_true", help=f"{study.REDUCED}; proves nothing")
    parser.add_argument("--only", choices=("nulls", "power", "pbo", "leaks"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=1, help="markets judged at a time")
    parser.add_argument(
        "--folder", type=Path, default=_ROOT / "var" / "planted-truth",
        help="where judged markets are kept; with the same folder a study is resumed",
    )  # fmt: skip
    parser.add_argument(
        "--judged", action="store_true", help="tell what has been judged so far, and judge no more"
    )
    parser.add_argument("--out", type=Path, help=f"file of the report, as {REPORT.name}")
    return parser


def _judged(markets: list[study.Market], asked: argparse.Namespace) -> list[study.Record]:
    if asked.judged:
        return study.kept(markets, asked.folder)
    try:
        return study.run(markets, asked.folder, workers=asked.workers)
    except KeyboardInterrupt:
        return study.kept(markets, asked.folder)


def _leaks(wanted: str, asked: argparse.Namespace) -> list[leaks.Planted]:
    if wanted not in {"everything", "leaks"}:
        return []
    most = 1 if asked.reduced else None
    return study.leaks_planted(asked.folder, seed=asked.seed, most=most)


def _clean(wanted: str, asked: argparse.Namespace) -> list[Finding]:
    if wanted not in {"everything", "leaks"}:
        return []
    seeds = range(asked.seed, asked.seed + _CLEAN[not asked.reduced])
    return [finding for seed in seeds for finding in leaks.clean(seed)]


if __name__ == "__main__":
    main()
