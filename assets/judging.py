"""What forecasts would have earned, and in which markets: the evidence that needs a backtest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from quant.backtest import Backtest, Costs, backtest, equal_weight_hold
from quant.features import DailyPanel
from quant.gates import regime_sharpes, regimes
from quant.models import Dataset, Hyperparameters
from quant.models.calibration import logistic
from quant.models.learners import Bench
from quant.models.paths import path_margins
from quant.performance import BETA_KNOWN_AFTER, closed_trades, judged_returns, sharpe_ratio
from quant.performance.returns import varies
from quant.signals import Policy, target_weight_panel
from quant.strategies import bars_of, members_of
from quant.typing import BoolArray, FloatArray

# Nine of ten paths must do better (`gates.toml`).
_PATH_PERCENTILE = 10.0
_FREE = Costs(half_spread_bps=0.0, impact=0.0, borrow_rate=0.0)


@dataclass(frozen=True)
class Market:
    """Prices the backtest trades at, of shape (n_sessions, n_symbols), on one adjusted basis.

    `members` says where a symbol belonged to the universe, whose holding trades are compared with;
    None where it always did.
    """

    opens: FloatArray
    closes: FloatArray
    volumes: FloatArray
    first_ordinal: int
    members: BoolArray | None = None
    _held: dict[tuple[int, int], FloatArray] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def held(self, span: slice) -> FloatArray:
        """Returns of the equal-weight holding of `span`, made once: trials share their sessions."""
        first, last, _ = span.indices(self.closes.shape[0])
        if (first, last) not in self._held:
            self._held[first, last] = equal_weight_hold(
                self.opens[span],
                self.closes[span],
                None if self.members is None else self.members[span],
            )
        return self._held[first, last]


def market_of(panel: DailyPanel) -> Market:
    """Return a panel's bars as what is traded in."""
    told = bars_of(panel)
    return Market(told.opens, told.closes, told.volumes, 0, members_of(panel))


@dataclass(frozen=True)
class Earned:
    """Daily net returns of trading forecasts, the active part of them, and when it was.

    ``profits`` is what each closed trade earned, in money net of its costs.
    ``span`` are the rows of the market that `active` covers: the first 63 sessions of trading
    are not among them, as no beta was known.
    """

    returns: FloatArray
    active: FloatArray
    profits: FloatArray
    span: slice


@dataclass(frozen=True)
class Traded:
    """Active daily returns of a trial, traded as the record that is judged is.

    ``net`` is after all costs, ``gross`` the same decisions at none; both begin with the session
    of ordinal ``first_session``.
    """

    net: FloatArray
    gross: FloatArray
    first_session: int


def earned(
    dataset: Dataset, market: Market, probability: FloatArray, margin: FloatArray, policy: Policy
) -> Earned:
    """Trade the forecasts from the first session that has one to the session after the last."""
    span, weights = decided(dataset, market, probability, margin, policy)
    closes = market.closes[span]
    result = backtest(market.opens[span], closes, market.volumes[span], weights)
    return Earned(
        returns=result.returns,
        active=_active(market, span, result),
        profits=profits(result, closes),
        span=slice(min(span.start + BETA_KNOWN_AFTER, span.stop), span.stop),
    )


def traded(dataset: Dataset, market: Market, margin: FloatArray, policy: Policy) -> Traded:
    """Trade a trial's forecasts; its probabilities are its own, calibrated by nobody."""
    span, weights = decided(dataset, market, logistic(margin), margin, policy)
    prices = market.opens[span], market.closes[span], market.volumes[span]
    net, gross = (
        _active(market, span, backtest(*prices, weights, costs=costs)) for costs in (None, _FREE)
    )
    return Traded(net, gross, market.first_ordinal + span.start + BETA_KNOWN_AFTER)


def profits(result: Backtest, closes: FloatArray) -> FloatArray:
    """Net profit of each closed trade; what a symbol left behind was cashed at its last close."""
    told = result.trades
    return closed_trades(told.asset, told.shares, told.price, told.cost, ended=_ended(closes))


def path_sharpes(
    dataset: Dataset,
    market: Market,
    settings: Hyperparameters,
    policy: Policy,
    *,
    n_rounds: int,
    seed: int,
    device: str,
    progress: Callable[[int, int], None],
    bench: Bench | None = None,
) -> FloatArray:
    """Yearly active Sharpe ratio of the configuration along each combinatorial path.

    Every fold grows as many rounds as the final model has: folds have no validation rows to
    stop by. The probabilities are the model's own: a map fitted to a path's outcomes would be
    fitted to what the path is judged on. A path that never trades has earned nothing: 0.
    """
    grown = replace(settings, n_rounds=max(1, n_rounds))
    margins = path_margins(dataset, grown, seed=seed, device=device, progress=progress, bench=bench)
    actives = (earned(dataset, market, logistic(m), m, policy).active for m in margins)
    return np.array([sharpe_ratio(a) if a.size > 1 and varies(a) else 0.0 for a in actives])


def tenth_percentile(sharpes: FloatArray) -> float:
    """The ratio that nine of ten paths exceed."""
    return float(np.percentile(sharpes, _PATH_PERCENTILE))


def sharpes_by_regime(market: Market, gained: Earned) -> dict[str, float | None]:
    """Yearly active Sharpe ratio in each regime of the universe's equal-weight holding."""
    whole = regimes(market.held(slice(None)))
    return regime_sharpes(gained.active, {n: s[gained.span] for n, s in whole.items()})


def worst_regime(sharpes: Mapping[str, float | None]) -> float | None:
    """The lowest of the ratios; unknown while one of them is."""
    known = [ratio for ratio in sharpes.values() if ratio is not None]
    return min(known) if known and len(known) == len(sharpes) else None


def _ended(closes: FloatArray) -> FloatArray:
    """Last close of each symbol whose prices end before the last session; NaN for the others."""
    known = np.isfinite(closes)
    last = closes.shape[0] - 1 - np.argmax(known[::-1], axis=0)
    gone = known.any(axis=0) & (last < closes.shape[0] - 1)
    ended: FloatArray = np.where(gone, closes[last, np.arange(closes.shape[1])], np.nan)
    return ended


def decided(
    dataset: Dataset, market: Market, probability: FloatArray, margin: FloatArray, policy: Policy
) -> tuple[slice, FloatArray]:
    """Return the rows of the market forecasts are traded in, and the weights they decide."""
    chances, ranks = (_grid(dataset, market, values) for values in (probability, margin))
    covered = np.flatnonzero(np.isfinite(chances).any(axis=1))
    span = slice(int(covered[0]), int(covered[-1]) + 2)
    return span, target_weight_panel(chances[span], policy=policy, rank_by=ranks[span])


def _active(market: Market, span: slice, result: Backtest) -> FloatArray:
    return judged_returns(result.returns, market.held(span))


def _grid(dataset: Dataset, market: Market, values: FloatArray) -> FloatArray:
    grid = np.full(market.opens.shape, np.nan)
    grid[dataset.sessions - market.first_ordinal, dataset.symbols] = values
    return grid
