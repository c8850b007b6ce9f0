"""Our features and backtest beside their peers, side by side in one run; see docs/reports.

The peers (pyqlib, TA-Lib, polars, vectorbt) live in an environment of their own::

    uv venv .peers
    uv pip sync --require-hashes --python .peers/bin/python benchmarks/requirements-peers.lock
    python -m benchmarks.peers --peers .peers/bin/python

pyqlib's cache of expressions wants `redis-server` on the path (the package of that name).

Each side runs in a process of its own, the sides in turn, several times over. The ratio is that of
CPU seconds (all threads and processes together): on a machine that others load, seconds on the
wall say little. `--scale 0.2` takes a fifth of the symbols; both sides always get the same.
The lock is made by ``uv pip compile --universal --python-version 3.11 --generate-hashes
--no-emit-index-url --no-emit-find-links --no-annotate``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import markets

ROOT = Path(__file__).parents[1]
# Every side has the allocator that a desk's processes have (`countersign.processes.environment`).
_AS_ON_A_DESK = {"ARROW_DEFAULT_MEMORY_POOL": "system"}


@dataclass(frozen=True)
class Case:
    """A comparison: what is computed, on how much, by whom, and what we want of it."""

    name: str
    work: str
    symbols: int
    bars: int
    peers: tuple[tuple[str, str], ...]  # module of `benchmarks.sides`, its case
    wanted: tuple[float | None, ...]  # ratio to each peer, where one is set
    agree: float | None  # tolerance of the last row; None where the sides compute different things
    repeats: int = 3
    # Runs in each process: the first one pays for memory that a virtual machine's host hands out
    # only then, which was measured to take from none to twice the time of the work itself.
    within: int = 1
    budget: float | None = None  # seconds on the wall of two idle cores, where one is set


CASES = (
    Case("factors", "14 daily factors, Parquet to float32", 800, 3_276,
         (("by_qlib", "factors"), ("by_qlib", "factors, expressions cached"),
          ("by_qlib", "factors, data set cached"), ("by_polars", "factors"),
          ("by_talib", "factors")), (30.0, 8.0, None, None, None), 2e-3, within=7),
    Case("set", "Alpha158, from Parquet or pyqlib's files to float32", 500, 2_520,
         (("by_qlib", "set"),), (50.0,), 5e-3, repeats=1, within=7),
    Case("daily", "all daily features, from Parquet", 500, 2_520, (), (), None, within=3),
    Case("minutes", "30 indicators of minute bars to float32", 500, 1_950,
         (("by_talib", "minutes"),), (3.0,), 2e-2, within=3),
    Case("backtest", "target weights, daily, with costs", 500, 2_520,
         (("by_vectorbt", "backtest"),), (20.0,), 1e-9, within=5),
    Case("trades", "each trade of longs and shorts: shares, price, cost", 20, 1_260,
         (("by_vectorbt", "trades"),), (None,), 1e-9, repeats=1, within=3),
    Case("full", "all daily features, decades", 500, 5_500, (), (), None, budget=6.0),
    Case("new session", "all daily features of one new session", 500, 2_520, (), (), None,
         repeats=1, within=20, budget=0.15),
    Case("new minute", "all intraday features of one new minute", 500, 2_730, (), (), None,
         repeats=1, within=20, budget=0.05),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, and write the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--peers", type=Path, required=True, help="Python with the peers")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the symbols")
    parser.add_argument("--only", nargs="*", default=[case.name for case in CASES])
    parser.add_argument("--out", type=Path, help="where the figures go as JSON")
    told = parser.parse_args(arguments)
    figures = []
    with tempfile.TemporaryDirectory(prefix="peers-") as scratch:
        for case in CASES:
            if case.name in told.only:
                figures.append(compare(case, Path(scratch), told.peers, scale=told.scale))
                sys.stdout.write(_line(figures[-1]))
                sys.stdout.flush()
    if told.out is not None:
        told.out.write_text(json.dumps(figures, indent=1) + "\n")


def compare(case: Case, folder: Path, peers: Path, *, scale: float) -> dict[str, Any]:
    """Run a case's sides in turn."""
    symbols = max(2, round(case.symbols * scale))
    write(case, folder, symbols)
    sides: dict[str, list[dict[str, Any]]] = {}
    for _ in range(case.repeats):
        for module, name in (("ours", case.name), *case.peers):
            python = Path(sys.executable) if module == "ours" else peers
            side = f"{module} {name}"
            sides.setdefault(side, []).append(
                timed(python, module, name, folder, repeats=case.within)
            )
    _require_agreement(case, sides)
    return {
        "case": case.name,
        "work": case.work,
        "symbols": symbols,
        "bars": case.bars,
        "load": os.getloadavg()[0],
        "sides": {side: _summary(runs) for side, runs in sides.items()},
        "budget": case.budget,
        "wanted": dict(zip((f"{m} {n}" for m, n in case.peers), case.wanted, strict=True)),
    }


