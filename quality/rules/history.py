"""What a bar looks like beside the trusted bars before it, in one pass over all symbols.

Nothing here looks ahead: a row is measured against earlier accepted rows of its symbol only, and
a row that is refused never becomes the measure of a later one.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

FloatMatrix = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Columns of the matrix that goes in.
OPEN, HIGH, LOW, CLOSE, VOLUME, SESSION_NO, LOG_SPLIT, DIVIDENDS, INDEX, INDEX_LOW, INDEX_HIGH = (
    range(11)
)

# Columns of the matrix that comes out, by name for the frame.
MEASURES: Final = (
    "reference",  # last accepted close, as it was quoted (USD)
    "reference_no",  # the session number of that close
    "move",  # log of close over reference, as quoted
    "adjusted_move",  # the same with the splits and dividends on file taken out
    "sigma",  # robust volatility of one session, from earlier sessions (fraction)
    "volume_ratio",  # volume over its typical value, splits on file taken out
    "index_move",  # log return of the index since the reference
    "factor",  # the price factor this jump looks like (10.0: ten times too high), else 0
    "code",  # the codes below
    "reach",  # how far high or low lies beyond close and reference (log)
    "repeat",  # 1 when all five figures repeat the reference bar
    "split",  # log of the split ratio on file since the reference
    "reach_code",  # 1: unexplained reach, 0 otherwise
)
(
    _REFERENCE,
    _REFERENCE_NO,
    _MOVE,
    _ADJUSTED,
    _SIGMA,
    _VOLUME_RATIO,
    _INDEX_MOVE,
    _FACTOR,
    _CODE,
    _REACH,
    _REPEAT,
    _SPLIT,
    _REACH_CODE,
) = range(13)

NORMAL, UNUSUAL, UNIT, SPLIT_LIKE, UNEXPLAINED, PHANTOM, INVERTED, UNRESOLVED, NEW_LEVEL = range(9)

# A move is refused only when it is beyond both: eight robust deviations happen a few times in a
# decade, and a quiet stock's eight deviations may be an ordinary earnings day.
ERROR_SIGMAS: Final = 8.0
ERROR_MOVE: Final = 0.18
# Worth a person's glance.
UNUSUAL_SIGMAS: Final = 5.0
UNUSUAL_MOVE: Final = 0.08
# A jump by a split's ratio is recognised earlier than an arbitrary one.
SPLIT_SIGMAS: Final = 5.0
SPLIT_TOLERANCE: Final = 0.06
# Real crashes and surges trade several times the usual volume; errors trade the usual.
CONFIRMING_VOLUME: Final = 3.0
# Extremes within a session are confirmed sooner: the day's volume is spread over many prices.
CONFIRMING_REACH_VOLUME: Final = 1.7
# A share moves at most a few times its market: five covers any beta seen in a crash.
INDEX_MULTIPLE: Final = 5.0
REACH_MOVE: Final = 0.15
# A level that nobody can explain is believed after five sessions that agree with one another.
SESSIONS_TO_BELIEVE: Final = 5
_MEMORY: Final = 0.06  # weight of the newest session: a half-life of eleven sessions
_FIRST_SCALE: Final = 0.03  # mean absolute return assumed of a share nobody has seen trade
_LEAST_SIGMA: Final = 0.008
_MEAN_TO_SIGMA: Final = 1.2533  # sqrt(pi / 2): from a mean absolute value to a deviation

SPLIT_RATIOS: Final = np.array([1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 15.0, 20.0, 25.0, 50.0])
UNIT_FACTORS: Final = np.array([10.0, 100.0, 1_000.0, 10_000.0])

# The state kept per symbol.
(
    _S_CLOSE,
    _S_OPEN,
    _S_HIGH,
    _S_LOW,
    _S_VOLUME,
    _S_NO,
    _S_SPLIT,
    _S_DIVIDENDS,
    _S_INDEX,
    _S_SCALE,
    _S_LOG_VOLUME,
    _S_SEEN,
    _S_PENDING,
    _S_PENDING_CODE,
    _S_PENDING_SEEN,
    _S_PENDING_SPLIT,
) = range(16)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _nearest(move: float, factors: FloatMatrix, tolerance: float) -> float:
    """Return the factor, or its inverse, that `move` (a log) comes close to; 0.0 for none."""
    for factor in factors:
        step = np.log(factor)
        if abs(move - step) <= tolerance:
            return float(factor)
        if abs(move + step) <= tolerance:
            return float(1.0 / factor)
    return 0.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _measure(row: FloatMatrix, state: FloatMatrix, out: FloatMatrix) -> None:
    """Write how `row` stands beside the state of its symbol."""
    split = row[LOG_SPLIT] - state[_S_SPLIT]
    paid = row[DIVIDENDS] - state[_S_DIVIDENDS]
    basis = state[_S_CLOSE] * np.exp(-split)
    if 0.0 < paid < 0.9 * basis:
        basis -= paid
    gap = max(1.0, row[SESSION_NO] - state[_S_NO])
    out[_REFERENCE] = state[_S_CLOSE]
    out[_REFERENCE_NO] = state[_S_NO]
    out[_SPLIT] = split
    out[_MOVE] = np.log(row[CLOSE] / state[_S_CLOSE])
    out[_ADJUSTED] = np.log(row[CLOSE] / basis)
    sigma = max(_LEAST_SIGMA, _MEAN_TO_SIGMA * state[_S_SCALE])
    out[_SIGMA] = sigma * np.sqrt(min(gap, 4.0))
    out[_VOLUME_RATIO] = row[VOLUME] / np.exp(state[_S_LOG_VOLUME] + split)
    out[_INDEX_MOVE] = np.log(row[INDEX] / state[_S_INDEX])
    top = np.log(row[HIGH] / max(row[CLOSE], basis))
    bottom = np.log(min(row[CLOSE], basis) / row[LOW])
    out[_REACH] = max(top, bottom, 0.0)
    same = row[CLOSE] == state[_S_CLOSE] and row[OPEN] == state[_S_OPEN]
    same = same and row[HIGH] == state[_S_HIGH] and row[LOW] == state[_S_LOW]
    out[_REPEAT] = 1.0 if same and row[VOLUME] == state[_S_VOLUME] else 0.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _confirmed(out: FloatMatrix, factor: float) -> bool:
    """Whether volume or the market vouches for the move, shares having multiplied by `factor`."""
    if out[_VOLUME_RATIO] >= CONFIRMING_VOLUME * max(1.0, 1.0 / factor if factor > 0.0 else 1.0):
        return True
    index = out[_INDEX_MOVE]
    if not np.isfinite(index) or index * out[_ADJUSTED] <= 0.0:
        return False
    return bool(abs(index) >= 0.02 and abs(out[_ADJUSTED]) <= INDEX_MULTIPLE * abs(index))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _split_error(out: FloatMatrix) -> float:
    """Return the code of a split on file that the price contradicts, else NORMAL."""
    split = out[_SPLIT]
    tolerance = max(SPLIT_TOLERANCE, 4.0 * out[_SIGMA])
    if abs(split) < 0.15 or abs(out[_ADJUSTED]) < max(0.15, 4.0 * out[_SIGMA]):
        return NORMAL
    if abs(out[_MOVE]) <= min(tolerance, 0.5 * abs(split)):
        return PHANTOM
    if abs(out[_MOVE] - split) <= tolerance:
        return INVERTED
    return NORMAL


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _jump(row: FloatMatrix, state: FloatMatrix, out: FloatMatrix) -> float:
    """Return the code of a move whose splits on file are not at fault."""
    move = out[_ADJUSTED]
    size = abs(move)
    sigma = out[_SIGMA]
    factor = _nearest(move, UNIT_FACTORS, min(0.25, max(0.15, 5.0 * sigma)))
    if factor > 0.0 and not _confirmed(out, factor):
        out[_FACTOR] = factor
        return UNIT
    gap = np.log(row[OPEN] / state[_S_CLOSE]) + out[_SPLIT]
    factor = _nearest(move, SPLIT_RATIOS, max(SPLIT_TOLERANCE, 2.5 * sigma))
    overnight = factor > 0.0 and abs(gap - np.log(factor)) <= max(0.15, 4.0 * sigma)
    large = size > max(ERROR_MOVE, SPLIT_SIGMAS * sigma)
    if overnight and large and not _confirmed(out, factor):
        out[_FACTOR] = factor
        return SPLIT_LIKE
    if size > max(ERROR_MOVE, ERROR_SIGMAS * sigma) and not _confirmed(out, 0.0):
        return UNEXPLAINED
    return UNUSUAL if size > max(UNUSUAL_MOVE, UNUSUAL_SIGMAS * sigma) else NORMAL


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _waits(row: FloatMatrix, state: FloatMatrix, out: FloatMatrix) -> bool:
    """Whether the row stands at the level of a jump that is still unexplained."""
    if state[_S_PENDING] <= 0.0 or row[LOG_SPLIT] != state[_S_PENDING_SPLIT]:
        return False
    step = abs(np.log(row[CLOSE] / state[_S_PENDING]))
    return bool(step <= max(0.12, 4.0 * out[_SIGMA]) and step < abs(out[_ADJUSTED]))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _classify(row: FloatMatrix, state: FloatMatrix, out: FloatMatrix) -> float:
    """Return the code of a measured row; remembers a level that waits for an explanation."""
    if _waits(row, state, out):
        state[_S_PENDING] = row[CLOSE]
        state[_S_PENDING_SEEN] += 1.0
        believed = state[_S_PENDING_SEEN] > SESSIONS_TO_BELIEVE
        return NEW_LEVEL if believed and state[_S_PENDING_CODE] == UNEXPLAINED else UNRESOLVED
    code = float(_split_error(out))
    if code == NORMAL:
        code = _jump(row, state, out)
    if code >= UNIT:
        state[_S_PENDING] = row[CLOSE]
        state[_S_PENDING_CODE] = code
        state[_S_PENDING_SEEN] = 1.0
        state[_S_PENDING_SPLIT] = row[LOG_SPLIT]
    return code


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _reach_code(row: FloatMatrix, out: FloatMatrix) -> float:
    """Return 1.0 for a high or low that neither volume nor the market's own range explains."""
    if out[_REACH] <= max(REACH_MOVE, ERROR_SIGMAS * out[_SIGMA]):
        return 0.0
    # No volume explains a high or low at more than twice or less than half of open and close.
    if out[_VOLUME_RATIO] >= CONFIRMING_REACH_VOLUME and out[_REACH] < 0.7:
        return 0.0
    span = np.log(row[INDEX_HIGH] / row[INDEX_LOW])
    if np.isfinite(span) and span >= 0.03 and out[_REACH] <= INDEX_MULTIPLE * span:
        return 0.0
    return 1.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _accept(row: FloatMatrix, state: FloatMatrix, out: FloatMatrix) -> None:
    """Make `row` the measure of what follows."""
    seen = state[_S_SEEN]
    split = row[LOG_SPLIT] - state[_S_SPLIT]
    volume = np.log(max(row[VOLUME], 1.0))
    if seen > 0.0:
        weight = max(_MEMORY, 1.0 / (seen + 3.0))
        scale = state[_S_SCALE]
        state[_S_SCALE] += weight * (min(abs(out[_ADJUSTED]), 4.0 * scale) - scale)
        state[_S_LOG_VOLUME] += split
        surprise = volume - state[_S_LOG_VOLUME]
        state[_S_LOG_VOLUME] += weight * min(max(surprise, -1.0), 1.0)
    else:
        state[_S_SCALE] = _FIRST_SCALE
        state[_S_LOG_VOLUME] = volume
    state[_S_CLOSE] = row[CLOSE]
    state[_S_OPEN] = row[OPEN]
    state[_S_HIGH] = row[HIGH]
    state[_S_LOW] = row[LOW]
    state[_S_VOLUME] = row[VOLUME]
    state[_S_NO] = row[SESSION_NO]
    state[_S_SPLIT] = row[LOG_SPLIT]
    state[_S_DIVIDENDS] = row[DIVIDENDS]
    if np.isfinite(row[INDEX]):
        state[_S_INDEX] = row[INDEX]
    state[_S_SEEN] = seen + 1.0
    state[_S_PENDING] = 0.0


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def _step(row: FloatMatrix, state: FloatMatrix, out: FloatMatrix, usable: bool) -> bool:
    """Measure and classify one row; return whether it may become the measure of the next."""
    if state[_S_SEEN] == 0.0 or not row[CLOSE] > 0.0:
        return usable
    _measure(row, state, out)
    out[_CODE] = _classify(row, state, out)
    if usable:
        out[_REACH_CODE] = _reach_code(row, out)
    code = out[_CODE]
    refused = UNIT <= code <= UNRESOLVED or out[_REACH_CODE] > 0.0
    return bool(usable and not refused and not (out[_REPEAT] > 0.0 and row[VOLUME] > 0.0))


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]  # numba carries no types
def walk(
    rows: FloatMatrix, starts: BoolArray, usable: BoolArray, trusted: BoolArray
) -> FloatMatrix:
    """Measure every row against the accepted rows of its symbol before it.

    Parameters
    ----------
    rows : array of shape (n, 11)
        Sorted by symbol and session; the columns named at the head of this module.
    starts, usable, trusted : arrays of shape (n,)
        First row of a symbol; in itself without error; judged before and believed.

    Returns
    -------
    array of shape (n, 13)
        The columns of `MEASURES`; NaN where a row has nothing before it.
    """
    n = rows.shape[0]
    out = np.full((n, 13), np.nan)
    state = np.zeros(16)
    for i in range(n):
        if starts[i]:
            state[:] = 0.0
            state[_S_INDEX] = np.nan
        out[i, _CODE] = NORMAL
        out[i, _FACTOR] = 0.0
        out[i, _REACH_CODE] = 0.0
        out[i, _REPEAT] = 0.0
        accepted = _step(rows[i], state, out[i], usable[i])
        if accepted or trusted[i]:
            _accept(rows[i], state, out[i])
    return out
