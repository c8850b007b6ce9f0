"""Stretches of rows whose scores add up to more than chance."""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def stretches(scores: Floats, offsets: Whole, least: float) -> Bools:
    """Mark the rows of every stretch, within one symbol, whose scores sum to enough.

    Enough is `least` and the log of the symbol's number of rows: scores are logs of odds, and a
    stretch may begin at any row. It ends at the highest running sum and begins where the sum last
    was zero (Ruzzo and Tompa 1999, "A linear time algorithm for finding all maximal scoring
    subsequences").
    """
    marks = np.zeros(scores.size, dtype=np.bool_)
    for symbol in range(offsets.size - 1):
        total, best, begin, end = 0.0, 0.0, offsets[symbol], offsets[symbol]
        enough = least + np.log(max(offsets[symbol + 1] - offsets[symbol], 1))
        for i in range(offsets[symbol], offsets[symbol + 1]):
            total += scores[i]
            if total > best:
                best, end = total, i
            closes = total <= 0.0 or best - total > enough or i == offsets[symbol + 1] - 1
            if closes:
                if best >= enough:
                    marks[begin : end + 1] = True
                total, best, begin, end = 0.0, 0.0, i + 1, i + 1
    return marks


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def stretches_from(scores: Floats, offsets: Whole, anchors: Whole, least: float) -> Bools:
    """Mark the rows from each anchor on, within its symbol, whose scores sum to `least` or more.

    An anchor of 0 or more is the first row of a stretch; one below 0 is ``-(row + 1)``, and the
    stretch ends at that row. A stretch reaches as far as the sum grows.
    """
    marks = np.zeros(scores.size, dtype=np.bool_)
    for anchor in anchors:
        step = 1 if anchor >= 0 else -1
        row = anchor if anchor >= 0 else -anchor - 1
        symbol = np.searchsorted(offsets, row, side="right") - 1
        total, best, furthest, i = 0.0, 0.0, row, row
        while offsets[symbol] <= i < offsets[symbol + 1] and total > best - least:
            total += scores[i]
            if total > best:
                best, furthest = total, i
            i += step
        if best >= least:
            marks[min(row, furthest) : max(row, furthest) + 1] = True
    return marks