def _require_agreement(case: Case, sides: dict[str, list[dict[str, Any]]]) -> None:
    """Refuse a comparison of different answers: a fast wrong one is no result."""
    if case.agree is None:
        return
    ours = np.array(sides[f"ours {case.name}"][-1]["last"])
    for side, runs in sides.items():
        theirs = np.array(runs[-1]["last"])
        alike = ours.shape == theirs.shape
        if not alike or not np.allclose(ours, theirs, rtol=case.agree, atol=case.agree):
            raise SystemExit(f"{case.name}: ours ends in {ours}, {side} in {theirs}.")


def write(case: Case, folder: Path, symbols: int) -> None:
    """Lay out what the sides read."""
    columns = markets.bars(symbols, case.bars, step=0.001 if "minute" in case.name else 0.02)
    small = markets.bars(2, 400)
    markets.write_parquet(folder / "small.parquet", small, 2)
    if case.name in {"backtest", "trades"}:
        opens, close = (columns[n].reshape(symbols, case.bars).T.copy() for n in ("open", "close"))
        weights = _weights(close) if case.name == "backtest" else _both_sides(close)
        np.savez(folder / f"{case.name}.npz", opens=opens, close=close, weights=weights)
        return
    markets.write_parquet(folder / f"{case.name}.parquet", columns, symbols)
    if any(module == "by_qlib" for module, _ in case.peers):
        markets.write_qlib(folder / f"qlib-{case.name}", columns, symbols)


def _weights(close: np.ndarray) -> np.ndarray:
    """Equal weights of the tenth with the best month, chosen anew each session."""
    gain = close / np.vstack([np.full((21, close.shape[1]), np.nan), close[:-21]])
    weights = np.zeros_like(close)
    top = max(1, close.shape[1] // 10)
    for row in range(21, close.shape[0]):
        weights[row, np.argsort(-gain[row])[:top]] = 0.95 / top
    return weights


def _both_sides(close: np.ndarray) -> np.ndarray:
    """Each week a fifth held and a fifth sold short at random, no decision between."""
    rng = np.random.default_rng(5)
    weights = np.full_like(close, np.nan)
    fifth = close.shape[1] // 5
    for row in range(0, close.shape[0], 5):
        chosen = rng.permutation(close.shape[1])
        weights[row] = 0.0
        weights[row, chosen[:fifth]] = 0.4 / fifth
        weights[row, chosen[fifth : 2 * fifth]] = -0.3 / fifth
    return weights


def timed(python: Path, module: str, case: str, folder: Path, *, repeats: int) -> dict[str, Any]:
    """Run one side in a process of its own."""
    done = subprocess.run(
        [str(python), "-m", f"benchmarks.sides.{module}", case, str(folder), str(repeats)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | _AS_ON_A_DESK, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{module} could not do {case!r}:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    told = {name: runs[-1][name] for name in ("versions", "shape", "last")}
    return told | {
        **{
            name: median(seconds for run in runs for seconds in run[name])
            for name in ("cpu", "wall")
        },
        # What the work takes when the host has no memory to find for it.
        **{
            f"{name}_least": min(seconds for run in runs for seconds in run[name])
            for name in ("cpu", "wall")
        },
        "peak_gb": max(run["peak_gb"] for run in runs),
    }


def _line(figures: dict[str, Any]) -> str:
    sides = figures["sides"]
    ours = sides[f"ours {figures['case']}"]
    lines = [
        f"{figures['work']}: {figures['symbols']} x {figures['bars']:,}, "
        f"load {figures['load']:.1f}",
        f"  ours {ours['cpu']:.3f} s CPU, {ours['wall']:.3f} s wall (least "
        f"{ours['wall_least']:.3f}), {ours['shape']}, peak {ours['peak_gb']:.2f} GB",
    ]
    if figures["budget"] is not None:
        lines.append(f"  budget {figures['budget']:g} s on two idle cores")
    for side, wanted in figures["wanted"].items():
        theirs = sides[side]
        ratio = theirs["cpu"] / ours["cpu"]
        lines.append(
            f"  {side} {theirs['cpu']:.2f} s CPU, {theirs['wall']:.2f} s wall: "
            f"{ratio:.1f} x CPU, {theirs['wall'] / ours['wall']:.1f} x wall, least of each "
            f"{theirs['cpu_least'] / ours['cpu_least']:.1f} x CPU, "
            f"{theirs['wall_least'] / ours['wall_least']:.1f} x wall"
            + ("" if wanted is None else f" (wanted {wanted:g})")
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
