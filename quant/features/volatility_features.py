"""Daily features of how far prices move: volatility and the shape of returns."""

from __future__ import annotations

import math

from quant.features.expressions import (
    Series,
    at_least,
    kurtosis,
    lag,
    log,
    mean,
    root,
    skewness,
    std,
)
from quant.features.registry import Feature
from quant.features.terms import CLOSE, HIGH, LOW, OPEN, RETURN, TRUE_RANGE, YEAR, wilder


def volatility() -> list[Feature]:
    """Return the features of volatility: close to close, of ranges, and their changes."""
    year = math.sqrt(YEAR)
    body = log(CLOSE / OPEN)
    span = log(HIGH / LOW)
    garman_klass = 0.5 * span * span - (2.0 * math.log(2.0) - 1.0) * body * body
    rogers = log(HIGH / CLOSE) * log(HIGH / OPEN) + log(LOW / CLOSE) * log(LOW / OPEN)
    gap = log(OPEN / lag(CLOSE))
    share = 0.34 / (1.34 + 22.0 / 20.0)
    yang = _variance(gap) + share * _variance(body) + (1.0 - share) * mean(rogers, 21)
    width = std(CLOSE, 20, ddof=0)
    return [
        *(
            Feature(
                f"volatility_{n}", "volatility", year * std(RETURN, n),
                f"standard deviation of log returns over {n} sessions, per year",
            )
            for n in (10, 21, 63, 252)
        ),
        Feature(
            "parkinson_21", "volatility",
            year * root(mean(span * span, 21) / (4.0 * math.log(2.0))),
            "volatility from highs and lows over 21 sessions, per year",
            "Parkinson (1980), Journal of Business 53, 61-65",
        ),
        Feature(
            "garman_klass_21", "volatility", year * root(mean(garman_klass, 21)),
            "volatility from open, high, low and close over 21 sessions, per year",
            "Garman & Klass (1980), Journal of Business 53, 67-78",
        ),
        Feature(
            "rogers_satchell_21", "volatility", year * root(at_least(mean(rogers, 21), 0.0)),
            "drift-free volatility over 21 sessions, per year",
            "Rogers & Satchell (1991), Annals of Applied Probability 1, 504-512",
        ),
        Feature(
            "yang_zhang_21", "volatility", year * root(yang),
            "volatility with overnight gaps over 21 sessions, per year",
            "Yang & Zhang (2000), Journal of Business 73, 477-491",
        ),
        Feature(
            "atr_14", "volatility", wilder(TRUE_RANGE, 14) / CLOSE,
            "average true range over the close", "Wilder (1978)",
        ),
        Feature(
            "bollinger_20", "volatility", (CLOSE - mean(CLOSE, 20)) / width,
            "standard deviations of the close from its 20-session mean",
            "Bollinger (2001), Bollinger on Bollinger Bands", "NaN when the window is constant",
        ),
        Feature(
            "volatility_ratio_21_63", "volatility", std(RETURN, 21) / std(RETURN, 63),
            "21-session over 63-session volatility",
        ),
        Feature(
            "volatility_of_volatility_63", "volatility", year * std(std(RETURN, 10), 63),
            "standard deviation over 63 sessions of the 10-session volatility, per year",
        ),
        Feature("skewness_63", "volatility", skewness(RETURN, 63),
                "skewness of log returns over 63 sessions"),
        Feature("kurtosis_63", "volatility", kurtosis(RETURN, 63),
                "kurtosis of log returns over 63 sessions (a normal has 3)"),
    ]  # fmt: skip


def _variance(a: Series) -> Series:
    return std(a, 21) * std(a, 21)
