"""The series that feature definitions start from, and smoothings they share."""

from __future__ import annotations

from typing import Final

from quant.features.expressions import (
    Series,
    at_least,
    change,
    given,
    lag,
    larger,
    log,
    mean,
    slope,
    smaller,
    weighted_mean,
)

YEAR: Final = 252.0  # sessions

# Prices adjusted forward for splits; figures on a level are ratios, so that they stand on the
# basis of their own session. Returns count dividends too.
_SPLIT = given("split_factor")
OPEN, HIGH, LOW, CLOSE = (given(name) * _SPLIT for name in ("open", "high", "low", "close"))
TOTAL = log(given("close") * given("return_factor"))
VOLUME = given("volume") / _SPLIT
DOLLARS = given("volume") * given("close")
RETURN = change(TOTAL)
LOG_OPEN, LOG_HIGH, LOG_LOW, LOG_CLOSE = (log(price) for price in (OPEN, HIGH, LOW, CLOSE))
LOG_VOLUME = log(VOLUME)
TRUE_RANGE = larger(HIGH, lag(CLOSE)) - smaller(LOW, lag(CLOSE))
TYPICAL = (HIGH + LOW + CLOSE) / 3.0
MEDIAN = (HIGH + LOW) / 2.0
DAY = given("session")
INDEX = log(given("index_close"))
ZERO = given("close") * 0.0


def ema(a: Series, span: int) -> Series:
    """Exponential mean of a span, over the last five spans at most 252 sessions."""
    return weighted_mean(a, alpha=2.0 / (span + 1.0), window=min(5 * span, 252))


def wilder(a: Series, periods: int) -> Series:
    """Wilder's smoothing (alpha = 1 / periods) over the last nine times as many sessions."""
    return weighted_mean(a, alpha=1.0 / periods, window=9 * periods)


def linear_mean(a: Series, window: int) -> Series:
    """Mean with weights 1 (oldest) … `window` (newest)."""
    return mean(a, window) + slope(a, window) * ((window - 1.0) / 6.0)


def positive(a: Series) -> Series:
    """Return the value where it is positive, else 0."""
    return at_least(a, 0.0)
