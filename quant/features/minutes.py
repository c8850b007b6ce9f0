"""Minute bars of many symbols as arrays, and the features computed from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from quant.features import checks
from quant.features.expressions import Series
from quant.features.intraday import INTRADAY
from quant.features.program import Program, run, translate
from quant.features.registry import Registry
from quant.typing import Float32Array, Float64Array, Int32Array, Int64Array

BAR_COLUMNS: Final = ("open", "high", "low", "close", "volume")
_CLOCK: Final = 1440  # minutes of a day


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

    @property
    def times(self) -> Int32Array:
        """Minutes since 1970-01-01 on the exchange's clock."""
        return (self.sessions * _CLOCK + self.minutes).astype(np.int32)

    def since(
        self, session: int, minute: int, *, rows_before: int, sessions_before: int = 0
    ) -> MinutePanel:
        """Return the bars from one minute on, and earlier ones of each symbol.

        At least `rows_before` bars, and `sessions_before` sessions before the one that these
        begin in. What is left of a symbol begins with the first bar of a session again.
        """
        firsts = checks.rows_below(self.times, self.offsets, session * _CLOCK + minute)
        begins = np.maximum(firsts - rows_before, 0)
        for i, (first, end) in enumerate(pairwise(self.offsets.tolist())):
            begins[i] = _session_start(self.sessions[first:end], int(begins[i]), sessions_before)
        rows, offsets = checks.tail_rows(self.offsets, begins, rows_before=0)
        columns = {
            name: getattr(self, name)[rows] for name in ("sessions", "minutes", *BAR_COLUMNS)
        }
        return replace(self, offsets=offsets, **columns)

    def firsts(self, start: tuple[int, int] | None) -> Int64Array:
        """Return, for each symbol, its first row (counted within it) from `start` on."""
        if start is None:
            return np.zeros(len(self.symbols), dtype=np.int64)
        return checks.rows_below(self.times, self.offsets, start[0] * _CLOCK + start[1])

    def leaf(self, name: str) -> Float64Array:
        """Return an input of the features as a column."""
        if name == "start":
            opening = np.ones(self.n_rows)
            opening[1:] = np.diff(self.sessions) != 0
            opening[self.offsets[:-1][self.offsets[:-1] < self.n_rows]] = 1.0
            return opening
        if name == "minute":
            return self.minutes.astype(np.float64)
        values: Float64Array = getattr(self, name)
        return values

    def _at(self, row: int) -> str:
        day = np.datetime64(int(self.sessions[row]), "D")
        hour, minute = divmod(int(self.minutes[row]), 60)
        return f"{checks.symbol_at(self, row)} on {day} at {hour:02d}:{minute:02d}"


def _session_start(sessions: Int32Array, row: int, sessions_before: int) -> int:
    """First row of the session of `row`, or of one some sessions earlier."""
    if row >= sessions.size:
        return row
    start = int(np.searchsorted(sessions, sessions[row]))
    for _ in range(sessions_before):
        start = int(np.searchsorted(sessions, sessions[max(start - 1, 0)]))
    return start


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
    if start is not None:
        panel = panel.since(
            *start,
            rows_before=registry.exact_look_back,
            sessions_before=registry.sessions_back,
        )
    program = _program(registry)
    firsts = panel.firsts(start)
    lengths = np.diff(panel.offsets) - firsts
    out_offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    out = np.empty((int(out_offsets[-1]), len(registry)), dtype=np.float32)
    columns = {leaf.name: panel.leaf(leaf.name) for leaf in program.leaves}
    run(
        program,
        lambda leaf, wanted: columns[leaf.name][wanted],
        times=panel.times,
        offsets=panel.offsets,
        firsts=firsts,
        out_offsets=out_offsets,
        out=out,
        kept=np.empty((0, panel.n_rows)),
    )
    return out


@lru_cache(maxsize=16)
def _program(registry: Registry) -> Program:
    outputs: list[Series] = [feature.expression for feature in registry]
    return translate(outputs)
