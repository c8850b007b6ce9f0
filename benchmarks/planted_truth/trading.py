"""What forecasts earn, as `assets.judging.earned` tells it, for many forecasts of one market.

The same steps with the same figures (a test holds the two side by side); what does not depend on
the forecasts is worked out once, and sessions are taken together instead of one by one.
"""

from functools import cached_property

import numpy as np

from assets.judging import Earned, Market, profits
from quant.backtest import Backtest, Costs, backtest
from quant.models import Dataset
from quant.models.calibration import logistic
from quant.performance import sharpe_ratio
from quant.performance.returns import varies
from quant.signals import Policy
from quant.typing import Float64Array, FloatArray, IntArray

_BETA_WINDOW, _BETA_KNOWN_AFTER = 252, 63
_FREE = Costs(half_spread_bps=0.0, impact=0.0, borrow_rate=0.0)


class Trading:
    """A market to trade forecasts of a dataset's rows in."""

    def __init__(self, dataset: Dataset, market: Market, policy: Policy) -> None:
        if policy.kind != "top_k" or policy.long_short:
            raise ValueError(f"only the desk's own long top-k policy is spread out here: {policy}.")
        self._rows = (dataset.sessions - market.first_ordinal, dataset.symbols)
        self._market = market
        self._policy = policy
        self._held: dict[tuple[int, int], Float64Array] = {}

    @cached_property
    def holding(self) -> Float64Array:
        """Returns of the equal-weight holding over the whole market."""
        return holding(self._market.opens, self._market.closes)

    def earned(self, probability: FloatArray, margin: FloatArray) -> Earned:
        """Trade forecasts from the first session that has one to the session after the last."""
        span, decided = self._decided(probability, margin)
        result = self._run(span, decided, None)
        return Earned(
            returns=result.returns,
            active=self._active(span, result),
            profits=profits(result, self._market.closes[span]),
            span=slice(min(span.start + _BETA_KNOWN_AFTER, span.stop), span.stop),
        )

    def traded(self, margin: FloatArray) -> tuple[Float64Array, Float64Array]:
        """Active returns of a trial before costs and net, as `assets.judging.traded` has them."""
        span, decided = self._decided(logistic(margin), margin)
        gross, net = (
            self._active(span, self._run(span, decided, costs)) for costs in (_FREE, None)
        )
        return gross, net

    def sharpe(self, probability: FloatArray, margin: FloatArray) -> float:
        """Yearly Sharpe ratio of active net returns; 0 for forecasts that never trade."""
        active = self.earned(probability, margin).active
        return sharpe_ratio(active) if active.size > 1 and varies(active) else 0.0

    def _decided(self, probability: FloatArray, margin: FloatArray) -> tuple[slice, Float64Array]:
        chances, ranks = (self._grid(values) for values in (probability, margin))
        covered = np.flatnonzero(np.isfinite(chances).any(axis=1))
        span = slice(int(covered[0]), int(covered[-1]) + 2)
        return span, weights(chances[span], ranks[span], self._policy)

    def _run(self, span: slice, decided: FloatArray, costs: Costs | None) -> Backtest:
        told = self._market
        prices = told.opens[span], told.closes[span], told.volumes[span]
        return backtest(*prices, decided, costs=costs)

    def _active(self, span: slice, result: Backtest) -> Float64Array:
        return active_returns(result.returns, self._holding_over(span))[_BETA_KNOWN_AFTER:]

    def _holding_over(self, span: slice) -> Float64Array:
        key = (span.start, span.stop)
        if key not in self._held:
            market = self._market
            self._held[key] = holding(market.opens[span], market.closes[span])
        return self._held[key]

    def _grid(self, values: FloatArray) -> Float64Array:
        grid = np.full(self._market.opens.shape, np.nan)
        grid[self._rows] = values
        return grid


def weights(chances: FloatArray, ranks: FloatArray, policy: Policy) -> Float64Array:
    """Target weights (n_obs, n_symbols), as `quant.signals.target_weight_panel` has them."""
    places = np.broadcast_to(np.arange(chances.shape[1]), chances.shape)
    best = np.lexsort((places, -np.nan_to_num(ranks), -chances), axis=-1)[:, : policy.k]
    wanted = np.take_along_axis(chances, best, axis=1) >= policy.threshold
    given = np.zeros(chances.shape)
    each = min(policy.gross / policy.k, policy.position)
    np.put_along_axis(given, best, np.where(wanted, each, 0.0), axis=1)
    return given


def holding(opens: FloatArray, closes: FloatArray) -> Float64Array:
    """Returns of equal money held from the second open on; nobody joins, leaves or pauses."""
    value = np.concatenate(([1.0], (closes[1:] / opens[1]).mean(axis=1)))
    earned = np.zeros(value.size)
    earned[1:] = value[1:] / value[:-1] - 1.0
    return earned


def active_returns(returns: FloatArray, held: FloatArray) -> Float64Array:
    """Returns beyond the trailing beta times the holding, as `quant.performance` has them."""
    first = np.maximum(np.arange(returns.size) - _BETA_WINDOW, 0)
    count = np.maximum(np.arange(returns.size) - first, 1)
    own, base, cross, square = (
        _before(values, first) for values in (returns, held, returns * held, held**2)
    )
    spread = np.maximum(square - base**2 / count, 1e-300)
    beta = (cross - own * base / count) / spread
    beta[:_BETA_KNOWN_AFTER] = 1.0
    active: Float64Array = returns - beta * held
    return active


def _before(values: FloatArray, first: IntArray) -> Float64Array:
    """Sum of the values from `first` to the one before, for each place."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    total: Float64Array = sums[:-1] - sums[first]
    return total
