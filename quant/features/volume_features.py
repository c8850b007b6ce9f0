"""Daily features of traded volume."""

from __future__ import annotations

from quant.features.expressions import (
    Series,
    change,
    correlation,
    greater,
    highest,
    log,
    mean,
    sign,
    slope,
    std,
    total,
)
from quant.features.registry import Feature
from quant.features.terms import (
    CLOSE,
    DOLLARS,
    HIGH,
    LOG_HIGH,
    LOG_LOW,
    LOG_VOLUME,
    LOW,
    MEDIAN,
    RETURN,
    TYPICAL,
    VOLUME,
    ema,
    linear_mean,
)

_NO_TRADE = "NaN when nothing traded in the window"


def volume() -> list[Feature]:
    """Return the features of traded volume."""
    amount = LOG_VOLUME
    flow = TYPICAL * VOLUME
    tie = TYPICAL * 1e-12  # equal sums of three quotes can differ in their last digit
    inflow = greater(change(TYPICAL), tie) * flow
    outflow = greater(change(TYPICAL) * -1.0, tie) * flow
    money_in, money_out = total(inflow, 14), total(outflow, 14)
    return [
        *(
            Feature(
                f"volume_z_{n}", "volume", (amount - mean(amount, n)) / std(amount, n),
                f"log volume in standard deviations from its {n}-session mean",
                policy="NaN when nothing traded in the window",
            )
            for n in (21, 63)
        ),
        Feature(
            "volume_trend_5_63", "volume", mean(VOLUME, 5) / mean(VOLUME, 63),
            "mean volume of 5 sessions over that of 63", policy=_NO_TRADE,
        ),
        Feature(
            "log_dollar_volume_21", "volume", log(mean(DOLLARS, 21)),
            "log of the mean dollar volume over 21 sessions", policy=_NO_TRADE,
        ),
        Feature(
            "mfi_14", "volume", 100.0 * money_in / (money_in + money_out),
            "money flow index over 14 sessions, 0 … 100",
            "Quong & Soudack (1989), Stocks & Commodities 7, 76-77", _NO_TRADE,
        ),
        Feature(
            "on_balance_21", "volume",
            total(sign(change(CLOSE)) * VOLUME, 21) / total(VOLUME, 21),
            "volume signed by the session's direction over volume, 21 sessions, -1 … 1",
            "Granville (1963), New Key to Stock Market Profits", _NO_TRADE,
        ),
        Feature(
            "chaikin_flow_21", "volume", total(_accumulated(), 21) / total(VOLUME, 21),
            "Chaikin money flow over 21 sessions, -1 … 1",
            "Chaikin (1982), in Bookstaber, The Complete Investment Book",
            "NaN when a high of the window equals its low, or nothing traded",
        ),
        *(
            Feature(
                f"close_to_vwap_{n}", "volume", CLOSE * total(VOLUME, n) / total(flow, n) - 1.0,
                f"close over the volume-weighted typical price of {n} sessions, less 1",
                policy=_NO_TRADE,
            )
            for n in (5, 21)
        ),
        Feature(
            "volume_return_correlation_21", "volume",
            correlation(RETURN, change(amount), 21),
            "correlation of log returns with changes of log volume over 21 sessions",
            policy=_NO_TRADE,
        ),
    ]  # fmt: skip


def flows() -> list[Feature]:
    """Return the features of volume signed or weighted by prices, in the window's mean volume."""
    usual = mean(VOLUME, 21)
    signed = sign(change(CLOSE)) * VOLUME
    pace = change(MEDIAN) / CLOSE * ((HIGH - LOW) / CLOSE) / VOLUME
    return [
        Feature("relative_volume_21", "volume", VOLUME / usual,
                "volume over its 21-session mean", policy=_NO_TRADE),
        # A line less its mean is a weighted sum of its last steps: no start of the line needed.
        Feature("obv_to_mean_21", "volume", 10.0 * linear_mean(signed, 20) / usual,
                "on-balance volume less its 21-session mean, in mean sessions of volume",
                "Granville (1963), New Key to Stock Market Profits", _NO_TRADE),
        Feature("chaikin_oscillator_3_10", "volume",
                (4.5 * ema(_accumulated(), 10) - ema(_accumulated(), 3)) / usual,
                "3-span less 10-span mean of the accumulation line, in mean sessions of volume",
                "Chaikin (1982), in Bookstaber, The Complete Investment Book",
                "NaN when a high of the window equals its low, or nothing traded"),
        Feature("force_index_13", "volume",
                ema(change(CLOSE) * VOLUME, 13) / (CLOSE * usual),
                "Elder's force index (span 13) over close times mean volume",
                "Elder (1993), Trading for a Living", _NO_TRADE),
        Feature("ease_of_movement_14", "volume", 1e4 * mean(pace, 14) * mean(VOLUME, 14),
                "ease of movement over 14 sessions, in squared per cent per mean session's volume",
                "Arms (1989), The Arms Index", "NaN when a session of the window had no volume"),
        Feature("volume_weighted_return_21", "volume",
                total(RETURN * VOLUME, 21) / total(VOLUME, 21),
                "volume-weighted mean of 21 sessions' log returns", policy=_NO_TRADE),
        Feature("volume_slope_21", "volume", slope(LOG_VOLUME, 21),
                "least-squares slope of log volume over 21 sessions, per session",
                policy="NaN when a session of the window had no volume"),
        Feature("volume_range_correlation_63", "volume",
                correlation(LOG_VOLUME, LOG_HIGH - LOG_LOW, 63),
                "correlation of log volume with the log of high over low, 63 sessions",
                policy="NaN when one is constant, or a session had no volume"),
        Feature("volume_concentration_21", "volume", highest(VOLUME, 21) / total(VOLUME, 21),
                "largest volume's share of that of 21 sessions", policy=_NO_TRADE),
    ]  # fmt: skip


def _accumulated() -> Series:
    """What a session adds to the accumulation line: volume by where in the range it closed."""
    return ((CLOSE - LOW) - (HIGH - CLOSE)) / (HIGH - LOW) * VOLUME
