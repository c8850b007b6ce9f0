"""Probes that ask whether a procedure finds skill where none can be.

They judge by blocks of sessions, because labels that overlap are not independent.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri as normal_quantile
from scipy.special import stdtr as student_cdf

from quant.probes.finding import Finding
from quant.typing import Float64Array, FloatArray, Int64Array, IntArray

# Features (n_rows, n_features) and labels (n_rows,) to a forecast of each row by a model that was
# not fitted to it; NaN where there is none.
Procedure = Callable[[FloatArray, FloatArray], FloatArray]

# Standard errors: of a thousand clean models each probe suspects one or two.
_LIMIT = 3.0
# Rank correlation. Forecasts from daily bars that keep their promise stay below 0.1; one that
# loses more than this with a single bar has most likely seen the answer in it.
_IMPLAUSIBLE = 0.10
_MIN_BLOCKS = 8
# Folds forecast each other: a chance likeness of two of them counts once in either, so that the
# skill of a procedure without any has twice the variance its blocks show.
_COUNTED_TWICE = float(np.sqrt(2.0))


@dataclass(frozen=True)
class Rows:
    """When and of what each row is, and how long its label lives.

    Attributes
    ----------
    sessions, symbols : int arrays of shape (n_rows,)
        Session ordinal and symbol code, in any order.
    horizon : int
        Sessions from entry to exit of a label.
    """

    sessions: IntArray
    symbols: IntArray
    horizon: int

    @property
    def block(self) -> int:
        """Sessions in a block: long beside a label, so that blocks hardly share any."""
        return max(21, 4 * self.horizon)


def measurable(labels: FloatArray, rows: Rows, *, lag: int = 5) -> bool:
    """Whether there are sessions enough for every probe of this module.

    Parameters
    ----------
    labels : array of shape (n_rows,)
        NaN where not matured.
    rows : Rows
        Sessions and symbols.
    lag : int
        As given to `lagged_features`.
    """
    n_days = np.unique(rows.sessions[np.isfinite(labels)]).size
    return n_days >= _MIN_BLOCKS * rows.block + max(lag, rows.horizon + 1)


def shuffled_label(
    forecast: Procedure,
    features: FloatArray,
    labels: FloatArray,
    rows: Rows,
    *,
    rng: np.random.Generator,
    rotations: int = 5,
) -> Finding:
    """Skill on labels that belong to other times, which must vanish.

    Labels are rotated in time within each symbol and not mixed: they keep their overlap, so that
    a procedure that trains on neighbours of what it tests still "finds" something.

    Parameters
    ----------
    forecast : callable
        The whole procedure, folds and all.
    features : array of shape (n_rows, n_features)
        As the model is given them.
    labels : array of shape (n_rows,)
        NaN where not matured; those rows stay without a label.
    rows : Rows
        Sessions and symbols.
    rng : numpy Generator
        Draws the rotations.
    rotations : int
        How many, each with a fit of its own.

    Returns
    -------
    Finding
        The figure is the skill over all rotations in standard errors.

    Raises
    ------
    ValueError
        If there are too few sessions to judge by.
    """
    away = 3 * rows.block
    n_days = np.unique(rows.sessions).size
    if n_days <= 2 * away:
        raise ValueError(f"rotating labels needs over {2 * away} sessions, there are {n_days}.")
    scores = []
    for by in rng.integers(away, n_days - away, size=rotations):
        rotated = _rotated(labels, rows, int(by))
        skill = _skill(forecast(features, rotated), rotated)
        scores.append(_standard_errors(skill, rows))
    figure = float(np.sum(scores) / np.sqrt(rotations))
    passed = figure <= _LIMIT
    what = "none" if passed else "skill, which can only come from the procedure"
    return Finding(
        "shuffled label",
        passed,
        figure,
        _LIMIT,
        f"On labels of other times it finds {what} ({figure:.1f} standard errors).",
    )


def lagged_features(
    forecast: Procedure, features: FloatArray, labels: FloatArray, rows: Rows, *, lag: int = 5
) -> Finding:
    """Growth of skill when features are made older, which must not be.

    Parameters
    ----------
    forecast, features, labels, rows : as in `shuffled_label`
    lag : int
        Rows of the symbol by which features are delayed.

    Returns
    -------
    Finding
        The figure is the growth in standard errors.
    """
    growth = _change(forecast, features, labels, rows, by=lag)
    figure = _standard_errors(growth, rows)
    passed = figure <= _LIMIT
    what = "not better" if passed else "better: features and labels are not of the same time"
    return Finding(
        "lagged features",
        passed,
        figure,
        _LIMIT,
        f"With features {lag} sessions older it forecasts {what} ({figure:.1f} standard errors).",
    )


def future_features(
    forecast: Procedure, features: FloatArray, labels: FloatArray, rows: Rows
) -> Finding:
    """Jump of skill when features come from the end of the label, which must be.

    Features must tell of the symbol's own returns. A procedure that gains nothing from knowing
    the answer either knows it already or has lost the thread between rows and labels.

    Parameters
    ----------
    forecast, features, labels, rows : as in `shuffled_label`

    Returns
    -------
    Finding
        The figure is the jump in standard errors.
    """
    jump = _change(forecast, features, labels, rows, by=-(rows.horizon + 1))
    figure = _standard_errors(jump, rows)
    passed = figure >= _LIMIT
    what = "much better, as it should" if passed else "no better: it knows them already"
    return Finding(
        "future features",
        passed,
        figure,
        _LIMIT,
        f"Given features of {rows.horizon + 1} sessions later it forecasts {what} "
        f"({figure:.1f} standard errors).",
    )


def last_bar_removed(
    forecast: Procedure, features: FloatArray, labels: FloatArray, rows: Rows
) -> Finding:
    """Loss of skill when the newest bar is not known, which must be of plausible size.

    Parameters
    ----------
    forecast, features, labels, rows : as in `shuffled_label`

    Returns
    -------
    Finding
        The figure is the rank correlation lost; it fails above 0.10 if that is no accident.
    """
    loss = -_change(forecast, features, labels, rows, by=1)
    figure = float(np.nanmean(loss))
    # A loss as large as the limit is no likeness of two folds: no allowance is made for those.
    sure = _COUNTED_TWICE * _standard_errors(loss, rows) > _LIMIT
    passed = not (sure and figure > _IMPLAUSIBLE)
    what = "loses little" if passed else "loses what no single bar can tell"
    return Finding(
        "last bar removed",
        passed,
        figure,
        _IMPLAUSIBLE,
        f"Without the newest bar it {what} (rank correlation lower by {figure:.2f}).",
    )


def _rotated(labels: FloatArray, rows: Rows, by: int) -> Float64Array:
    """Labels of each symbol moved round by as many of its labelled rows."""
    rotated = np.full(labels.shape, np.nan)
    for own in _by_symbol(rows):
        known = own[np.isfinite(labels[own])]
        rotated[known] = np.roll(labels[known], by)
    return rotated


def _change(
    forecast: Procedure, features: FloatArray, labels: FloatArray, rows: Rows, *, by: int
) -> Float64Array:
    """Skill of each row with features `by` rows older, less the skill with them as they are."""
    moved = np.full(features.shape, np.nan, dtype=features.dtype)
    for own in _by_symbol(rows):
        if own.size <= abs(by):
            continue
        if by > 0:
            moved[own[by:]] = features[own[:-by]]
        else:
            moved[own[:by]] = features[own[-by:]]
    # Both are scored on the rows that have features either way.
    both = np.where(np.isfinite(moved).any(axis=1), labels, np.nan)
    then, now = forecast(moved, both), forecast(features, both)
    change: Float64Array = _skill(then, both) - _skill(now, both)
    return change


def _by_symbol(rows: Rows) -> list[Int64Array]:
    order = np.lexsort((rows.sessions, rows.symbols))
    borders = np.flatnonzero(np.diff(rows.symbols[order])) + 1
    return [own.astype(np.int64) for own in np.split(order, borders)]


def _skill(forecast: FloatArray, labels: FloatArray) -> Float64Array:
    """Each row's part of the rank correlation between forecast and outcome; NaN without both."""
    from scipy.stats import rankdata  # noqa: PLC0415  costs more than a second

    skill = np.full(labels.shape, np.nan)
    known = np.isfinite(forecast) & np.isfinite(labels)
    if known.sum() > 1:
        skill[known] = _standard(rankdata(forecast[known])) * _standard(rankdata(labels[known]))
    return skill


