"""Alpha158, the set of daily features that pyqlib is known for, under its own names.

Whoever compares models with published ones finds the same columns here. Models learn from
`quant.features.CORE` unless they are told otherwise.

A figure is defined once its window is full, and NaN where it would divide by zero; pyqlib begins
with what there is, and adds 1e-12 to such a divisor. Prices are adjusted for splits. The price of
the day (VWAP0) is the typical price, as daily bars have no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

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
    quantile,
    r_squared,
    rank,
    rows_since_highest,
    rows_since_lowest,
    slope,
    smaller,
    std,
    total,
)
from quant.features.registry import Feature, Registry
from quant.features.terms import CLOSE, HIGH, LOW, OPEN, TYPICAL, VOLUME, positive

_SOURCE: Final = "Yang, Liu, Zhou, Bian & Liu (2020), Qlib: Alpha158"
_WINDOWS: Final = (5, 10, 20, 30, 60)

_MOVE = change(CLOSE)
_VOLUME_MOVE = change(VOLUME)
_TURNOVER = magnitude(CLOSE / lag(CLOSE) - 1.0) * VOLUME
_GREW = CLOSE / lag(CLOSE)
_VOLUME_GREW = log(VOLUME / lag(VOLUME) + 1.0)

# Name, group, figure of a window of n sessions, and its meaning.
_Row = tuple[str, str, Callable[[int], Series], str]


def _bar() -> Mapping[str, tuple[Series, str]]:
    body, upper, lower = CLOSE - OPEN, HIGH - larger(OPEN, CLOSE), smaller(OPEN, CLOSE) - LOW
    span, shift = HIGH - LOW, CLOSE * 2.0 - HIGH - LOW
    return {
        "KMID": (body / OPEN, "close over open, less 1"),
        "KLEN": (span / OPEN, "range of the day over the open"),
        "KMID2": (body / span, "body over range"),
        "KUP": (upper / OPEN, "upper shadow over the open"),
        "KUP2": (upper / span, "upper shadow over range"),
        "KLOW": (lower / OPEN, "lower shadow over the open"),
        "KLOW2": (lower / span, "lower shadow over range"),
        "KSFT": (shift / OPEN, "close less the middle of the range, doubled, over the open"),
        "KSFT2": (shift / span, "the same over the range"),
        "OPEN0": (OPEN / CLOSE, "open over close"),
        "HIGH0": (HIGH / CLOSE, "high over close"),
        "LOW0": (LOW / CLOSE, "low over close"),
        "VWAP0": (TYPICAL / CLOSE, "typical price over close"),
    }


def _gains(move: Series, n: int) -> Series:
    return total(positive(move), n) / total(magnitude(move), n)


def _losses(move: Series, n: int) -> Series:
    return total(positive(move * -1.0), n) / total(magnitude(move), n)


def _ups(n: int) -> Series:
    return mean(greater(CLOSE, lag(CLOSE)), n)


def _downs(n: int) -> Series:
    return mean(greater(lag(CLOSE), CLOSE), n)


def _residual(n: int) -> Series:
    """How far the close lies above the straight line through the last n."""
    return CLOSE - mean(CLOSE, n) - slope(CLOSE, n) * ((n - 1.0) / 2.0)


def _high_place(n: int) -> Series:
    return rows_since_highest(HIGH, n) * (-1.0 / n) + 1.0


def _low_place(n: int) -> Series:
    return rows_since_lowest(LOW, n) * (-1.0 / n) + 1.0


_ROLLING: Final[tuple[_Row, ...]] = (
    ("ROC", "returns", lambda n: lag(CLOSE, n) / CLOSE, "close {n} sessions ago over close"),
    ("MA", "trend", lambda n: mean(CLOSE, n) / CLOSE, "mean close of {n} sessions over close"),
    ("STD", "volatility", lambda n: std(CLOSE, n) / CLOSE,
     "deviation of {n} closes over close"),
    ("BETA", "trend", lambda n: slope(CLOSE, n) / CLOSE,
     "slope a session of the line through {n} closes, over close"),
    ("RSQR", "trend", lambda n: r_squared(CLOSE, n), "share of variance that this line explains"),
    ("RESI", "trend", lambda n: _residual(n) / CLOSE, "close above this line, over close"),
    ("MAX", "momentum", lambda n: highest(HIGH, n) / CLOSE, "high of {n} sessions over close"),
    ("MIN", "momentum", lambda n: lowest(LOW, n) / CLOSE, "low of {n} sessions over close"),
    ("QTLU", "momentum", lambda n: quantile(CLOSE, n, 0.8) / CLOSE,
     "80 % quantile of {n} closes over close"),
    ("QTLD", "momentum", lambda n: quantile(CLOSE, n, 0.2) / CLOSE,
     "20 % quantile of {n} closes over close"),
    ("RANK", "momentum", lambda n: rank(CLOSE, n) * ((n - 1.0) / n) + 1.0 / n,
     "rank of the close among {n}, lowest 1/{n}, highest 1"),
    ("RSV", "momentum",
     lambda n: (CLOSE - lowest(LOW, n)) / (highest(HIGH, n) - lowest(LOW, n)),
     "place of the close in the range of {n} sessions, 0 to 1"),
    ("IMAX", "momentum", _high_place, "place of the high among {n} sessions, newest 1"),
    ("IMIN", "momentum", _low_place, "place of the low among {n} sessions, newest 1"),
    ("IMXD", "momentum",
     lambda n: (rows_since_lowest(LOW, n) - rows_since_highest(HIGH, n)) * (1.0 / n),
     "sessions from low to high over {n}"),
    ("CORR", "volume", lambda n: correlation(CLOSE, log(VOLUME + 1.0), n),
     "correlation of close and log volume, {n} sessions"),
    ("CORD", "volume", lambda n: correlation(_GREW, _VOLUME_GREW, n),
     "correlation of the changes of close and volume, {n} sessions"),
    ("CNTP", "momentum", _ups, "share of {n} sessions with a gain"),
    ("CNTN", "momentum", _downs, "share of {n} sessions with a loss"),
    ("CNTD", "momentum", lambda n: _ups(n) - _downs(n), "the first less the second"),
    ("SUMP", "momentum", lambda n: _gains(_MOVE, n), "gains over all moves of {n} sessions"),
    ("SUMN", "momentum", lambda n: _losses(_MOVE, n), "losses over all moves of {n} sessions"),
    ("SUMD", "momentum", lambda n: _gains(_MOVE, n) - _losses(_MOVE, n),
     "the first less the second"),
    ("VMA", "volume", lambda n: mean(VOLUME, n) / VOLUME, "mean volume of {n} over volume"),
    ("VSTD", "volume", lambda n: std(VOLUME, n) / VOLUME, "deviation of {n} volumes over volume"),
    ("WVMA", "volume", lambda n: std(_TURNOVER, n) / mean(_TURNOVER, n),
     "deviation over mean of return's magnitude times volume, {n} sessions"),
    ("VSUMP", "volume", lambda n: _gains(_VOLUME_MOVE, n),
     "rises over all changes of volume, {n} sessions"),
    ("VSUMN", "volume", lambda n: _losses(_VOLUME_MOVE, n),
     "falls over all changes of volume, {n} sessions"),
    ("VSUMD", "volume", lambda n: _gains(_VOLUME_MOVE, n) - _losses(_VOLUME_MOVE, n),
     "the first less the second"),
)  # fmt: skip


def _features() -> Iterator[Feature]:
    for name, (figure, meaning) in _bar().items():
        yield Feature(name, "pattern", figure, meaning, _SOURCE)
    for prefix, group, of_window, meaning in _ROLLING:
        for n in _WINDOWS:
            told = meaning.format(n=n)
            yield Feature(f"{prefix}{n}", group, of_window(n), told, _SOURCE)


ALPHA158: Final = Registry(list(_features()))
