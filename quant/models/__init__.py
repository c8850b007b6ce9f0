"""Training, calibration, explanation and walk-forward forecasts of the desk's models."""

from quant.models.calibration import (
    Calibration,
    CalibrationBin,
    bin_of,
    calibration_table,
    fit_calibration,
    trust_sentence,
    wilson_range,
)
from quant.models.crossval import CrossValidation, Score, cross_validate
from quant.models.dataset import SEARCH_SPACE, Dataset, Hyperparameters, UnusableDataError
from quant.models.fitted import TOLD_REASONS, FittedModel, Reason, fit_final
from quant.models.outlook import Forecast, Outlook, fit_outlook
from quant.models.walkforward import (
    CANDIDATES,
    Predictions,
    Windows,
    small_search,
    walk_forward_predictions,
)

__all__ = [
    "CANDIDATES",
    "SEARCH_SPACE",
    "TOLD_REASONS",
    "Calibration",
    "CalibrationBin",
    "CrossValidation",
    "Dataset",
    "FittedModel",
    "Forecast",
    "Hyperparameters",
    "Outlook",
    "Predictions",
    "Reason",
    "Score",
    "UnusableDataError",
    "Windows",
    "bin_of",
    "calibration_table",
    "cross_validate",
    "fit_calibration",
    "fit_final",
    "fit_outlook",
    "small_search",
    "trust_sentence",
    "walk_forward_predictions",
    "wilson_range",
]
