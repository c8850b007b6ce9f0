"""The share of choices that do not survive: combinatorially symmetric cross-validation."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.stats import rankdata

from quant.typing import FloatArray
from quant.validate import require_finite


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
