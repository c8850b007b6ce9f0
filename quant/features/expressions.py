"""The language in which features are written: causal operations on one symbol's series.

A feature is an expression, such as ``log(close / lag(close, 5))``. Each operation looks at the
current row and a fixed number of earlier ones, so that the look-back of a feature follows from
its expression and none can see a later row. Equal expressions are one object, so that features
share what they have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Final

# Days, or minutes, between two rows at which running sums start anew; as each row has its own day
# or minute, no more rows than these lie between.
ANCHOR_BLOCK: Final = 64
# A session has no more minute bars than these.
DAY_MINUTES: Final = 1440


class Op(IntEnum):
    """The operations a kernel knows; `interpreter.execute` carries them out."""

    INPUT = 0
    ADD = 1
    SUBTRACT = 2
    MULTIPLY = 3
    DIVIDE = 4
    LARGER = 5
    SMALLER = 6
    GREATER = 7
    SCALE = 10
    SHIFT = 11
    ABSOLUTE = 12
    SIGN = 13
    LOG = 14
    ROOT = 15
    EXP = 16
    FLOOR = 17
    CALENDAR = 18
    LAG = 20
    SUM_TODAY = 21
    HIGHEST_TODAY = 22
    LOWEST_TODAY = 23
    USUAL_BY_NOW = 24
    BEFORE_TODAY = 25
    SUM = 30
    MEAN = 31
    STD = 32
    SLOPE = 33
    R_SQUARED = 34
    COVARIANCE = 35
    CORRELATION = 36
    BETA = 37
    WEIGHTED_MEAN = 38
    MOMENT = 39
    HIGHEST = 40
    LOWEST = 41
    ROWS_SINCE_HIGHEST = 42
    ROWS_SINCE_LOWEST = 43
    RANK = 44
    MEAN_DEVIATION = 45
    QUANTILE = 46
    CROSS_RANK = 60
    CROSS_MEAN = 61
    CROSS_STD = 62
    SECTOR_MEAN = 63
    MARKET = 70


_ANCHORED = frozenset(range(Op.SUM, Op.MOMENT + 1))
_TODAY = frozenset({Op.SUM_TODAY, Op.HIGHEST_TODAY, Op.LOWEST_TODAY})
_WINDOWED = frozenset(range(Op.SUM, Op.QUANTILE + 1))
CROSS_SECTIONAL = frozenset({Op.CROSS_RANK, Op.CROSS_MEAN, Op.CROSS_STD, Op.SECTOR_MEAN})


@dataclass(frozen=True, eq=False)
class Series:
    """One operation on earlier series; combine with ``+ − * /`` and the functions below.

    Attributes
    ----------
    op : Op
        What is done.
    args : tuple of Series
        What it is done to.
    window : int
        Rows the operation looks at, or rows it goes back (`Op.LAG`), or sessions it looks back
        to (`Op.USUAL_BY_NOW`).
    param : float
        The operation's figure, such as a factor or a weight.
    name : str
        Name of the input (`Op.INPUT` alone).
    """

    op: Op
    args: tuple[Series, ...] = ()
    window: int = 1
    param: float = 0.0
    name: str = ""

    @property
    def reach(self) -> int:
        """Earlier rows of its arguments that one value needs."""
        if self.op is Op.LAG:
            return self.window
        return self.window - 1 if self.op in _WINDOWED else 0

    @property
    def exact_reach(self) -> int:
        """Earlier rows of its arguments that one value needs to come out the same to the bit.

        What looks at the session so far reaches to its first bar, however far that is, and what
        looks at earlier sessions to theirs (`sessions_back`); a panel of minutes always begins
        with the first bar of a session.
        """
        return self.reach + (ANCHOR_BLOCK if self.op in _ANCHORED else 0)

    def slice_reach(self, day_rows: int) -> int:
        """Earlier rows of its arguments that a computation must start from.

        A session has `day_rows` rows at most.
        """
        if self.op is Op.USUAL_BY_NOW:
            return (self.window + 1) * day_rows
        if self.op is Op.BEFORE_TODAY:
            return 1
        return day_rows - 1 if self.op in _TODAY else self.exact_reach

    def __add__(self, other: Series | float) -> Series:
        if isinstance(other, Series):
            return series(Op.ADD, self, other)
        return series(Op.SHIFT, self, param=float(other))

    def __radd__(self, other: float) -> Series:
        return series(Op.SHIFT, self, param=float(other))

    def __sub__(self, other: Series | float) -> Series:
        if isinstance(other, Series):
            return series(Op.SUBTRACT, self, other)
        return series(Op.SHIFT, self, param=-float(other))

    def __rsub__(self, other: float) -> Series:
        return float(other) + self * -1.0

    def __mul__(self, other: Series | float) -> Series:
        if isinstance(other, Series):
            return series(Op.MULTIPLY, self, other)
        return series(Op.SCALE, self, param=float(other))

    def __rmul__(self, other: float) -> Series:
        return series(Op.SCALE, self, param=float(other))

    def __truediv__(self, other: Series | float) -> Series:
        if isinstance(other, Series):
            return series(Op.DIVIDE, self, other)
        return series(Op.SCALE, self, param=1.0 / float(other))

    def __str__(self) -> str:
        return text(self)


@cache
def _known(op: Op, args: tuple[Series, ...], window: int, param: float, name: str) -> Series:
    return Series(op, args, window, param, name)


def series(op: Op, *args: Series, window: int = 1, param: float = 0.0, name: str = "") -> Series:
    """Return the one object that stands for this operation on these arguments."""
    if window < 1:
        raise ValueError(f"`window` must be at least 1 row for {op.name}, was {window}.")
    return _known(op, args, window, param, name)


@cache
def text(expression: Series) -> str:
    """Write an expression out, as it enters the version hash."""
    if expression.op is Op.INPUT:
        return expression.name
    parts = [text(arg) for arg in expression.args]
    parts += [f"w={expression.window}", f"p={expression.param!r}"]
    return f"{expression.op.name}({', '.join(parts)})"


@cache
def look_back(expression: Series) -> int:
    """Sessions before the current one that the expression's value depends on."""
    return expression.reach + max((look_back(arg) for arg in expression.args), default=0)


