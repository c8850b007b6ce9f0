"""Daily features of trend: averages, directional movement, regressions on time."""

from __future__ import annotations

import math

from quant.features.expressions import (
    Series,
    change,
    correlation,
    greater,
    highest,
    lag,
    larger,
    log,
    lowest,
    magnitude,
    mean,
    r_squared,
    root,
    rows_since_highest,
    rows_since_lowest,
    slope,
    std,
    total,
)
from quant.features.registry import Feature
from quant.features.terms import (
    CLOSE,
    HIGH,
    LOG_CLOSE,
    LOW,
    RETURN,
    TOTAL,
    TRUE_RANGE,
    ZERO,
    ema,
    linear_mean,
    wilder,
)

_WILDER = "Wilder (1978), New Concepts in Technical Trading Systems"
_CHANDE = "Chande (1995), Stocks & Commodities 13, 369-374"
_CONSTANT = "NaN when the window is constant"
_STILL = "NaN when prices never moved"


def averages() -> list[Feature]:
    """Return the distances of the close from its averages, and of averages from each other."""
    macd = ema(CLOSE, 12) - ema(CLOSE, 26)
    appel = "Appel (1979), The Moving Average Convergence-Divergence Trading Method"
    twice = 2.0 * ema(CLOSE, 20) - ema(ema(CLOSE, 20), 20)
    return [
        *(
            Feature(
                f"close_to_sma_{n}", "trend", CLOSE / mean(CLOSE, n) - 1.0,
                f"close over its {n}-session mean, less 1",
            )
            for n in (10, 20, 50, 100, 200)
        ),
        Feature("sma_50_to_200", "trend", mean(CLOSE, 50) / mean(CLOSE, 200) - 1.0,
                "50-session over 200-session mean of the close, less 1"),
        *(
            Feature(
                f"close_to_ema_{n}", "trend", CLOSE / ema(CLOSE, n) - 1.0,
                f"close over its exponential mean of span {n}, less 1",
            )
            for n in (20, 50, 100)
        ),
        Feature("close_to_wma_20", "trend", CLOSE / linear_mean(CLOSE, 20) - 1.0,
                "close over its linearly weighted mean of 20 sessions, less 1"),
        Feature("close_to_dema_20", "trend", CLOSE / twice - 1.0,
                "close over its double exponential mean of span 20, less 1",
                "Mulloy (1994), Stocks & Commodities 12, 11-19"),
        Feature("macd", "trend", macd / CLOSE, "MACD line (12, 26) over the close", appel),
        Feature(
            "macd_histogram", "trend", (macd - ema(macd, 9)) / CLOSE,
            "MACD line less its signal (9), over the close", appel,
        ),
        Feature("ichimoku_9_26", "trend", _middle(9) / _middle(26) - 1.0,
                "middle of the 9-session range over that of the 26-session range, less 1",
                "Hosoda (1969), Ichimoku Kinko Hyo"),
    ]  # fmt: skip


def direction() -> list[Feature]:
    """Return the features of directional movement and of the age of extremes."""
    plus_di, minus_di = _directional(14)
    index = 100.0 * magnitude(plus_di - minus_di) / (plus_di + minus_di)
    return [
        Feature("adx_14", "trend", wilder(index, 14),
                "average directional index, 0 … 100", _WILDER, _STILL),
        Feature("di_difference_14", "trend", plus_di - minus_di,
                "positive less negative directional indicator, -100 … 100", _WILDER, _STILL),
        Feature("dx_14", "trend", index, "directional index, not averaged, 0 … 100", _WILDER,
                _STILL),
        Feature(
            "aroon_25", "trend", 4.0 * (rows_since_lowest(LOW, 26) - rows_since_highest(HIGH, 26)),
            "Aroon oscillator over 25 sessions, -100 … 100", _CHANDE,
        ),
        Feature("aroon_up_25", "trend", 100.0 - 4.0 * rows_since_highest(HIGH, 26),
                "Aroon up over 25 sessions, 0 … 100", _CHANDE),
        Feature("below_high_252", "trend", CLOSE / highest(HIGH, 252) - 1.0,
                "close over the 252-session high, less 1",
                "George & Hwang (2004), Journal of Finance 59, 2145-2176"),
        Feature("above_low_252", "trend", CLOSE / lowest(LOW, 252) - 1.0,
                "close over the 252-session low, less 1"),
        Feature("sessions_since_high_252", "trend", rows_since_highest(HIGH, 252),
                "sessions since the highest high of 252, 0 … 251"),
        Feature("choppiness_14", "trend", _choppiness(14),
                "choppiness index over 14 sessions, 0 (a straight line) … 100",
                "Dreiss (1993), Futures 22", "NaN when the window has no range"),
    ]  # fmt: skip


def regression() -> list[Feature]:
    """Return the features of regressions on time, and of how returns depend on earlier ones."""
    five = std(change(TOTAL, 5), 126)
    return [
        *(
            Feature(
                f"trend_slope_{n}", "trend", slope(LOG_CLOSE, n),
                f"least-squares slope of the log close over {n} sessions, per session",
            )
            for n in (21, 63)
        ),
        *(
            Feature(
                f"trend_r_squared_{n}", "trend", r_squared(LOG_CLOSE, n),
                f"R-squared of the log close against time over {n} sessions", policy=_CONSTANT,
            )
            for n in (21, 63)
        ),
        Feature("trend_residual_63", "trend", _residual(LOG_CLOSE, 63),
                "log close less the 63-session line's end, in residual standard deviations",
                policy="NaN when the window is a straight line"),
        Feature("variance_ratio_5_126", "trend",
                five * five / (5.0 * (std(RETURN, 126) * std(RETURN, 126))),
                "variance of 5-session over 5 times that of 1-session log returns, 126 sessions",
                "Lo & MacKinlay (1988), Review of Financial Studies 1, 41-66", _CONSTANT),
        Feature("autocorrelation_63", "trend", correlation(RETURN, lag(RETURN), 63),
                "correlation of log returns with the session before's, 63 sessions",
                policy=_CONSTANT),
    ]  # fmt: skip


def _middle(n: int) -> Series:
    return (highest(HIGH, n) + lowest(LOW, n)) / 2.0


def _directional(n: int) -> tuple[Series, Series]:
    up, down = change(HIGH), change(LOW) * -1.0
    plus = greater(up, larger(down, ZERO)) * up
    minus = greater(down, larger(up, ZERO)) * down
    ranges = wilder(TRUE_RANGE, n)
    return 100.0 * wilder(plus, n) / ranges, 100.0 * wilder(minus, n) / ranges


def _choppiness(n: int) -> Series:
    path = total(TRUE_RANGE, n) / (highest(HIGH, n) - lowest(LOW, n))
    return 100.0 / math.log(n) * log(path)


def _residual(a: Series, n: int) -> Series:
    end = mean(a, n) + slope(a, n) * ((n - 1.0) / 2.0)
    return (a - end) / (std(a, n, ddof=0) * root(1.0 - r_squared(a, n)))
