"""What a curve of returns earned beside cash: figures that do not ask what the market did."""

from dataclasses import dataclass

import numpy as np

from quant.performance.drawdown import maximum_drawdown
from quant.performance.ratios import annualised_volatility, sharpe_ratio
from quant.performance.returns import (
    SESSIONS_PER_YEAR,
    annualised_return,
    require_series,
    varies,
)
from quant.typing import FloatArray
from quant.validate import require_finite, require_same_length


@dataclass(frozen=True)
class AbsoluteFigures:
    """Returns and volatility are fractions a year, the drawdown a positive fraction.

    Attributes
    ----------
    annual_return : float
        Of the curve, the interest on its idle cash included.
    cash_return : float
        What cash alone earned a year meanwhile.
    excess_return : float
        The first less the second.
    sharpe : float or None
        Of the returns in excess of cash, per year; None where these do not vary.
    volatility, drawdown : float
        Of the curve.
    """

    annual_return: float
    cash_return: float
    excess_return: float
    sharpe: float | None
    volatility: float
    drawdown: float


def cash_returns(annual_rates: FloatArray) -> FloatArray:
    """Return of cash per session that compounds to its rate in a year.

    Parameters
    ----------
    annual_rates : array of shape (n_obs,)
        Rate that holds in each session, as a fraction per year, above -1.

    Returns
    -------
    array of shape (n_obs,)
        As fractions.

    Raises
    ------
    ValueError
        If a rate is not finite, or takes all there is.
    """
    require_finite(annual_rates, name="annual_rates")
    if bool(np.any(annual_rates <= -1.0)):
        raise ValueError(
            f"`annual_rates` must be fractions above -1, the lowest was {annual_rates.min()}."
        )
    returns: FloatArray = (1.0 + annual_rates) ** (1.0 / SESSIONS_PER_YEAR) - 1.0
    return returns


def absolute_figures(returns: FloatArray, cash: FloatArray, idle: FloatArray) -> AbsoluteFigures:
    """Figures of a curve whose idle cash earned what cash earned.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Net simple returns per session, in which idle cash earned nothing; at least two.
    cash : array of shape (n_obs,)
        Return of cash per session, from `cash_returns`.
    idle : array of shape (n_obs,)
        Share of equity that lay in cash in each session; negative where money was borrowed.

    Returns
    -------
    AbsoluteFigures
        Idle all the time, a curve without returns of its own has no excess over cash.

    Raises
    ------
    ValueError
        If the arrays differ in length, are too short or not finite.

    References
    ----------
    Sharpe (1994), "The Sharpe ratio", Journal of Portfolio Management 21, 49-58.
    """
    require_series(returns, at_least=2)
    require_same_length(returns=returns, cash=cash, idle=idle)
    require_finite(cash, name="cash")
    require_finite(idle, name="idle")
    earned = returns + idle * cash
    excess = earned - cash
    annual, lent = annualised_return(earned), annualised_return(cash)
    return AbsoluteFigures(
        annual_return=annual,
        cash_return=lent,
        excess_return=annual - lent,
        sharpe=sharpe_ratio(excess) if varies(excess) else None,
        volatility=annualised_volatility(earned),
        drawdown=maximum_drawdown(earned),
    )
