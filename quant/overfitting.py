"""How much of a backtest is skill, and how much the number of things tried.

Conventions: Sharpe ratios are per period of the data; kurtosis is Pearson's (3 for a normal);
`trial_variance` is the sample variance (ddof 1) of the trials' Sharpe ratios per period.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb, e, inf, sqrt
from typing import Literal

import numpy as np
from scipy.stats import norm, rankdata

from quant.typing import FloatArray
from quant.validate import require_finite

_EULER_MASCHERONI = 0.5772156649015329


@dataclass(frozen=True)
class BacktestOverfitting:
    """Outcome of combinatorially symmetric cross-validation; arrays have one entry per split.

    Attributes
    ----------
    pbo : float
        Share of splits whose best trial in sample is at or below the median out of sample.
    logits : float64
        Log-odds of that trial's relative rank out of sample.
    in_sample, out_of_sample : float64
        Sharpe ratios per period of the trial chosen in sample, in and out of it.
    slope, intercept : float
        Performance degradation: the line of `out_of_sample` on `in_sample`.
    probability_of_loss : float
        Share of splits whose chosen trial has a negative ratio out of sample.
    n_splits : int
        Splits, ``comb(n_blocks, n_blocks / 2)``.
    """

    pbo: float
    logits: FloatArray
    in_sample: FloatArray
    out_of_sample: FloatArray
    slope: float
    intercept: float
    probability_of_loss: float
    n_splits: int


def probabilistic_sharpe_ratio(
    sharpe: float,
    *,
    n_obs: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    benchmark: float = 0.0,
    variance_at: Literal["estimate", "benchmark"] = "estimate",
) -> float:
    """Probability that the true Sharpe ratio exceeds the benchmark.

    Parameters
    ----------
    sharpe : float
        Estimated ratio per period.
    n_obs : float
        Observations it was estimated from, more than 1.
    skew, kurtosis : float
        Of the returns; kurtosis is Pearson's.
    benchmark : float
        Ratio per period to exceed.
    variance_at : str
        Where the estimator's variance is taken: "estimate" as in 2012, or "benchmark", the
        variance under the null hypothesis, as in the 2025 form.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If there are too few observations, a figure is not finite, or the moments are
        impossible.

    References
    ----------
    Bailey & López de Prado (2012), "The Sharpe ratio efficient frontier", Journal of Risk 15,
    3-44. López de Prado, Lipton & Zoonekynd (2025), "How to use the Sharpe ratio".
    """
    _require_figures(sharpe=sharpe, n_obs=n_obs, skew=skew, kurtosis=kurtosis, benchmark=benchmark)
    if n_obs <= 1:
        raise ValueError(f"`n_obs` must exceed 1, was {n_obs}.")
    if variance_at not in {"estimate", "benchmark"}:
        raise ValueError(f"`variance_at` must be 'estimate' or 'benchmark', was {variance_at!r}.")
    at = sharpe if variance_at == "estimate" else benchmark
    deviation = sqrt(_variance_factor(at, skew, kurtosis))
    return float(norm.cdf((sharpe - benchmark) * sqrt(n_obs - 1.0) / deviation))


def expected_maximum_sharpe(n_trials: float, *, trial_variance: float) -> float:
    """Sharpe ratio that the best of `n_trials` without skill is expected to show.

    Parameters
    ----------
    n_trials : float
        Independent trials, at least 1; need not be whole.
    trial_variance : float
        Variance of the trials' ratios per period.

    Returns
    -------
    float
        Ratio per period; 0 for one trial.

    Raises
    ------
    ValueError
        If `n_trials` is below 1 or the variance is negative.

    References
    ----------
    Bailey & López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio
    Management 40, 94-107.
    """
    _require_figures(n_trials=n_trials, trial_variance=trial_variance)
    if n_trials < 1 or trial_variance < 0.0:
        raise ValueError(
            "`n_trials` must be at least 1 and `trial_variance` not negative, were "
            f"{n_trials} and {trial_variance}."
        )
    return sqrt(trial_variance) * _expected_maximum_normal(n_trials)


def deflated_sharpe_ratio(
    sharpe: float,
    *,
    n_obs: float,
    n_trials: float,
    trial_variance: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Probability that the true Sharpe ratio exceeds what the best of the trials shows by luck.

    Parameters
    ----------
    sharpe : float
        Estimated ratio per period of the chosen trial.
    n_obs : float
        Observations it was estimated from.
    n_trials : float
        Independent trials made, at least 1.
    trial_variance : float
        Variance of the trials' ratios per period.
    skew, kurtosis : float
        Of the chosen trial's returns; kurtosis is Pearson's.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        As `probabilistic_sharpe_ratio` and `expected_maximum_sharpe`.

    References
    ----------
    Bailey & López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio
    Management 40, 94-107.
    """
    return probabilistic_sharpe_ratio(
        sharpe,
        n_obs=n_obs,
        skew=skew,
        kurtosis=kurtosis,
        benchmark=expected_maximum_sharpe(n_trials, trial_variance=trial_variance),
    )


