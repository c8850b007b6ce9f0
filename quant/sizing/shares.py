"""Whole shares and protective stops: what fits an amount of money or of risk."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

import numpy as np

from quant.sizing.limits import WeightLimits, within_limits
from quant.typing import FloatArray


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


def whole_lots(
    weights: FloatArray,
    prices: Sequence[Decimal],
    *,
    equity: Decimal,
    limits: WeightLimits,
    lot: int = 1,
) -> list[int]:
    """Signed shares, in full lots, that come nearest to target weights from below.

    Every position is rounded towards zero, so that none passes its limit. Where rounding one
    side more than the other tilts the book beyond the net limit, the heavier side gives up
    lots, its largest position first.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Target weights as signed fractions of equity; shrunk into `limits` first.
    prices : sequence of Decimal
        Highest price per share of each, positive.
    equity : Decimal
        Value of the account, positive.
    limits : WeightLimits
        Bounds on each position, the gross and the net.
    lot : int
        Shares per lot, at least 1.

    Returns
    -------
    list of int
        Multiples of `lot`, negative for short positions.

    Raises
    ------
    ValueError
        If weights and prices differ in number, a weight is not finite, a limit is negative, or
        a price, the equity or the lot is not positive.
    """
    wanted = within_limits(weights, limits=limits)
    if weights.size != len(prices):
        raise ValueError(f"{weights.size} weights need as many prices, were {len(prices)}.")
    _require_positive(equity=equity)
    shares = [
        shares_within(abs(Decimal(repr(float(weight)))) * equity, price, lot=lot)
        * int(np.sign(weight))
        for weight, price in zip(wanted, prices, strict=True)
    ]
    _level(shares, prices, within=Decimal(repr(limits.net)) * equity, lot=lot)
    return shares


def _level(shares: list[int], prices: Sequence[Decimal], *, within: Decimal, lot: int) -> None:
    """Take lots from the heavier side until the net value is within the bound."""
    values = [quantity * price for quantity, price in zip(shares, prices, strict=True)]
    while abs(net := sum(values, Decimal(0))) > within:
        side = 1 if net > 0 else -1
        most = max(range(len(values)), key=lambda i: side * values[i])
        step = min(lot, side * shares[most])
        shares[most] -= side * step
        values[most] = shares[most] * prices[most]


def _floor(quantity: Decimal) -> int:
    return int(quantity.to_integral_value(rounding=ROUND_FLOOR))


def _require_positive(**figures: Decimal) -> None:
    for name, value in figures.items():
        if not (value.is_finite() and value > 0):
            raise ValueError(f"`{name}` must be positive, was {value}.")
