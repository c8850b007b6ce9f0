"""Daily features of volume, and of the spread and price impact that daily bars reveal."""

from __future__ import annotations

import math

from quant.features.expressions import (
    Series,
    at_least,
    change,
    correlation,
    covariance,
    exp,
    greater,
    lag,
    larger,
    log,
    magnitude,
    mean,
    root,
    sign,
    smaller,
    std,
    total,
)
from quant.features.registry import Feature
from quant.features.terms import (
    CLOSE,
    DOLLARS,
    HIGH,
    LOW,
    RETURN,
    TYPICAL,
    VOLUME,
)

_NO_TRADE = "NaN when nothing traded in the window"


def volume() -> list[Feature]:
    """Return the features of traded volume."""
    amount = log(VOLUME)
    flow = TYPICAL * VOLUME
    tie = TYPICAL * 1e-12  # equal sums of three quotes can differ in their last digit
    inflow = greater(change(TYPICAL), tie) * flow
    outflow = greater(change(TYPICAL) * -1.0, tie) * flow
    money_in, money_out = total(inflow, 14), total(outflow, 14)
    location = ((CLOSE - LOW) - (HIGH - CLOSE)) / (HIGH - LOW)
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
            "chaikin_flow_21", "volume", total(location * VOLUME, 21) / total(VOLUME, 21),
            "Chaikin money flow over 21 sessions, -1 … 1",
            "Chaikin (1982), in Bookstaber, The Complete Investment Book",
            "NaN when a high of the window equals its low, or nothing traded",
        ),
        Feature(
            "close_to_vwap_21", "volume", CLOSE * total(VOLUME, 21) / total(flow, 21) - 1.0,
            "close over the volume-weighted typical price of 21 sessions, less 1",
            policy=_NO_TRADE,
        ),
        Feature(
            "volume_return_correlation_21", "volume",
            correlation(RETURN, change(amount), 21),
            "correlation of log returns with changes of log volume over 21 sessions",
            policy=_NO_TRADE,
        ),
    ]  # fmt: skip


def spread() -> list[Feature]:
    """Return the estimates of spread and price impact from daily bars."""
    middle = (log(HIGH) + log(LOW)) / 2.0
    earlier_gap = lag(log(CLOSE)) - lag(middle)
    abdi = 4.0 * mean(earlier_gap * (lag(log(CLOSE)) - middle), 21)
    moves = change(log(CLOSE))
    return [
        Feature(
            "roll_spread_21", "spread",
            2.0 * root(at_least(covariance(moves, lag(moves), 21) * -1.0, 0.0)),
            "Roll's effective spread over 21 sessions, as a fraction of price",
            "Roll (1984), Journal of Finance 39, 1127-1139",
            "0 when the serial covariance is positive",
        ),
        Feature(
            "corwin_schultz_21", "spread", mean(at_least(_corwin_schultz(), 0.0), 21),
            "high-low spread over 21 sessions, as a fraction of price",
            "Corwin & Schultz (2012), Journal of Finance 67, 719-760",
            "a two-session estimate below 0 counts as 0",
        ),
        Feature(
            "abdi_ranaldo_21", "spread", root(at_least(abdi, 0.0)),
            "close-high-low spread over 21 sessions, as a fraction of price",
            "Abdi & Ranaldo (2017), Review of Financial Studies 30, 4437-4480",
            "0 when the mean of the products is negative",
        ),
        Feature(
            "amihud_21", "spread", 1e6 * mean(magnitude(RETURN) / DOLLARS, 21),
            "absolute log return per million dollars traded, mean of 21 sessions",
            "Amihud (2002), Journal of Financial Markets 5, 31-56",
            "NaN when a session of the window had no volume",
        ),
    ]  # fmt: skip


def _corwin_schultz() -> Series:
    """Spread from the highs and lows of two sessions, the overnight move taken out (section II.C).

    If the earlier close lies outside the later session's range, the later high and low are moved
    by the gap.
    """
    before = lag(CLOSE)
    rise = at_least(LOW - before, 0.0)
    fall = at_least(before - HIGH, 0.0)
    high, low = HIGH - rise + fall, LOW - rise + fall
    today, yesterday = log(high / low), log(lag(HIGH) / lag(LOW))
    both = log(larger(high, lag(HIGH)) / smaller(low, lag(LOW)))
    beta = today * today + yesterday * yesterday
    gamma = both * both
    k = 3.0 - 2.0 * math.sqrt(2.0)
    alpha = (root(2.0 * beta) - root(beta)) / k - root(gamma / k)
    return 2.0 * (exp(alpha) - 1.0) / (exp(alpha) + 1.0)
