"""What a margin has meant so far: a probability, an expected return and an 80 % range."""

from dataclasses import dataclass

import numpy as np

from quant.models.calibration import Calibration, CalibrationBin, calibration_table, fit_calibration
from quant.typing import FloatArray

RANGE_SHARE = 0.80


@dataclass(frozen=True)
class Forecast:
    """Forecasts, one entry per row; returns are in label units times the given scale.

    Attributes
    ----------
    probability : float64
        Calibrated probability that the label is positive.
    expected_return : float64
        Mean excess return expected.
    low, high : float64
        The middle 80 % of outcomes expected.
    margin : float64
        The model's raw log-odds: ranks rows that share one calibrated probability.
    """

    probability: FloatArray
    expected_return: FloatArray
    low: FloatArray
    high: FloatArray
    margin: FloatArray


@dataclass(frozen=True)
class Outlook:
    """The map from margin to forecast, learnt from outcomes the model had not seen.

    ``gain`` and ``loss`` are the mean labels of winners and losers, ``below`` and ``above``
    the distances from the expected label to the ends of the 80 % range.
    """

    calibration: Calibration
    base_rate: float
    gain: float
    loss: float
    below: float
    above: float
    n: int
    n_effective: float
    table: tuple[CalibrationBin, ...]

    def forecast(self, margin: FloatArray, *, scale: FloatArray | None = None) -> Forecast:
        """Forecast for each margin; `scale` turns labels back into returns."""
        unit = np.ones(margin.size) if scale is None else scale
        probability = self.calibration.probability(margin)
        label = probability * self.gain + (1.0 - probability) * self.loss
        return Forecast(
            probability=probability,
            expected_return=label * unit,
            low=(label + self.below) * unit,
            high=(label + self.above) * unit,
            margin=margin,
        )


def fit_outlook(
    margin: FloatArray,
    labels: FloatArray,
    weights: FloatArray,
    *,
    said: FloatArray | None = None,
    miss: float = 1.0 - RANGE_SHARE,
) -> Outlook:
    """Learn what margins meant from matured outcomes out of sample.

    Parameters
    ----------
    margin : array of shape (n_obs,)
        Log-odds given before the outcome was known.
    labels : array of shape (n_obs,)
        The outcomes: positive is a hit.
    weights : array of shape (n_obs,)
        Average uniqueness of each.
    said : array of shape (n_obs,), optional
        Probabilities given at the time; NaN where none was. The table of hit shares is made
        of these, so that it is a record and not a fit; without them the table is empty.
    miss : float
        Share of outcomes the range is built to miss; see `adapted_miss_rate`.

    Returns
    -------
    Outlook
        With conformal distances to the 80 % range (Vovk, Gammerman & Shafer 2005).

    Raises
    ------
    ValueError
        If there is no outcome.
    """
    won = (labels > 0.0).astype(np.float64)
    calibration = fit_calibration(margin, won, weights)
    typical = float(np.average(labels, weights=weights))
    gain = _mean(labels, weights * won, typical)
    loss = _mean(labels, weights * (1.0 - won), typical)
    probability = calibration.probability(margin)
    missed = np.sort(labels - probability * gain - (1.0 - probability) * loss)
    # Beyond one half the ends would change places; below nought the widest miss is all we know.
    tail = min(max(miss, 0.0), 1.0) / 2.0
    table: tuple[CalibrationBin, ...] = ()
    if said is not None and bool(np.isfinite(said).any()):
        known = np.isfinite(said)
        table = calibration_table(said[known], won[known], weights[known])
    return Outlook(
        calibration=calibration,
        base_rate=float(np.average(won, weights=weights)),
        gain=gain,
        loss=loss,
        below=_conformal(missed, tail),
        above=-_conformal(-missed[::-1], tail),
        n=int(margin.size),
        n_effective=float(weights.sum()),
        table=table,
    )


def _mean(values: FloatArray, weights: FloatArray, otherwise: float) -> float:
    return float(np.average(values, weights=weights)) if weights.sum() > 0.0 else otherwise


def _conformal(ascending: FloatArray, tail: float) -> float:
    """Lower end that a new value falls below with probability at most `tail`."""
    rank = int(np.floor(tail * (ascending.size + 1)))
    return float(ascending[max(rank, 1) - 1])
