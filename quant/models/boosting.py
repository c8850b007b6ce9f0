"""XGBoost: rows quantised once, trees grown on them again and again, margins and contributions."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

from quant.models.bins import borders
from quant.models.dataset import Hyperparameters
from quant.models.layout import laid_out
from quant.models.learners import Fit, Lesson, checked_loss
from quant.models.trees import Check, last_trees
from quant.typing import FloatArray

# Below so many values two fits of one thread each do more than one fit of two threads: a round
# takes a millisecond, and threads meet several times in it. Above, one copy saves memory.
_SMALL = 50_000_000


@dataclass(frozen=True)
class Boosted:
    """Trees grown by XGBoost: boosted one after the other, or a forest.

    Attributes
    ----------
    booster : xgboost.Booster
        What was grown.
    kept : int
        Its rounds that count, from the first. Cutting the others off takes as long as growing
        two of a small window, and few models of a search are ever saved.
    """

    booster: Any
    kept: int

    @property
    def n_rounds(self) -> int:
        """Trees kept, which for boosting are its rounds."""
        return len(self.booster[: self.kept].get_dump())

    def margins(self, features: FloatArray) -> FloatArray:
        """Log-odds per row."""
        given: FloatArray = self.booster.inplace_predict(
            np.ascontiguousarray(features, dtype=np.float32),
            iteration_range=(0, self.kept),
            predict_type="margin",
            validate_features=False,  # XGBoost compares their number in any case
        ).astype(np.float64)
        return given

    def contributions(self, features: FloatArray) -> FloatArray:
        """SHAP values in log-odds per row and feature, the bias in the last column."""
        import xgboost as xgb  # noqa: PLC0415  costs seconds

        given: FloatArray = self.booster.predict(
            xgb.DMatrix(np.ascontiguousarray(features, dtype=np.float32)),
            iteration_range=(0, self.kept),
            pred_contribs=True,
        ).astype(np.float64)
        return given

    def to_text(self) -> str:
        """XGBoost's own format, as text: of the rounds kept, and of no other."""
        return base64.b64encode(bytes(self.booster[: self.kept].save_raw("ubj"))).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> "Boosted":
        """Read what `to_text` wrote."""
        import xgboost as xgb  # noqa: PLC0415  costs seconds

        booster = xgb.Booster({"nthread": 1})  # few rows are asked for at a time
        booster.load_model(bytearray(base64.b64decode(text)))
        return cls(booster, booster.num_boosted_rounds())


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
        self._idle: SimpleQueue[_Rows] = SimpleQueue()
        for _ in range(copies):
            rows = laid_out(values, bins, max_bin=max_bin, threads=max(1, n_jobs))
            self._idle.put(_Rows(rows))

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
            Trees beyond the best round do not count, and are not saved.

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
        with self._lent() as rows:
            rows.teach(lesson)
            return self._grown(rows.matrix, lesson, settings, seed)

    def _grown(self, matrix: Any, lesson: Lesson, settings: Hyperparameters, seed: int) -> Fit:
        base_rate = lesson.base_rate
        told = self._parameters(settings, base_rate, seed)
        if settings.family == "forest" or lesson.checked is None:
            model = _grown_whole(told, matrix, settings)
            return Fit(model, checked_loss(model, lesson.checked))
        return _grown_until(told, matrix, Check(lesson.checked, base_rate), settings)

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
    def _lent(self) -> Iterator["_Rows"]:
        rows = self._idle.get()
        try:
            yield rows
        finally:
            self._idle.put(rows)


@dataclass
class _Rows:
    """Rows in bins, and the lesson whose labels and weights they bear."""

    matrix: Any
    lesson: Lesson | None = None

    def teach(self, lesson: Lesson) -> None:
        """Give them a lesson's labels and weights, unless they bear them."""
        if lesson is not self.lesson:
            self.matrix.set_info(label=lesson.won, weight=lesson.weights)
            self.lesson = lesson


def _grown_whole(told: dict[str, object], matrix: Any, settings: Hyperparameters) -> Boosted:
    """All rounds; of a forest one, of trees side by side, each on a part of the rows."""
    n_rounds = settings.n_rounds
    if settings.family == "forest":
        told |= {"num_parallel_tree": n_rounds, "learning_rate": 1.0}  # averaged, not boosted
        n_rounds = 1
    booster = _booster()(told, [matrix])
    for number in range(n_rounds):
        booster.update(matrix, number)
    booster.reset()  # of what it kept of the rows to grow faster
    return Boosted(booster, n_rounds)


def _grown_until(
    told: dict[str, object], matrix: Any, check: Check, settings: Hyperparameters
) -> Fit:
    """Rounds up to the one that forecast the checked rows best, and its log loss.

    As `xgboost.train` with early stopping does it, which looks after every round. Growth cannot
    end before it went on in vain for as long as it may, so that one look tells of many rounds.
    """
    booster = _booster()(told, [matrix])
    grown, best, least = 0, 0, np.inf
    while grown < (end := min(best + 1 + settings.early_stopping_rounds, settings.n_rounds)):
        for number in range(grown, end):
            booster.update(matrix, number)
        for number, loss in enumerate(check.losses(last_trees(booster, end - grown)), grown):
            if loss < least:
                best, least = number, float(loss)
        grown = end
    return Fit(Boosted(booster, best + 1), least)


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
