"""vectorbt: target weights of many assets with shared cash and proportional costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import vectorbt as vbt

from benchmarks import stopwatch


def _backtest(folder: Path) -> Callable[[], object]:
    held = np.load(folder / "backtest.npz")
    close = held["close"]
    # A weight decided after a close is traded one session later, as ours is.
    weights = np.vstack([np.full((1, close.shape[1]), np.nan), held["weights"][:-1]])

    def run(rows: slice) -> object:
        return vbt.Portfolio.from_orders(
            close[rows], size=weights[rows], size_type="targetpercent", price=close[rows],
            fees=5e-4, init_cash=1e6, cash_sharing=True, group_by=True, call_seq="auto",
            freq="1D",
        ).value()  # fmt: skip

    run(slice(0, 5))
    return lambda: run(slice(None))


CASES: dict[str, stopwatch.Prepare] = {"backtest": _backtest}

if __name__ == "__main__":
    stopwatch.main(CASES, ("vectorbt", "numba", "numpy"))
