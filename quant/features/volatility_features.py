"""Daily features of how far prices move: volatility and the shape of returns."""

from __future__ import annotations

import math

from quant.features.expressions import (
    Series,
    at_least,
    highest,
    kurtosis,
    lag,
    magnitude,
    mean,
    rank,
    root,
    skewness,
    std,
    total,
)
from quant.features.registry import Feature
from quant.features.terms import (
    CLOSE,
    HIGH,
    LOG_CLOSE,
    LOG_HIGH,
    LOG_LOW,
    LOG_OPEN,
    LOW,
    RETURN,
    TRUE_RANGE,
    YEAR,
    ema,
    wilder,
)

_CONSTANT = "NaN when the window is constant"


def volatility() -> list[Feature]:
    """Return the features of volatility: close to close, of ranges, and their changes."""
    year = math.sqrt(YEAR)
    body = LOG_CLOSE - LOG_OPEN
    span = LOG_HIGH - LOG_LOW
    garman_klass = 0.5 * span * span - (2.0 * math.log(2.0) - 1.0) * body * body
    rogers = _rogers_satchell()
    width = std(CLOSE, 20, ddof=0)
    return [
        *(
            Feature(
                f"volatility_{n}", "volatility", year * std(RETURN, n),
                f"standard deviation of log returns over {n} sessions, per year",
            )
            for n in (5, 10, 21, 63, 252)
        ),
        *(
            Feature(
                f"parkinson_{n}", "volatility",
                year * root(mean(span * span, n) / (4.0 * math.log(2.0))),
                f"volatility from highs and lows over {n} sessions, per year",
                "Parkinson (1980), Journal of Business 53, 61-65",
            )
            for n in (21, 63)
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
        *(
            Feature(
                f"yang_zhang_{n}", "volatility", year * root(_yang_zhang(n)),
                f"volatility with overnight gaps over {n} sessions, per year",
                "Yang & Zhang (2000), Journal of Business 73, 477-491",
            )
            for n in (21, 63)
        ),
        Feature(
            "atr_14", "volatility", wilder(TRUE_RANGE, 14) / CLOSE,
            "average true range over the close", "Wilder (1978)",
        ),
        Feature(
            "bollinger_20", "volatility", (CLOSE - mean(CLOSE, 20)) / width,
            "standard deviations of the close from its 20-session mean",
            "Bollinger (2001), Bollinger on Bollinger Bands", _CONSTANT,
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
                "skewness of log returns over 63 sessions",
                policy=_CONSTANT),
        Feature("kurtosis_63", "volatility", kurtosis(RETURN, 63),
                "kurtosis of log returns over 63 sessions (a normal has 3)",
                policy=_CONSTANT),
    ]  # fmt: skip


def bands() -> list[Feature]:
    """Return the features of bands around the close, and of ranges against their average."""
    atr = wilder(TRUE_RANGE, 14)
    width = std(CLOSE, 20, ddof=0)
    spread = HIGH - LOW
    slower = ema(ema(spread, 9), 9)
    return [
        Feature("bollinger_width_20", "volatility", 4.0 * width / mean(CLOSE, 20),
                "width of the Bollinger bands (2 deviations each way) over their middle",
                "Bollinger (2001), Bollinger on Bollinger Bands"),
        Feature("keltner_20", "volatility",
                (CLOSE - ema(CLOSE, 20)) / (2.0 * wilder(TRUE_RANGE, 10)),
                "close less its exponential mean (20), in Keltner bands of 2 true ranges (10)",
                "Keltner (1960), How to Make Money in Commodities", "NaN when prices never moved"),
        Feature("squeeze_20", "volatility", 2.0 * width / (1.5 * mean(TRUE_RANGE, 20)),
                "Bollinger over Keltner band width, 20 sessions; below 1 is a squeeze",
                "Carter (2005), Mastering the Trade", "NaN when prices never moved"),
        Feature("atr_ratio_5_21", "volatility", wilder(TRUE_RANGE, 5) / wilder(TRUE_RANGE, 21),
                "average true range of 5 over that of 21 sessions",
                policy="NaN when prices never moved"),
        Feature("range_to_atr_14", "volatility", TRUE_RANGE / lag(atr),
                "true range over the average true range (14) of the session before",
                policy="NaN when prices never moved"),
        Feature("mass_index_25", "volatility", total(ema(spread, 9) / slower, 25),
                "sum of 25 ratios of the once to the twice smoothed range (span 9)",
                "Dorsey (1992), Stocks & Commodities 10, 265-267",
                "NaN when prices never moved"),
    ]  # fmt: skip


def asymmetry() -> list[Feature]:
    """Return the features of falls against rises, of jumps, and of volatility's own level."""
    falls = at_least(RETURN * -1.0, 0.0)
    peak = highest(CLOSE, 14)
    depth = 100.0 * (CLOSE / peak - 1.0)
    calm = math.pi / 2.0 * mean(magnitude(RETURN) * magnitude(lag(RETURN)), 21)
    flat = "NaN when the window has no change"
    return [
        Feature("downside_deviation_63", "volatility",
                math.sqrt(YEAR) * root(mean(falls * falls, 63)),
                "root mean square of negative log returns over 63 sessions, per year",
                "Sortino & van der Meer (1991), Journal of Portfolio Management 17, 27-31"),
        Feature("downside_share_63", "volatility",
                total(falls * falls, 63) / total(RETURN * RETURN, 63),
                "negative returns' share of the realised variance of 63 sessions, 0 … 1",
                "Barndorff-Nielsen, Kinnebrock & Shephard (2010), in Volatility and Time Series "
                "Econometrics", flat),
        Feature("ulcer_index_14", "volatility", root(mean(depth * depth, 14)),
                "root mean square of the per cent below the 14-session high close, 14 sessions",
                "Martin & McCann (1989), The Investor's Guide to Fidelity Funds"),
        Feature("volatility_rank_126", "volatility", rank(std(RETURN, 21), 126),
                "share of the last 125 sessions with a lower 21-session volatility"),
        Feature("jump_share_21", "volatility",
                at_least(1.0 - calm / mean(RETURN * RETURN, 21), 0.0),
                "share of the realised variance of 21 sessions that bipower variation leaves out",
                "Barndorff-Nielsen & Shephard (2004), Journal of Financial Econometrics 2, 1-37",
                "0 where it is negative; NaN when the window has no change"),
    ]  # fmt: skip


def _rogers_satchell() -> Series:
    upper = (LOG_HIGH - LOG_CLOSE) * (LOG_HIGH - LOG_OPEN)
    return upper + (LOG_LOW - LOG_CLOSE) * (LOG_LOW - LOG_OPEN)


def _yang_zhang(n: int) -> Series:
    gap, body = LOG_OPEN - lag(LOG_CLOSE), LOG_CLOSE - LOG_OPEN
    share = 0.34 / (1.34 + (n + 1.0) / (n - 1.0))
    within = share * _variance(body, n) + (1.0 - share) * mean(_rogers_satchell(), n)
    return _variance(gap, n) + within


def _variance(a: Series, n: int) -> Series:
    return std(a, n) * std(a, n)
