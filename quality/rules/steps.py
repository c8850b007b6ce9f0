"""Whether a symbol moves and trades on the sessions on which the other symbols do."""

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.rules.jumps import UNIT
from quality.rules.stretches import stretches, stretches_from

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Sums of logs of odds. A stretch that begins (or, early, ends) at a session without a bar needs
# fewer: a shift leaves that hole, and there are few holes to be misled by.
# Of the clean sample the largest is 16 in 13 years, where 22 are asked (with the log of the rows).
_OUT_OF_STEP: Final = 14.0
_BESIDE_A_HOLE: Final = 9.0
# One that alone goes on a session more has both marks of a shift, and asks for nothing against it.
_AT_BOTH_ENDS: Final = -1.0
_UNTOLD: Final = -0.02  # the score of a row that says nothing: no stretch goes on for nothing
_MOST: Final = 2.0  # what one row may say
_FURTHEST: Final = 3.0  # deviations
# How alike two symbols move, of which the mean of several is steadier than one.
_ALIKE: Final = 0.35
_LEAST_ALIKE: Final = 0.12
_MOST_ALIKE: Final = 0.9
_LEAST_ROWS: Final = 20
_MAD_TO_SIGMA: Final = 1.4826
# Two symbols apart from each other do not say which of them is shifted.
_LEAST_OTHERS: Final = 2


def out_of_step(frame: pl.DataFrame, offsets: Whole, untold: Bools) -> Bools:
    """Mark stretches whose moves, volumes and ranges follow the others' a session apart.

    Parameters
    ----------
    frame : frame sorted by symbol and session, with the measures of the walk
    offsets : array of shape (n_symbols + 1,)
        Where each symbol begins, and the end.
    untold : array of shape (n,)
        Rows that say nothing, whatever they hold.
    """
    steps = frame["step_no"].to_numpy().astype(np.int64)
    marked = np.zeros(frame.height, dtype=np.bool_)
    if offsets.size < 3:
        return marked
    signs = _signs(frame, untold)
    # What a hole tells goes first: beside a symbol that is shifted the others look so as well.
    for shift in (-1, 1):
        scores = _scores(signs, steps, offsets, shift)
        holes = _holes(steps, offsets, shift)
        marked |= stretches_from(scores, offsets, holes, _BESIDE_A_HOLE)
        marked |= _to_an_end(scores, steps, offsets, holes)
    signs[marked] = 0.0
    number = _others((signs[:, :1] != 0.0).astype(np.float64), steps, offsets, 0)[:, 0]
    for shift in (-1, 1):
        scores = _scores(signs, steps, offsets, shift)
        enough = np.where(number >= _LEAST_OTHERS, scores, _UNTOLD)
        marked |= stretches(enough, offsets, _OUT_OF_STEP)
    return marked & ~untold


def _to_an_end(scores: Floats, steps: Whole, offsets: Whole, holes: Whole) -> Bools:
    """Mark the rows between a hole and the end of a symbol that alone goes on a session more.

    `holes` are those of `_holes`. Dated a session late, rows go on a session after all others end;
    early, they begin one before them. Hole and end together leave little to be told by the moves.
    """
    marks = np.zeros(scores.size, dtype=np.bool_)
    late = _alone(steps[offsets[1:] - 1])
    early = _alone(-steps[offsets[:-1]])
    for hole in holes:
        symbol = late if hole >= 0 else early
        row = hole if hole >= 0 else -hole - 1
        if symbol is None or not offsets[symbol] <= row < offsets[symbol + 1]:
            continue
        span = slice(row, offsets[symbol + 1]) if hole >= 0 else slice(offsets[symbol], row + 1)
        if scores[span].sum() >= _AT_BOTH_ENDS:
            marks[span] = True
    return marks


def _alone(ends: Whole) -> int | None:
    """Return the symbol that ends one session after all others, which end together."""
    last = int(np.argmax(ends))
    others = np.delete(ends, last)
    return last if bool(np.all(others == ends[last] - 1)) else None


def _signs(frame: pl.DataFrame, untold: Bools) -> Floats:
    """Return each row's move, and change of volume and range, in deviations: shape (n, 2)."""
    sound = frame["usable"] & (frame["code"] < UNIT).fill_null(value=False)
    span = (pl.col("high") / pl.col("low")).log()
    told = frame.with_columns(span.alias("span")).select(
        "symbol", *(_change(name) for name in ("volume", "span"))
    )
    # A busy session is a wide one: both together are one sign.
    both = told.select(
        "symbol", pl.mean_horizontal(*(_steady(name) for name in ("volume", "span"))).alias("both")
    ).select(_steady("both"))
    moves = frame.select((pl.col("adjusted_move") / pl.col("sigma")).fill_null(np.nan))
    signs = np.hstack([moves.to_numpy(), both.fill_null(np.nan).to_numpy()])
    signs = np.clip(np.nan_to_num(signs, nan=0.0), -_FURTHEST, _FURTHEST)
    return np.where((sound.to_numpy() & ~untold)[:, None], signs, 0.0)


