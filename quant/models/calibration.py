"""From a model's margin to a probability that means what it says, and the record of it."""

from dataclasses import dataclass

import numpy as np

from quant.typing import FloatArray

# Below this many effective outcomes an isotonic fit follows noise (Niculescu-Mizil & Caruana
# 2005, "Predicting good probabilities with supervised learning", ICML, section 5).
ISOTONIC_FROM = 1_000
# Margins beyond these quantiles are treated as lying on them, so that either end of the map
# rests on 5 % of the outcomes and not on a handful.
_ENDS = (0.05, 0.95)
_Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Calibration:
    """A non-decreasing map from margin (log-odds) to probability.

    ``kind`` is "platt" (a sigmoid between the first and the last knot) or "isotonic" (linear
    between the knots). It is flat beyond the knots: there is no record to extend it by.
    """

    kind: str
    slope: float
    intercept: float
    knots: FloatArray
    levels: FloatArray

    def probability(self, margin: FloatArray) -> FloatArray:
        """Probability for each margin, in (0, 1)."""
        if self.kind == "isotonic":
            return np.interp(margin, self.knots, self.levels)
        known = np.clip(margin, self.knots[0], self.knots[-1])
        return logistic(self.slope * known + self.intercept)


@dataclass(frozen=True)
class CalibrationBin:
    """What became of the forecasts between `low` and `high`.

    ``share_low`` and ``share_high`` are the 95 % Wilson range of the hit share at the
    *effective* number of cases, which is smaller than `n` where labels overlap.
    """

    low: float
    high: float
    n: int
    n_effective: float
    hit_share: float
    share_low: float
    share_high: float


def fit_calibration(
    margin: FloatArray, won: FloatArray, weights: FloatArray, *, isotonic_from: int = ISOTONIC_FROM
) -> Calibration:
    """Fit isotonic regression from `isotonic_from` effective outcomes, else Platt's sigmoid.

    Parameters
    ----------
    margin : array of shape (n_obs,)
        Log-odds given out of sample.
    won : array of shape (n_obs,)
        1.0 or 0.0.
    weights : array of shape (n_obs,)
        Share of an independent outcome each is, in (0, 1].
    isotonic_from : int
        Effective sample from which the isotonic form is used.

    Returns
    -------
    Calibration
        Never decreasing: a model whose margins point the wrong way is given its base rate.

    Raises
    ------
    ValueError
        If there is no outcome.

    References
    ----------
    Platt (1999), "Probabilistic outputs for support vector machines", 61-74.
    Zadrozny & Elkan (2002), "Transforming classifier scores into accurate multiclass
    probability estimates", KDD, 694-699.
    """
    if margin.size == 0:
        raise ValueError("calibration needs at least one outcome, there was none.")
    low, high = np.quantile(margin, _ENDS)
    known = np.clip(margin, low, high)
    if weights.sum() >= isotonic_from and low < high:
        return _isotonic(known, won, weights)
    return _platt(known, won, weights)


