"""Minute bars of many symbols as arrays, and the features computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from quant.features import checks
from quant.features.expressions import Series
from quant.features.intraday import INTRADAY
from quant.features.leaves import ByRow, Layout
from quant.features.program import Program, run, translate
from quant.features.registry import Registry
from quant.jit import kernel
from quant.typing import Float32Array, Float64Array, Int32Array, Int64Array

BAR_COLUMNS: Final = ("open", "high", "low", "close", "volume")
_CLOCK: Final = 1440  # minutes of a day
_ROUND: Final = 64  # bars


@dataclass(frozen=True, kw_only=True)
class MinutePanel:
    """Unadjusted minute bars, symbol-major; each symbol begins with the first bar of a session.

    Attributes
    ----------
    symbols : tuple of str
        Names, each once.
    offsets : int64 array of shape (n_symbols + 1,)
        Symbol ``i`` has the rows ``offsets[i] … offsets[i + 1] - 1``.
    sessions : int32 array of shape (n_rows,)
        Days since 1970-01-01.
    minutes : int32 array of shape (n_rows,)
        Start of the bar, minutes after the exchange's midnight: 570 is 09:30.
    open, high, low, close : float64 arrays of shape (n_rows,)
        Quote currency per share, > 0; NaN where unknown.
    volume : float64 array of shape (n_rows,)
        Shares, ≥ 0; NaN where unknown.

    Raises
    ------
    ValueError
        If shapes or types differ from the above, bars are not ascending in time within a symbol,
        a price is not positive, or a volume is negative.
    """

    symbols: tuple[str, ...]
    offsets: Int64Array
    sessions: Int32Array
    minutes: Int32Array
    open: Float64Array
    high: Float64Array
    low: Float64Array
    close: Float64Array
    volume: Float64Array

    def __post_init__(self) -> None:
        checks.require_layout(self.symbols, self.offsets, rows=self.n_rows)
        checks.require_column(self.sessions, name="sessions", dtype=np.int32)
        checks.require_column(self.minutes, name="minutes", dtype=np.int32, rows=self.n_rows)
        for name in BAR_COLUMNS:
            column = getattr(self, name)
            checks.require_column(column, name=name, dtype=np.float64, rows=self.n_rows)
            checks.require_scale(column, name=name, zero_allowed=name == "volume", at=self._at)
        bad = checks.first_descent(self.times, self.offsets)
        if bad is not None:
            raise ValueError(
                f"Bars must ascend in time within each symbol: row {bad} holds {self._at(bad)}, "
                f"the row before {self._at(bad - 1)}. Sort them, and keep one of each minute."
            )

    @property
    def n_rows(self) -> int:
        """Rows over all symbols."""
        return int(self.sessions.size)

    @cached_property
    def times(self) -> Int32Array:
        """Minutes since 1970-01-01 on the exchange's clock."""
        return self.sessions * np.int32(_CLOCK) + self.minutes

    def firsts(self, start: tuple[int, int] | None) -> Int64Array:
        """Return, for each symbol, its first row (counted within it) from `start` on."""
        if start is None:
            return np.zeros(len(self.symbols), dtype=np.int64)
        return checks.rows_below(self.times, self.offsets, start[0] * _CLOCK + start[1])

    def leaf(self, name: str) -> ByRow:
        """Return an input of the features."""
        return ByRow(self.minutes if name == "minute" else getattr(self, name), self.offsets)

    def _at(self, row: int) -> str:
        day = np.datetime64(int(self.sessions[row]), "D")
        hour, minute = divmod(int(self.minutes[row]), 60)
        return f"{checks.symbol_at(self, row)} on {day} at {hour:02d}:{minute:02d}"


def minute_features(
    panel: MinutePanel, *, registry: Registry = INTRADAY, start: tuple[int, int] | None = None
) -> Float32Array:
    """Return the features of every minute bar, or of the bars from one minute on.

    Parameters
    ----------
    panel : MinutePanel
        Bars; what the features look back to must be in it.
    registry : Registry
        What to compute; columns in its order.
    start : (session, minute) or None
        First bar wanted: days since 1970-01-01 and minutes after midnight. None means all. The
        values are those of the full computation, to the bit.

    Returns
    -------
    array of shape (n_rows, n_features), float32
        Rows in the panel's order: all, or those from `start` on. NaN where a feature has too
        little history or an input of its look-back is missing; never filled.
    """
    firsts = panel.firsts(start)
    begins = np.zeros_like(firsts)
    if start is not None:
        session_starts(
            panel.sessions,
            panel.offsets,
            firsts - registry.exact_look_back,
            registry.sessions_back,
            begins,
        )
    # Rounded up, so that a missing bar or two do not make another program.
    longest = longest_session(panel.sessions, panel.offsets, begins)
    program = _program(registry, -(-longest // _ROUND) * _ROUND)
    layout = Layout(panel.times, panel.offsets, begins, firsts)
    out = np.empty((int(layout.wanted[-1]), len(registry)), dtype=np.float32)
    leaves = {leaf: panel.leaf(leaf.name) for leaf in program.leaves}
    run(program, leaves, layout, out=out, kept=np.empty((0, out.shape[0])))
    return out


@kernel
def session_starts(
    sessions: Int32Array,
    offsets: Int64Array,
    rows: Int64Array,
    sessions_before: int,
    begins: Int64Array,
) -> None:
    """First bar of each symbol's session that holds one of its rows, or of one some sessions back.

    Rows are counted within the symbol; one before its first means the first.
    """
    for s in range(rows.size):
        row = max(rows[s], 0)
        left = sessions_before
        while row > 0 and row < offsets[s + 1] - offsets[s]:
            at = offsets[s] + row
            if sessions[at] != sessions[at - 1]:
                if left == 0:
                    break
                left -= 1
            row -= 1
        begins[s] = row


@kernel
def longest_session(sessions: Int32Array, offsets: Int64Array, begins: Int64Array) -> int:
    """Most bars that a symbol has in one session, from its row `begins` on."""
    longest = 1
    for s in range(begins.size):
        rows = 0
        for i in range(offsets[s] + begins[s], offsets[s + 1]):
            same = i > offsets[s] and sessions[i] == sessions[i - 1]
            rows = rows + 1 if same else 1
            longest = max(longest, rows)
    return longest


@lru_cache(maxsize=16)
def _program(registry: Registry, day_rows: int) -> Program:
    outputs: list[Series] = [feature.expression for feature in registry]
    return translate(outputs, day_rows=day_rows)