def _change(name: str) -> pl.Expr:
    """Return the change of the log of a column from row to row of a symbol."""
    return pl.when(pl.col(name) > 0.0).then(pl.col(name).log()).diff().over("symbol").alias(name)


def _steady(name: str) -> pl.Expr:
    """Return a column in robust deviations of its symbol."""
    return pl.col(name) / (_MAD_TO_SIGMA * pl.col(name).abs().median().over("symbol"))


def _others(values: Floats, steps: Whole, offsets: Whole, shift: int) -> Floats:
    """Return the sum over the other symbols' rows of the session `shift` after each row's."""
    low = int(steps.min()) - 1
    at = steps - low + shift
    many = int(steps.max()) - low + 2
    total = np.column_stack([np.bincount(steps - low, one, minlength=many) for one in values.T])
    own = values if shift == 0 else _neighbour(values, steps, offsets, shift)
    return np.asarray(total[at] - own)


def _neighbour(values: Floats, steps: Whole, offsets: Whole, shift: int) -> Floats:
    """Return the symbol's own values of the session before or after each row; 0 for none."""
    moved, there = np.roll(values, -shift, axis=0), np.roll(steps, -shift) == steps + shift
    there[offsets[:-1] if shift < 0 else offsets[1:] - 1] = False
    return np.where(there[:, None], moved, 0.0)


def _scores(signs: Floats, steps: Whole, offsets: Whole, shift: int) -> Floats:
    """Return the log of the odds that a row is of the session `shift` from its own.

    Row and mean of the others are taken for normal and correlated as the symbol's whole series
    is where they fit best; what the others do is known, so only the row's density counts.
    """
    told = (signs != 0.0).astype(np.float64)
    means = {}
    for by in (-1, 0, 1):
        number = _others(told, steps, offsets, by)
        mean = _others(signs, steps, offsets, by) / np.maximum(number, 1.0)
        spread = np.sqrt(np.maximum(number, 1.0) / (1.0 + _ALIKE * np.maximum(number - 1.0, 0.0)))
        means[by] = np.clip(mean * spread, -_FURTHEST, _FURTHEST)
    alike = _alike(signs, means, offsets)
    now, then = means[0], means[shift]
    odds = alike * signs * (then - now) - 0.5 * alike**2 * (then**2 - now**2)
    total = np.sum(odds / (1.0 - alike**2) * told, axis=1)
    return np.asarray(np.clip(total, -_MOST, _MOST) + _UNTOLD)


def _alike(signs: Floats, means: dict[int, Floats], offsets: Whole) -> Floats:
    """Return each row's correlation with the others: that of its symbol, of the best session."""
    alike = np.zeros_like(signs)
    for first, last in itertools.pairwise(offsets):
        own = signs[first:last]
        size = np.sqrt(np.sum(own**2, axis=0))
        found = [
            np.sum(own * mean[first:last], axis=0)
            / np.maximum(size * np.sqrt(np.sum(mean[first:last] ** 2, axis=0)), 1e-9)
            for mean in means.values()
        ]
        chance = 1.0 / np.sqrt(max(last - first, 1))
        best = np.max(found, axis=0) - chance
        told = (best >= _LEAST_ALIKE) & (last - first >= _LEAST_ROWS)
        alike[first:last] = np.where(told, np.clip(best, 0.0, _MOST_ALIKE), 0.0)
    return alike


def _holes(steps: Whole, offsets: Whole, shift: int) -> Whole:
    """Return rows beside one session without a bar: after it as +row, before it as -(row + 1).

    A symbol's first row counts where the file begins a session before it, and its last where the
    file ends a session after.
    """
    before = np.append(steps[0], steps[:-1])
    before[offsets[:-1]] = steps.min()
    after = np.append(steps[1:], steps[-1])
    after[offsets[1:] - 1] = steps.max()
    if shift < 0:
        gap = np.ones(steps.size, dtype=np.int64) * 2
        gap[offsets[:-1]] = 1
        return np.flatnonzero(steps - before == gap)
    gap = np.ones(steps.size, dtype=np.int64) * 2
    gap[offsets[1:] - 1] = 1
    return -np.flatnonzero(after - steps == gap) - 1
