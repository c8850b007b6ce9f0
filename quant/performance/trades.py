"""Executions to closed trades, what those earned, and how much was traded."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

import numpy as np

from quant.performance.returns import SESSIONS_PER_YEAR, require_series
from quant.typing import Float64Array, FloatArray, Int64Array
from quant.validate import require_finite, require_same_length


@dataclass(frozen=True)
class TradeStatistics:
    """What closed trades earned; money in, money out.

    Attributes
    ----------
    n_trades : int
        Closed trades.
    win_rate : float
        Share of them that gained.
    profit_factor : float
        Sum of gains over sum of losses; infinite without a loss.
    expectancy : float
        Mean profit or loss of a trade, in the unit given.
    """

    n_trades: int
    win_rate: float
    profit_factor: float
    expectancy: float


def closed_trades(
    assets: Int64Array,
    shares: FloatArray,
    prices: FloatArray,
    costs: FloatArray,
    *,
    ended: FloatArray | None = None,
) -> Float64Array:
    """Net profit of every trade that was closed.

    A trade begins where a position leaves zero and is closed where it comes back: buying more or
    selling a part on the way belongs to it. An execution that turns a long position into a short
    one closes the first and begins the second, and its cost is shared by shares.

    Parameters
    ----------
    assets : int array of shape (n_executions,)
        What each execution traded, in order of time.
    shares, prices, costs : arrays of shape (n_executions,)
        Signed shares, the price of one, and what the execution cost beside, in quote currency.
    ended : array of shape (n_assets,), optional
        Price at which what was held of an asset was cashed when its prices ended; NaN for one
        that goes on.

    Returns
    -------
    float64 array of shape (n_trades,)
        In quote currency, net of the executions' costs; borrowing and interest are not counted.
        A position that is still held at the end is no closed trade.

    Raises
    ------
    ValueError
        If the arrays differ in length or a figure is not finite.
    """
    require_same_length(assets=assets, shares=shares, prices=prices, costs=costs)
    for name, values in (("shares", shares), ("prices", prices), ("costs", costs)):
        require_finite(values, name=name)
    profits: list[float] = []
    for asset in np.unique(assets):
        own = assets == asset
        executions = zip(
            shares[own].tolist(), prices[own].tolist(), costs[own].tolist(), strict=True
        )
        profits += _closed(executions, float("nan") if ended is None else float(ended[asset]))
    return np.array(profits, dtype=np.float64)


def trade_statistics(profits: FloatArray) -> TradeStatistics:
    """Win rate, profit factor and expectancy of closed trades.

    Parameters
    ----------
    profits : array of shape (n_trades,)
        Profit (positive) or loss (negative) of each, net of costs, in one unit.

    Returns
    -------
    TradeStatistics
        A trade that ends at exactly zero is no win.

    Raises
    ------
    ValueError
        If there is no trade or a figure is not finite.
    """
    require_series(profits, name="profits")
    gains = float(profits[profits > 0.0].sum())
    losses = float(-profits[profits < 0.0].sum())
    return TradeStatistics(
        n_trades=int(profits.size),
        win_rate=float(np.mean(profits > 0.0)),
        profit_factor=gains / losses if losses > 0.0 else float("inf"),
        expectancy=float(np.mean(profits)),
    )


def turnover(
    traded: FloatArray, equity: FloatArray, *, periods_per_year: float = SESSIONS_PER_YEAR
) -> float:
    """Half of what was bought and sold over equity, per year: 1 replaces the whole book once.

    Parameters
    ----------
    traded : array of shape (n_obs,)
        Value bought plus value sold in each period, not negative.
    equity : array of shape (n_obs,)
        Value of the account before each period, positive, in the same unit.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        Per year.

    Raises
    ------
    ValueError
        If the arrays are empty or differ in length, a figure is not finite, a traded value is
        negative or an equity not positive.
    """
    require_series(traded, name="traded")
    require_series(equity, name="equity")
    require_same_length(traded=traded, equity=equity)
    if float(traded.min()) < 0.0 or float(equity.min()) <= 0.0:
        raise ValueError(
            "`traded` must not be negative and `equity` positive, the lowest were "
            f"{traded.min()} and {equity.min()}."
        )
    return float(0.5 * np.mean(traded / equity) * periods_per_year)


def _closed(executions: Iterable[tuple[float, float, float]], ended: float) -> list[float]:
    """Profit of each trade in one asset, from shares, price and cost of its executions."""
    profits, held, cash = [], 0.0, 0.0
    for traded, price, cost in executions:
        rest, kept = traded, 1.0
        if held * traded < 0.0 and abs(traded) >= abs(held):
            rest, kept = traded + held, 1.0 + held / traded
            profits.append(cash + held * price - (1.0 - kept) * cost)
            held = cash = 0.0
        held += rest
        cash -= rest * price + kept * cost
    if held != 0.0 and not isnan(ended):
        profits.append(cash + held * ended)
    return profits
