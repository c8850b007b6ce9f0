"""Daily features of the spread and the price impact that daily bars reveal."""

from __future__ import annotations

import math

from quant.features.expressions import (
    Series,
    at_least,
    beta,
    change,
    covariance,
    exp,
    lag,
    larger,
    log,
    magnitude,
    mean,
    root,
    sign,
    smaller,
)
from quant.features.registry import Feature
from quant.features.terms import (
    CLOSE,
    DOLLARS,
    HIGH,
    LOG_CLOSE,
    LOG_HIGH,
    LOG_LOW,
    LOW,
    RETURN,
)


def spread() -> list[Feature]:
    """Return the estimates of spread and price impact from daily bars."""
    middle = (LOG_HIGH + LOG_LOW) / 2.0
    earlier_gap = lag(LOG_CLOSE) - lag(middle)
    abdi = 4.0 * mean(earlier_gap * (lag(LOG_CLOSE) - middle), 21)
    moves = change(LOG_CLOSE)
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


def impact() -> list[Feature]:
    """Return the estimates of illiquidity from returns and dollar volume."""
    impact_of = magnitude(RETURN) / DOLLARS
    signed_root = sign(RETURN) * root(DOLLARS * 1e-6)
    return [
        Feature("zero_return_share_63", "spread", 1.0 - mean(magnitude(sign(change(CLOSE))), 63),
                "share of 63 sessions that closed where the one before did",
                "Lesmond, Ogden & Trzcinka (1999), Review of Financial Studies 12, 1113-1141"),
        Feature("amihud_ratio_5_63", "spread", mean(impact_of, 5) / mean(impact_of, 63),
                "Amihud's illiquidity of 5 over that of 63 sessions",
                "Amihud (2002), Journal of Financial Markets 5, 31-56",
                "NaN when a session of the window had no volume, or none moved"),
        Feature("impact_63", "spread", beta(RETURN, signed_root, 63),
                "slope over 63 sessions of log returns on the signed root of million dollars",
                "Hasbrouck (2009), Journal of Finance 64, 1445-1477",
                "NaN when the window has no change"),
        Feature("return_reversal_63", "spread",
                beta(RETURN, lag(sign(RETURN) * DOLLARS / mean(DOLLARS, 63)), 63),
                "slope over 63 sessions of log returns on the earlier session's signed dollars, "
                "in mean sessions' dollars",
                "Pastor & Stambaugh (2003), Journal of Political Economy 111, 642-685",
                "NaN when the window has no change"),
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
