"""Losses by yesterday's shocks at today's volatility: filtered historical simulation.

Past returns are divided by the volatility they came with; what is left, the residuals, is what
the future is drawn from, at the volatility of now. A calm past does not hide a wild present.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from quant.risk.historical import require_returns
from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite, require_level, require_positive_int

_FEWEST_RETURNS = 250  # a session's year: below it a GARCH fit follows single days


@dataclass(frozen=True)
class Garch:
    """A fitted GARCH(1, 1) of returns with constant mean; figures per period.

    Attributes
    ----------
    mean : float
        Of the return.
    omega, alpha, beta : float
        Variance = omega + alpha · (last shock)² + beta · (last variance).
    residuals : array of shape (n_obs,)
        Shocks over the volatility known before each.
    next_variance : float
        Variance of the period that follows the last one.
    """

    mean: float
    omega: float
    alpha: float
    beta: float
    residuals: Float64Array
    next_variance: float


def ewma_volatility(returns: FloatArray, *, decay: float = 0.94) -> Float64Array:
    """Volatility known after each period: exponentially weighted squares of returns.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    decay : float
        Weight of the past, strictly between 0 and 1.

    Returns
    -------
    array of shape (n_obs,)
        Per period, as a fraction; the weights are normalised, so that the start is unbiased.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite, or `decay` is outside (0, 1).

    References
    ----------
    J.P. Morgan/Reuters (1996), "RiskMetrics technical document", 4th ed., 77-83.
    """
    require_level(decay, name="decay")
    require_returns(returns, decay)
    variance, weight = 0.0, 0.0
    known = np.empty(returns.size)
    for now, value in enumerate(returns):
        variance = decay * variance + (1.0 - decay) * float(value) ** 2
        weight = decay * weight + (1.0 - decay)
        known[now] = sqrt(variance / weight)
    return known


def fitted_garch(returns: FloatArray) -> Garch:
    """Fit a GARCH(1, 1) with constant mean by normal quasi-maximum likelihood.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions, in order of time; at least 250 that vary.

    Returns
    -------
    Garch
        Figures in the unit of `returns`.

    Raises
    ------
    ValueError
        If there are too few returns, they are not finite or do not vary, or the fit does not
        converge.

    References
    ----------
    Bollerslev (1986), "Generalized autoregressive conditional heteroskedasticity", Journal of
    Econometrics 31, 307-327.
    """
    require_finite(returns, name="returns")
    if returns.size < _FEWEST_RETURNS or float(np.ptp(returns)) == 0.0:
        raise ValueError(
            f"a GARCH fit needs at least {_FEWEST_RETURNS} returns that vary, were {returns.size}. "
            "Use historical figures until there are more."
        )
    from arch import arch_model  # noqa: PLC0415  costs a second

    # The optimiser wants figures near one, so it works on returns of unit deviation.
    unit = float(np.std(returns))
    fit = arch_model(returns / unit, mean="Constant", vol="GARCH", p=1, q=1, rescale=False).fit(
        disp="off", show_warning=False
    )
    if fit.convergence_flag != 0:
        raise ValueError(
            f"the GARCH fit to {returns.size} returns did not converge. Use historical figures."
        )
    mean, omega, alpha, beta = (float(value) for value in np.asarray(fit.params))
    shock = float(fit.resid[-1])
    variance = omega + alpha * shock**2 + beta * float(fit.conditional_volatility[-1]) ** 2
    return Garch(
        mean=mean * unit,
        omega=omega * unit**2,
        alpha=alpha,
        beta=beta,
        residuals=np.asarray(fit.resid / fit.conditional_volatility, dtype=np.float64),
        next_variance=variance * unit**2,
    )


def filtered_returns(
    model: Garch, *, horizon: int = 1, n_paths: int = 10_000, rng: np.random.Generator
) -> Float64Array:
    """Returns over the horizon that the model's residuals give at the volatility of now.

    Parameters
    ----------
    model : Garch
        Fitted to the past.
    horizon : int
        Periods, at least 1.
    n_paths : int
        Paths drawn with replacement; over one period every residual is taken once instead.
    rng : numpy.random.Generator
        Of the draws.

    Returns
    -------
    array of shape (n_obs,) for one period, else (n_paths,)
        Simple returns, to be given to `value_at_risk` or `expected_shortfall`. None is below
        -1: a price does not turn negative.

    Raises
    ------
    ValueError
        If `horizon` or `n_paths` is below 1.

    References
    ----------
    Barone-Adesi, Giannopoulos & Vosper (1999), "VaR without correlations for portfolios of
    derivative securities", Journal of Futures Markets 19, 583-602.
    """
    require_positive_int(horizon, name="horizon")
    require_positive_int(n_paths, name="n_paths")
    if horizon == 1:
        single: Float64Array = model.mean + sqrt(model.next_variance) * model.residuals
        return np.maximum(single, -1.0)
    variance = np.full(n_paths, model.next_variance)
    growth = np.ones(n_paths)
    for _ in range(horizon):
        shock = np.sqrt(variance) * rng.choice(model.residuals, size=n_paths)
        growth *= np.maximum(1.0 + model.mean + shock, 0.0)
        variance = model.omega + model.alpha * shock**2 + model.beta * variance
    total: Float64Array = growth - 1.0
    return total
