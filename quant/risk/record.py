"""Whether the desk's figures held: losses against what was said before them."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quant.risk.coverage import ChristoffersenTest, Zone, basel_zone, christoffersen_test
from quant.risk.filtered import ewma_volatility
from quant.typing import BoolArray, FloatArray
from quant.validate import require_finite, require_level, require_positive_int, require_same_length

_ZONE_OBS, _ZONE_LEVEL = 250, 0.99


@dataclass(frozen=True)
class CoverageRecord:
    """Exceptions of a record of value-at-risk figures, tested.

    Attributes
    ----------
    hits : array of shape (n_obs,)
        True where the loss exceeded the figure.
    tests : ChristoffersenTest
        Its `unconditional` part is Kupiec's test; `insufficient` below five expected.
    zone : str or None
        The supervisor's, of the last 250 sessions of a 99 % figure; None for any other.
    """

    hits: BoolArray
    tests: ChristoffersenTest
    zone: Zone | None


def past_value_at_risk(
    returns: FloatArray, *, level: float = 0.99, window: int = 250, filtered: bool = False
) -> FloatArray:
    """Value at risk that was known before each period, from the periods before it only.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period of what is held now, over all history (hypothetical), or of
        the account.
    level : float
        Confidence level, strictly between 0 and 1.
    window : int
        Periods each figure is made from.
    filtered : bool
        Scale each past return from the volatility known before it to the one known now
        (exponentially weighted), instead of taking it as it was.

    Returns
    -------
    array of shape (n_obs - window,)
        Positive fractions, for the periods from `window` on. Changing a return changes no
        figure up to and including its own period's.

    Raises
    ------
    ValueError
        If `returns` is not longer than the window or not finite, or `level` is outside (0, 1).

    References
    ----------
    Hull & White (1998), "Incorporating volatility updating into the historical simulation
    method for value-at-risk", Journal of Risk 1, 5-19, for the filtered figures.
    """
    require_level(level)
    require_positive_int(window, name="window")
    if returns.ndim != 1 or returns.size <= window:
        raise ValueError(
            f"`returns` must hold more than the window of {window} periods, had shape "
            f"{returns.shape}."
        )
    require_finite(returns, name="returns")
    if not filtered:
        return _lowest(returns[:-1], level, window)
    known = ewma_volatility(returns)
    # The first return has no volatility known before it: it is measured by its own.
    before = np.concatenate((known[:1], known[:-1]))
    residuals = np.divide(returns, before, out=np.zeros(returns.size), where=before > 0.0)
    scaled: FloatArray = _lowest(residuals[:-1], level, window) * known[window - 1 : -1]
    return scaled


def coverage_record(
    returns: FloatArray, figures: FloatArray, *, level: float = 0.99
) -> CoverageRecord:
    """Exceptions of `figures` among `returns`, with Kupiec's and Christoffersen's tests.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions; at least two.
    figures : array of shape (n_obs,)
        Value at risk said before each, as positive fractions.
    level : float
        Confidence of the figures, strictly between 0 and 1.

    Returns
    -------
    CoverageRecord
        A loss equal to the figure is no exception.

    Raises
    ------
    ValueError
        If the arrays differ in length, hold fewer than two periods or are not finite, or
        `level` is outside (0, 1).

    References
    ----------
    Basel Committee (1996), "Supervisory framework for the use of backtesting", for comparing
    with hypothetical returns of unchanged positions as well as with the account's own.
    """
    require_same_length(returns=returns, figures=figures)
    require_finite(returns, name="returns")
    require_finite(figures, name="figures")
    hits = np.asarray(-returns > figures)
    last = hits[-_ZONE_OBS:]
    judged = last.size == _ZONE_OBS and abs(level - _ZONE_LEVEL) < 1e-12
    return CoverageRecord(
        hits=hits,
        tests=christoffersen_test(hits, level=level),
        zone=basel_zone(int(last.sum()), last.size, level=level) if judged else None,
    )


def _lowest(values: FloatArray, level: float, window: int) -> FloatArray:
    """`value_at_risk` of every window of `values`."""
    n_tail = int(np.floor(window * (1.0 - level) + 1e-9))
    rows = sliding_window_view(values, window)
    figures: FloatArray = -np.partition(rows, n_tail, axis=1)[:, n_tail]
    return figures
