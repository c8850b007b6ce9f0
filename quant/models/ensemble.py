"""Several kinds of model speaking with one voice, each as loud as its record allows."""

import json
from dataclasses import dataclass, replace

import numpy as np

from quant.models.calibration import logistic
from quant.models.dataset import Hyperparameters, candidates
from quant.models.learners import (
    Bench,
    Fit,
    Learned,
    Lesson,
    checked_loss,
    log_loss,
    prepare,
    read,
)
from quant.typing import BoolArray, FloatArray

MEMBERS = ("xgboost", "forest", "linear")
"""Kinds that need nothing of the system; the first is the one that is searched."""
# As many effective outcomes pull the weights half of the way from equal to what skill says.
_EQUAL_WORTH = 1_000.0


@dataclass(frozen=True)
class Ensemble:
    """Fitted models of several kinds and the weight of each; weights sum to 1."""

    families: tuple[str, ...]
    members: tuple[Learned, ...]
    weights: tuple[float, ...]

    @property
    def n_rounds(self) -> int:
        """Rounds of the first member, which is the one that is searched."""
        return self.members[0].n_rounds

    def parts(self, features: FloatArray) -> FloatArray:
        """Log-odds of each member, shape (n_members, n_rows)."""
        return np.array([member.margins(features) for member in self.members])

    def margins(self, features: FloatArray) -> FloatArray:
        """Weighted mean of the members' log-odds: a logarithmic pool of their opinions."""
        return pooled(np.array(self.weights), self.parts(features))

    def contributions(self, features: FloatArray) -> FloatArray:
        """Weighted mean of the members' contributions; they add up to the margin."""
        told = np.array([member.contributions(features) for member in self.members])
        mean: FloatArray = np.einsum("m,mrf->rf", np.array(self.weights), told)
        return mean

    def reweighted(self, weights: FloatArray) -> "Ensemble":
        """Return the same members with other weights."""
        return replace(self, weights=tuple(float(weight) for weight in weights))

    def to_text(self) -> str:
        """Every member's own format, in JSON."""
        return json.dumps(
            {
                "families": self.families,
                "weights": self.weights,
                "members": [member.to_text() for member in self.members],
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Ensemble":
        """Read what `to_text` wrote."""
        told = json.loads(text)
        families = tuple(told["families"])
        members = (read(f, t) for f, t in zip(families, told["members"], strict=True))
        return cls(families, tuple(members), tuple(told["weights"]))


def pooled(weights: FloatArray, parts: FloatArray) -> FloatArray:
    """Return the weighted sum of the members' log-odds, each row's bits for itself.

    Parameters
    ----------
    weights : array of shape (n_members,)
    parts : array of shape (n_members, n_rows)
    """
    total: FloatArray = (weights[:, None] * parts).sum(axis=0)
    return total


class EnsembleRows:
    """Rows prepared once for every member.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        NaN is "unknown".
    max_bin : int
        Bins of a feature, for the members that have them.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Fits that will run at the same time.
    """

    def __init__(self, features: FloatArray, *, max_bin: int, device: str, n_jobs: int) -> None:
        trees = prepare("xgboost", features, max_bin=max_bin, device=device, n_jobs=n_jobs)
        # A forest grows on the same bins.
        self._benches: dict[str, Bench] = {
            family: trees if family in {"xgboost", "forest"} else prepare(family, features)
            for family in MEMBERS
        }

    def fit(self, lesson: Lesson, settings: Hyperparameters, *, seed: int) -> Fit:
        """Fit every member, with equal weights: a lesson alone says nothing of anyone's record.

        Parameters
        ----------
        lesson : Lesson
            One entry for each row.
        settings : Hyperparameters
            Those of the first member; the others have their usual ones.
        seed : int
            Fixes sampling.
        """
        fits = [
            bench.fit(lesson, _settings_of(family, settings), seed=seed)
            for family, bench in self._benches.items()
        ]
        equal = tuple(1.0 / len(fits) for _ in fits)
        model = Ensemble(tuple(self._benches), tuple(fit.model for fit in fits), equal)
        return Fit(model, checked_loss(model, lesson.checked))


def skill_weights(parts: FloatArray, won: BoolArray, weights: FloatArray) -> FloatArray:
    """Weight of each member by what it forecast of matured outcomes, shrunk to equal.

    A member's skill is what its log loss lies below that of the constant base rate, and nothing
    where it does not. The fewer effective outcomes there are, the nearer to equal the weights
    stay: with a thousand they go half of the way.

    Parameters
    ----------
    parts : array of shape (n_members, n_obs)
        Log-odds given before the outcome was known.
    won : bool array of shape (n_obs,)
        The outcomes; only those that have matured before the weights are used.
    weights : array of shape (n_obs,)
        Average uniqueness of each, in (0, 1]: they sum to the effective sample size.

    Returns
    -------
    array of shape (n_members,)
        In [0, 1], sum 1.

    Raises
    ------
    ValueError
        If the shapes do not agree.

    References
    ----------
    Genest & Zidek (1986), "Combining probability distributions", Statistical Science 1, 114-135,
    for the pool; Timmermann (2006), "Forecast combinations", Handbook of Economic Forecasting 1,
    135-196, for shrinking its weights to equal.
    """
    n_members, n_obs = parts.shape
    if won.shape != (n_obs,) or weights.shape != (n_obs,):
        raise ValueError(
            f"`won` and `weights` must have shape ({n_obs},) as the parts', had {won.shape} and "
            f"{weights.shape}."
        )
    equal = np.full(n_members, 1.0 / n_members)
    effective = float(weights.sum())
    if effective <= 0.0:
        return equal
    outcome = won.astype(np.float64)
    constant = np.full(n_obs, float(np.average(outcome, weights=weights)))
    base = log_loss(constant, outcome, weights)
    losses = [log_loss(logistic(part), outcome, weights) for part in parts]
    skill = np.maximum(0.0, base - np.array(losses))
    if skill.sum() <= 0.0:
        return equal
    pull = effective / (effective + _EQUAL_WORTH)
    shrunk: FloatArray = (1.0 - pull) * equal + pull * skill / skill.sum()
    return shrunk


def parts_of(model: Learned, features: FloatArray) -> FloatArray:
    """Log-odds of each member, shape (n_members, n_rows); of a single model its own."""
    if isinstance(model, Ensemble):
        return model.parts(features)
    return model.margins(features)[None, :]


def _settings_of(family: str, settings: Hyperparameters) -> Hyperparameters:
    if family == MEMBERS[0]:
        return replace(settings, family=family)
    return replace(candidates(family)[0], max_bin=settings.max_bin)