def wilson_range(share: float, n: float, *, z: float = _Z_95) -> tuple[float, float]:
    """Wilson's range of a share observed in `n` cases.

    Parameters
    ----------
    share : float
        Observed share, in [0, 1].
    n : float
        Number of (effective) cases, positive.
    z : float
        Normal quantile; the default gives 95 %.

    Returns
    -------
    tuple of float
        Low and high, in [0, 1].

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22, 209-212.
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def calibration_table(
    probability: FloatArray, won: FloatArray, weights: FloatArray, *, width: float = 0.05
) -> tuple[CalibrationBin, ...]:
    """Hit share of past forecasts by bins of `width`; empty bins are left out.

    Parameters
    ----------
    probability, won, weights : arrays of shape (n_obs,)
        Forecasts made out of sample, their outcomes (1.0 or 0.0) and uniqueness.
    width : float
        Width of a bin; must divide 1.

    Returns
    -------
    tuple of CalibrationBin
        In ascending order.
    """
    n_bins = round(1.0 / width)
    # The small shift keeps 0.55 in the bin that starts at 0.55.
    place = np.clip(np.floor(probability * n_bins + 1e-9).astype(int), 0, n_bins - 1)
    table = []
    for index in np.unique(place).tolist():
        chosen = place == index
        n_effective = float(weights[chosen].sum())
        share = float(np.average(won[chosen], weights=weights[chosen]))
        low, high = wilson_range(share, n_effective)
        table.append(
            CalibrationBin(
                low=index / n_bins,
                high=(index + 1) / n_bins,
                n=int(chosen.sum()),
                n_effective=n_effective,
                hit_share=share,
                share_low=low,
                share_high=high,
            )
        )
    return tuple(table)


def bin_of(table: tuple[CalibrationBin, ...], probability: float) -> CalibrationBin | None:
    """The bin `probability` falls into, or None if no past forecast did."""
    return next((b for b in table if b.low <= probability + 1e-9 < b.high + 1e-9), None)


def trust_sentence(past: CalibrationBin | None, *, base_rate: float) -> str:
    """How far a forecast in this bin deserved trust, in words for the approval card.

    Parameters
    ----------
    past : CalibrationBin, optional
        The bin of the forecast; None if it never forecast so before.
    base_rate : float
        Share of all cases that came true: what luck alone would give.

    Returns
    -------
    str
        One sentence.
    """
    if past is None:
        return "It has never given such a probability before: there is no record to judge it by."
    verdict = "better than luck"
    if past.share_low <= base_rate <= past.share_high:
        verdict = "not distinguishable from luck"
    elif past.share_high < base_rate:
        verdict = "worse than luck"
    return (
        f"When it said {past.low * 100:.0f}–{past.high * 100:.0f} %, it was right "
        f"{past.hit_share * 100:.0f} % of the time ({past.n} cases, 95 % range "
        f"{past.share_low * 100:.0f}–{past.share_high * 100:.0f} %): {verdict}."
    )


def logistic(margin: FloatArray) -> FloatArray:
    """Return the probability of each margin (log-odds), without calibration."""
    probability: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(margin, -35.0, 35.0)))
    return probability


def _isotonic(margin: FloatArray, won: FloatArray, weights: FloatArray) -> Calibration:
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415  costs seconds

    # Certainty cannot be learnt from a finite sample: half an outcome each way stays open.
    floor = 0.5 / (weights.sum() + 1.0)
    fit = IsotonicRegression(y_min=floor, y_max=1.0 - floor, out_of_bounds="clip")
    fit.fit(margin, won, sample_weight=weights)
    return Calibration(
        kind="isotonic",
        slope=0.0,
        intercept=0.0,
        knots=np.asarray(fit.X_thresholds_, dtype=np.float64),
        levels=np.asarray(fit.y_thresholds_, dtype=np.float64),
    )


def _platt(margin: FloatArray, won: FloatArray, weights: FloatArray) -> Calibration:
    n_won = float((weights * won).sum())
    n_lost = float(weights.sum()) - n_won
    # Platt's targets: a Laplace correction of the two outcomes.
    target = np.where(won > 0.5, (n_won + 1.0) / (n_won + 2.0), 1.0 / (n_lost + 2.0))
    rate = float(np.average(target, weights=weights))
    slope, intercept = _newton(margin, target, weights, np.log(rate / (1.0 - rate)))
    if slope <= 0.0:
        slope, intercept = 0.0, float(np.log(rate / (1.0 - rate)))
    ends = np.array([margin.min(), margin.max()])
    return Calibration(
        kind="platt",
        slope=slope,
        intercept=intercept,
        knots=ends,
        levels=logistic(slope * ends + intercept),
    )


def _newton(
    margin: FloatArray, target: FloatArray, weights: FloatArray, start: float
) -> tuple[float, float]:
    """Weighted logistic regression of `target` on `margin`, with an intercept."""
    spread = float(np.std(margin))
    if spread < 1e-9:
        return 0.0, start
    design = np.column_stack(((margin - margin.mean()) / spread, np.ones(margin.size)))
    theta = np.array([0.0, start])
    for _ in range(50):
        fitted = logistic(design @ theta)
        gradient = design.T @ (weights * (target - fitted))
        curvature = (design * (weights * fitted * (1.0 - fitted))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        # A full step can overshoot where outcomes are separable.
        theta = theta + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-10:
            break
    slope = float(theta[0]) / spread
    return slope, float(theta[1]) - slope * float(margin.mean())
