"""What closed trades earned, and how much was traded."""

from dataclasses import dataclass

import numpy as np

from quant.performance.returns import SESSIONS_PER_YEAR, require_series
from quant.typing import FloatArray
from quant.validate import require_same_length


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
