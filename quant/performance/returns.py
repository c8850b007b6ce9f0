"""What a curve of returns earned: in all, a year, and to date."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quant.typing import FloatArray
from quant.validate import require_finite, require_same_length

SESSIONS_PER_YEAR = 252


def total_return(returns: FloatArray) -> float:
    """Compounded return over all periods.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.

    Returns
    -------
    float
        As a fraction; -1 is a total loss.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    require_series(returns)
    return float(np.prod(1.0 + returns) - 1.0)


def annualised_return(returns: FloatArray, *, periods_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Constant yearly return that compounds to the same total.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period, as fractions.
    periods_per_year : float
        Periods in a year.

    Returns
    -------
    float
        As a fraction per year; -1 after a total loss.

    Raises
    ------
    ValueError
        If `returns` is empty or not finite.
    """
    growth = 1.0 + total_return(returns)
    return float(max(growth, 0.0) ** (periods_per_year / returns.size) - 1.0)


@dataclass(frozen=True)
class ToDate:
    """Compounded returns of the last session, its month, quarter and year so far."""

    day: float
    month: float
    quarter: float
    year: float


def returns_to_date(returns: FloatArray, sessions: NDArray[np.datetime64]) -> ToDate:
    """Returns of the last session and, up to it, of its calendar month, quarter and year.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per session, as fractions.
    sessions : array of datetime64 of shape (n_obs,)
        Their days, strictly rising. A month that was entered with the first of them counts
        from there.

    Returns
    -------
    ToDate
        As fractions.

    Raises
    ------
    ValueError
        If the arrays are empty or differ in length, a return is not finite, or the days do not
        rise.
    """
    require_series(returns)
    require_same_length(returns=returns, sessions=sessions.astype("datetime64[D]").astype(np.int64))
    days = sessions.astype("datetime64[D]")
    if bool(np.any(days[1:] <= days[:-1])) or bool(np.isnat(days).any()):
        raise ValueError("`sessions` must be days that rise strictly.")
    months = days.astype("datetime64[M]").astype(np.int64)
    return ToDate(
        day=float(returns[-1]),
        month=total_return(returns[months == months[-1]]),
        quarter=total_return(returns[months // 3 == months[-1] // 3]),
        year=total_return(returns[months // 12 == months[-1] // 12]),
    )


def varies(returns: FloatArray) -> bool:
    """Whether returns differ by more than rounding does.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        Simple returns per period.
    """
    return float(np.ptp(returns)) > 1e-14 * max(1.0, float(np.abs(returns).max()))


def require_series(returns: FloatArray, *, name: str = "returns", at_least: int = 1) -> None:
    """Refuse a series that is too short, not finite, or a table of several.

    Parameters
    ----------
    returns : array of shape (n_obs,)
        The figures to check.
    name : str
        The argument's name, as the caller knows it.
    at_least : int
        Observations needed.

    Raises
    ------
    ValueError
        Saying which of them is wrong.
    """
    if np.ndim(returns) != 1:
        raise ValueError(
            f"`{name}` must be one series of shape (n_obs,), had shape {np.shape(returns)}. Give "
            "one column at a time."
        )
    if returns.size < at_least:
        raise ValueError(
            f"`{name}` must hold at least {at_least} observations, held {returns.size}."
        )
    require_finite(returns, name=name)
