"""What was earned beyond the benchmark."""

import numpy as np

from quant.performance.returns import require_series
from quant.typing import FloatArray


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
    require_series(returns)
    require_series(benchmark, name="benchmark")
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
