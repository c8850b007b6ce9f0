"""LightGBM: the same shape as XGBoost's rows and trees, leaf by leaf instead of level by level."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from quant.models.dataset import Hyperparameters, UnusableDataError
from quant.models.learners import Checked, Fit, Lesson, checked_loss
from quant.typing import FloatArray


@dataclass(frozen=True)
class Light:
    """Trees grown by LightGBM."""

    trees: Any

    @property
    def n_rounds(self) -> int:
        """Trees kept."""
        return int(self.trees.current_iteration())

    def margins(self, features: FloatArray) -> FloatArray:
        """Log-odds per row."""
        return np.asarray(
            self.trees.predict(features, raw_score=True, num_threads=1), dtype=np.float64
        )

    def contributions(self, features: FloatArray) -> FloatArray:
        """SHAP values in log-odds per row and feature, the bias in the last column."""
        return np.asarray(
            self.trees.predict(features, pred_contrib=True, num_threads=1), dtype=np.float64
        )

    def to_text(self) -> str:
        """LightGBM's own format."""
        text: str = self.trees.model_to_string()
        return text

    @classmethod
    def from_text(cls, text: str) -> "Light":
        """Read what `to_text` wrote."""
        return cls(library().Booster(model_str=text))


class LightRows:
    """Rows binned once; each fit takes a copy of the bins of those it learns from.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        NaN is "unknown".
    max_bin : int
        Bins of a feature.
    """

    def __init__(self, features: FloatArray, *, max_bin: int) -> None:
        self._values = np.ascontiguousarray(features, dtype=np.float32)
        told = {
            "max_bin": max_bin + 1,  # LightGBM counts the bin of unknown values, XGBoost does not
            "min_data_in_bin": 1,
            "feature_pre_filter": False,
            "num_threads": 1,
            "verbosity": -1,
        }
        nothing = np.zeros(self._values.shape[0])  # labels come with each fit
        self._rows = library().Dataset(self._values, nothing, params=told, free_raw_data=False)
        self._rows.construct()

    def fit(self, lesson: Lesson, settings: Hyperparameters, *, seed: int) -> Fit:
        """Grow trees; with checked rows until they are forecast no better.

        Parameters
        ----------
        lesson : Lesson
            One entry for each row.
        settings : Hyperparameters
            Depth, rate, penalties and shares as XGBoost means them.
        seed : int
            Fixes sampling.
        """
        lgb = library()
        learnt = np.flatnonzero(lesson.weights)
        rows = self._rows.subset(learnt).construct()
        rows.set_label(lesson.won[learnt])
        rows.set_weight(lesson.weights[learnt])
        stop = lgb.early_stopping(settings.early_stopping_rounds, verbose=False)
        trees = lgb.train(
            _parameters(settings, seed),
            rows,
            num_boost_round=settings.n_rounds,
            valid_sets=self._checks(rows, lesson.checked),
            callbacks=[stop] if lesson.checked else None,
        )
        best = trees.best_iteration if lesson.checked else trees.current_iteration()
        model = Light.from_text(trees.model_to_string(num_iteration=max(1, best)))
        return Fit(model, checked_loss(model, lesson.checked))

    @staticmethod
    def _checks(rows: Any, checked: Checked | None) -> list[Any] | None:
        """The checked rows in the bins of those learnt from."""
        if checked is None:
            return None
        features = np.ascontiguousarray(checked.features, dtype=np.float32)
        return [rows.create_valid(features, checked.won, weight=checked.weights)]


def library() -> ModuleType:
    """LightGBM, which needs the system's OpenMP library.

    Raises
    ------
    UnusableDataError
        If it cannot be loaded, with what to install.
    """
    try:
        import lightgbm  # noqa: PLC0415  costs a second, and a library not every system has
    except (ImportError, OSError) as e:
        raise UnusableDataError(
            f"LightGBM cannot be loaded here: {e}. It needs the system's OpenMP library "
            "(Debian: apt-get install libgomp1), or choose another `[training] model`."
        ) from e
    return lightgbm


def _parameters(settings: Hyperparameters, seed: int) -> dict[str, object]:
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "boost_from_average": True,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "max_depth": settings.max_depth,
        "num_leaves": 2**settings.max_depth,
        "learning_rate": settings.learning_rate,
        "min_sum_hessian_in_leaf": settings.min_child_weight,
        "min_data_in_leaf": 1,  # leaves are measured by weight, as XGBoost's are
        "bagging_fraction": settings.subsample,
        "bagging_freq": 1 if settings.subsample < 1.0 else 0,
        "feature_fraction_bynode": settings.feature_share,
        "lambda_l1": settings.l1,
        "lambda_l2": settings.l2,
        "verbosity": -1,
    }
