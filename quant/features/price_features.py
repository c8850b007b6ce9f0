"""Daily features of price alone: returns, momentum and trend."""

from __future__ import annotations

from quant.features.expressions import (
    Series,
    change,
    greater,
    highest,
    lag,
    larger,
    log,
    lowest,
    magnitude,
    mean,
    mean_deviation,
    r_squared,
    rows_since_highest,
    rows_since_lowest,
    slope,
    total,
)
from quant.features.registry import Feature
from quant.features.terms import (
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    RETURN,
    TOTAL,
    TRUE_RANGE,
    TYPICAL,
    ZERO,
    ema,
    positive,
    wilder,
)


def returns() -> list[Feature]:
    """Return the features of returns: over horizons, overnight and within the session."""
    horizons = [
        Feature(
            f"return_{n}", "returns", change(TOTAL, n),
            f"log total return over {n} sessions",
        )
        for n in (1, 2, 3, 5, 10, 21, 63, 126, 252)
    ]  # fmt: skip
    return [
        *horizons,
        Feature(
            "return_252_skip_21", "returns", lag(TOTAL, 21) - lag(TOTAL, 252),
            "log total return from 252 to 21 sessions ago",
            "Jegadeesh & Titman (1993), Journal of Finance 48, 65-91",
        ),
        Feature(
            "overnight_return", "returns", RETURN - log(CLOSE / OPEN),
            "log total return from the previous close to the open",
        ),
        Feature(
            "session_return", "returns", log(CLOSE / OPEN), "log return from open to close",
        ),
        Feature(
            "close_in_range", "returns", (CLOSE - LOW) / (HIGH - LOW),
            "where the close lies between the low (0) and the high (1)",
            policy="NaN when high equals low",
        ),
    ]  # fmt: skip


def momentum() -> list[Feature]:
    """Return the features of momentum: oscillators and shares of gains."""
    stochastic = (CLOSE - lowest(LOW, 14)) / (highest(HIGH, 14) - lowest(LOW, 14))
    move, size = change(CLOSE), magnitude(change(CLOSE))
    wilder_78 = "Wilder (1978), New Concepts in Technical Trading Systems"
    flat = "NaN when the window has no range or no change"
    return [
        *(
            Feature(
                f"rsi_{n}", "momentum", _rsi(n),
                f"relative strength index over {n} sessions, 0 … 100", wilder_78, flat,
            )
            for n in (14, 21)
        ),
        Feature(
            "stochastic_14", "momentum", 100.0 * stochastic,
            "stochastic %K over 14 sessions, 0 … 100", "Lane (1984), Stocks & Commodities 2, 87-90",
            flat,
        ),
        Feature(
            "stochastic_d_14", "momentum", 100.0 * mean(stochastic, 3),
            "mean of %K over 3 sessions, 0 … 100", "Lane (1984), Stocks & Commodities 2, 87-90",
            flat,
        ),
        Feature(
            "cci_20", "momentum",
            (TYPICAL - mean(TYPICAL, 20)) / (0.015 * mean_deviation(TYPICAL, 20)),
            "commodity channel index over 20 sessions",
            "Lambert (1980), Commodities, October 40-41",
            flat,
        ),
        Feature(
            "tsi_25_13", "momentum", 100.0 * ema(ema(move, 25), 13) / ema(ema(size, 25), 13),
            "true strength index, spans 25 and 13, -100 … 100",
            "Blau (1991), Stocks & Commodities 9, 438-446", flat,
        ),
        Feature(
            "efficiency_21", "momentum", change(CLOSE, 21) / total(size, 21),
            "net change over the sum of absolute changes, 21 sessions, -1 … 1",
            "Kaufman (1995), Smarter Trading", flat,
        ),
        Feature(
            "up_share_21", "momentum", mean(greater(RETURN, ZERO), 21),
            "share of the last 21 sessions with a gain",
        ),
    ]  # fmt: skip


def trend() -> list[Feature]:
    """Return the features of trend."""
    up, down = change(HIGH), change(LOW) * -1.0
    plus = greater(up, larger(down, ZERO)) * up
    minus = greater(down, larger(up, ZERO)) * down
    atr = wilder(TRUE_RANGE, 14)
    plus_di, minus_di = 100.0 * wilder(plus, 14) / atr, 100.0 * wilder(minus, 14) / atr
    directional = 100.0 * magnitude(plus_di - minus_di) / (plus_di + minus_di)
    macd = ema(CLOSE, 12) - ema(CLOSE, 26)
    wilder_78 = "Wilder (1978), New Concepts in Technical Trading Systems"
    appel = "Appel (1979), The Moving Average Convergence-Divergence Trading Method"
    chande = "Chande (1995), Stocks & Commodities 13, 369-374"
    return [
        *(
            Feature(
                f"close_to_sma_{n}", "trend", CLOSE / mean(CLOSE, n) - 1.0,
                f"close over its {n}-session mean, less 1",
            )
            for n in (10, 20, 50, 200)
        ),
        *(
            Feature(
                f"close_to_ema_{n}", "trend", CLOSE / ema(CLOSE, n) - 1.0,
                f"close over its exponential mean of span {n}, less 1",
            )
            for n in (20, 50)
        ),
        Feature("macd", "trend", macd / CLOSE, "MACD line (12, 26) over the close", appel),
        Feature(
            "macd_histogram", "trend", (macd - ema(macd, 9)) / CLOSE,
            "MACD line less its signal (9), over the close", appel,
        ),
        Feature("adx_14", "trend", wilder(directional, 14),
                "average directional index, 0 … 100", wilder_78),
        Feature("di_difference_14", "trend", plus_di - minus_di,
                "positive less negative directional indicator, -100 … 100", wilder_78),
        Feature(
            "aroon_25", "trend", 4.0 * (rows_since_lowest(LOW, 26) - rows_since_highest(HIGH, 26)),
            "Aroon oscillator over 25 sessions, -100 … 100", chande,
        ),
        *(
            Feature(
                f"trend_slope_{n}", "trend", slope(log(CLOSE), n),
                f"least-squares slope of the log close over {n} sessions, per session",
            )
            for n in (21, 63)
        ),
        Feature(
            "trend_r_squared_63", "trend", r_squared(log(CLOSE), 63),
            "R-squared of the log close against time over 63 sessions",
            policy="NaN when the window is constant",
        ),
        Feature(
            "below_high_252", "trend", CLOSE / highest(HIGH, 252) - 1.0,
            "close over the 252-session high, less 1",
            "George & Hwang (2004), Journal of Finance 59, 2145-2176",
        ),
    ]  # fmt: skip


def _rsi(periods: int) -> Series:
    gain = wilder(positive(change(CLOSE)), periods)
    loss = wilder(positive(change(CLOSE) * -1.0), periods)
    return 100.0 * gain / (gain + loss)
