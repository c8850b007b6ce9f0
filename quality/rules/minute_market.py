"""The market of a file of minutes in which few symbols trade at once."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from quality.rules import peers

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

# So much of the regular minutes must have enough symbols that moved, else levels tell the market.
_DENSE: Final = 0.9
_FRESH: Final = 30  # minutes for which a symbol's last price says where it stands
_LEAST_OTHERS: Final = 3
_MOST: Final = 0.03  # a log: what one move may say of the market, for it may be a wrong price


def with_market(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `index_close`, `index_low` and `index_high`, the market of each minute.

    `frame` is sorted by symbol and bar_start, and as `quality.rules.peers.market` takes it.
    """
    steps = frame.with_columns(pl.col("bar_start").alias("step"))
    index = peers.market(steps).rename({"step": "bar_start"})
    joined = frame.join(index, on="bar_start", how="left", maintain_order="left")
    if not whole_file or frame["symbol"].n_unique() <= _LEAST_OTHERS:
        return joined
    regular = joined.lazy().filter("is_regular").group_by("bar_start")
    told = regular.agg(pl.col("index_close").first().is_not_null().alias("told"))
    dense = told.select(pl.col("told").mean()).collect().item()
    if dense is None or dense >= _DENSE:
        return joined
    return joined.with_columns(_others(joined).alias("index_close"))


def _others(frame: pl.DataFrame) -> pl.Series:
    """Return for each row the running sum of the other symbols' mean moves, as a level."""
    rows = frame.select(
        pl.col("symbol").rank("dense").cast(pl.Int64).alias("symbol") - 1,
        pl.col("step_no").cast(pl.Int64),
        pl.when("usable").then(pl.col("close").log() + pl.col("log_split")).alias("level"),
    )
    order = rows["step_no"].arg_sort().to_numpy()
    symbols, steps, levels = (rows[name].to_numpy()[order] for name in rows.columns)
    path = np.empty(frame.height)
    path[order] = _path(symbols, steps, levels)
    return pl.Series(np.exp(path))


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba carries no types
def _path(symbols: Whole, steps: Whole, levels: Floats) -> Floats:
    """Return each row's running sum of the mean move of the others from minute to minute.

    A symbol that traded of late and not in this minute counts as not moved; one that comes back
    after a while counts from then on.
    """
    many = symbols.max() + 1
    last, at, totals = np.zeros(many), np.full(many, steps[0] - _FRESH - 1), np.zeros(many)
    out, moves, i = np.empty(levels.size), np.zeros(many), 0
    while i < levels.size:
        fresh = steps[i] - at <= _FRESH
        moves[:] = 0.0
        end = i
        while end < levels.size and steps[end] == steps[i]:
            one = symbols[end]
            if np.isfinite(levels[end]):
                if fresh[one]:
                    moves[one] = min(max(levels[end] - last[one], -_MOST), _MOST)
                last[one], at[one] = levels[end], steps[end]
            end += 1
        if fresh.sum() > _LEAST_OTHERS:
            totals += (moves.sum() - moves) / (fresh.sum() - 1)
        for row in range(i, end):
            out[row] = totals[symbols[row]]
        i = end
    return out
