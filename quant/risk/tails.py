"""Value at risk and expected shortfall of one book by every method, level and horizon."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, get_args

import numpy as np

from quant.risk.filtered import Garch, filtered_returns, fitted_garch
from quant.risk.historical import expected_shortfall, horizon_returns, value_at_risk
from quant.risk.parametric import (
    cornish_fisher_expected_shortfall,
    cornish_fisher_value_at_risk,
    parametric_expected_shortfall,
    parametric_value_at_risk,
)
from quant.risk.simulated import simulated_returns
from quant.typing import FloatArray
from quant.validate import require_finite, require_level, require_positive_int

Method = Literal["historical", "filtered", "normal", "cornish_fisher", "monte_carlo", "student"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
"""Ways to a figure; "student" is Monte Carlo with fat tails."""

DEGREES_OF_FREEDOM: Final = 5.0
"""Of "student": between the three and six that daily returns of shares are found to have (Cont
2001, "Empirical properties of asset returns", Quantitative Finance 1, 223-236)."""

_DRAWS = 20_000
_Pair = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class TailRisk:
    """One pair of figures, as positive fractions of equity over `horizon` periods."""

    method: Method
    level: float
    horizon: int
    value_at_risk: float
    expected_shortfall: float
    n_obs: int


def tail_risks(
    weights: FloatArray,
    returns: FloatArray,
    *,
    method: Method,
    levels: Sequence[float] = (0.95, 0.99),
    horizons: Sequence[int] = (1, 10),
    rng: np.random.Generator,
) -> list[TailRisk]:
    """Figures of what is held, for every horizon and level.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity, held unchanged over each horizon.
    returns : array of shape (n_obs, n_assets)
        Simple returns per period, in order of time.
    method : str
        "historical" (overlapping stretches), "filtered" (GARCH residuals of the book at the
        volatility of now), "normal", "cornish_fisher", "monte_carlo" (joint normal) or
        "student" (joint t). The last two draw every asset, the normal pair takes the book's own
        mean and deviation.
    levels : sequence of float
        Confidence levels, strictly between 0 and 1.
    horizons : sequence of int
        Periods.
    rng : numpy.random.Generator
        Of whatever is drawn.

    Returns
    -------
    list of TailRisk
        By horizon, then level, in the order given; `n_obs` counts the returns behind them.

    Raises
    ------
    ValueError
        If shapes do not fit, a figure is not finite, there are too few returns for the method,
        or a level or horizon is outside its range.
    """
    _require(weights, returns, method, levels, horizons)
    asked = _Asked(weights, returns, rng)
    told = []
    for horizon in horizons:
        pair = asked.pair(method, horizon)
        for level in levels:
            at_risk, shortfall = pair(level)
            told.append(TailRisk(method, level, horizon, at_risk, shortfall, returns.shape[0]))
    return told


@dataclass(frozen=True)
class _Asked:
    """A book, its past, and what its figures are made from."""

    weights: FloatArray
    returns: FloatArray
    rng: np.random.Generator

    @cached_property
    def book(self) -> FloatArray:
        held: FloatArray = self.returns @ self.weights
        return held

    @cached_property
    def garch(self) -> Garch:
        return fitted_garch(self.book)

    def pair(self, method: Method, horizon: int) -> _Pair:
        """Value at risk and expected shortfall over the horizon, as a function of the level."""
        sample: FloatArray
        match method:
            case "normal":
                return self._normal(horizon)
            case "cornish_fisher":
                return lambda level: (
                    cornish_fisher_value_at_risk(self.book, level=level, periods=horizon),
                    cornish_fisher_expected_shortfall(self.book, level=level, periods=horizon),
                )
            case "historical":
                sample = horizon_returns(self.returns, horizon=horizon) @ self.weights
            case "filtered":
                sample = filtered_returns(self.garch, horizon=horizon, n_paths=_DRAWS, rng=self.rng)
            case "monte_carlo":
                sample = self._drawn(horizon, None)
            case "student":
                sample = self._drawn(horizon, DEGREES_OF_FREEDOM)
        return lambda level: (
            value_at_risk(sample, level=level),
            expected_shortfall(sample, level=level),
        )

    def _normal(self, horizon: int) -> _Pair:
        mean, deviation = float(np.mean(self.book)), float(np.std(self.book, ddof=1))
        return lambda level: (
            parametric_value_at_risk(mean, deviation, level=level, periods=horizon),
            parametric_expected_shortfall(mean, deviation, level=level, periods=horizon),
        )

    def _drawn(self, horizon: int, degrees_of_freedom: float | None) -> FloatArray:
        drawn: FloatArray = (
            simulated_returns(
                self.returns.mean(axis=0),
                np.atleast_2d(np.cov(self.returns, rowvar=False)),
                n_draws=_DRAWS,
                horizon=horizon,
                degrees_of_freedom=degrees_of_freedom,
                rng=self.rng,
            )
            @ self.weights
        )
        return drawn


def _require(
    weights: FloatArray,
    returns: FloatArray,
    method: str,
    levels: Sequence[float],
    horizons: Sequence[int],
) -> None:
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, was {method!r}.")
    if returns.ndim != 2 or returns.shape[1] != weights.size or returns.shape[0] < 2:
        raise ValueError(
            f"`returns` must have shape (n_obs >= 2, {weights.size}), had {returns.shape}."
        )
    require_finite(weights, name="weights")
    require_finite(returns, name="returns")
    for level in levels:
        require_level(level, name="levels")
    for horizon in horizons:
        require_positive_int(horizon, name="horizons")
