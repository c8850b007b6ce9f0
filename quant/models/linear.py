"""A regularised logistic regression: what a model that looks for less must be measured against."""

import json
from dataclasses import dataclass

import numpy as np

from quant.models.calibration import logistic
from quant.models.dataset import Hyperparameters
from quant.models.learners import Fit, Lesson, checked_loss
from quant.typing import FloatArray

_STEPS = 50
_ENOUGH = 1e-8
# In standard deviations: one bar that went wild must not tilt the line.
_WILDEST = 5.0


@dataclass(frozen=True)
class Linear:
    """Coefficients of standardised features; an unknown value counts as the mean it had.

    Attributes
    ----------
    centre, spread : arrays of shape (n_features,)
        Weighted mean and standard deviation over the rows learnt from, and over no others.
    coefficients : array of shape (n_features,)
        Log-odds for one standard deviation.
    intercept : float
        Log-odds where every feature has its mean.
    """

    centre: FloatArray
    spread: FloatArray
    coefficients: FloatArray
    intercept: float

    @property
    def n_rounds(self) -> int:
        """1: nothing is grown."""
        return 1

    def margins(self, features: FloatArray) -> FloatArray:
        """Log-odds per row, the same bits whatever rows stand beside it."""
        # A product of matrices rounds by how many rows there are and which processor it runs on.
        shares = np.ascontiguousarray(self._standard(features)) * self.coefficients
        margins: FloatArray = shares.sum(axis=1) + self.intercept
        return margins

    def contributions(self, features: FloatArray) -> FloatArray:
        """Log-odds per row and feature, exact where features are independent; bias last."""
        shares = self._standard(features) * self.coefficients
        return np.column_stack((shares, np.full(features.shape[0], self.intercept)))

    def to_text(self) -> str:
        """JSON."""
        return json.dumps(
            {
                "centre": self.centre.tolist(),
                "spread": self.spread.tolist(),
                "coefficients": self.coefficients.tolist(),
                "intercept": self.intercept,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Linear":
        """Read what `to_text` wrote."""
        told = json.loads(text)
        return cls(
            np.array(told["centre"]),
            np.array(told["spread"]),
            np.array(told["coefficients"]),
            float(told["intercept"]),
        )

    def _standard(self, features: FloatArray) -> FloatArray:
        return standardised(features, self.centre, self.spread)


class LinearRows:
    """Rows for linear fits: nothing is prepared, as each fit standardises by its own rows.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        NaN is "unknown".
    """

    def __init__(self, features: FloatArray) -> None:
        self._features = features

    def fit(self, lesson: Lesson, settings: Hyperparameters, *, seed: int) -> Fit:
        """Fit by Newton's method; the penalty `l2` holds coefficients, not the intercept.

        Parameters
        ----------
        lesson : Lesson
            Mean, spread and coefficients come from its rows of positive weight alone.
        settings : Hyperparameters
            `l2` alone concerns it.
        seed : int
            Nothing is drawn: any seed gives the same.
        """
        del seed
        learnt = np.flatnonzero(lesson.weights)
        rows, weights = self._features[learnt].astype(np.float64), lesson.weights[learnt]
        centre, spread = _moments(rows, weights)
        values = standardised(rows, centre, spread)
        coefficients, intercept = _newton(values, lesson.won[learnt], weights, settings.l2)
        model = Linear(centre, spread, coefficients, intercept)
        return Fit(model, checked_loss(model, lesson.checked))


def standardised(features: FloatArray, centre: FloatArray, spread: FloatArray) -> FloatArray:
    """Features in standard deviations from their mean, within five; 0 where unknown.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        NaN is "unknown".
    centre, spread : arrays of shape (n_features,)
        Mean and standard deviation of the rows learnt from; a spread of 0 makes a column 0.
    """
    scale = np.where(spread > 0.0, spread, np.inf)
    values = np.clip((features.astype(np.float64) - centre) / scale, -_WILDEST, _WILDEST)
    known: FloatArray = np.where(np.isfinite(values), values, 0.0)
    return known


def _moments(rows: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    known = np.isfinite(rows)
    held = np.where(known, rows, 0.0)
    total = np.maximum(weights @ known, 1e-300)
    centre = (weights @ held) / total
    apart = np.where(known, rows - centre, 0.0)
    spread = np.sqrt((weights @ (apart * apart)) / total)
    return centre, np.where(spread > 1e-12 * np.maximum(np.abs(centre), 1e-300), spread, 0.0)


def _newton(
    values: FloatArray, won: FloatArray, weights: FloatArray, penalty: float
) -> tuple[FloatArray, float]:
    design = np.column_stack((values, np.ones(values.shape[0])))
    held = np.full(design.shape[1], penalty)
    held[-1] = 0.0
    rate = float(np.average(won, weights=weights))
    theta = np.zeros(design.shape[1])
    theta[-1] = np.log(rate / (1.0 - rate))
    for _ in range(_STEPS):
        fitted = logistic(design @ theta)
        gradient = design.T @ (weights * (won - fitted)) - held * theta
        curvature = (design * (weights * fitted * (1.0 - fitted))[:, None]).T @ design
        step = np.linalg.solve(curvature + np.diag(held + 1e-9), gradient)
        # A full step can overshoot where outcomes are nearly separable.
        theta = theta + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < _ENOUGH:
            break
    return theta[:-1], float(theta[-1])
