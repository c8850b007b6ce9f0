"""What a curve of returns was worth: return, risk, drawdown and the trades behind it.

Returns are simple, per period, as fractions. Losses and drawdowns are positive. Ratios are per
year; `periods_per_year` is 252 for daily returns.
"""

from quant.performance.active import BETA_KNOWN_AFTER, active_returns, judged_returns
from quant.performance.drawdown import (
    calmar_ratio,
    current_drawdown,
    drawdowns,
    maximum_drawdown,
    scaled_drawdown,
)
from quant.performance.ratios import (
    annualised_volatility,
    downside_deviation,
    sharpe_ratio,
    sortino_ratio,
)
from quant.performance.returns import (
    SESSIONS_PER_YEAR,
    ToDate,
    annualised_return,
    returns_to_date,
    total_return,
)
from quant.performance.trades import TradeStatistics, closed_trades, trade_statistics, turnover

__all__ = [
    "BETA_KNOWN_AFTER",
    "SESSIONS_PER_YEAR",
    "ToDate",
    "TradeStatistics",
    "active_returns",
    "annualised_return",
    "annualised_volatility",
    "calmar_ratio",
    "closed_trades",
    "current_drawdown",
    "downside_deviation",
    "drawdowns",
    "judged_returns",
    "maximum_drawdown",
    "returns_to_date",
    "scaled_drawdown",
    "sharpe_ratio",
    "sortino_ratio",
    "total_return",
    "trade_statistics",
    "turnover",
]
