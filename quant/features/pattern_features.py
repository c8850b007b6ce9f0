"""Daily features of candlestick patterns, by the definitions of TA-Lib.

Each is 100 (a bullish or plain pattern), −100 (bearish) or 0; engulfing and harami count 80 where
one end of the two bodies coincides. A candle is long or short, a shadow very short, two prices
near, by comparison with the mean body or range of the candles before it: TA-Lib's own settings.
"""

from __future__ import annotations

from quant.features.expressions import (
    Series,
    greater,
    lag,
    larger,
    magnitude,
    mean,
    smaller,
)
from quant.features.registry import Feature
from quant.features.terms import CLOSE, HIGH, LOW, OPEN, ZERO

_SOURCE = "Nison (1991), Japanese Candlestick Charting Techniques; thresholds of TA-Lib 0.6"

TOP, BOTTOM = larger(OPEN, CLOSE), smaller(OPEN, CLOSE)
BODY = magnitude(CLOSE - OPEN)
UPPER, LOWER = HIGH - TOP, BOTTOM - LOW
BLACK = greater(OPEN, CLOSE)
WHITE = 1.0 - BLACK
COLOUR = WHITE - BLACK
# What a candle is compared with: means of the candles before it.
USUAL_BODY = lag(mean(BODY, 10))
USUAL_RANGE = lag(mean(HIGH - LOW, 10))
NEAR = 0.2 * lag(mean(HIGH - LOW, 5))
FAR = 0.6 * lag(mean(HIGH - LOW, 5))
VERY_SHORT = 0.1 * USUAL_RANGE
LONG_BODY = greater(BODY, USUAL_BODY)
SHORT_BODY = greater(USUAL_BODY, BODY)
NOT_LONG = 1.0 - LONG_BODY


def every(*conditions: Series) -> Series:
    """1 where all conditions are 1, else 0."""
    result = conditions[0]
    for condition in conditions[1:]:
        result = result * condition
    return result


def at_most(a: Series, b: Series) -> Series:
    """1 where a ≤ b, else 0."""
    return 1.0 - greater(a, b)


def patterns() -> list[Feature]:
    """Return the candlestick patterns."""
    figures = _dojis() | _single() | _pairs() | _stars() | _three()
    return [
        Feature(name, "pattern", 100.0 * figure, meaning, _SOURCE)
        for name, (figure, meaning) in figures.items()
    ]


_Figures = dict[str, tuple[Series, str]]


def _dojis() -> _Figures:
    doji = at_most(BODY, VERY_SHORT)
    no_upper, no_lower = greater(VERY_SHORT, UPPER), greater(VERY_SHORT, LOWER)
    some_upper, some_lower = greater(UPPER, VERY_SHORT), greater(LOWER, VERY_SHORT)
    long_shadow = larger(greater(LOWER, BODY), greater(UPPER, BODY))
    return {
        "doji": (doji, "doji: open and close about equal, 0 or 100"),
        "dragonfly_doji": (every(doji, no_upper, some_lower),
                           "doji with a lower shadow alone, 0 or 100"),
        "gravestone_doji": (every(doji, no_lower, some_upper),
                            "doji with an upper shadow alone, 0 or 100"),
        "long_legged_doji": (every(doji, long_shadow), "doji with a long shadow, 0 or 100"),
    }  # fmt: skip


def _single() -> _Figures:
    no_upper, no_lower = greater(VERY_SHORT, UPPER), greater(VERY_SHORT, LOWER)
    long_upper, long_lower = greater(UPPER, BODY), greater(LOWER, BODY)
    hanging = every(SHORT_BODY, long_lower, no_upper)
    shooting = every(SHORT_BODY, long_upper, no_lower)
    low_down = at_most(BOTTOM, lag(LOW + NEAR))
    high_up = 1.0 - greater(lag(HIGH - NEAR), BOTTOM)
    gap_down, gap_up = greater(lag(BOTTOM), TOP), greater(BOTTOM, lag(TOP))
    held = larger(WHITE * no_lower, BLACK * no_upper)
    return {
        "hammer": (every(hanging, low_down), "hammer, 0 or 100"),
        "hanging_man": (every(hanging, high_up) * -1.0, "hanging man, -100 or 0"),
        "inverted_hammer": (every(shooting, gap_down), "inverted hammer, 0 or 100"),
        "shooting_star": (every(shooting, gap_up) * -1.0, "shooting star, -100 or 0"),
        "marubozu": (every(LONG_BODY, no_upper, no_lower) * COLOUR,
                     "marubozu: a long body without shadows, by its colour, -100 … 100"),
        "spinning_top": (every(SHORT_BODY, long_upper, long_lower) * COLOUR,
                         "spinning top: a short body between longer shadows, -100 … 100"),
        "belt_hold": (every(LONG_BODY, held) * COLOUR,
                      "belt hold: a long body that opens at its extreme, -100 … 100"),
    }  # fmt: skip


