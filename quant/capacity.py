"""How much money a strategy can carry, and where what it loses to trading goes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quant.backtest import Backtest, Costs, backtest
from quant.performance import SESSIONS_PER_YEAR, judged_returns, sharpe_ratio
from quant.performance.returns import varies
from quant.typing import FloatArray

CAPITALS = (1e4, 1e5, 1e6, 1e7, 1e8, 1e9)
"""Capital looked at by default, in quote currency."""


@dataclass(frozen=True)
class Capacity:
    """What a strategy earns with one capital, after costs.

    Attributes
    ----------
    capital : float
        At the start, in quote currency.
    sharpe : float or None
        Of active net returns from the session a beta is known, per year, as the gates judge them;
        None where they do not vary.
    net_return : float
        Mean net return a year, simple, as a fraction.
    cost : float
        Commission, spread and impact a year, as a fraction of equity.
    filled : float or None
        Value traded over value wanted; None where nothing was wanted.
    """

    capital: float
    sharpe: float | None
    net_return: float
    cost: float
    filled: float | None


@dataclass(frozen=True)
class Shortfall:
    """What separates a backtest from its paper portfolio, in quote currency; costs are positive.

    Attributes
    ----------
    delay : float
        From the close that decided to the open that traded, on what was traded.
    commission, spread, impact : float
        Of the trades.
    opportunity : float
        From the close that decided to the close after, on what was not traded.
    """

    delay: float
    commission: float
    spread: float
    impact: float
    opportunity: float

    @property
    def total(self) -> float:
        """Sum of the parts; negative where waiting paid."""
        return self.delay + self.commission + self.spread + self.impact + self.opportunity


def capacity_curve(
    opens: FloatArray,
    closes: FloatArray,
    volumes: FloatArray,
    weights: FloatArray,
    *,
    benchmark: FloatArray,
    capitals: Sequence[float] = CAPITALS,
    costs: Costs | None = None,
) -> tuple[Capacity, ...]:
    """Trade the same weights with more and more money.

    Impact and the participation cap grow with what is traded against the volume, so that from
    some capital on the strategy pays more than it earns, or cannot be traded at all.

    Parameters
    ----------
    opens, closes, volumes, weights : arrays of shape (n_obs, n_assets)
        As in `quant.backtest.backtest`.
    benchmark : array of shape (n_obs,)
        Simple returns of the universe's equal-weight holding, which ratios are active against.
    capitals : sequence of float
        Positive, in quote currency.
    costs : Costs, optional
        Of trading; the defaults if not given.

    Returns
    -------
    tuple of Capacity
        One for each capital, in order.

    Raises
    ------
    ValueError
        As `backtest`, or if there is no capital.

    References
    ----------
    Perold & Salomon (1991), "The right amount of assets under management", Financial Analysts
    Journal 47, 31-39.
    """
    if not capitals:
        raise ValueError("`capitals` must hold at least one amount, was empty.")
    costs = costs or Costs()
    told = []
    for capital in capitals:
        done = backtest(opens, closes, volumes, weights, costs=costs, capital=capital)
        told.append(_capacity(done, weights, opens, closes, benchmark, capital))
    return tuple(told)


def shortfall_of(
    result: Backtest,
    opens: FloatArray,
    closes: FloatArray,
    volumes: FloatArray,
    weights: FloatArray,
    *,
    costs: Costs,
    capital: float,
) -> Shortfall:
    """Split what a backtest lost between its decisions and its trades.

    Parameters
    ----------
    result : Backtest
        Of the other arguments.
    opens, closes, volumes, weights : arrays of shape (n_obs, n_assets)
        As in `quant.backtest.backtest`.
    costs : Costs
        As there.
    capital : float
        As there.

    Returns
    -------
    Shortfall
        Each decision is judged over the session after it: what was not traded then is decided
        anew at its close.

    References
    ----------
    Perold (1988), "The implementation shortfall: paper versus reality", Journal of Portfolio
    Management 14, 4-9; the parts as in `quant.execution_cost`.
    """
    trades = result.trades
    now, asset = trades.session, trades.asset
    marks = _last_known(closes)
    value = np.abs(trades.shares) * trades.price
    share = np.abs(trades.shares) / volumes[now, asset]
    left = _not_traded(result, marks, weights, capital)
    moved = np.zeros_like(left)
    moved[1:] = np.diff(marks, axis=0)
    return Shortfall(
        delay=float(np.sum(trades.shares * (trades.price - marks[now - 1, asset]))),
        commission=float(costs.commission_per_share * np.abs(trades.shares).sum()),
        spread=float(costs.half_spread_bps / 10_000.0 * value.sum()),
        impact=float(costs.impact * np.sum(value * share * share)),
        opportunity=float(np.nansum(left * moved)),
    )


def _not_traded(
    result: Backtest, marks: FloatArray, weights: FloatArray, capital: float
) -> FloatArray:
    """Shares wanted of each session and not traded in it."""
    held = np.vstack((np.zeros(weights.shape[1]), result.shares[:-1]))
    equity = np.concatenate(([capital], result.equity[:-1]))
    wanted = held.copy()
    decided = np.vstack((np.full(weights.shape[1], np.nan), weights[:-1]))
    price = np.vstack((np.full(weights.shape[1], np.nan), marks[:-1]))
    target = decided * equity[:, None] / price
    known = np.isfinite(target)
    wanted[known] = target[known]
    wanted[0] = 0.0
    traded = np.zeros_like(wanted)
    np.add.at(traded, (result.trades.session, result.trades.asset), result.trades.shares)
    return wanted - held - traded


def _capacity(
    done: Backtest,
    weights: FloatArray,
    opens: FloatArray,
    closes: FloatArray,
    benchmark: FloatArray,
    capital: float,
) -> Capacity:
    active = judged_returns(done.returns, benchmark)
    years = done.returns.size / SESSIONS_PER_YEAR
    before = np.concatenate(([capital], done.equity[:-1]))
    safe = np.where(before > 0.0, before, np.nan)
    prices = done.trades.price
    left = np.abs(_not_traded(done, _last_known(closes), weights, capital)) * np.nan_to_num(opens)
    traded = float(np.sum(np.abs(done.trades.shares) * prices))
    wanted = traded + float(left.sum())
    return Capacity(
        capital=float(capital),
        sharpe=sharpe_ratio(active) if active.size > 1 and varies(active) else None,
        net_return=float(done.returns.mean() * SESSIONS_PER_YEAR),
        cost=float(np.nansum(done.trades.cost / safe[done.trades.session]) / years),
        filled=traded / wanted if wanted > 0.0 else None,
    )


def _last_known(closes: FloatArray) -> FloatArray:
    """Closes with gaps filled by the last one before; NaN until the first."""
    known = np.where(np.isfinite(closes), np.arange(closes.shape[0])[:, None], 0)
    np.maximum.accumulate(known, axis=0, out=known)
    filled: FloatArray = np.take_along_axis(closes, known, axis=0)
    return filled
