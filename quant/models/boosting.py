"""XGBoost: matrices built once, trees grown with early stopping, margins and contributions."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from quant.models.dataset import Dataset, Hyperparameters
from quant.typing import FloatArray, Int64Array


@dataclass(frozen=True)
class Matrices:
    """Quantised training and validation rows, reused by every configuration tried on them."""

    train: Any
    validation: Any | None
    base_rate: float


def matrices(
    dataset: Dataset, train: Int64Array, validation: Int64Array, *, max_bin: int, n_jobs: int
) -> Matrices | None:
    """Matrices of the labelled rows, or None where they hold a single class or nothing."""
    import xgboost as xgb  # noqa: PLC0415  costs seconds

    learn, check = dataset.labelled(train), dataset.labelled(validation)
    won = dataset.labels[learn] > 0.0
    weights = dataset.weights[learn]
    if learn.size == 0 or won.all() or not won.any():
        return None
    seen = xgb.QuantileDMatrix(
        dataset.features[learn], won, weight=weights, max_bin=max_bin, nthread=n_jobs
    )
    checked = None
    if check.size:
        checked = xgb.QuantileDMatrix(
            dataset.features[check],
            dataset.labels[check] > 0.0,
            weight=dataset.weights[check],
            ref=seen,
            max_bin=max_bin,
            nthread=n_jobs,
        )
    return Matrices(
        train=seen, validation=checked, base_rate=float(np.average(won, weights=weights))
    )


def grow(
    data: Matrices, settings: Hyperparameters, *, seed: int, device: str, n_jobs: int
) -> tuple[Any, float]:
    """Booster and its best log loss on the validation rows (NaN without them)."""
    import xgboost as xgb  # noqa: PLC0415  costs seconds

    watched = [] if data.validation is None else [(data.validation, "validation")]
    booster = xgb.train(
        {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "device": device,
            "nthread": n_jobs,
            "seed": seed,
            "base_score": data.base_rate,
            "max_depth": settings.max_depth,
            "learning_rate": settings.learning_rate,
            "min_child_weight": settings.min_child_weight,
            "subsample": settings.subsample,
            "colsample_bynode": settings.feature_share,
            "reg_alpha": settings.l1,
            "reg_lambda": settings.l2,
            "max_bin": settings.max_bin,
            "verbosity": 1,
        },
        data.train,
        num_boost_round=settings.n_rounds,
        evals=watched,
        early_stopping_rounds=settings.early_stopping_rounds if watched else None,
        verbose_eval=False,
    )
    if not watched:
        return booster, float("nan")
    # Trees beyond the best round are cut off, so that a saved model is the chosen one.
    return booster[: booster.best_iteration + 1], float(booster.best_score)


def margins(booster: Any, features: FloatArray, *, n_jobs: int) -> FloatArray:
    """Log-odds per row."""
    booster.set_param({"nthread": n_jobs})
    given: FloatArray = booster.inplace_predict(
        np.ascontiguousarray(features, dtype=np.float32), predict_type="margin"
    ).astype(np.float64)
    return given


def contributions(booster: Any, features: FloatArray) -> FloatArray:
    """SHAP values in log-odds per row and feature, the bias in the last column."""
    import xgboost as xgb  # noqa: PLC0415  costs seconds

    given: FloatArray = booster.predict(
        xgb.DMatrix(np.ascontiguousarray(features, dtype=np.float32)), pred_contribs=True
    ).astype(np.float64)
    return given
