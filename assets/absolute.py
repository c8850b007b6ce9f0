"""What a record earned over cash, for the sessions its gates judge; it gates nothing."""

from dataclasses import asdict
from datetime import timedelta

import numpy as np

from assets.desk_time import decision_time
from assets.material import EPOCH
from quant.backtest import Backtest
from quant.performance.absolute import absolute_figures, cash_returns
from quant.typing import FloatArray, Int32Array
from warehouse import Warehouse, index

_FEWEST = 2  # returns that have a volatility


def cash_rates(warehouse: Warehouse, days: Int32Array) -> FloatArray:
    """Rate of cash a year in each session, as known after the last; NaN where none is known.

    `days` are sessions in order, as days since 1970-01-01.
    """
    if not days.size:
        return np.empty(0)
    first, last = (EPOCH + timedelta(days=int(days[at])) for at in (0, -1))
    with warehouse.reader() as conn:
        told = index.rates(conn, first, last, as_of=decision_time(last))
    begun = np.searchsorted(told["session"].to_physical().to_numpy(), days, side="right")
    known: FloatArray = np.concatenate(([np.nan], told["annual_rate"].to_numpy()))
    return known[begun]


def idle_cash(done: Backtest, *, capital: float) -> FloatArray:
    """Share of the equity before each session that was settled cash at its close.

    Cash of the worth of what is sold short earns the account nothing: the lender of the shares
    holds it. An account whose equity is gone has none.
    """
    before = np.concatenate(([capital], done.equity[:-1]))
    lent = 0.5 * (done.gross - done.net) * done.equity
    return np.divide(done.settled - lent, before, out=np.zeros(before.size), where=before > 0.0)


def over_cash(returns: FloatArray, idle: FloatArray, rates: FloatArray) -> dict[str, object]:
    """Return a record's absolute figures as plain data, by kind; nothing of too short a one.

    A rate that nobody knows is taken for 0, and the sessions without one are counted. The arrays
    hold a value per session that the gates judge.
    """
    if returns.size < _FEWEST:
        return {}
    figures = absolute_figures(returns, cash_returns(np.nan_to_num(rates)), idle)
    counted = {"sessions": returns.size, "without_rate": int(np.isnan(rates).sum())}
    return {"absolute": asdict(figures) | counted}


def metrics(beside: dict[str, object]) -> dict[str, float]:
    """Return the absolute figures that are known, by the names they have in the registry."""
    told = beside.get("absolute", {})
    assert isinstance(told, dict)
    return {f"absolute_{name}": value for name, value in told.items() if value is not None}