@cache
def exact_look_back(expression: Series) -> int:
    """Earlier sessions that make the expression's value come out the same to the bit."""
    deepest = max((exact_look_back(arg) for arg in expression.args), default=0)
    return expression.exact_reach + deepest


@cache
def sessions_back(expression: Series) -> int:
    """Whole sessions before the current one that a value on minute bars depends on.

    A figure of the session so far whose argument looks at earlier rows, such as the overnight
    gap, needs the session before as well.
    """
    own = expression.window if expression.op is Op.USUAL_BY_NOW else 0
    if expression.op in _TODAY:
        own = int(any(look_back(arg) > 0 for arg in expression.args))
    return own + max((sessions_back(arg) for arg in expression.args), default=0)


@cache
def inputs(expression: Series) -> frozenset[str]:
    """Names of the inputs an expression reads."""
    if expression.op is Op.INPUT:
        return frozenset({expression.name})
    return frozenset().union(*(inputs(arg) for arg in expression.args))


def given(name: str) -> Series:
    """Return the input column `name`."""
    return series(Op.INPUT, name=name)


def lag(a: Series, rows: int = 1) -> Series:
    """Value `rows` sessions earlier."""
    return series(Op.LAG, a, window=rows)


def change(a: Series, rows: int = 1) -> Series:
    """Difference to `rows` sessions earlier."""
    return a - lag(a, rows)


def larger(a: Series, b: Series) -> Series:
    """Return the larger of two."""
    return series(Op.LARGER, a, b)


def smaller(a: Series, b: Series) -> Series:
    """Return the smaller of two."""
    return series(Op.SMALLER, a, b)


def greater(a: Series, b: Series) -> Series:
    """1 where a > b, else 0."""
    return series(Op.GREATER, a, b)


def magnitude(a: Series) -> Series:
    """Absolute value."""
    return series(Op.ABSOLUTE, a)


def sign(a: Series) -> Series:
    """−1, 0 or 1."""
    return series(Op.SIGN, a)


def log(a: Series) -> Series:
    """Natural logarithm; NaN unless positive."""
    return series(Op.LOG, a)


def root(a: Series) -> Series:
    """Square root; NaN of a negative number."""
    return series(Op.ROOT, a)


def exp(a: Series) -> Series:
    """Exponential."""
    return series(Op.EXP, a)


def at_least(a: Series, floor: float) -> Series:
    """Return the value or `floor`, whichever is larger."""
    return series(Op.FLOOR, a, param=floor)


def calendar(days: Series, kind: int) -> Series:
    """Weekday (kind 0, Monday is 0), day of the month (1), month (2) or day of the year (3)."""
    return series(Op.CALENDAR, days, param=float(kind))


def total(a: Series, window: int) -> Series:
    """Sum of the window."""
    return series(Op.SUM, a, window=window)


