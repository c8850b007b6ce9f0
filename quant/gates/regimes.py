"""Which market a session fell into, as far as it was known before, and what was earned in each."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quant.performance import sharpe_ratio
from quant.performance.returns import varies
from quant.typing import BoolArray, FloatArray
from quant.validate import require_finite

# By volatility (terciles of what had been seen) and by direction; a session has one of each.
REGIMES = ("calm", "usual", "wild", "rising", "falling")

# A year of active returns: with fewer, a yearly ratio of one is within two standard errors of
# minus one.
MIN_SESSIONS = 252
_VOLATILITY_WINDOW = 63
_TREND_WINDOW = 126
_FIRST_RANK = 252  # volatilities to be ranked against before the first session is called anything


def regimes(market: FloatArray) -> Mapping[str, BoolArray]:
    """Sessions of each regime, told from returns before the session only.

    Parameters
    ----------
    market : array of shape (n_obs,)
        Simple returns of the market per session, as fractions.

    Returns
    -------
    mapping of str to bool array of shape (n_obs,)
        For each of `REGIMES`. "calm", "usual" and "wild" are the lower, middle and upper third
        of the volatility over 63 sessions among all such volatilities until then; "rising" and
        "falling" are the sign of the return over 126 sessions. Sessions without the history for
        it belong to none.

    Raises
    ------
    ValueError
        If `market` is not finite.
    """
    require_finite(market, name="market")
    rank = _volatility_rank(market)
    trend = _before(np.log1p(market), _TREND_WINDOW, np.sum)
    return {
        "calm": rank < 1.0 / 3.0,
        "usual": (rank >= 1.0 / 3.0) & (rank < 2.0 / 3.0),
        "wild": rank >= 2.0 / 3.0,
        "rising": trend >= 0.0,
        "falling": trend < 0.0,
    }


def regime_sharpes(
    active: FloatArray, sessions: Mapping[str, BoolArray]
) -> dict[str, float | None]:
    """Yearly Sharpe ratio of active returns in each regime.

    Parameters
    ----------
    active : array of shape (n_obs,)
        Active net returns per session, as fractions.
    sessions : mapping of str to bool array of shape (n_obs,)
        From `regimes`, for the same sessions.

    Returns
    -------
    dict of str to float
        None for a regime of fewer than 252 sessions, or one in which nothing varied: unknown.

    Raises
    ------
    ValueError
        If the arrays differ in length or `active` is not finite.
    """
    require_finite(active, name="active")
    return {name: _sharpe(active[chosen]) for name, chosen in sessions.items()}


def _sharpe(returns: FloatArray) -> float | None:
    if returns.size < MIN_SESSIONS or not varies(returns):
        return None
    return sharpe_ratio(returns)


def _volatility_rank(market: FloatArray) -> FloatArray:
    """Share of the volatilities known before a session that its own exceeds; NaN until a year."""
    volatility = _before(market, _VOLATILITY_WINDOW, np.std)
    rank = np.full(market.size, np.nan)
    for now in range(_VOLATILITY_WINDOW + _FIRST_RANK, market.size):
        rank[now] = np.mean(volatility[_VOLATILITY_WINDOW:now] < volatility[now])
    return rank


def _before(values: FloatArray, window: int, figure: Callable[..., FloatArray]) -> FloatArray:
    """`figure` of the `window` values before each one; NaN where there are fewer."""
    told = np.full(values.size, np.nan)
    if values.size > window:
        told[window:] = figure(sliding_window_view(values[:-1], window), axis=1)
    return told
