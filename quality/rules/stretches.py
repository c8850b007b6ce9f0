"""Stretches of rows whose scores add up to more than chance."""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def stretches(scores: Floats, offsets: Whole, least: float) -> Bools:
    """Mark the rows of every stretch, within one symbol, whose scores sum to `least` or more.

    A stretch ends at the highest running sum; it begins where the sum last was zero (Ruzzo and
    Tompa 1999, "A linear time algorithm for finding all maximal scoring subsequences").
    """
    marks = np.zeros(scores.size, dtype=np.bool_)
    for symbol in range(offsets.size - 1):
        total, best, begin, end = 0.0, 0.0, offsets[symbol], offsets[symbol]
        for i in range(offsets[symbol], offsets[symbol + 1]):
            total += scores[i]
            if total > best:
                best, end = total, i
            closes = total <= 0.0 or best - total > least or i == offsets[symbol + 1] - 1
            if closes:
                if best >= least:
                    marks[begin : end + 1] = True
                total, best, begin, end = 0.0, 0.0, i + 1, i + 1
    return marks
