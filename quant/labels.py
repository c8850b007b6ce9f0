"""What a model is asked to foresee, and the span of sessions each answer is made of.

Rows are symbol-major: symbol ``i`` owns rows ``offsets[i]:offsets[i + 1]``, in ascending
session order. A session is its ordinal in the exchange calendar, so ``session + 1`` is the
next trading session.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from quant.jit import kernel
from quant.typing import FloatArray, Int32Array, Int64Array, IntArray
from quant.validate import require_finite, require_same_length


@dataclass(frozen=True)
class Labels:
    """One label per row; every array has shape (n_rows,).

    Attributes
    ----------
    value : float64
        Excess return divided by `scale`; NaN where the label has not matured.
    excess : float64
        The excess return itself, as a fraction.
    scale : float64
        Volatility over the label's span known at the decision, as a fraction.
    start_session, end_session : int32
        The closed interval of session ordinals whose opens the label is made of, also
        where it has not matured.
    outperformed : float64
        1.0 where the excess return is positive, 0.0 where not, NaN where not matured.
    """

    value: FloatArray
    excess: FloatArray
    scale: FloatArray
    start_session: Int32Array
    end_session: Int32Array
    outperformed: FloatArray


def forward_excess(
    open_adjusted: FloatArray,
    benchmark_open: FloatArray,
    offsets: IntArray,
    sessions: IntArray,
    *,
    horizon: int,
    volatility: FloatArray | None = None,
) -> Labels:
    """Excess return from the open after the decision to the open `horizon` sessions later.

    The decision falls after the close of session t, the entry at the open of t+1, the exit
    at the open of t+1+horizon. A row whose symbol or benchmark has no open in either session
    stays NaN: nothing is filled.

    Parameters
    ----------
    open_adjusted : array of shape (n_rows,)
        Opens on one split- and dividend-adjusted basis per symbol.
    benchmark_open : array of shape (n_sessions,)
        Opens of the benchmark, indexed by session ordinal.
    offsets : array of shape (n_symbols + 1,)
        First row of each symbol, and the number of rows at the end.
    sessions : array of shape (n_rows,)
        Session ordinal of each row, ascending within a symbol.
    horizon : int
        Sessions between entry and exit, at least 1.
    volatility : array of shape (n_rows,), optional
        Daily volatility known at the close of t, as a fraction. The label is divided by
        ``volatility * sqrt(horizon)``; without it the scale is 1.

    Returns
    -------
    Labels
        Values, intervals and outcomes, one per row.

    Raises
    ------
    ValueError
        If `horizon` is below 1 or the arrays do not fit each other.
    """
    if horizon < 1:
        raise ValueError(f"`horizon` must be at least 1 session, was {horizon}.")
    _require_layout(open_adjusted, offsets, sessions)
    days = np.asarray(sessions, dtype=np.int32)
    own = _forward_return(
        np.asarray(open_adjusted, dtype=np.float64),
        np.asarray(offsets, dtype=np.int64),
        days,
        horizon,
    )
    excess = own - _benchmark_return(benchmark_open, days, horizon)
    scale = np.ones(days.size) if volatility is None else volatility * np.sqrt(horizon)
    scale = np.where(scale > 0.0, scale, np.nan)
    value = excess / scale
    return Labels(
        value=value,
        excess=excess,
        scale=scale,
        start_session=days + np.int32(1),
        end_session=days + np.int32(1 + horizon),
        outperformed=np.where(np.isnan(value), np.nan, (value > 0.0).astype(np.float64)),
    )


def excess_to_last_close(
    prices: FloatArray,
    benchmark: FloatArray,
    offsets: IntArray,
    sessions: IntArray,
    *,
    horizon: int,
) -> tuple[FloatArray, Int32Array]:
    """Excess return from the open after the decision to a symbol's last close before the horizon.

    What `forward_excess` cannot tell of a symbol that is gone: who held it was paid its last
    close, as in `quant.backtest`. Ask only of symbols that have no later session.

    Parameters
    ----------
    prices : array of shape (n_rows, 2)
        Opens and closes on one split- and dividend-adjusted basis per symbol.
    benchmark : array of shape (n_sessions, 2)
        Opens and closes of the benchmark, indexed by session ordinal.
    offsets, sessions, horizon : as in `forward_excess`

    Returns
    -------
    excess : array of shape (n_rows,)
        As a fraction; NaN where the symbol had no open in the next session, or still had a
        session `horizon` sessions after it.
    last : int32 array of shape (n_rows,)
        Session ordinal of the symbol's last close.

    Raises
    ------
    ValueError
        If `horizon` is below 1 or the arrays do not fit each other.
    """
    if horizon < 1:
        raise ValueError(f"`horizon` must be at least 1 session, was {horizon}.")
    _require_layout(prices[:, 0], offsets, sessions)
    days = np.asarray(sessions, dtype=np.int32)
    final = np.repeat(np.asarray(offsets)[1:] - 1, np.diff(offsets))
    entry = np.minimum(np.arange(days.size) + 1, final)
    held = (days[entry] == days + 1) & (days[final] < days + 1 + horizon)
    own = prices[final, 1] / prices[entry, 0]
    other = benchmark[days[final], 1] / benchmark[days[entry], 0]
    return np.where(held, own - other, np.nan), days[final]


def triple_barrier(
    open_adjusted: FloatArray,
    high_adjusted: FloatArray,
    low_adjusted: FloatArray,
    offsets: IntArray,
    sessions: IntArray,
    *,
    horizon: int,
    volatility: FloatArray,
    profit: float = 2.0,
    stop: float = 2.0,
    side: IntArray | None = None,
) -> Labels:
    """Return to the first of three barriers: profit, stop, or the open after `horizon` sessions.

    Entry at the open of t+1. In each session from t+1 the stop is looked at before the profit,
    because the order within a bar is unknown and the worse case is assumed; a session that
    opens beyond a barrier exits at its open.

    With the `side` that other rules have chosen these are meta-labels: `outperformed` says
    whether following them paid, which is what a second model learns to tell, and with it how
    much to stake.

    Parameters
    ----------
    open_adjusted, high_adjusted, low_adjusted : arrays of shape (n_rows,)
        Prices on one adjusted basis per symbol.
    offsets, sessions : as in `forward_excess`
    horizon : int
        Sessions until the vertical barrier, at least 1.
    volatility : array of shape (n_rows,)
        Daily volatility known at the close of t, as a fraction.
    profit, stop : float
        Distance of the barriers from the entry in units of ``volatility * sqrt(horizon)``.
    side : int array of shape (n_rows,), optional
        1 for a purchase, -1 for a short sale, 0 where nothing is traded: no label. By default
        every row is a purchase.

    Returns
    -------
    Labels
        `excess` is the return of the trade itself; `outperformed` says whether it gained.

    Raises
    ------
    ValueError
        If `horizon` is below 1, a distance is not positive, a side is not -1, 0 or 1, or the
        arrays do not fit.

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 45-53.
    """
    if horizon < 1 or profit <= 0.0 or stop <= 0.0:
        raise ValueError(
            "`horizon` must be at least 1 and both distances positive, were "
            f"horizon={horizon}, profit={profit}, stop={stop}."
        )
    _require_layout(open_adjusted, offsets, sessions)
    days = np.asarray(sessions, dtype=np.int32)
    sides = _sides(side, days.size)
    scale = np.where(volatility > 0.0, volatility * np.sqrt(horizon), np.nan)
    bars = np.column_stack((open_adjusted, high_adjusted, low_adjusted)).astype(np.float64)
    distance = np.column_stack((profit * scale, stop * scale))
    trade, end = _first_barriers(
        bars, np.asarray(offsets, dtype=np.int64), days, distance, sides, horizon
    )
    return Labels(
        value=trade / scale,
        excess=trade,
        scale=scale,
        start_session=days + np.int32(1),
        end_session=end,
        outperformed=np.where(np.isnan(trade), np.nan, (trade > 0.0).astype(np.float64)),
    )


def average_uniqueness(
    start_session: IntArray,
    end_session: IntArray,
    offsets: IntArray,
) -> FloatArray:
    """Mean over a label's sessions of one over the labels of its symbol alive in each.

    The sum of the result is the number of labels that overlap with no other: the effective
    sample size.

    Parameters
    ----------
    start_session, end_session : arrays of shape (n_rows,)
        Closed intervals of session ordinals.
    offsets : array of shape (n_symbols + 1,)
        First row of each symbol; labels of different symbols do not share their uniqueness.

    Returns
    -------
    array of shape (n_rows,)
        Between 0 (exclusive) and 1; 1 where no other label overlaps.

    Raises
    ------
    ValueError
        If an interval ends before it starts.

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 61-62.
    """
    start = np.asarray(start_session, dtype=np.int64)
    end = np.asarray(end_session, dtype=np.int64)
    if start.size and bool(np.any(end < start)):
        row = int(np.argmax(end < start))
        raise ValueError(
            f"`end_session` must not lie before `start_session`: row {row} runs from "
            f"{start[row]} to {end[row]}."
        )
    unique = np.ones(start.size)
    for first, last in pairwise(offsets):
        if last > first:
            unique[first:last] = _uniqueness(start[first:last], end[first:last])
    return unique


def time_decay(uniqueness: FloatArray, sessions: IntArray, *, oldest: float) -> FloatArray:
    """Weights that fall with age, counted in what was observed since and not in days.

    Age is the uniqueness that has been added up since a row: of years in which labels overlap,
    less is forgotten than of as many in which each tells something new. It is measured from the
    last row given: give the rows that one model learns from, as over all rows of a study those
    of an early window would be aged by what came later.

    Parameters
    ----------
    uniqueness : array of shape (n_rows,)
        From `average_uniqueness`, not negative.
    sessions : array of shape (n_rows,)
        Session ordinal of each row, in any order; rows of one session are of one age.
    oldest : float
        Weight that the far end of the record tends to, in (-1, 1]: 1 forgets nothing, 0 lets
        weights fall to nothing at the first row, and below 0 the oldest share of ``-oldest``
        weighs nothing at all.

    Returns
    -------
    array of shape (n_rows,)
        In [0, 1], on a straight line that ends in 1 at the last session; to be multiplied with
        `uniqueness`.

    Raises
    ------
    ValueError
        If the arrays differ in length, a figure is not finite or negative, nothing is unique, or
        `oldest` is outside (-1, 1].

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 70-72, snippet 4.11.
    """
    require_same_length(uniqueness=uniqueness, sessions=sessions)
    require_finite(uniqueness, name="uniqueness")
    if not -1.0 < oldest <= 1.0:
        raise ValueError(f"`oldest` must lie above -1 and not above 1, was {oldest}.")
    if not uniqueness.size or float(uniqueness.min()) < 0.0 or float(uniqueness.sum()) <= 0.0:
        raise ValueError(
            "`uniqueness` must hold figures that are not negative and not all 0: there is no age "
            "without them."
        )
    _, place = np.unique(sessions, return_inverse=True)
    known = np.cumsum(np.bincount(place, weights=uniqueness))
    share = known / known[-1]
    weight = (
        oldest + (1.0 - oldest) * share
        if oldest >= 0.0
        else np.maximum(0.0, 1.0 - (1.0 - share) / (1.0 + oldest))
    )
    aged: FloatArray = weight[place]
    return aged


def _sides(side: IntArray | None, n_rows: int) -> Int64Array:
    sides = np.ones(n_rows, dtype=np.int64) if side is None else np.asarray(side)
    if sides.shape != (n_rows,) or not np.isin(sides, (-1, 0, 1)).all():
        raise ValueError(
            f"`side` must be -1, 0 or 1 for each of {n_rows} rows, had shape {sides.shape} and "
            f"the values {np.unique(sides)[:5].tolist()}."
        )
    return sides.astype(np.int64)


def _uniqueness(start: Int64Array, end: Int64Array) -> FloatArray:
    origin = start.min()
    steps = np.zeros(end.max() - origin + 2)
    np.add.at(steps, start - origin, 1.0)
    np.add.at(steps, end - origin + 1, -1.0)
    alive = np.cumsum(steps)[:-1]
    shares = np.concatenate(([0.0], np.cumsum(1.0 / np.maximum(alive, 1.0))))
    spans: FloatArray = (shares[end - origin + 1] - shares[start - origin]) / (end - start + 1)
    return spans


def _benchmark_return(benchmark_open: FloatArray, days: Int32Array, horizon: int) -> FloatArray:
    matured = (days + 1 + horizon < benchmark_open.size) & (days >= 0)
    ahead = np.full(days.size, np.nan)
    entry = benchmark_open[days[matured] + 1]
    ahead[matured] = benchmark_open[days[matured] + 1 + horizon] / entry - 1.0
    return ahead


def _require_layout(prices: FloatArray, offsets: IntArray, sessions: IntArray) -> None:
    if prices.size != sessions.size or int(offsets[-1]) != sessions.size:
        raise ValueError(
            "prices, `sessions` and the last offset must agree on the number of rows, were "
            f"{prices.size}, {sessions.size} and {int(offsets[-1])}."
        )


@kernel
def _forward_return(
    prices: FloatArray, offsets: Int64Array, days: Int32Array, horizon: int
) -> FloatArray:
    ahead = np.full(prices.size, np.nan)
    for symbol in range(offsets.size - 1):
        last = offsets[symbol + 1]
        exit_row = offsets[symbol]
        for row in range(offsets[symbol], last - 1):
            while exit_row < last and days[exit_row] < days[row] + 1 + horizon:
                exit_row += 1
            if exit_row == last:
                break
            if days[row + 1] == days[row] + 1 and days[exit_row] == days[row] + 1 + horizon:
                ahead[row] = prices[exit_row] / prices[row + 1] - 1.0
    return ahead


@kernel
def _first_barriers(
    bars: FloatArray,
    offsets: Int64Array,
    days: Int32Array,
    distance: FloatArray,
    sides: Int64Array,
    horizon: int,
) -> tuple[FloatArray, Int32Array]:
    """Return and last session of each trade; columns of `bars` are open, high and low."""
    trade = np.full(days.size, np.nan)
    end = (days + 1 + horizon).astype(np.int32)
    for symbol in range(offsets.size - 1):
        last = offsets[symbol + 1]
        for row in range(offsets[symbol], last - 1):
            entry, side = bars[row + 1, 0], sides[row]
            traded = side != 0 and entry > 0.0 and distance[row, 0] > 0.0
            if days[row + 1] != days[row] + 1 or not traded:
                continue
            above, below = (0, 1) if side > 0 else (1, 0)  # column of the distance on either side
            ceiling = entry * (1.0 + distance[row, above])
            floor = entry * (1.0 - distance[row, below])
            for ahead in range(row + 1, last):
                due = days[ahead] >= days[row] + 1 + horizon
                price = _exit_price(bars[ahead], floor, ceiling, due, side)
                if price > 0.0:
                    trade[row] = side * (price / entry - 1.0)
                    end[row] = days[ahead]
                    break
    return trade, end


@kernel
def _exit_price(bar: FloatArray, floor: float, ceiling: float, due: bool, side: int) -> float:
    """Price a trade is left at in a bar, NaN where it goes on; of two barriers the stop is hit."""
    if due or bar[0] <= floor or bar[0] >= ceiling:
        return float(bar[0])
    rose, fell = bar[1] >= ceiling, bar[2] <= floor
    if rose and (side < 0 or not fell):
        return ceiling
    return floor if fell else np.nan
