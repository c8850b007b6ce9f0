"""What was earned beyond the benchmark."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quant.performance.returns import require_series
from quant.typing import FloatArray

# Periods until a trailing beta is known. Before that nobody can say what was active: taking the
# beta for 1 would book minus the whole market to a desk that holds a seventh of it.
BETA_KNOWN_AFTER = 63
_AT_ONCE = 1_024  # periods whose windows are laid out together: two megabytes of a year's


def active_returns(
    returns: FloatArray,
    benchmark: FloatArray,
    *,
    window: int = 252,
    minimum: int = BETA_KNOWN_AFTER,
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
    active: FloatArray = returns - _trailing_beta(returns, benchmark, window, minimum) * benchmark
    return active


def judged_returns(returns: FloatArray, benchmark: FloatArray) -> FloatArray:
    """Active returns from the period on in which a trailing beta is known: what is judged.

    Parameters
    ----------
    returns, benchmark : arrays of shape (n_obs,)
        As for `active_returns`.

    Returns
    -------
    array of shape (max(0, n_obs - 63),)
        Active returns per period.

    Raises
    ------
    ValueError
        As `active_returns`.
    """
    return active_returns(returns, benchmark)[BETA_KNOWN_AFTER:]


def _trailing_beta(
    returns: FloatArray, benchmark: FloatArray, window: int, minimum: int
) -> FloatArray:
    """Slope on the benchmark over the periods before each; 1 where it cannot be measured."""
    beta = np.ones(returns.size)
    full = max(minimum, window)
    for now in range(minimum, min(full, returns.size)):
        beta[now] = _slopes(returns[None, :now], benchmark[None, :now])[0]
    for first in range(full, returns.size, _AT_ONCE):
        past = slice(first - window, min(first + _AT_ONCE, returns.size) - 1)
        beta[first : first + _AT_ONCE] = _slopes(
            sliding_window_view(returns[past], window),
            sliding_window_view(benchmark[past], window),
        )
    return beta


def _slopes(returns: FloatArray, benchmark: FloatArray) -> FloatArray:
    """Slope of each row's returns on its benchmark's; 1 where that stands still."""
    centred = benchmark - benchmark.mean(axis=1, keepdims=True)
    variance = np.vecdot(centred, centred)
    moves = variance > 0.0
    return np.divide(np.vecdot(centred, returns), variance, out=np.ones(variance.size), where=moves)