def mean(a: Series, window: int) -> Series:
    """Arithmetic mean of the window."""
    return series(Op.MEAN, a, window=window)


def std(a: Series, window: int, *, ddof: int = 1) -> Series:
    """Standard deviation of the window."""
    return series(Op.STD, a, window=window, param=float(ddof))


def total_today(a: Series, start: Series) -> Series:
    """Sum since the bar of the session at which `start` is 1."""
    return series(Op.SUM_TODAY, a, start)


def highest_today(a: Series, start: Series) -> Series:
    """Largest value since the bar of the session at which `start` is 1."""
    return series(Op.HIGHEST_TODAY, a, start)


def lowest_today(a: Series, start: Series) -> Series:
    """Smallest value since the bar of the session at which `start` is 1."""
    return series(Op.LOWEST_TODAY, a, start)


def usual_by_now(a: Series, sessions: int) -> Series:
    """Mean over `sessions` earlier sessions of the value at this minute, or last before it then."""
    return series(Op.USUAL_BY_NOW, a, window=sessions)


def before_today(a: Series, at_first: Series) -> Series:
    """Value of the bar before; of a session's first bar, the value of `at_first`."""
    return series(Op.BEFORE_TODAY, a, at_first)


def slope(a: Series, window: int) -> Series:
    """Least-squares slope per session."""
    return series(Op.SLOPE, a, window=window)


def r_squared(a: Series, window: int) -> Series:
    """Share of the window's variance that a straight line explains."""
    return series(Op.R_SQUARED, a, window=window)


def covariance(a: Series, b: Series, window: int) -> Series:
    """Sample covariance of the window."""
    return series(Op.COVARIANCE, a, b, window=window)


def correlation(a: Series, b: Series, window: int) -> Series:
    """Pearson correlation of the window; NaN where one is constant."""
    return series(Op.CORRELATION, a, b, window=window)


def beta(a: Series, b: Series, window: int) -> Series:
    """Least-squares slope of `a` on `b`."""
    return series(Op.BETA, a, b, window=window)


def weighted_mean(a: Series, *, alpha: float, window: int) -> Series:
    """Exponentially weighted mean over the window, weights scaled to sum to 1."""
    return series(Op.WEIGHTED_MEAN, a, window=window, param=alpha)


def highest(a: Series, window: int) -> Series:
    """Largest value of the window."""
    return series(Op.HIGHEST, a, window=window)


def lowest(a: Series, window: int) -> Series:
    """Smallest value of the window."""
    return series(Op.LOWEST, a, window=window)


def rows_since_highest(a: Series, window: int) -> Series:
    """Sessions since the window's largest value, the latest of equals."""
    return series(Op.ROWS_SINCE_HIGHEST, a, window=window)


def rows_since_lowest(a: Series, window: int) -> Series:
    """Sessions since the window's smallest value, the latest of equals."""
    return series(Op.ROWS_SINCE_LOWEST, a, window=window)


def rank(a: Series, window: int) -> Series:
    """Share of the window's other values below the current one."""
    return series(Op.RANK, a, window=window)


def mean_deviation(a: Series, window: int) -> Series:
    """Mean absolute deviation from the window's mean."""
    return series(Op.MEAN_DEVIATION, a, window=window)


def quantile(a: Series, window: int, share: float) -> Series:
    """Value that `share` of the window lies below, on the line between two of its values."""
    return series(Op.QUANTILE, a, window=window, param=share)


def skewness(a: Series, window: int) -> Series:
    """Standardised third moment of the window (population)."""
    return series(Op.MOMENT, a, window=window, param=3.0)


def kurtosis(a: Series, window: int) -> Series:
    """Standardised fourth moment of the window (population; a normal has 3)."""
    return series(Op.MOMENT, a, window=window, param=4.0)


def cross_rank(a: Series) -> Series:
    """Rank among the session's members, scaled to 0 (lowest) … 1 (highest)."""
    return series(Op.CROSS_RANK, a)


def cross_mean(a: Series) -> Series:
    """Mean over the session's members."""
    return series(Op.CROSS_MEAN, a)


def cross_std(a: Series) -> Series:
    """Sample standard deviation over the session's members."""
    return series(Op.CROSS_STD, a)


def sector_mean(a: Series) -> Series:
    """Mean over the session's members of the symbol's own sector, itself among them."""
    return series(Op.SECTOR_MEAN, a)


def market(a: Series) -> Series:
    """A series of the index, computed on the index's own sessions and matched by session."""
    return series(Op.MARKET, a)
