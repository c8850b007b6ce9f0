"""What a curve of returns risked, and what it earned for it."""

import numpy as np

from quant.performance.returns import SESSIONS_PER_YEAR, require_series, varies
from quant.typing import FloatArray


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
    require_series(returns, at_least=2)
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
    require_series(returns)
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
    require_series(returns, at_least=2)
    deviation = float(np.std(returns, ddof=1))
    if not varies(returns):
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
