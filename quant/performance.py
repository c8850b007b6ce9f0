"""What a curve of returns was worth: return, risk, drawdown and the trades behind it.

Returns are simple, per period, as fractions. Losses and drawdowns are positive. Ratios are per
year; `periods_per_year` is 252 for daily returns.
"""

from dataclasses import dataclass

import numpy as np

from quant.typing import FloatArray
from quant.validate import require_finite

SESSIONS_PER_YEAR = 252


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


def total_return(returns: FloatArray) -> float:
    """Compounded return over all periods.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    float
        As a fraction; -1 is a total loss.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    _require(returns)
    return float(np.prod(1.0 + returns) - 1.0)


def annualised_return(returns: FloatArray, *, periods_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Constant yearly return that compounds to the same total.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        As a fraction per year; -1 after a total loss.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    growth = 1.0 + total_return(returns)
    return float(max(growth, 0.0) ** (periods_per_year / returns.size) - 1.0)


def annualised_volatility(
    returns: FloatArray, *, periods_per_year: float = SESSIONS_PER_YEAR
) -> float:
    """Sample standard deviation of returns (ddof 1), per year.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions; at least two.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        As a fraction per year.

    Raises
    ------
    ValueError
        If there are fewer than two returns or they are not finite.
    """
    _require(returns, at_least=2)
    return float(np.std(returns, ddof=1) * np.sqrt(periods_per_year))


def downside_deviation(
    returns: FloatArray,
    *,
    required_return: float = 0.0,
    periods_per_year: float = SESSIONS_PER_YEAR,
) -> float:
    """Root mean square of shortfalls below the required return, over all periods, per year.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    required_return : float
        Return per period below which a period falls short.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        As a fraction per year; 0 where no period fell short.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.

    References
    ----------
    Sortino & Price (1994), "Performance measurement in a downside risk framework", Journal of
    Investing 3, 59-64.
    """
    _require(returns)
    short = np.minimum(returns - required_return, 0.0)
    return float(np.sqrt(np.mean(short**2) * periods_per_year))


def sharpe_ratio(
    returns: FloatArray,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = SESSIONS_PER_YEAR,
) -> float:
    """Mean excess return over its standard deviation, per year.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions; at least two.
    risk_free : float
        Return of cash per period.
    periods_per_year : float
        Periods in a year; 1 gives the ratio per period.

    Returns
    -------
    float
        The ratio.

    Raises
    ------
    ValueError
        If there are fewer than two returns, they are not finite, or they do not vary.

    References
    ----------
    Sharpe (1994), "The Sharpe ratio", Journal of Portfolio Management 21, 49-58.
    """
    _require(returns, at_least=2)
    deviation = float(np.std(returns, ddof=1))
    if not _varies(returns):
        raise ValueError(f"a Sharpe ratio needs returns that vary; all {returns.size} are equal.")
    return float((np.mean(returns) - risk_free) / deviation * np.sqrt(periods_per_year))


def sortino_ratio(
    returns: FloatArray,
    *,
    required_return: float = 0.0,
    periods_per_year: float = SESSIONS_PER_YEAR,
) -> float:
    """Mean return above the required one over the downside deviation, per year.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    required_return : float
        Return per period below which a period falls short.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        The ratio.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite, or no period fell short.

    References
    ----------
    Sortino & Price (1994), Journal of Investing 3, 59-64.
    """
    downside = downside_deviation(
        returns, required_return=required_return, periods_per_year=periods_per_year
    )
    if downside == 0.0:
        raise ValueError(
            f"a Sortino ratio needs a period that falls short; none of {returns.size} did."
        )
    return float((np.mean(returns) - required_return) * periods_per_year / downside)


def calmar_ratio(returns: FloatArray, *, periods_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Annualised return over maximum drawdown.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        The ratio.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite, or there was no drawdown.

    References
    ----------
    Young (1991), "Calmar ratio: a smoother tool", Futures 20, 40.
    """
    deepest = maximum_drawdown(returns)
    if deepest == 0.0:
        raise ValueError(f"a Calmar ratio needs a drawdown; {returns.size} periods had none.")
    return annualised_return(returns, periods_per_year=periods_per_year) / deepest


