"""What every kind of model is: rows prepared once, fitted many times, then asked for margins."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from quant.models.calibration import logistic
from quant.models.dataset import Dataset, Hyperparameters, UnusableDataError
from quant.typing import FloatArray, Int64Array

FAMILIES = ("xgboost", "lightgbm", "forest", "linear", "ensemble")


@dataclass(frozen=True, eq=False)
class Checked:
    """Rows that say when to stop, and are not learnt from; at least one.

    Equal to itself alone, so that a bench can keep what it made of it.
    """

    features: FloatArray
    won: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class Lesson:
    """What one fit learns, with one entry for each prepared row.

    Attributes
    ----------
    won : float64 array
        1.0 or 0.0.
    weights : float64 array
        0 where the row is not learnt from.
    checked : Checked, optional
        Without it growth ends after all its rounds.
    """

    won: FloatArray
    weights: FloatArray
    checked: Checked | None = None

    @property
    def base_rate(self) -> float:
        """Weighted share of positive outcomes among the rows learnt from."""
        return float(np.average(self.won, weights=self.weights))

    def take(self, rows: Int64Array) -> "Lesson":
        """Return the same lesson for rows prepared alone."""
        return replace(self, won=self.won[rows], weights=self.weights[rows])


class Learned(Protocol):
    """A fitted model of one kind."""

    @property
    def n_rounds(self) -> int:
        """Trees or rounds grown; 1 for a model that is not grown."""

    def margins(self, features: FloatArray) -> FloatArray:
        """Log-odds per row."""

    def contributions(self, features: FloatArray) -> FloatArray:
        """Log-odds per row and feature (n_rows, n_features + 1), the bias in the last column."""

    def to_text(self) -> str:
        """What `read` makes the same model of."""


@dataclass(frozen=True)
class Fit:
    """A fitted model, and its log loss on the checked rows."""

    model: Learned
    loss: float  # NaN where no row was checked


class Bench(Protocol):
    """Rows prepared once for many fits; fits may run in several threads."""

    def fit(self, lesson: Lesson, settings: Hyperparameters, *, seed: int) -> Fit:
        """Fit a model to a lesson; equal lessons, settings and seeds give equal models."""


def lesson(dataset: Dataset, train: Int64Array, checked: Int64Array) -> Lesson | None:
    """What the labelled rows of `train` teach; None where they hold one class or nothing."""
    learnt, asked = dataset.labelled(train), dataset.labelled(checked)
    won = (dataset.labels > 0.0).astype(np.float64)
    if learnt.size == 0 or won[learnt].min() == won[learnt].max():
        return None
    weights = np.zeros(dataset.n_rows)
    weights[learnt] = taught_weights(dataset, learnt)
    stop = None
    if asked.size:
        stop = Checked(dataset.features[asked], won[asked], dataset.weights[asked])
    return Lesson(won, weights, stop)


def taught_weights(dataset: Dataset, rows: Int64Array) -> FloatArray:
    """What each of the rows that one fit learns from weighs in it.

    Uniqueness times its decay with age, in proportion: the sum stays that of the uniqueness, the
    effective sample size, which a leaf's least weight and the penalties are stated in. Age is
    counted among `rows` alone, back from the newest of them: what came later changes nothing.

    Parameters
    ----------
    dataset : Dataset
        All rows; its `time_decay` says how much is forgotten.
    rows : int array of shape (n_learnt,)
        Those learnt from, at least one. None else is to age: what was forecast is scored and
        calibrated by the weights of the dataset.

    Returns
    -------
    array of shape (n_learnt,)
        Positive where the uniqueness is; with a `time_decay` of 1 the uniqueness itself.

    References
    ----------
    López de Prado (2018), "Advances in Financial Machine Learning", Wiley, 70-72.
    """
    unique: FloatArray = dataset.weights[rows]
    if dataset.time_decay == 1.0:
        return unique
    from quant.labels import time_decay  # noqa: PLC0415  its kernels cost half a second

    aged = unique * time_decay(unique, dataset.sessions[rows], oldest=dataset.time_decay)
    scaled: FloatArray = aged * (unique.sum() / aged.sum())
    return scaled


def prepare(
    family: str,
    features: FloatArray,
    *,
    max_bin: int = 64,
    device: str = "cpu",
    n_jobs: int = 1,
) -> Bench:
    """Prepare rows for fits of one kind of model.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    features : array of shape (n_rows, n_features)
        NaN is "unknown". What is prepared are the features alone; bins come from all of them, so
        pass no row of a session that a forecast must not know of.
    max_bin : int
        Bins a feature is cut into; must equal that of the settings fitted.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Fits that will run at the same time.

    Returns
    -------
    Bench
        Fits any lesson on these rows.

    Raises
    ------
    UnusableDataError
        If there is no such kind of model, or its library cannot be loaded here.
    """
    if family in {"xgboost", "forest"}:
        from quant.models.boosting import Quantised  # noqa: PLC0415  its library costs seconds

        return Quantised(features, max_bin=max_bin, device=device, n_jobs=n_jobs)
    if family == "lightgbm":
        from quant.models.light import LightRows  # noqa: PLC0415  its library costs seconds

        return LightRows(features, max_bin=max_bin)
    if family == "linear":
        from quant.models.linear import LinearRows  # noqa: PLC0415

        return LinearRows(features)
    if family == "ensemble":
        from quant.models.ensemble import EnsembleRows  # noqa: PLC0415  it is made of these

        return EnsembleRows(features, max_bin=max_bin, device=device, n_jobs=n_jobs)
    raise UnusableDataError(f"no model is called {family!r}; there are {', '.join(FAMILIES)}.")


def read(family: str, text: str) -> Learned:
    """Read what `Learned.to_text` of a family wrote.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    text : str
        As written.

    Raises
    ------
    UnusableDataError
        If there is no such kind of model.
    """
    readers: dict[str, Any] = {
        "xgboost": _boosted,
        "forest": _boosted,
        "lightgbm": _light,
        "linear": _linear,
        "ensemble": _ensemble,
    }
    if family not in readers:
        raise UnusableDataError(f"no model is called {family!r}; there are {', '.join(readers)}.")
    model: Learned = readers[family](text)
    return model


def log_loss(probability: FloatArray, won: FloatArray, weights: FloatArray) -> float:
    """Weighted mean log loss.

    Parameters
    ----------
    probability, won, weights : arrays of shape (n_rows,)
        Forecasts in (0, 1), outcomes (1.0 or 0.0) and weights, not all 0.
    """
    held = np.clip(probability, 1e-7, 1.0 - 1e-7)
    loss = -(won * np.log(held) + (1.0 - won) * np.log1p(-held))
    return float(np.average(loss, weights=weights))


def checked_loss(model: Learned, checked: Checked | None) -> float:
    """Log loss of a model on the checked rows; NaN where there are none."""
    if checked is None:
        return float("nan")
    return log_loss(logistic(model.margins(checked.features)), checked.won, checked.weights)


def _boosted(text: str) -> Learned:
    from quant.models.boosting import Boosted  # noqa: PLC0415  its library costs seconds

    return Boosted.from_text(text)


def _light(text: str) -> Learned:
    from quant.models.light import Light  # noqa: PLC0415  its library costs seconds

    return Light.from_text(text)


def _linear(text: str) -> Learned:
    from quant.models.linear import Linear  # noqa: PLC0415

    return Linear.from_text(text)


def _ensemble(text: str) -> Learned:
    from quant.models.ensemble import Ensemble  # noqa: PLC0415  it is made of these

    return Ensemble.from_text(text)
