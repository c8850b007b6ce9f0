"""Kernels that compute a row from the same row of their inputs; NaN where a result is undefined."""

from __future__ import annotations

import math

from quant.jit import kernel
from quant.typing import Float64Array


@kernel
def arithmetic(a: Float64Array, b: Float64Array, kind: int, out: Float64Array) -> None:
    """Sum (kind 0), difference (1), product (2) or quotient (3, NaN over 0) of two series."""
    if kind == 0:
        for i in range(a.size):
            out[i] = a[i] + b[i]
    elif kind == 1:
        for i in range(a.size):
            out[i] = a[i] - b[i]
    elif kind == 2:
        for i in range(a.size):
            out[i] = a[i] * b[i]
    else:
        for i in range(a.size):
            out[i] = math.nan if b[i] == 0.0 else a[i] / b[i]


@kernel
def choice(a: Float64Array, b: Float64Array, kind: int, out: Float64Array) -> None:
    """Larger (kind 4) or smaller (5) of two, or 1 where a > b, else 0 (6); NaN where either is."""
    # Each comparison is false for NaN; written as selections these loops use vector instructions.
    if kind == 4:
        for i in range(a.size):
            x, y = a[i], b[i]
            out[i] = x if x > y else (y if x <= y else math.nan)
    elif kind == 5:
        for i in range(a.size):
            x, y = a[i], b[i]
            out[i] = x if x < y else (y if x >= y else math.nan)
    else:
        for i in range(a.size):
            x, y = a[i], b[i]
            out[i] = 1.0 if x > y else (0.0 if x <= y else math.nan)


@kernel
def unary(a: Float64Array, kind: int, param: float, out: Float64Array) -> None:
    """Of each value: its product with `param` (kind 0), sum with it (1), or magnitude (2).

    Of the other kinds see `bounded` (3, 5 and 7) and `transcendental` (4 and 6).
    """
    if kind == 0:
        for i in range(a.size):
            out[i] = a[i] * param
    elif kind == 1:
        for i in range(a.size):
            out[i] = a[i] + param
    elif kind == 2:
        for i in range(a.size):
            out[i] = abs(a[i])
    elif kind in {4, 6}:
        transcendental(a, kind, out)
    else:
        bounded(a, kind, param, out)


@kernel
def bounded(a: Float64Array, kind: int, param: float, out: Float64Array) -> None:
    """Sign (kind 3), root (5; NaN of a negative number), or the larger of value and `param` (7)."""
    if kind == 3:
        for i in range(a.size):
            x = a[i]
            out[i] = 1.0 if x > 0.0 else (-1.0 if x < 0.0 else x * 0.0)
    elif kind == 5:
        for i in range(a.size):
            x = a[i]
            out[i] = math.sqrt(x) if x >= 0.0 else math.nan
    else:
        for i in range(a.size):
            x = a[i]
            out[i] = x if x > param else (param if x <= param else math.nan)


@kernel
def transcendental(a: Float64Array, kind: int, out: Float64Array) -> None:
    """Natural logarithm (kind 4; NaN unless positive) or exponential (6)."""
    for i in range(a.size):
        x = a[i]
        if kind == 6:
            out[i] = math.exp(x)
        else:
            out[i] = math.log(x) if x > 0.0 else math.nan


@kernel
def calendar(days: Float64Array, kind: int, out: Float64Array) -> None:
    """Of a day number: weekday (kind 0, Monday 0), day of month (1), month (2), day of year (3)."""
    for i in range(days.size):
        day = int(days[i])
        if kind == 0:
            out[i] = float((day + 3) % 7)
            continue
        year, month, day_of_month = _civil(day)
        if kind == 1:
            out[i] = float(day_of_month)
        elif kind == 2:
            out[i] = float(month)
        else:
            out[i] = float(day - _days(year, 1, 1) + 1)


@kernel
def _civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of a day number since 1970-01-01 (Gregorian; Hinnant's algorithm)."""
    z = day + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) // 5 + 1


@kernel
def _days(year: int, month: int, day: int) -> int:
    """Day number since 1970-01-01 of a date (Hinnant's algorithm)."""
    y = year - (month <= 2)
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468
