"""Kernels that compute a row from the same row of their inputs; NaN where a result is undefined."""

from __future__ import annotations

import math

import numpy as np

from quant.jit import kernel
from quant.typing import Float64Array

# Of a float64's bits: what moves the root of a half to 1, the fraction, and the root of a half.
_TO_ONE = (0x3FF00000 - 0x3FE6A09E) << 32
_FRACTION = (1 << 52) - 1
_ROOT_HALF = 0x3FE6A09E << 32
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LEAST = 2.2250738585072014e-308  # smaller ones have no leading 1; prices and volumes are larger


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
    if kind == 4:
        logarithm(a, out)
        return
    for i in range(a.size):
        out[i] = math.exp(a[i])


@kernel
def logarithm(a: Float64Array, out: Float64Array) -> None:
    """Natural logarithm, NaN unless positive; off by less than one unit in the last place.

    Written out because the library's function takes one value at a time: this loop has vector
    instructions. With x = 2**k * (1 + f) and s = f / (2 + f) the logarithm of 1 + f is a series in
    s**2 (FreeBSD's msun, e_log.c, Sun Microsystems 1993; the fractions are its).
    """
    bits, mantissa = a.view(np.int64), out.view(np.int64)
    for i in range(a.size):
        mantissa[i] = ((bits[i] + _TO_ONE) & _FRACTION) + _ROOT_HALF
    for i in range(a.size):
        x, f, k = a[i], out[i] - 1.0, float(((bits[i] + _TO_ONE) >> 52) - 1023)
        s = f / (2.0 + f)
        z = s * s
        w = z * z
        odd = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332))
        even = z * (
            0.6666666666666735130
            + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591))
        )
        half = 0.5 * f * f
        figure = s * (half + (odd + even)) + k * _LN2_LOW - half + f + k * _LN2_HIGH
        out[i] = figure if _LEAST <= x < math.inf else (x if x == math.inf else math.nan)


@kernel
def calendar(days: Float64Array, kind: int, out: Float64Array) -> None:
    """Of a day number: weekday (kind 0, Monday 0), day of month (1), month (2), day of year (3)."""
    if kind == 0:
        for i in range(days.size):
            out[i] = float((int(days[i]) + 3) % 7)
        return
    year_start, month_start, next_start, month = (
        0,
        0,
        0,
        0,
    )  # of the day before, most often the same
    for i in range(days.size):
        day = int(days[i])
        if not month_start <= day < next_start:
            year, month, day_of_month = _civil(day)
            month_start, year_start = day - day_of_month + 1, _days(year, 1, 1)
            next_start = _days(year + month // 12, month % 12 + 1, 1)
        if kind == 1:
            out[i] = float(day - month_start + 1)
        elif kind == 2:
            out[i] = float(month)
        else:
            out[i] = float(day - year_start + 1)


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
