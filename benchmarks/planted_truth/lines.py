"""The ideas a search tries: one line through the outcomes for each feature, fitted from sums.

Whole sessions enter or leave a fold, so that the sums of a fold are those of its sessions, and the
lines of all features are fitted at once. `fitted` is one line through all features together.
"""

from dataclasses import dataclass

import numpy as np

from quant.models import Dataset
from quant.splits import Fold
from quant.typing import Float64Array, FloatArray, Int64Array

_CLIPPED = 3.0  # deviations: one wild week must not tilt a line
_PENALTY = 20.0  # effective outcomes that say "no relation"
_LOGIT_PER_PROBIT = 1.6  # slope of the log-odds at one half over that of the normal quantile


@dataclass(frozen=True)
class Lines:
    """One line for each feature; arrays of shape (n_features,)."""

    slopes: Float64Array
    levels: Float64Array

    def margins(self, features: FloatArray) -> Float64Array:
        """Log-odds (n_rows, n_features) by each line."""
        given: Float64Array = features * self.slopes + self.levels
        return given

    def margin(self, features: FloatArray, idea: int) -> Float64Array:
        """Log-odds (n_rows,) by the line of one feature."""
        given: Float64Array = features[:, idea] * self.slopes[idea] + self.levels[idea]
        return given


@dataclass(frozen=True)
class Sums:
    """Weighted sums by session, in rows 1, y, y² and for each feature x, x², xy."""

    days: Int64Array
    table: Float64Array  # (n_days, 3 + 3 * n_features)

    @classmethod
    def of(cls, dataset: Dataset) -> "Sums":
        """Sums of the rows that have an outcome and every feature."""
        values, outcome, weight = _usable(dataset)
        own = np.column_stack((np.ones(outcome.size), outcome, outcome**2))
        rows = np.concatenate((own, values, values**2, values * outcome[:, None]), axis=1)
        rows *= weight[:, None]
        days, first = np.unique(dataset.sessions, return_index=True)
        return cls(days.astype(np.int64), np.add.reduceat(rows, first, axis=0))

    def lines(self, sessions: Int64Array) -> Lines:
        """Lines fitted to the rows of the given sessions."""
        return _lines(self.table[np.isin(self.days, sessions)].sum(axis=0))


def lines_of(dataset: Dataset, folds: tuple[Fold, ...]) -> list[Lines]:
    """Lines of each fold, straight from its rows: less work where there are few folds."""
    values, outcome, weight = _usable(dataset)
    taken = np.zeros((len(folds), outcome.size))
    for n, fold in enumerate(folds):
        taken[n, fold.train] = weight[fold.train]
    own = taken @ np.column_stack((np.ones(outcome.size), outcome, outcome**2))
    sums = (own, taken @ values, taken @ values**2, (taken * outcome) @ values)
    return [_lines(row) for row in np.concatenate(sums, axis=1)]


def _usable(dataset: Dataset) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Features, clipped outcomes and weights; 0 for a row that lacks its outcome or a feature."""
    values = dataset.features.astype(np.float64)
    known = np.isfinite(dataset.labels) & np.isfinite(values).all(axis=1)
    values[~known] = 0.0
    outcome = np.clip(np.where(known, dataset.labels, 0.0), -_CLIPPED, _CLIPPED)
    return values, outcome, np.where(known, dataset.weights, 0.0)


def _lines(sums: Float64Array) -> Lines:
    """Lines from a row of the table, each slope pulled towards no relation."""
    count = sums[0]
    mean, square = sums[1] / count, sums[2] / count
    x, xx, xy = sums[3:].reshape(3, -1) / count
    varies = np.maximum(xx - x**2, 0.0)
    spread = np.sqrt(max(square - mean**2, 0.0))
    slopes = np.divide(xy - x * mean, varies, out=np.zeros_like(x), where=varies > 1e-16)
    slopes *= _LOGIT_PER_PROBIT * count / (count + _PENALTY) / spread
    return Lines(slopes, _LOGIT_PER_PROBIT * mean / spread - slopes * x)


def products(dataset: Dataset, fold: Fold) -> Float64Array:
    """Weighted sums of products of (1, features, outcome) over the rows a fold is fitted to."""
    rows = dataset.labelled(fold.train)
    rows = rows[np.isfinite(dataset.features[rows]).all(axis=1)]
    outcome = np.clip(dataset.labels[rows], -_CLIPPED, _CLIPPED)
    told: Float64Array = np.column_stack((np.ones(rows.size), dataset.features[rows], outcome))
    given: Float64Array = told.T @ (told * dataset.weights[rows][:, None])
    return given


def fitted(sums: Float64Array, penalties: Float64Array) -> tuple[Float64Array, float]:
    """Weights of all features and the level, each weight pulled to 0 by its own penalty."""
    count = sums[0, 0]
    mean = sums[0, 1:] / count
    spread = sums[1:, 1:] / count - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(spread), 1e-30))
    related = spread / np.outer(deviation, deviation)
    pull = np.diag(penalties) / count
    slopes = np.linalg.solve(related[:-1, :-1] + pull, related[:-1, -1])
    weights = _LOGIT_PER_PROBIT * slopes / deviation[:-1]
    level = _LOGIT_PER_PROBIT * mean[-1] / deviation[-1] - weights @ mean[:-1]
    return weights, float(level)
