"""vectorbt: target weights of many assets with shared cash and proportional costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import vectorbt as vbt

from benchmarks import stopwatch

Array = npt.NDArray[np.float64]


def _portfolio(
    opens: Array, closes: Array, weights: Array, rows: slice = slice(None)
) -> vbt.Portfolio:
    """Trade at each open what was decided after the close before, sized by that close, as we do."""
    none = np.full((1, closes.shape[1]), np.nan)
    return vbt.Portfolio.from_orders(
        closes[rows], size=np.vstack([none, weights[:-1]])[rows], size_type="targetpercent",
        price=opens[rows], val_price=np.vstack([closes[:1], closes[:-1]])[rows],
        fees=5e-4, init_cash=1e6, cash_sharing=True, group_by=True, call_seq="auto", freq="1D",
    )  # fmt: skip


def _backtest(folder: Path) -> Callable[[], object]:
    held = np.load(folder / "backtest.npz")
    close, weights = held["close"], held["weights"]
    _portfolio(close, close, weights, slice(0, 5)).value()
    return lambda: _portfolio(close, close, weights).value()


def _trades(folder: Path) -> Callable[[], object]:
    held = np.load(folder / "trades.npz")

    def work() -> Array:
        told = _portfolio(held["opens"], held["close"], held["weights"]).orders.records
        told = told.sort_values(["idx", "col"])
        shares = told["size"] * np.where(told["side"] == 0, 1.0, -1.0)
        columns = (told["idx"], told["col"], shares, told["price"], told["fees"])
        return np.column_stack(columns).reshape(1, -1)

    return work


CASES: dict[str, stopwatch.Prepare] = {"backtest": _backtest, "trades": _trades}

if __name__ == "__main__":
    stopwatch.main(CASES, ("vectorbt", "numba", "numpy"))
