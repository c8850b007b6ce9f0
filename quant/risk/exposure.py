"""What the portfolio stands in: gross, net, concentration, and its slope on the market."""

from dataclasses import dataclass

import numpy as np

from quant.typing import FloatArray
from quant.validate import require_finite, require_same_length


@dataclass(frozen=True)
class Exposures:
    """Exposures as fractions of equity; `concentration` is the sum of squared shares of gross.

    ``short`` is positive; ``largest`` is the largest absolute weight. ``concentration`` is 1
    for a single position, 1/n for n equal ones and 0 without any.
    """

    gross: float
    net: float
    long: float
    short: float
    largest: float
    concentration: float


def exposures(weights: FloatArray) -> Exposures:
    """Gross, net, long, short, largest and concentration of signed weights.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.

    Returns
    -------
    Exposures
        All zero without a position.

    Raises
    ------
    ValueError
        If a weight is not finite.
    """
    require_finite(weights, name="weights")
    size = np.abs(weights)
    gross = float(size.sum())
    return Exposures(
        gross=gross,
        net=float(weights.sum()),
        long=float(weights[weights > 0.0].sum()),
        short=float(-weights[weights < 0.0].sum()),
        largest=float(size.max(initial=0.0)),
        concentration=float(((size / gross) ** 2).sum()) if gross > 0.0 else 0.0,
    )


def beta(returns: FloatArray, benchmark: FloatArray) -> float:
    """Slope of returns on the benchmark's.

    Parameters
    ----------
    returns, benchmark : arrays of shape (n_obs,)
        Simple returns of the same periods, as fractions; at least two.

    Returns
    -------
    float
        Covariance over the benchmark's variance.

    Raises
    ------
    ValueError
        If the arrays differ in length, are not finite, or the benchmark does not vary.
    """
    require_same_length(returns=returns, benchmark=benchmark)
    require_finite(returns, name="returns")
    require_finite(benchmark, name="benchmark")
    if returns.size < 2 or float(np.ptp(benchmark)) == 0.0:
        raise ValueError(f"a beta needs a benchmark that varies over {returns.size} >= 2 periods.")
    centred = benchmark - benchmark.mean()
    return float(centred @ returns / (centred @ centred))