def _pairs() -> _Figures:
    before = lag(COLOUR)
    half = lag(0.5 * BODY)
    two_long = every(lag(LONG_BODY), LONG_BODY)
    return {
        "engulfing": (_engulfing(), "engulfing, -100 … 100"),
        "harami": (_harami(), "harami, -100 … 100"),
        "piercing": (
            every(two_long, greater(ZERO, before), WHITE, greater(lag(LOW), OPEN),
                  greater(lag(OPEN), CLOSE), greater(CLOSE, lag(CLOSE) + half)),
            "piercing line, 0 or 100",
        ),
        "dark_cloud_cover": (
            every(lag(every(LONG_BODY, WHITE)), BLACK, greater(OPEN, lag(HIGH)),
                  greater(CLOSE, lag(OPEN)), greater(lag(CLOSE) - half, CLOSE)) * -1.0,
            "dark cloud cover, -100 or 0",
        ),
    }  # fmt: skip


def _engulfing() -> Series:
    """±100 when the body contains the earlier one of the other colour, ±80 when one end meets."""
    top, bottom = lag(TOP), lag(BOTTOM)
    contains = at_most(bottom * -1.0, BOTTOM * -1.0) * (1.0 - greater(top, TOP))
    ends = greater(TOP, top) + greater(bottom, BOTTOM)
    opposite = greater(ZERO, COLOUR * lag(COLOUR))
    return every(contains, opposite, greater(ends, ZERO)) * COLOUR * (0.6 + 0.2 * ends)


def _harami() -> Series:
    """±100 when a short body lies within the long one before it, ±80 when one end meets."""
    top, bottom = lag(TOP), lag(BOTTOM)
    ends = greater(top, TOP) + greater(BOTTOM, bottom)
    within = every(at_most(TOP, top), at_most(bottom, BOTTOM), greater(ends, ZERO))
    small = every(lag(LONG_BODY), 1.0 - greater(BODY, USUAL_BODY), within)
    return small * lag(COLOUR) * (-0.6 - 0.2 * ends)


def _stars() -> _Figures:
    first, small = lag(every(LONG_BODY), 2), lag(NOT_LONG)
    last = greater(BODY, USUAL_BODY)
    third = lag(0.3 * BODY, 2)
    morning = every(
        first, lag(BLACK, 2), small, lag(greater(lag(BOTTOM), TOP)), last, WHITE,
        greater(CLOSE, lag(CLOSE, 2) + third),
    )  # fmt: skip
    evening = every(
        first, lag(WHITE, 2), small, lag(greater(BOTTOM, lag(TOP))), last, BLACK,
        greater(lag(CLOSE, 2) - third, CLOSE),
    )  # fmt: skip
    return {
        "morning_star": (morning, "morning star (penetration 0.3), 0 or 100"),
        "evening_star": (evening * -1.0, "evening star (penetration 0.3), -100 or 0"),
    }


def _three() -> _Figures:
    return {
        "three_inside": (_three_inside(), "three inside up or down, -100 … 100"),
        "three_outside": (_three_outside(), "three outside up or down, -100 … 100"),
        "three_white_soldiers": (_three_white(), "three white soldiers, 0 or 100"),
        "three_black_crows": (_three_black() * -1.0, "three black crows, -100 or 0"),
    }


def _three_inside() -> Series:
    inside = every(NOT_LONG, greater(lag(TOP), TOP), greater(BOTTOM, lag(BOTTOM)))
    below = every(lag(WHITE, 2), BLACK, greater(lag(OPEN, 2), CLOSE))
    above = every(lag(BLACK, 2), WHITE, greater(CLOSE, lag(OPEN, 2)))
    return every(lag(LONG_BODY, 2), lag(inside)) * (above - below)


def _three_outside() -> Series:
    up = every(WHITE, lag(BLACK), greater(CLOSE, lag(OPEN)), greater(lag(CLOSE), OPEN))
    down = every(BLACK, lag(WHITE), greater(OPEN, lag(CLOSE)), greater(lag(OPEN), CLOSE))
    rose, fell = greater(CLOSE, lag(CLOSE)), greater(lag(CLOSE), CLOSE)
    return lag(up) * rose - lag(down) * fell


def _three_white() -> Series:
    candle = every(WHITE, greater(VERY_SHORT, UPPER))
    step = every(
        greater(CLOSE, lag(CLOSE)), greater(OPEN, lag(OPEN)), at_most(OPEN, lag(CLOSE + NEAR)),
        greater(BODY, lag(BODY - FAR)),
    )  # fmt: skip
    return every(candle, lag(candle), lag(candle, 2), step, lag(step), greater(BODY, USUAL_BODY))


def _three_black() -> Series:
    candle = every(BLACK, greater(VERY_SHORT, LOWER))
    step = every(
        greater(lag(OPEN), OPEN), greater(OPEN, lag(CLOSE)), greater(lag(CLOSE), CLOSE)
    )  # fmt: skip
    begins = every(lag(WHITE, 3), greater(lag(HIGH, 3), lag(CLOSE, 2)))
    return every(candle, lag(candle), lag(candle, 2), step, lag(step), begins)
