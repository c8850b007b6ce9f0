"""How much of a backtest is skill, and how much the number of things tried."""

from quant.overfitting.cscv import BacktestOverfitting, probability_of_backtest_overfitting
from quant.overfitting.sharpe import (
    VarianceAt,
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    minimum_backtest_length,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)

__all__ = [
    "BacktestOverfitting",
    "VarianceAt",
    "deflated_sharpe_ratio",
    "expected_maximum_sharpe",
    "minimum_backtest_length",
    "minimum_track_record_length",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
]
