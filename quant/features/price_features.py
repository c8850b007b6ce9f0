"""Daily features of price alone: returns and momentum."""

from __future__ import annotations

from quant.features.expressions import (
    Series,
    change,
    greater,
    highest,
    lag,
    lowest,
    magnitude,
    mean,
    mean_deviation,
    smaller,
    std,
    total,
)
from quant.features.registry import Feature
from quant.features.terms import (
    CLOSE,
    HIGH,
    LOG_CLOSE,
    LOG_OPEN,
    LOW,
    MEDIAN,
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
            "overnight_return", "returns", RETURN - (LOG_CLOSE - LOG_OPEN),
            "log total return from the previous close to the open",
        ),
        Feature(
            "session_return", "returns", LOG_CLOSE - LOG_OPEN, "log return from open to close",
        ),
        Feature(
            "close_in_range", "returns", (CLOSE - LOW) / (HIGH - LOW),
            "where the close lies between the low (0) and the high (1)",
            policy="NaN when high equals low",
        ),
        Feature(
            "overnight_return_21", "returns", total(RETURN - (LOG_CLOSE - LOG_OPEN), 21),
            "sum of the log returns from close to open over 21 sessions",
            "Lou, Polk & Skouras (2019), Journal of Financial Economics 134, 192-213",
        ),
        Feature("max_return_21", "returns", highest(RETURN, 21),
                "largest log total return of 21 sessions",
                "Bali, Cakici & Whitelaw (2011), Journal of Financial Economics 99, 427-446"),
        Feature("min_return_21", "returns", lowest(RETURN, 21),
                "smallest log total return of 21 sessions"),
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
            for n in (5, 14, 21)
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


def oscillators() -> list[Feature]:
    """Return the further oscillators of momentum."""
    flat = "NaN when the window has no range or no change"
    strength = _rsi(14)
    size = magnitude(change(CLOSE))
    return [
        Feature("williams_r_21", "momentum",
                -100.0 * (highest(HIGH, 21) - CLOSE) / (highest(HIGH, 21) - lowest(LOW, 21)),
                "Williams %R over 21 sessions, -100 … 0",
                "Williams (1973), How I Made One Million Dollars Last Year Trading Commodities",
                flat),
        Feature("cmo_9", "momentum", 100.0 * change(CLOSE, 9) / total(size, 9),
                "Chande momentum oscillator over 9 sessions (plain sums), -100 … 100",
                "Chande & Kroll (1994), The New Technical Trader", flat),
        Feature("ultimate_oscillator", "momentum", _ultimate(),
                "ultimate oscillator of 7, 14 and 28 sessions, 0 … 100",
                "Williams (1985), Stocks & Commodities 3, 140-141", flat),
        Feature("stochastic_rsi_14", "momentum",
                100.0 * (strength - lowest(strength, 14))
                / (highest(strength, 14) - lowest(strength, 14)),
                "where the RSI (14) lies in its range of 14 sessions, 0 … 100",
                "Chande & Kroll (1994), The New Technical Trader", flat),
        Feature("balance_of_power_14", "momentum", mean((CLOSE - OPEN) / (HIGH - LOW), 14),
                "mean over 14 sessions of close less open over high less low, -1 … 1",
                "Livshin (2001), Stocks & Commodities 19", "NaN when a high equals its low"),
        Feature("awesome_5_34", "momentum", (mean(MEDIAN, 5) - mean(MEDIAN, 34)) / CLOSE,
                "5-session less 34-session mean of the mid-range, over the close",
                "Williams (1998), New Trading Dimensions"),
        Feature("trix_15", "momentum", 100.0 * (_thrice_15() / lag(_thrice_15()) - 1.0),
                "change of the thrice smoothed close (span 15), per cent a session",
                "Hutson (1983), Stocks & Commodities 1"),
        Feature("vortex_14", "momentum", _vortex(14),
                "positive less negative vortex indicator over 14 sessions",
                "Botes & Siepman (2010), Stocks & Commodities 28", flat),
        Feature("return_acceleration_21", "momentum",
                change(TOTAL, 21) - lag(change(TOTAL, 21), 21),
                "21-session log return less that of the 21 sessions before"),
        Feature("return_to_volatility_126", "momentum",
                mean(RETURN, 126) / std(RETURN, 126),
                "mean over standard deviation of log returns, 126 sessions",
                policy="NaN when the window has no change"),
    ]  # fmt: skip


def _ultimate() -> Series:
    pressure = CLOSE - smaller(LOW, lag(CLOSE))
    shares = [total(pressure, n) / total(TRUE_RANGE, n) for n in (7, 14, 28)]
    return 100.0 / 7.0 * (4.0 * shares[0] + 2.0 * shares[1] + shares[2])


def _thrice_15() -> Series:
    return ema(ema(ema(CLOSE, 15), 15), 15)


def _vortex(n: int) -> Series:
    rising = total(magnitude(HIGH - lag(LOW)), n)
    falling = total(magnitude(LOW - lag(HIGH)), n)
    return (rising - falling) / total(TRUE_RANGE, n)


def _rsi(periods: int) -> Series:
    gain = wilder(positive(change(CLOSE)), periods)
    loss = wilder(positive(change(CLOSE) * -1.0), periods)
    return 100.0 * gain / (gain + loss)
