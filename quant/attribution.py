"""Who earned it: contributions that add up to the compounded total.

The contribution of a position in a period is its profit, net of its costs, over the equity
before the period. Within a period contributions add up to the return; over several they do not,
because later profits are earned on earlier ones. Linking shares that growth out.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from quant.typing import Float64Array, FloatArray
from quant.validate import require_finite, require_same_length


def contributions(profits: FloatArray, equity: FloatArray) -> Float64Array:
    """Profits as fractions of the equity they were earned on.

    Parameters
    ----------
    profits : array of shape (n_obs, n_items)
        Profit of each item in each period, net of its costs, in one unit.
    equity : array of shape (n_obs,)
        Value of the account before each period, positive, in the same unit.

    Returns
    -------
    array of shape (n_obs, n_items)
        Each row adds up to the account's return in that period.

    Raises
    ------
    ValueError
        If the shapes do not fit, a figure is not finite, or an equity is not positive.
    """
    require_same_length(profits=profits, equity=equity)
    require_finite(profits, name="profits")
    require_finite(equity, name="equity")
    if profits.ndim != 2 or (equity.size and float(equity.min()) <= 0.0):
        raise ValueError(
            "`profits` must have shape (n_obs, n_items) and `equity` be positive, had shape "
            f"{profits.shape} and a lowest equity of {equity.min(initial=np.inf)}."
        )
    shares: Float64Array = profits / equity[:, None]
    return shares


def linked(parts: FloatArray) -> Float64Array:
    """Contributions over all periods, which add up to the compounded return.

    Each period's contributions are scaled by the ratio of its logarithmic to its simple return
    over that of the whole, so that no period and no item is left a remainder.

    Parameters
    ----------
    parts : array of shape (n_obs, n_items)
        From `contributions`; at least one period.

    Returns
    -------
    array of shape (n_items,)
        As fractions; their sum is ``prod(1 + row sums) - 1``.

    Raises
    ------
    ValueError
        If there is no period, a figure is not finite, or a period loses everything.

    References
    ----------
    Cariño (1999), "Combining attribution effects over time", Journal of Performance
    Measurement 3, 5-14.
    """
    if parts.ndim != 2 or not parts.shape[0]:
        raise ValueError(f"`parts` must have shape (n_obs >= 1, n_items), had {parts.shape}.")
    require_finite(parts, name="parts")
    returns = parts.sum(axis=1)
    if float(returns.min()) <= -1.0:
        raise ValueError(
            f"a period that loses {-returns.min():.1%} ends the account: nothing can be linked "
            "beyond it."
        )
    scaled: Float64Array = _log_over_simple(np.log1p(returns)) @ parts
    # From the sum of logarithms: the return of a nearly lost account holds no digits of them.
    return scaled / float(_log_over_simple(np.log1p(returns).sum(keepdims=True))[0])


def attribution(
    parts: FloatArray, labels: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """What each strategy, model, symbol or sector contributed to the compounded return.

    Parameters
    ----------
    parts : array of shape (n_obs, n_items)
        From `contributions`.
    labels : mapping of str to sequence of str
        For each way to look at it ("strategy", "sector", ...) one label per item.

    Returns
    -------
    dict of dict of float
        Fractions by label, in the order in which labels come; those of each way add up to the
        same total.

    Raises
    ------
    ValueError
        As `linked`, or if a way has not one label per item.
    """
    earned = linked(parts)
    told: dict[str, dict[str, float]] = {}
    for way, names in labels.items():
        if len(names) != earned.size:
            raise ValueError(
                f"{way!r} must have one label for each of {earned.size} items, had {len(names)}."
            )
        sums: dict[str, float] = {}
        for name, value in zip(names, earned.tolist(), strict=True):
            sums[name] = sums.get(name, 0.0) + value
        told[way] = sums
    return told


def _log_over_simple(logs: FloatArray) -> Float64Array:
    # ln(1 + r) / r of the logarithms, whose limit at 0 is 1
    ratio: Float64Array = np.divide(
        logs, np.expm1(logs), out=np.ones(logs.size), where=np.abs(logs) > 1e-12
    )
    return ratio
