"""How sure a Sharpe ratio is, given its length, its shape and the number of things tried.

Conventions: Sharpe ratios are per period of the data; kurtosis is Pearson's (3 for a normal);
`trial_variance` is the sample variance (ddof 1) of the trials' Sharpe ratios per period.
"""

from math import e, inf, sqrt
from typing import Literal

import numpy as np
from scipy.special import ndtr as normal_cdf
from scipy.special import ndtri as normal_quantile

_EULER_MASCHERONI = 0.5772156649015329

VarianceAt = Literal["estimate", "benchmark"]


def probabilistic_sharpe_ratio(
    sharpe: float,
    *,
    n_obs: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    benchmark: float = 0.0,
    variance_at: VarianceAt = "estimate",
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
        Where the estimator's variance is taken. "estimate" is the form of 2012, with
        ``n_obs - 1``; "benchmark" that of 2025, the variance under the null hypothesis, with
        ``n_obs``.

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
    at, spent = _form(variance_at, sharpe, benchmark)
    deviation = sqrt(_variance_factor(at, skew, kurtosis))
    return float(normal_cdf((sharpe - benchmark) * sqrt(n_obs - spent) / deviation))


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
    variance_at: VarianceAt = "estimate",
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
    variance_at : str
        As for `probabilistic_sharpe_ratio`, which it inverts.

    Returns
    -------
    float
        In observations; infinite where `sharpe` does not exceed `benchmark`. Where it does, the
        shortest record of all gives a confidence of one half, and nothing less needs more.

    Raises
    ------
    ValueError
        If `confidence` is outside (0, 1), a figure is not finite, or the moments are
        impossible.

    References
    ----------
    Bailey & López de Prado (2012), "The Sharpe ratio efficient frontier", Journal of Risk 15,
    3-44. López de Prado, Lipton & Zoonekynd (2025), "How to use the Sharpe ratio".
    """
    _require_figures(sharpe=sharpe, benchmark=benchmark, skew=skew, kurtosis=kurtosis)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"`confidence` must lie strictly between 0 and 1, was {confidence}.")
    at, spent = _form(variance_at, sharpe, benchmark)
    factor = _variance_factor(at, skew, kurtosis)
    if sharpe <= benchmark:
        return inf
    # Squared below, a quantile below 0 would ask for more observations the less is to be said.
    quantile = max(0.0, float(normal_quantile(confidence)))
    return spent + factor * (quantile / (sharpe - benchmark)) ** 2


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


def _expected_maximum_normal(n_trials: float) -> float:
    if n_trials == 1:
        return 0.0
    # The upper tail itself, Φ⁻¹(1 - q): one less a small share would lose its digits.
    low, high = -normal_quantile(1.0 / n_trials), -normal_quantile(1.0 / (n_trials * e))
    expected = (1.0 - _EULER_MASCHERONI) * low + _EULER_MASCHERONI * high
    # The approximation turns negative just above one trial, where the maximum cannot.
    return max(0.0, float(expected))


def _form(variance_at: VarianceAt, sharpe: float, benchmark: float) -> tuple[float, float]:
    """Where the variance is taken, and the observations that estimating it costs."""
    if variance_at == "estimate":
        return sharpe, 1.0
    if variance_at == "benchmark":
        return benchmark, 0.0
    raise ValueError(f"`variance_at` must be 'estimate' or 'benchmark', was {variance_at!r}.")


def _variance_factor(sharpe: float, skew: float, kurtosis: float) -> float:
    if kurtosis < 1.0:
        raise ValueError(
            f"`kurtosis` must be Pearson's, at least 1 and 3 for a normal, was {kurtosis}. Add 3 "
            "to an excess kurtosis."
        )
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
