"""Checks of arguments that numeric functions share; each says what was wrong and where."""

from __future__ import annotations

import numpy as np

from quant.typing import FloatArray, IntArray


def require_finite(values: FloatArray, *, name: str) -> None:
    """Refuse an array that holds a NaN or an infinity.

    Parameters
    ----------
    values : array of any shape
        The figures to check; positions in the message count the flattened array.
    name : str
        The argument's name, as the caller knows it.

    Raises
    ------
    ValueError
        If any value is NaN or infinite; names how many and the first position.
    """
    finite = np.isfinite(values)
    if bool(finite.all()):
        return
    bad = np.flatnonzero(~np.ravel(finite))
    raise ValueError(
        f"`{name}` must be finite: {bad.size} of {np.size(values)} values are NaN or infinite, "
        f"the first at position {bad[0]}. Drop or fill them before calling."
    )


def require_level(level: float, *, name: str = "level") -> None:
    """Refuse a probability that does not lie strictly between 0 and 1.

    Parameters
    ----------
    level : float
        A confidence level or probability, as a fraction.
    name : str
        The argument's name, as the caller knows it.

    Raises
    ------
    ValueError
        If `level` is NaN, 0 or below, or 1 or above.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"`{name}` must lie strictly between 0 and 1, was {level}.")


def require_same_length(**arrays: FloatArray | IntArray) -> None:
    """Refuse arrays that differ in their number of rows.

    Parameters
    ----------
    **arrays : arrays of shape (n_obs, ...)
        The arrays by the names that the caller knows them by.

    Raises
    ------
    ValueError
        If the first dimensions differ; lists every array with its rows.
    """
    rows = {name: np.shape(array)[0] for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        found = ", ".join(f"`{name}` has {count}" for name, count in rows.items())
        raise ValueError(f"All arrays must have the same number of rows: {found}.")


def require_positive_int(value: int, *, name: str, at_least: int = 1) -> None:
    """Refuse a count that is not a whole number of at least `at_least`.

    Parameters
    ----------
    value : int
        The count, for instance a window in observations.
    name : str
        The argument's name, as the caller knows it.
    at_least : int
        The smallest value that is allowed.

    Raises
    ------
    ValueError
        If `value` is not an integer or is smaller than `at_least`.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < at_least:
        raise ValueError(f"`{name}` must be a whole number of at least {at_least}, was {value!r}.")
