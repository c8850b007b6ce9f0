"""What a margin has meant so far: a probability, an expected return and an 80 % range."""

from dataclasses import dataclass, replace

import numpy as np

from quant.models.calibration import Calibration, CalibrationBin, calibration_table, fit_calibration
from quant.models.conformal import adapted_miss_rate
from quant.typing import FloatArray

RANGE_SHARE = 0.80
_RATES = 500  # steps of the miss rate, 0 to 1, whose ends are kept: a fifth of a per cent each


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
    the distances from the expected label to the ends of the range that is built to miss the share
    ``miss``. ``lower`` and ``upper`` are those for every share from 0 to 1; an outlook that was
    stored by older code has none.
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
    miss: float = 1.0 - RANGE_SHARE
    lower: tuple[float, ...] = ()
    upper: tuple[float, ...] = ()

    def adapted(self, missed: FloatArray) -> "Outlook":
        """The same, its range widened or narrowed by what was missed since.

        Parameters
        ----------
        missed : array of shape (n_sessions,)
            As for `adapted_miss_rate`, of outcomes that it was not learnt from.

        Returns
        -------
        Outlook
            Unchanged where nothing has matured, or where it knows no other ends.
        """
        if not missed.size or not self.lower:
            return self
        miss = adapted_miss_rate(missed, start=self.miss)
        place = int(_RATES * _possible(miss))  # of two ends the wider
        return replace(self, miss=miss, below=self.lower[place], above=self.upper[place])

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
    lower, upper = _ends(missed, np.linspace(0.0, 1.0, _RATES + 1))
    below, above = _ends(missed, np.array([_possible(miss)]))
    table: tuple[CalibrationBin, ...] = ()
    if said is not None and bool(np.isfinite(said).any()):
        known = np.isfinite(said)
        table = calibration_table(said[known], won[known], weights[known])
    return Outlook(
        calibration=calibration,
        base_rate=float(np.average(won, weights=weights)),
        gain=gain,
        loss=loss,
        below=float(below[0]),
        above=float(above[0]),
        n=int(margin.size),
        n_effective=float(weights.sum()),
        table=table,
        miss=miss,
        lower=tuple(lower.tolist()),
        upper=tuple(upper.tolist()),
    )


def _mean(values: FloatArray, weights: FloatArray, otherwise: float) -> float:
    return float(np.average(values, weights=weights)) if weights.sum() > 0.0 else otherwise


def _possible(miss: float) -> float:
    """Above 1 the ends would change places; below 0 the widest miss is all we know."""
    return min(max(miss, 0.0), 1.0)


def _ends(ascending: FloatArray, miss: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ends that a new value lies beyond, on each side, with probability at most ``miss / 2``."""
    ranks = np.floor(miss / 2.0 * (ascending.size + 1)).astype(np.int64)
    places = np.maximum(ranks, 1) - 1
    return ascending[places], ascending[::-1][places]
