"""Rows of a short file in no order: each session opens as far from the last as from any other."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_MOST_ROWS: Final = 90  # longer files tell what a usual night is
_WINDOWS: Final = np.array([_MOST_ROWS, 48, 36, 24, 16])  # rows
# Half of the nights are wider than so many usual daily ranges; a share that trades abroad comes
# near, and its sessions follow one another all the same.
_NIGHT: Final = 1.2
_FAR: Final = 10.0  # daily ranges, beyond which a gap says no more
_CALM_ROWS: Final = 10  # rows beside a stretch that tell the share's usual night, ...
_CALM: Final = 0.25  # ... of which so many may be wide
# Deviations by which the gaps in the order of the rows may be narrower than those in any order:
# so many of many rows, of which those count twice that lie beside calm ones, and fewer of few.
_NARROWER: Final = 1.5
_MANY: Final = 36
_FEW_NARROWER: Final = 1.0
_FEW: Final = 24
_FEWEST_NARROWER: Final = 0.3


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def shuffled(opens: Floats, closes: Floats, spans: Floats, told: Bools, offsets: Whole) -> Bools:
    """Mark the rows of stretches that lie in no order, in symbols of few rows.

    Parameters
    ----------
    opens, closes : arrays of shape (n,)
        Logs of prices, splits taken out.
    spans : array of shape (n,)
        Usual daily ranges (logs).
    told : array of shape (n,)
        Rows whose prices say something.
    offsets : array of shape (n_symbols + 1,)
        Where each symbol begins, and the end.
    """
    marks = np.zeros(opens.size, dtype=np.bool_)
    for symbol in range(offsets.size - 1):
        if offsets[symbol + 1] - offsets[symbol] > _MOST_ROWS:
            continue
        rows = offsets[symbol] + np.flatnonzero(told[offsets[symbol] : offsets[symbol + 1]])
        for window in _WINDOWS:
            if rows.size >= _WINDOWS[-1]:
                _mark(opens, closes, spans, rows, min(window, rows.size), marks)
    return marks


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def _mark(
    opens: Floats, closes: Floats, spans: Floats, rows: Whole, many: int, marks: Bools
) -> None:
    """Mark the stretches of so many rows of one symbol that lie in no order."""
    wide = np.abs(opens[rows[1:]] - closes[rows[:-1]]) >= _NIGHT * spans[rows[1:]]
    counts = np.append(0, np.cumsum(wide))
    beside = rows.size - many
    for first in range(beside + 1):
        last = first + many - 1
        inside = counts[last] - counts[first]
        calm = beside >= _CALM_ROWS and counts[-1] - inside <= _CALM * beside
        if 2 * inside < many or (beside > 0 and not calm):
            continue
        some = rows[first : last + 1]
        narrower = _narrower(2 * many if calm else many)
        if _in_no_order(opens[some], closes[some], np.median(spans[some]), narrower):
            marks[some[0] : some[-1] + 1] = True


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def _narrower(rows: int) -> float:
    """Return by how many deviations the gaps of so many rows may be narrower than in any order."""
    if rows >= _MANY:
        return _NARROWER
    return _FEW_NARROWER if rows >= _FEW else _FEWEST_NARROWER


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def _in_no_order(opens: Floats, closes: Floats, span: float, narrower: float) -> bool:
    """Whether the nights are no narrower than the gaps between rows taken at random."""
    gaps = np.minimum(np.abs(opens[1:] - closes[:-1]) / span, _FAR)
    total, squares, many = 0.0, 0.0, 0
    for i in range(opens.size):
        for j in range(opens.size):
            if i != j:
                gap = min(abs(opens[i] - closes[j]) / span, _FAR)
                total, squares, many = total + gap, squares + gap * gap, many + 1
    mean = total / many
    deviation = np.sqrt((squares / many - mean * mean) / gaps.size)
    return bool(np.mean(gaps) > mean - narrower * deviation)
