"""XGBoost: rows quantised once, trees grown on them again and again, margins and contributions."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from quant.models.bins import borders
from quant.models.dataset import Hyperparameters
from quant.models.layout import laid_out
from quant.models.learners import Checked, Fit, Lesson
from quant.typing import FloatArray

# Below so many values two fits of one thread each do more than one fit of two threads: a round
# takes a millisecond, and threads meet several times in it. Above, one copy saves memory.
_SMALL = 50_000_000


@dataclass(frozen=True)
class Boosted:
    """Trees grown by XGBoost: boosted one after the other, or a forest."""

    booster: Any

    @property
    def n_rounds(self) -> int:
        """Trees kept, which for boosting are its rounds."""
        return len(self.booster.get_dump())

    def margins(self, features: FloatArray) -> FloatArray:
        """Log-odds per row."""
        given: FloatArray = self.booster.inplace_predict(
            np.ascontiguousarray(features, dtype=np.float32),
            predict_type="margin",
            validate_features=False,  # XGBoost compares their number in any case
        ).astype(np.float64)
        return given

    def contributions(self, features: FloatArray) -> FloatArray:
        """SHAP values in log-odds per row and feature, the bias in the last column."""
        import xgboost as xgb  # noqa: PLC0415  costs seconds

        given: FloatArray = self.booster.predict(
            xgb.DMatrix(np.ascontiguousarray(features, dtype=np.float32)), pred_contribs=True
        ).astype(np.float64)
        return given

    def to_text(self) -> str:
        """XGBoost's own format, as text."""
        return base64.b64encode(bytes(self.booster.save_raw("ubj"))).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> "Boosted":
        """Read what `to_text` wrote."""
        import xgboost as xgb  # noqa: PLC0415  costs seconds

        booster = xgb.Booster({"nthread": 1})  # few rows are asked for at a time
        booster.load_model(bytearray(base64.b64decode(text)))
        return cls(booster)


class Quantised:
    """Rows cut into bins once; each fit says by weights which of them it learns from.

    A row of weight 0 adds nothing to any histogram, so that folds, trials and probes on the same
    rows share the bins, and none of them copies a row.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        NaN is "unknown".
    max_bin : int
        Bins of a feature.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Fits that run at the same time where rows are few, threads of a fit where they are many.
    """

    def __init__(self, features: FloatArray, *, max_bin: int, device: str, n_jobs: int) -> None:
        import xgboost as xgb  # noqa: PLC0415  costs seconds

        values = np.ascontiguousarray(features, dtype=np.float32)
        copies = max(1, n_jobs) if values.size < _SMALL and device == "cpu" else 1
        self._threads = 1 if copies > 1 else max(1, n_jobs)
        self._max_bin = max_bin
        self._device = device
        bins = xgb.QuantileDMatrix(borders(values, max_bin), max_bin=max_bin, nthread=1)
        # A matrix holds the labels and weights of one fit at a time: each thread needs its own.
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(copies):
            self._idle.put(laid_out(values, bins, max_bin=max_bin, threads=max(1, n_jobs)))
        self._checked: WeakKeyDictionary[Checked, Any] = WeakKeyDictionary()

    def fit(self, lesson: Lesson, settings: Hyperparameters, *, seed: int) -> Fit:
        """Grow trees; with checked rows until they are forecast no better.

        Parameters
        ----------
        lesson : Lesson
            One entry for each row.
        settings : Hyperparameters
            Its `max_bin` must be that of the rows.
        seed : int
            Fixes sampling.

        Returns
        -------
        Fit
            Trees beyond the best round are cut off, so that a saved model is the chosen one.

        Raises
        ------
        ValueError
            If `settings` want other bins.
        """
        if settings.max_bin != self._max_bin:
            raise ValueError(
                f"these rows hold {self._max_bin} bins, the settings want {settings.max_bin}. "
                "Prepare the rows for them."
            )
        with self._lent() as matrix:
            matrix.set_info(label=lesson.won, weight=lesson.weights)
            booster, loss = self._grown(matrix, lesson, settings, seed)
        return Fit(Boosted(booster), loss)

    def _grown(
        self, matrix: Any, lesson: Lesson, settings: Hyperparameters, seed: int
    ) -> tuple[Any, float]:
        forest = settings.family == "forest"
        told = self._parameters(settings, lesson.base_rate, seed)
        if forest:
            told |= _as_forest(settings)
        n_rounds = 1 if forest else settings.n_rounds
        if lesson.checked is None:
            return _grown_whole(told, matrix, n_rounds), float("nan")
        checks = self._checks(lesson.checked)
        return _grown_until(told, matrix, checks, n_rounds, settings.early_stopping_rounds)

    def _checks(self, checked: Checked) -> Any:
        """The checked rows, laid out once for all trials: trees compare values as they do bins."""
        import xgboost as xgb  # noqa: PLC0415  costs seconds

        if checked not in self._checked:
            self._checked[checked] = xgb.DMatrix(
                np.ascontiguousarray(checked.features, dtype=np.float32),
                checked.won,
                weight=checked.weights,
                nthread=self._threads,
            )
        return self._checked[checked]

    def _parameters(
        self, settings: Hyperparameters, base_rate: float, seed: int
    ) -> dict[str, object]:
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "device": self._device,
            "nthread": self._threads,
            "seed": seed,
            "base_score": base_rate,
            "max_depth": settings.max_depth,
            "learning_rate": settings.learning_rate,
            "min_child_weight": settings.min_child_weight,
            "subsample": settings.subsample,
            "colsample_bynode": settings.feature_share,
            "reg_alpha": settings.l1,
            "reg_lambda": settings.l2,
            "max_bin": settings.max_bin,
            "verbosity": 1,
        }

    @contextmanager
    def _lent(self) -> Iterator[Any]:
        matrix = self._idle.get()
        try:
            yield matrix
        finally:
            self._idle.put(matrix)


def _as_forest(settings: Hyperparameters) -> dict[str, object]:
    """Trees side by side, each on a part of the rows, averaged and not boosted."""
    return {"num_parallel_tree": settings.n_rounds, "learning_rate": 1.0}


def _grown_whole(told: dict[str, object], matrix: Any, n_rounds: int) -> Any:
    """A booster of so many rounds."""
    booster = _booster()(told, [matrix])
    for number in range(n_rounds):
        booster.update(matrix, number)
    booster.reset()  # of what it kept of the rows to grow faster
    return booster


def _grown_until(
    told: dict[str, object], matrix: Any, checks: Any, n_rounds: int, patience: int
) -> tuple[Any, float]:
    """Rounds up to the one that forecast the checked rows best, and its log loss.

    As `xgboost.train` with early stopping does it, which takes twice as long for small windows.
    """
    booster = _booster()(told, [matrix, checks])
    best, least = 0, float("nan")
    for number in range(n_rounds):
        booster.update(matrix, number)
        loss = float(booster.eval_set([(checks, "checked")], number).rpartition(":")[2])
        if number == 0 or loss < least:
            best, least = number, loss
        elif number - best >= patience:
            break
    return booster[: best + 1], least


@cache
def _booster() -> Any:
    """XGBoost's booster, without its comparing the names of columns twice in every round.

    Rows prepared here have none: they come from the same array.
    """
    import xgboost as xgb  # noqa: PLC0415  costs seconds

    class Nameless(xgb.Booster):
        def _assign_dmatrix_features(self, data: Any) -> None:
            pass

    return Nameless