def _standard(values: FloatArray) -> Float64Array:
    spread = float(np.std(values))
    centred: Float64Array = values - values.mean()
    return centred / spread if spread > 0.0 else np.zeros(values.shape)


def _standard_errors(skill: FloatArray, rows: Rows) -> float:
    """Mean of the skill over blocks of sessions, in standard errors of that mean.

    The forecasts come from folds fitted to one another, which doubles the variance of the mean.
    The spread of few blocks is itself uncertain: the ratio is told as the normal figure that is as
    unlikely as its own is under Student's t.
    """
    known = np.isfinite(skill)
    days, place = np.unique(rows.sessions[known], return_inverse=True)
    n_blocks = days.size // rows.block
    if n_blocks < _MIN_BLOCKS:
        raise ValueError(
            f"a probe needs {_MIN_BLOCKS * rows.block} sessions with a forecast and a label, there "
            f"are {days.size}. Load more history."
        )
    block = np.minimum(place // rows.block, n_blocks - 1)
    total = np.bincount(block, skill[known], minlength=n_blocks)
    means = total / np.bincount(block, minlength=n_blocks)
    spread = float(np.std(means, ddof=1))
    if spread == 0.0:
        return 0.0
    ratio = float(means.mean() / spread * np.sqrt(n_blocks)) / _COUNTED_TWICE
    unlikely = max(float(student_cdf(n_blocks - 1, -abs(ratio))), 1e-300)
    return float(np.sign(ratio) * -normal_quantile(unlikely))