def drawdowns(returns: FloatArray) -> FloatArray:
    """Loss from the highest value so far after each period; the start counts as a high.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    array of shape (n_obs,)
        Positive fractions; 0 at a new high.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    _require(returns)
    value = np.cumprod(1.0 + returns)
    high = np.maximum(np.maximum.accumulate(value), 1.0)
    series: FloatArray = 1.0 - value / high
    return series


def maximum_drawdown(returns: FloatArray) -> float:
    """Deepest loss from a high, as a positive fraction.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    float
        0 where the value never fell.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    return float(drawdowns(returns).max())


def current_drawdown(returns: FloatArray) -> float:
    """Loss from the highest value to the last one, as a positive fraction.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    float
        0 at a high.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    return float(drawdowns(returns)[-1])


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
    _require(profits, name="profits")
    gains = float(profits[profits > 0.0].sum())
    losses = float(-profits[profits < 0.0].sum())
    return TradeStatistics(
        n_trades=int(profits.size),
        win_rate=float(np.mean(profits > 0.0)),
        profit_factor=gains / losses if losses > 0.0 else float("inf"),
        expectancy=float(np.mean(profits)),
    )


def active_returns(
    returns: FloatArray,
    benchmark: FloatArray,
    *,
    window: int = 252,
    minimum: int = 63,
) -> FloatArray:
    """Returns in excess of the benchmark times the trailing beta known before each period.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Net simple returns of the strategy per period.
    benchmark : array of shape (n_obs,)
        Simple returns of the universe's equal-weight buy-and-hold.
    window : int
        Periods the beta is measured over.
    minimum : int
        Periods needed to measure it; until then beta is 1, the plain excess.

    Returns
    -------
    array of shape (n_obs,)
        Active returns per period.

    Raises
    ------
    ValueError
        If the arrays differ in length or are not finite.
    """
    _require(returns)
    _require(benchmark, name="benchmark")
    if returns.size != benchmark.size:
        raise ValueError(
            f"`returns` and `benchmark` must be of equal length, had {returns.size} and "
            f"{benchmark.size}."
        )
    beta = np.ones(returns.size)
    for now in range(minimum, returns.size):
        past = slice(max(0, now - window), now)
        centred = benchmark[past] - benchmark[past].mean()
        variance = float(centred @ centred)
        if variance > 0.0:
            beta[now] = float(centred @ returns[past]) / variance
    active: FloatArray = returns - beta * benchmark
    return active


def scaled_drawdown(
    returns: FloatArray, *, volatility: float = 0.10, periods_per_year: float = SESSIONS_PER_YEAR
) -> float:
    """Maximum drawdown after the returns are scaled to a yearly volatility.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions; at least two.
    volatility : float
        Yearly volatility to scale to, as a fraction.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        Positive fraction: comparable between strategies of different risk.

    Raises
    ------
    ValueError
        If there are fewer than two returns, they are not finite, or they do not vary.
    """
    actual = annualised_volatility(returns, periods_per_year=periods_per_year)
    if not _varies(returns):
        raise ValueError("returns that do not vary cannot be scaled to a volatility.")
    return maximum_drawdown(np.maximum(returns * (volatility / actual), -1.0))


def _varies(returns: FloatArray) -> bool:
    """Whether returns differ by more than rounding does."""
    return float(np.ptp(returns)) > 1e-14 * max(1.0, float(np.abs(returns).max()))


def _require(returns: FloatArray, *, name: str = "returns", at_least: int = 1) -> None:
    if returns.size < at_least:
        raise ValueError(
            f"`{name}` must hold at least {at_least} observations, held {returns.size}."
        )
    require_finite(returns, name=name)
