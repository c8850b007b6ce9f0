"""How much: from forecasts and stops to weights and whole shares."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np

from quant.typing import FloatArray
from quant.validate import require_finite


@dataclass(frozen=True)
class WeightLimits:
    """Bounds of target weights, as fractions of equity; `net` bounds the absolute sum."""

    position: float = 0.05
    gross: float = 1.0
    net: float = 1.0


def kelly_fraction(win_probability: float, *, win: float, loss: float) -> float:
    """Share of wealth that maximises expected log growth in a bet with two outcomes.

    Parameters
    ----------
    win_probability : float
        In [0, 1].
    win, loss : float
        Gain and loss per unit staked, both positive fractions.

    Returns
    -------
    float
        ``p / loss - (1 - p) / win``, unclipped: above 1 it asks for leverage, below 0 for the
        other side of the bet.

    Raises
    ------
    ValueError
        If `win_probability` is outside [0, 1] or a pay-off is not positive and finite.

    References
    ----------
    Kelly (1956), "A new interpretation of information rate", Bell System Technical Journal 35,
    917-926. Thorp (2006), "The Kelly criterion in blackjack, sports betting and the stock
    market", Handbook of Asset and Liability Management 1, 385-428.
    """
    if not 0.0 <= win_probability <= 1.0:
        raise ValueError(f"`win_probability` must lie in [0, 1], was {win_probability}.")
    for name, value in (("win", win), ("loss", loss)):
        if not (np.isfinite(value) and value > 0.0):
            raise ValueError(f"`{name}` must be a positive fraction, was {value}.")
    return win_probability / loss - (1.0 - win_probability) / win


def shrunk_probability(probability: float, *, standard_error: float) -> float:
    """Move a probability towards one half by its standard error, never past it.

    Parameters
    ----------
    probability : float
        In [0, 1].
    standard_error : float
        Of the calibration at that probability, not negative.

    Returns
    -------
    float
        One half where the distance is within the error.

    Raises
    ------
    ValueError
        If `probability` is outside [0, 1] or the error is negative.
    """
    if not 0.0 <= probability <= 1.0 or not standard_error >= 0.0:
        raise ValueError(
            "`probability` must lie in [0, 1] and `standard_error` not be negative, were "
            f"{probability} and {standard_error}."
        )
    distance = max(0.0, abs(probability - 0.5) - standard_error)
    return 0.5 + float(np.copysign(distance, probability - 0.5))


def half_kelly_weights(
    expected_returns: FloatArray,
    covariance: FloatArray,
    *,
    limits: WeightLimits,
    long_only: bool = True,
) -> FloatArray:
    """Half of the growth-optimal weights, scaled proportionally into the limits.

    Parameters
    ----------
    expected_returns : array of shape (n_assets,)
        Over the horizon, net of costs, as fractions.
    covariance : array of shape (n_assets, n_assets)
        Of returns over the same horizon, positive definite.
    limits : WeightLimits
        Bounds; all weights shrink by one factor, so that their proportions stay.
    long_only : bool
        Solve for the assets that deserve a positive weight; the others get 0.

    Returns
    -------
    array of shape (n_assets,)
        Target weights as signed fractions of equity.

    Raises
    ------
    ValueError
        If shapes do not fit, a figure is not finite, a limit is negative or the covariance is
        not positive definite.

    References
    ----------
    MacLean, Thorp & Ziemba (2011), "The Kelly capital growth investment criterion", World
    Scientific, 563-574.
    """
    n_assets = expected_returns.size
    if covariance.shape != (n_assets, n_assets):
        raise ValueError(
            f"`covariance` must have shape ({n_assets}, {n_assets}), had {covariance.shape}."
        )
    require_finite(expected_returns, name="expected_returns")
    require_finite(covariance, name="covariance")
    if n_assets and float(np.linalg.eigvalsh(covariance).min()) <= 0.0:
        raise ValueError(
            "`covariance` must be positive definite: shrink it, or drop an asset that others "
            "reproduce."
        )
    solved = _long_only(expected_returns, covariance) if long_only else None
    weights = np.linalg.solve(covariance, expected_returns) if solved is None else solved
    return within_limits(0.5 * weights, limits=limits)


def within_limits(weights: FloatArray, *, limits: WeightLimits) -> FloatArray:
    """Shrink all weights by the one factor that brings every limit in.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Signed fractions of equity.
    limits : WeightLimits
        Bounds on the largest absolute weight, the gross and the net.

    Returns
    -------
    array of shape (n_assets,)
        The same proportions, within the limits.

    Raises
    ------
    ValueError
        If a weight is not finite or a limit is negative.
    """
    require_finite(weights, name="weights")
    size = np.abs(weights)
    figures = (
        ("position", float(size.max(initial=0.0)), limits.position),
        ("gross", float(size.sum()), limits.gross),
        ("net", abs(float(weights.sum())), limits.net),
    )
    factor = 1.0
    for name, figure, limit in figures:
        if not limit >= 0.0:
            raise ValueError(f"the {name} limit must not be negative, was {limit}.")
        factor = min(factor, limit / figure) if figure > limit else factor
    shrunk: FloatArray = weights * factor
    return shrunk


def atr_stop(
    entry: Decimal, average_true_range: Decimal, *, multiple: Decimal, tick: Decimal, long: bool
) -> Decimal:
    """Price of a protective stop a multiple of the average true range away from the entry.

    Parameters
    ----------
    entry, average_true_range : Decimal
        In quote currency per share, positive.
    multiple : Decimal
        Ranges between entry and stop, positive.
    tick : Decimal
        Smallest price step; the stop is rounded down to it for a long position and up for a
        short one, away from the entry.
    long : bool
        Whether the position gains when the price rises.

    Returns
    -------
    Decimal
        A positive price.

    Raises
    ------
    ValueError
        If an argument is not positive or the stop would not be.
    """
    figures = {"entry": entry, "average_true_range": average_true_range}
    _require_positive(**figures, multiple=multiple, tick=tick)
    distance = average_true_range * multiple
    steps = (entry - distance) / tick if long else -((entry + distance) / tick)
    stop = abs(steps.to_integral_value(rounding=ROUND_FLOOR)) * tick
    if long and entry - distance < tick:
        raise ValueError(
            f"a stop {distance} below {entry} would not be a price. Use a smaller multiple."
        )
    return stop


def fixed_risk_quantity(
    equity: Decimal, risk_fraction: Decimal, entry: Decimal, stop: Decimal
) -> int:
    """Whole shares that lose at most a fraction of equity between entry and stop.

    Parameters
    ----------
    equity : Decimal
        Value of the account, positive.
    risk_fraction : Decimal
        Share of equity to risk, in [0, 1].
    entry, stop : Decimal
        Prices, positive and different; a stop above the entry is that of a short position.

    Returns
    -------
    int
        Shares, rounded down; 0 where not even one fits.

    Raises
    ------
    ValueError
        If a price or the equity is not positive, the prices are equal, or the fraction is
        outside [0, 1].
    """
    _require_positive(equity=equity, entry=entry, stop=stop)
    if entry == stop:
        raise ValueError(f"`entry` and `stop` must differ, both were {entry}.")
    if not 0 <= risk_fraction <= 1:
        raise ValueError(f"`risk_fraction` must lie in [0, 1], was {risk_fraction}.")
    return _floor(equity * risk_fraction / abs(entry - stop))


def shares_within(amount: Decimal, price: Decimal, *, lot: int = 1) -> int:
    """Whole shares, in full lots, that cost at most `amount`.

    Parameters
    ----------
    amount : Decimal
        Money to spend, not negative.
    price : Decimal
        Highest price per share, positive.
    lot : int
        Shares per lot, at least 1.

    Returns
    -------
    int
        A multiple of `lot`; 0 where not even one lot fits.

    Raises
    ------
    ValueError
        If `amount` is negative, `price` is not positive or `lot` is below 1.
    """
    _require_positive(price=price)
    if not (amount.is_finite() and amount >= 0) or lot < 1:
        raise ValueError(
            f"`amount` must not be negative and `lot` at least 1, were {amount} and {lot}."
        )
    return _floor(amount / (price * lot)) * lot


def _long_only(expected_returns: FloatArray, covariance: FloatArray) -> FloatArray:
    """Maximise w·μ - ½ w·Σw over w >= 0: the growth problem without short sales."""
    from scipy.optimize import nnls  # noqa: PLC0415  costs a third of a second

    # With Σ = L Lᵀ the problem is the least squares of Lᵀ w against L⁻¹ μ.
    factor = np.linalg.cholesky(covariance)
    weights: FloatArray = nnls(factor.T, np.linalg.solve(factor, expected_returns))[0]
    return weights


def _floor(quantity: Decimal) -> int:
    return int(quantity.to_integral_value(rounding=ROUND_FLOOR))


def _require_positive(**figures: Decimal) -> None:
    for name, value in figures.items():
        if not (value.is_finite() and value > 0):
            raise ValueError(f"`{name}` must be positive, was {value}.")
