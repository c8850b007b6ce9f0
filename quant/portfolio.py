"""Weights from many returns at once: minimum variance, maximum Sharpe, hierarchical risk parity.

The optimisers are skfolio's; here are the desk's limits, the price of trading, and what is
refused. Importing this module costs two seconds: import it where a portfolio is made.

References
----------
Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices",
Journal of Multivariate Analysis 88, 365-411.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from cvxpy.atoms.norm1 import norm1
from cvxpy.error import SolverError
from scipy.spatial.distance import cdist
from skfolio.cluster import HierarchicalClustering, LinkageMethod
from skfolio.distance import BaseDistance, PearsonDistance
from skfolio.exceptions import OptimizationError
from skfolio.moments import LedoitWolf, ShrunkMu, ShrunkMuMethods
from skfolio.optimization import HierarchicalRiskParity, MeanRisk, ObjectiveFunction
from skfolio.prior import EmpiricalPrior
from skfolio.seriation import HierarchicalSeriation

from quant.sizing import WeightLimits, within_limits
from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite, require_same_length

_FEWEST_RETURNS = (
    60  # a quarter of sessions: below it even a shrunk covariance is mostly its target
)
_DUST = 1e-7  # what a solver leaves where it means zero


@dataclass(frozen=True)
class Trading:
    """What is held now, and what it costs to move away from it.

    Attributes
    ----------
    held : array of shape (n_assets,)
        Weights now, as signed fractions of equity.
    penalty : float
        Price of trading one unit of equity, in the unit of the objective: variance per period
        for minimum variance, return per period for maximum Sharpe (the cost of a trade over
        the periods it is held), weight for hierarchical risk parity (a smaller change is not
        made, a larger one made shorter by it).
    """

    held: FloatArray
    penalty: float


def minimum_variance_weights(
    returns: FloatArray,
    *,
    limits: WeightLimits,
    invested: float | None = None,
    long_only: bool = True,
    trading: Trading | None = None,
) -> FloatArray:
    """Weights of least variance within the limits, by a shrunk covariance.

    Parameters
    ----------
    returns : array of shape (n_obs, n_assets)
        Simple returns per period; at least 60 of assets that all vary.
    limits : WeightLimits
        Bounds on each position, the gross and the net; all are constraints of the problem.
    invested : float, optional
        Sum of the weights; as much as the limits allow if not given.
    long_only : bool
        Forbid short positions.
    trading : Trading, optional
        What is held and what a change of it costs.

    Returns
    -------
    array of shape (n_assets,)
        Signed fractions of equity that add up to `invested`.

    Raises
    ------
    ValueError
        If there are too few returns, one is not finite, an asset does not vary, the limits do
        not allow `invested`, or the solver finds no weights.

    References
    ----------
    Markowitz (1952), "Portfolio selection", Journal of Finance 7, 77-91.
    """
    _require(returns, limits, trading)
    total = _invested(returns.shape[1], limits, invested)
    model = MeanRisk(
        prior_estimator=EmpiricalPrior(covariance_estimator=LedoitWolf()),
        add_objective=_turnover(trading),
        **_bounds(limits, total, long_only=long_only),
    )
    return _solved(model, returns, "minimum variance")


def maximum_sharpe_weights(
    returns: FloatArray,
    *,
    limits: WeightLimits,
    invested: float | None = None,
    long_only: bool = True,
    risk_free: float = 0.0,
    trading: Trading | None = None,
) -> FloatArray:
    """Weights of the highest Sharpe ratio within the limits, by shrunk means and covariance.

    Means are drawn towards that of the minimum-variance portfolio, so that one lucky asset does
    not take the book.

    Parameters
    ----------
    returns, limits, invested, long_only, trading
        As for `minimum_variance_weights`.
    risk_free : float
        Return of cash per period.

    Returns
    -------
    array of shape (n_assets,)
        Signed fractions of equity that add up to `invested`.

    Raises
    ------
    ValueError
        As `minimum_variance_weights`, and if no allowed portfolio is expected to earn more
        than cash.

    References
    ----------
    Jorion (1986), "Bayes-Stein estimation for portfolio analysis", Journal of Financial and
    Quantitative Analysis 21, 279-292, for the means.
    """
    _require(returns, limits, trading)
    total = _invested(returns.shape[1], limits, invested)
    costs = {} if trading is None else {
        "transaction_costs": trading.penalty, "previous_weights": trading.held,
    }  # fmt: skip
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        prior_estimator=EmpiricalPrior(
            mu_estimator=ShrunkMu(
                covariance_estimator=LedoitWolf(),
                vol_weighted_target=True,  # the mean of the minimum-variance portfolio
                method=ShrunkMuMethods.BAYES_STEIN,
            ),
            covariance_estimator=LedoitWolf(),
        ),
        # The budget scales a ratio's returns, so that cash is scaled with it.
        risk_free_rate=risk_free * total,
        **costs,
        **_bounds(limits, total, long_only=long_only),
    )
    return _solved(model, returns, "maximum Sharpe")


def hierarchical_risk_parity_weights(
    returns: FloatArray,
    *,
    limits: WeightLimits,
    invested: float | None = None,
    trading: Trading | None = None,
) -> FloatArray:
    """Long weights by recursive bisection of a tree of assets; no matrix is inverted.

    Parameters
    ----------
    returns, limits, invested, trading
        As for `minimum_variance_weights`.

    Returns
    -------
    array of shape (n_assets,)
        Positive fractions of equity that add up to `invested`, where no trading is priced.

    Raises
    ------
    ValueError
        As `minimum_variance_weights`.

    References
    ----------
    López de Prado (2016), "Building diversified portfolios that outperform out of sample",
    Journal of Portfolio Management 42, 59-69.
    """
    _require(returns, limits, trading)
    total = _invested(returns.shape[1], limits, invested)
    model = HierarchicalRiskParity(
        distance_estimator=_DistanceOfDistances(),
        seriation_estimator=HierarchicalSeriation(
            hierarchical_clustering_estimator=HierarchicalClustering(
                linkage_method=LinkageMethod.SINGLE
            ),
            optimal_ordering=False,
        ),
        max_weights=min(1.0, limits.position / total),
    )
    target = total * _solved(model, returns, "hierarchical risk parity")
    if trading is None:
        return target
    return within_limits(less_turnover(target, trading.held, band=trading.penalty), limits=limits)


def less_turnover(target: FloatArray, held: FloatArray, *, band: float) -> FloatArray:
    """Weights between what is held and what is wanted, at a price per unit traded.

    The nearest to the target in squares plus twice `band` times the turnover: a change within
    the band is not made, a larger one is made shorter by the band.

    Parameters
    ----------
    target, held : arrays of shape (n_assets,)
        Weights as signed fractions of equity.
    band : float
        Weight, not negative.

    Returns
    -------
    array of shape (n_assets,)
        `target` for a band of 0, `held` for a wide one.

    Raises
    ------
    ValueError
        If the arrays differ in length, a weight is not finite or the band is negative.
    """
    require_same_length(target=target, held=held)
    require_finite(target, name="target")
    require_finite(held, name="held")
    if not band >= 0.0:
        raise ValueError(f"`band` must not be negative, was {band}.")
    change = target - held
    moved: FloatArray = held + np.sign(change) * np.maximum(np.abs(change) - band, 0.0)
    return moved


class _DistanceOfDistances(BaseDistance):  # type: ignore[misc]  # skfolio tells no types
    """How differently two assets stand to all others, as the paper has it."""

    def __init__(self) -> None:
        """Take no parameters."""

    def fit(self, X: FloatArray, y: None = None) -> "_DistanceOfDistances":
        """Measure the assets of `X`, of shape (n_obs, n_assets)."""
        pearson = PearsonDistance().fit(X)
        self.codependence_ = pearson.codependence_
        self.distance_: Float64Array = cdist(pearson.distance_, pearson.distance_)
        return self


def _bounds(limits: WeightLimits, total: float, *, long_only: bool) -> dict[str, Any]:
    if long_only:
        return {"min_weights": 0.0, "max_weights": limits.position, "budget": total}
    # Long less short is the total and long plus short at most the gross.
    longest = 0.5 * (limits.gross + total)
    return {
        "min_weights": -limits.position,
        "max_weights": limits.position,
        "budget": total,
        "max_long": longest,
        "max_short": max(longest - total, _DUST),
    }


def _turnover(trading: Trading | None) -> Any:
    if trading is None or trading.penalty == 0.0:
        return None
    return lambda w: trading.penalty * norm1(w - trading.held)


def _invested(n_assets: int, limits: WeightLimits, asked: float | None) -> float:
    most = min(limits.net, limits.gross, n_assets * limits.position)
    total = most if asked is None else asked
    if not 0.0 < total <= most + 1e-12:
        raise ValueError(
            f"{n_assets} positions of at most {limits.position:.2%} within gross "
            f"{limits.gross:.2%} and net {limits.net:.2%} can hold more than nothing and at most "
            f"{most:.2%} of equity, asked were {total:.2%}."
        )
    return total


def _solved(model: Any, returns: FloatArray, what: str) -> FloatArray:
    with warnings.catch_warnings():
        # Its warnings repeat what is raised below in words of its own.
        warnings.simplefilter("ignore")
        try:
            weights = np.asarray(model.fit(returns).weights_, dtype=np.float64)
        except (OptimizationError, ValueError, SolverError) as e:
            raise ValueError(
                f"no {what} weights were found for {returns.shape[1]} assets over "
                f"{returns.shape[0]} periods: {e}"
            ) from e
    if not np.isfinite(weights).all():
        raise ValueError(f"no {what} weights were found: the solver gave {weights}.")
    kept: FloatArray = np.where(np.abs(weights) < _DUST, 0.0, weights)
    return kept


def _require(returns: FloatArray, limits: WeightLimits, trading: Trading | None) -> None:
    if returns.ndim != 2 or returns.shape[1] < 2:
        raise ValueError(f"`returns` must have shape (n_obs, n_assets >= 2), had {returns.shape}.")
    if returns.shape[0] < _FEWEST_RETURNS:
        raise ValueError(
            f"at least {_FEWEST_RETURNS} periods are needed, were {returns.shape[0]}. Load more "
            "history."
        )
    require_finite(returns, name="returns")
    flat = np.flatnonzero(np.ptp(returns, axis=0) == 0.0)
    if flat.size:
        raise ValueError(f"assets at positions {flat.tolist()} do not vary. Leave them out.")
    within_limits(np.zeros(1), limits=limits)  # refuses a negative limit
    if trading is not None:
        require_finite(trading.held, name="held")
        if trading.held.shape != (returns.shape[1],) or not trading.penalty >= 0.0:
            raise ValueError(
                f"`held` must have one weight for each of {returns.shape[1]} assets and `penalty` "
                f"not be negative, were {trading.held.shape} and {trading.penalty}."
            )