def minimum_track_record_length(
    sharpe: float,
    *,
    benchmark: float,
    confidence: float = 0.95,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Observations needed to say with `confidence` that the true ratio exceeds the benchmark.

    Parameters
    ----------
    sharpe, benchmark : float
        Ratios per period.
    confidence : float
        Strictly between 0 and 1.
    skew, kurtosis : float
        Of the returns; kurtosis is Pearson's.

    Returns
    -------
    float
        In observations; infinite where `sharpe` does not exceed `benchmark`.

    Raises
    ------
    ValueError
        If `confidence` is outside (0, 1), a figure is not finite, or the moments are
        impossible.

    References
    ----------
    Bailey & López de Prado (2012), "The Sharpe ratio efficient frontier", Journal of Risk 15,
    3-44.
    """
    _require_figures(sharpe=sharpe, benchmark=benchmark, skew=skew, kurtosis=kurtosis)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"`confidence` must lie strictly between 0 and 1, was {confidence}.")
    factor = _variance_factor(sharpe, skew, kurtosis)
    if sharpe <= benchmark:
        return inf
    return float(1.0 + factor * (norm.ppf(confidence) / (sharpe - benchmark)) ** 2)


def minimum_backtest_length(n_trials: float, *, expected_sharpe: float = 1.0) -> float:
    """Length of backtest at which the best of `n_trials` without skill shows `expected_sharpe`.

    Parameters
    ----------
    n_trials : float
        Independent trials, at least 1.
    expected_sharpe : float
        Ratio that would deceive, per year for a length in years.

    Returns
    -------
    float
        In the time unit of `expected_sharpe`; 0 for one trial.

    Raises
    ------
    ValueError
        If `n_trials` is below 1 or `expected_sharpe` is not positive.

    References
    ----------
    Bailey, Borwein, López de Prado & Zhu (2014), "Pseudo-mathematics and financial
    charlatanism", Notices of the American Mathematical Society 61, 458-471: the approximation
    of theorem 2, not its bound 2 ln N.
    """
    _require_figures(n_trials=n_trials, expected_sharpe=expected_sharpe)
    if n_trials < 1 or expected_sharpe <= 0.0:
        raise ValueError(
            "`n_trials` must be at least 1 and `expected_sharpe` positive, were "
            f"{n_trials} and {expected_sharpe}."
        )
    return (_expected_maximum_normal(n_trials) / expected_sharpe) ** 2


def probability_of_backtest_overfitting(
    trial_returns: FloatArray, *, n_blocks: int = 16
) -> BacktestOverfitting:
    """Combinatorially symmetric cross-validation over all trials of a study.

    The observations are cut into `n_blocks` successive blocks of equal length; those that do
    not fill a block are left out at the start. Every half of the blocks chooses the trial with
    the highest Sharpe ratio, the other half ranks it.

    Parameters
    ----------
    trial_returns : array of shape (n_obs, n_trials)
        Returns per period of every trial on one calendar, at least two trials.
    n_blocks : int
        Even, at least 2.

    Returns
    -------
    BacktestOverfitting
        ``pbo`` is the share of logits at or below 0; the relative rank is rank / (N + 1),
        average for ties.

    Raises
    ------
    ValueError
        If `n_blocks` is odd or leaves blocks of fewer than two observations, there are fewer
        than two trials, or a return is not finite.

    References
    ----------
    Bailey, Borwein, López de Prado & Zhu (2017), "The probability of backtest overfitting",
    Journal of Computational Finance 20, 39-69.
    """
    _require_study(trial_returns, n_blocks)
    length = trial_returns.shape[0] // n_blocks
    n_trials = trial_returns.shape[1]
    # Ratios do not depend on the scale of returns; sums of squares around the mean are stable.
    centred = trial_returns[-n_blocks * length :] - trial_returns[-n_blocks * length :].mean(axis=0)
    mean = trial_returns[-n_blocks * length :].mean(axis=0)
    blocks = centred.reshape(n_blocks, length, n_trials)
    sums, squares = blocks.sum(axis=1), (blocks**2).sum(axis=1)
    chosen = np.array(list(combinations(range(n_blocks), n_blocks // 2)))
    member = np.zeros((chosen.shape[0], n_blocks))
    member[np.arange(chosen.shape[0])[:, None], chosen] = 1.0
    n_half = length * n_blocks // 2
    within = _sharpes(member @ sums, member @ squares, mean, n_half)
    without = _sharpes((1.0 - member) @ sums, (1.0 - member) @ squares, mean, n_half)
    best = within.argmax(axis=1)
    row = np.arange(best.size)
    rank = rankdata(without, axis=1, method="average")[row, best] / (n_trials + 1.0)
    logits = np.log(rank / (1.0 - rank))
    seen, met = within[row, best], without[row, best]
    slope, intercept = _line(seen, met)
    return BacktestOverfitting(
        pbo=float(np.mean(logits <= 1e-12)),
        logits=logits,
        in_sample=seen,
        out_of_sample=met,
        slope=slope,
        intercept=intercept,
        probability_of_loss=float(np.mean(met < 0.0)),
        n_splits=comb(n_blocks, n_blocks // 2),
    )


def _sharpes(sums: FloatArray, squares: FloatArray, mean: FloatArray, n: int) -> FloatArray:
    centre = sums / n
    variance = np.maximum(squares - n * centre**2, 0.0) / (n - 1)
    total = centre + mean
    ratio: FloatArray = np.divide(
        total, np.sqrt(variance), out=np.zeros_like(total), where=variance > 1e-30
    )
    # A trial that never trades has no risk and no return: ratio 0. One that only gains
    # without varying has no finite ratio and ranks first, one that only loses ranks last.
    flat = (variance <= 1e-30) & (np.abs(total) > 1e-15)
    ratio[flat] = np.sign(total[flat]) * np.finfo(np.float64).max
    return ratio


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ (y - y.mean())) / spread if spread > 0.0 else 0.0
    return slope, float(y.mean() - slope * x.mean())


def _expected_maximum_normal(n_trials: float) -> float:
    if n_trials == 1:
        return 0.0
    low = norm.ppf(1.0 - 1.0 / n_trials)
    high = norm.ppf(1.0 - 1.0 / (n_trials * e))
    expected = (1.0 - _EULER_MASCHERONI) * low + _EULER_MASCHERONI * high
    # The approximation turns negative just above one trial, where the maximum cannot.
    return max(0.0, float(expected))


def _variance_factor(sharpe: float, skew: float, kurtosis: float) -> float:
    factor = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if factor <= 0.0:
        raise ValueError(
            f"no returns have Sharpe ratio {sharpe}, skew {skew} and kurtosis {kurtosis} "
            "together: kurtosis (Pearson's, 3 for a normal) is at least 1 + skew²."
        )
    return factor


def _require_figures(**figures: float) -> None:
    for name, value in figures.items():
        if not np.isfinite(value):
            raise ValueError(f"`{name}` must be finite, was {value}.")


def _require_study(trial_returns: FloatArray, n_blocks: int) -> None:
    if trial_returns.ndim != 2 or trial_returns.shape[1] < 2:
        raise ValueError(
            "`trial_returns` must have shape (n_obs, n_trials) with at least two trials, had "
            f"{trial_returns.shape}."
        )
    if n_blocks < 2 or n_blocks % 2 or trial_returns.shape[0] < 2 * n_blocks:
        raise ValueError(
            "`n_blocks` must be even, at least 2 and leave two observations to a block, was "
            f"{n_blocks} for {trial_returns.shape[0]} observations."
        )
    require_finite(trial_returns, name="trial_returns")
