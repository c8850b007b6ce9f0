"""The share of choices that do not survive: combinatorially symmetric cross-validation."""

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Self

import numpy as np

from quant.typing import FloatArray, Int64Array
from quant.validate import require_finite

_BATCH = 2_000_000  # ratios held in memory at once
_BEYOND = 1e300  # ranks beyond every ratio that has a variance


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
        Sharpe ratios per period of the trial chosen in sample, in and out of it; infinite where
        it gained, or lost, the same in every period.
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
        Returns per period of every trial on one calendar, at least two trials; of whatever type,
        worked on in double precision.
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
    # In the single precision they may be stored in, equal trials would differ by their rounding.
    trial_returns = np.asarray(trial_returns, dtype=np.float64)
    _require_study(trial_returns, n_blocks)
    chosen = np.array(list(combinations(range(n_blocks), n_blocks // 2)))
    study = _Blocks.of(trial_returns, n_blocks)
    batch = max(1, _BATCH // trial_returns.shape[1])
    parts = [study.judged(chosen[at : at + batch]) for at in range(0, chosen.shape[0], batch)]
    rank, seen, met = (np.concatenate(column) for column in zip(*parts, strict=True))
    relative = rank / (trial_returns.shape[1] + 1.0)
    logits = np.log(relative / (1.0 - relative))
    seen, met = (np.where(np.abs(r) >= _BEYOND, np.copysign(np.inf, r), r) for r in (seen, met))
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


@dataclass(frozen=True)
class _Blocks:
    """Sums of each block and trial, around the trial's mean so that squares are stable."""

    sums: FloatArray  # (n_blocks, n_trials)
    squares: FloatArray  # (n_blocks, n_trials)
    mean: FloatArray  # (n_trials,)
    n_half: int

    @classmethod
    def of(cls, trial_returns: FloatArray, n_blocks: int) -> Self:
        length = trial_returns.shape[0] // n_blocks
        kept = trial_returns[-n_blocks * length :]
        mean = kept.mean(axis=0)
        blocks = (kept - mean).reshape(n_blocks, length, -1)
        return cls(blocks.sum(axis=1), (blocks**2).sum(axis=1), mean, length * n_blocks // 2)

    def judged(self, chosen: Int64Array) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rank out of sample of the best in sample, and its ratio in and out of it."""
        inside = np.zeros((chosen.shape[0], self.sums.shape[0]))
        np.put_along_axis(inside, chosen, 1.0, axis=1)
        within, without = (
            _sharpes(side @ self.sums, side @ self.squares, self.mean, self.n_half)
            for side in (inside, 1.0 - inside)
        )
        best = within.argmax(axis=1)[:, None]
        seen = np.take_along_axis(within, best, axis=1)
        met = np.take_along_axis(without, best, axis=1)
        # Equal trials can differ by rounding, according to their column: they are ties still.
        near = 1e-12 * np.maximum(1.0, np.abs(met))
        below = (without < met - near).sum(axis=1)
        level = (without <= met + near).sum(axis=1) - below
        return below + 0.5 * (level + 1.0), seen[:, 0], met[:, 0]


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
    ratio[flat] = np.sign(total[flat]) * _BEYOND
    return ratio


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Slope and intercept of y on x, over the ratios that are finite."""
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return 0.0, 0.0
    x, y = x[finite], y[finite]
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
