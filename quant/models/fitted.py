"""The model that serves: trained on the latest window, calibrated on its own record."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from quant.models.calibration import Calibration, CalibrationBin, bin_of, logistic, trust_sentence
from quant.models.dataset import (
    Dataset,
    Hyperparameters,
    UnusableDataError,
    require_signature,
    require_trainable,
)
from quant.models.ensemble import Ensemble
from quant.models.learners import Learned, read
from quant.models.outlook import Forecast, Outlook, fit_outlook
from quant.models.walkforward import (
    MIN_EFFECTIVE_HISTORY,
    Predictions,
    Windows,
    matured_skill,
    miss_rate,
    window_fits,
)
from quant.typing import FloatArray, Int64Array

TOLD_REASONS = 5
"""So many features of a forecast are told, those that moved it most."""

_FORMAT = "countersign-model-3"
_SECOND_FORMAT = "countersign-model-2"  # knew one range alone
_FIRST_FORMAT = "countersign-model-1"  # knew XGBoost alone


@dataclass(frozen=True)
class Reason:
    """A feature's share in a forecast.

    ``value`` is the feature's, ``points`` a difference of probability (0.03 is three points).
    """

    name: str
    value: float
    points: float


@dataclass(frozen=True)
class FittedModel:
    """A trained model with its signature, settings and the meaning of its margins."""

    names: tuple[str, ...]
    settings: Hyperparameters
    outlook: Outlook
    scaled: bool
    horizon: int
    last_session: int
    n_train: int
    learned: Learned

    @property
    def family(self) -> str:
        """Kind of model."""
        return self.settings.family

    @property
    def base_rate(self) -> float:
        """Share of positive labels among the outcomes it was calibrated on."""
        return self.outlook.base_rate

    @property
    def n_rounds(self) -> int:
        """Rounds grown, after early stopping."""
        return self.learned.n_rounds

    @property
    def calibration_table(self) -> tuple[CalibrationBin, ...]:
        """What became of earlier forecasts, by bins of probability."""
        return self.outlook.table

    def predict(
        self,
        features: FloatArray,
        names: tuple[str, ...],
        *,
        scale: FloatArray | None = None,
    ) -> Forecast:
        """Forecast each row.

        Parameters
        ----------
        features : array of shape (n_rows, n_features)
            Columns as the model was trained on; NaN is "unknown".
        names : tuple of str
            Names of the columns, checked against the signature.
        scale : array of shape (n_rows,), optional
            Volatility over the horizon, as a fraction; needed, and only allowed, where the
            labels were divided by it.

        Returns
        -------
        Forecast
            One entry per row.

        Raises
        ------
        UnusableDataError
            If the columns differ from the signature, a row has no known feature, or `scale`
            is missing, not finite, or not expected.
        """
        require_signature(features, names, self.names)
        self._require_scale(scale, features.shape[0])
        return self.outlook.forecast(self.learned.margins(features), scale=scale)

    def adapted(self, missed: FloatArray) -> "FittedModel":
        """The same model, its ranges widened or narrowed by what they missed since it was trained.

        Parameters
        ----------
        missed : array of shape (n_sessions,)
            Share of live outcomes outside their range, by session in the order they matured. A
            model that was stored by older code cannot adapt.
        """
        return replace(self, outlook=self.outlook.adapted(missed))

    def contributions(self, features: FloatArray) -> FloatArray:
        """SHAP values, shape (n_rows, n_features + 1), in log-odds, bias last."""
        require_signature(features, self.names, self.names)
        return self.learned.contributions(features)

    def reasons(self, features: FloatArray, *, top: int = 3) -> tuple[tuple[Reason, ...], ...]:
        """The `top` features of each row by size of their SHAP value, and what they moved.

        The step from the probability at the bias to that at the row's margin is divided in
        proportion to the SHAP values, so that all features together add up to the step. It is
        the model's own probability, before calibration: the calibrated one is flat over wide
        stretches and would call most reasons nought.
        """
        values = self.contributions(features)
        bias, shares = values[:, -1], values[:, :-1]
        moved = shares.sum(axis=1)
        step = logistic(bias + moved) - logistic(bias)
        per_unit = np.divide(step, moved, out=np.zeros_like(step), where=np.abs(moved) > 1e-9)
        points = shares * per_unit[:, None]
        return tuple(
            tuple(
                Reason(self.names[i], float(row[i]), float(share[i]))
                for i in np.argsort(-np.abs(pull), kind="stable")[:top]
            )
            for row, share, pull in zip(features, points, shares, strict=True)
        )

    def trust(self, probability: float) -> str:
        """The sentence on how such forecasts did so far."""
        return trust_sentence(
            bin_of(self.outlook.table, probability), base_rate=self.outlook.base_rate
        )

    def to_bytes(self) -> bytes:
        """Canonical JSON that `from_bytes` reads; equal models give equal bytes."""
        outlook = asdict(self.outlook)
        outlook["calibration"]["knots"] = self.outlook.calibration.knots.tolist()
        outlook["calibration"]["levels"] = self.outlook.calibration.levels.tolist()
        record = {
            "format": _FORMAT,
            "names": self.names,
            "settings": asdict(self.settings),
            "outlook": outlook,
            "scaled": self.scaled,
            "horizon": self.horizon,
            "last_session": self.last_session,
            "n_train": self.n_train,
            "learned": self.learned.to_text(),
        }
        return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "FittedModel":
        """Read what `to_bytes` wrote.

        Raises
        ------
        UnusableDataError
            If the bytes are not a model of this format.
        """
        try:
            record = json.loads(stored)
            written = record["format"]
        except (ValueError, KeyError, TypeError) as e:
            raise UnusableDataError(f"{len(stored)} bytes are not a stored model: {e}.") from e
        if written not in {_FORMAT, _SECOND_FORMAT, _FIRST_FORMAT}:
            raise UnusableDataError(f"a stored model must be {_FORMAT!r}, was {written!r}.")
        settings = Hyperparameters(**record["settings"])
        learned = record["booster"] if written == _FIRST_FORMAT else record["learned"]
        return cls(
            names=tuple(record["names"]),
            settings=settings,
            outlook=_outlook_from(record["outlook"]),
            scaled=record["scaled"],
            horizon=record["horizon"],
            last_session=record["last_session"],
            n_train=record["n_train"],
            learned=read(settings.family, learned),
        )

    def _require_scale(self, scale: FloatArray | None, n_rows: int) -> None:
        if self.scaled and scale is None:
            raise UnusableDataError(
                "the model's labels are divided by volatility: pass `scale`, the volatility over "
                f"its {self.horizon} sessions, for each row."
            )
        if not self.scaled and scale is not None:
            raise UnusableDataError("the model's labels are returns: `scale` must not be given.")
        if scale is not None and (scale.shape != (n_rows,) or not np.isfinite(scale).all()):
            raise UnusableDataError(
                f"`scale` must hold one finite figure for each of {n_rows} rows."
            )


def fit_final(
    dataset: Dataset,
    hyperparameters: Hyperparameters,
    *,
    seed: int,
    device: str = "cpu",
    windows: Windows | None = None,
    history: Predictions | None = None,
) -> FittedModel:
    """Train on the latest matured sessions, the way each walk-forward window was.

    Parameters
    ----------
    dataset : Dataset
        Rows without a label train nothing.
    hyperparameters : Hyperparameters
        The configuration.
    seed : int
        Fixes sampling.
    device : str
        "cpu" or "cuda".
    windows : Windows, optional
        Lengths of the training and validation windows.
    history : Predictions, optional
        Walk-forward forecasts on this dataset: the model is calibrated on their matured
        outcomes and its table records them. Without enough of them it is calibrated on its
        validation rows and has no table.

    Returns
    -------
    FittedModel
        Ready to predict and to be stored.

    Raises
    ------
    UnusableDataError
        If the data cannot train a model.
    """
    require_trainable(dataset)
    train, checked = _latest(dataset, windows or Windows())
    fits = window_fits(dataset, train, checked, hyperparameters, device=device)
    if fits is None:
        raise UnusableDataError(
            f"the latest {train.size} labelled rows hold one class only or leave none to validate "
            "on. Load more history."
        )
    learned = _with_record(dataset, fits(hyperparameters, seed=seed).model, history)
    return FittedModel(
        names=dataset.names,
        settings=hyperparameters,
        outlook=_final_outlook(dataset, learned, checked, history),
        scaled=dataset.scale is not None,
        horizon=dataset.horizon,
        last_session=int(dataset.sessions[checked].max()),
        n_train=int(train.size),
        learned=learned,
    )


def _with_record(dataset: Dataset, learned: Learned, history: Predictions | None) -> Learned:
    """An ensemble with the weights its members earned in the walk-forward record."""
    if not isinstance(learned, Ensemble) or history is None or history.parts is None:
        return learned
    rows = dataset.labelled(history.rows)
    return learned.reweighted(matured_skill(dataset, history.parts, rows))


def _latest(dataset: Dataset, windows: Windows) -> tuple[Int64Array, Int64Array]:
    labelled = dataset.labelled(np.arange(dataset.n_rows))
    days = np.unique(dataset.sessions[labelled])
    n_checked = min(windows.validation, days.size // 4)
    border = days[-n_checked]
    seen = days[0 if windows.anchored else max(0, days.size - n_checked - windows.train)]
    sessions = dataset.sessions[labelled]
    before = (sessions >= seen) & (dataset.label_end[labelled] <= border)
    return labelled[before], labelled[sessions >= border]


def _final_outlook(
    dataset: Dataset, learned: Learned, checked: Int64Array, history: Predictions | None
) -> Outlook:
    if history is not None:
        rows = dataset.labelled(history.rows)
        if dataset.weights[rows].sum() >= MIN_EFFECTIVE_HISTORY:
            return fit_outlook(
                history.margin[rows],
                dataset.labels[rows],
                dataset.weights[rows],
                said=history.probability[rows],
                miss=miss_rate(dataset, rows, history.low, history.high),
            )
    margin = learned.margins(dataset.features[checked])
    return fit_outlook(margin, dataset.labels[checked], dataset.weights[checked])


def _outlook_from(record: dict[str, Any]) -> Outlook:
    calibration = record["calibration"]
    return Outlook(
        **{
            **record,
            "calibration": Calibration(
                kind=calibration["kind"],
                slope=calibration["slope"],
                intercept=calibration["intercept"],
                knots=np.array(calibration["knots"]),
                levels=np.array(calibration["levels"]),
            ),
            "table": tuple(CalibrationBin(**row) for row in record["table"]),
            "lower": tuple(record.get("lower", ())),
            "upper": tuple(record.get("upper", ())),
        }
    )
