"""Daily bars of many symbols as arrays, one symbol after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quant.features import checks
from quant.typing import BoolArray, Float64Array, Int32Array, Int64Array

ROW_COLUMNS = (
    "open", "high", "low", "close", "volume", "split_factor", "return_factor",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DailyPanel:
    """Unadjusted daily bars, symbol-major, with the factors that adjust them forward.

    Attributes
    ----------
    symbols : tuple of str
        Names, each once.
    offsets : int64 array of shape (n_symbols + 1,)
        Symbol ``i`` has the rows ``offsets[i] … offsets[i + 1] - 1``.
    sessions : int32 array of shape (n_rows,)
        Days since 1970-01-01, strictly ascending within a symbol.
    open, high, low, close : float64 arrays of shape (n_rows,)
        Quote currency per share as quoted then, > 0; NaN where unknown.
    volume : float64 array of shape (n_rows,)
        Shares as reported then, ≥ 0; NaN where unknown.
    split_factor : float64 array of shape (n_rows,)
        Product of the split ratios with ex-date up to the row's session: 1 at the start, doubled
        by a 2:1 split. Because adjustment runs forward (adjusted = raw · factor), a later action
        changes no earlier value.
    return_factor : float64 array of shape (n_rows,)
        The same for splits and cash dividends, so that close · factor is the total return.
    index_sessions, index_close : int32 and float64 arrays of shape (n_index,)
        Closes of the market's index, sessions strictly ascending; may be empty.
    member : bool array of shape (n_rows,) or None
        Whether the symbol belonged to the universe in that session; None means always. Only
        members count in ranks and averages across symbols.
    sector : int32 array of shape (n_rows,) or None
        Number of the sector the symbol belonged to in that session, from 0 on; those whose sector
        is unknown share a number. None means that no sector is known.

    Raises
    ------
    ValueError
        If shapes or types differ from the above, sessions are not ascending, a price or factor is
        not positive, or a volume is negative.
    """

    symbols: tuple[str, ...]
    offsets: Int64Array
    sessions: Int32Array
    open: Float64Array
    high: Float64Array
    low: Float64Array
    close: Float64Array
    volume: Float64Array
    split_factor: Float64Array
    return_factor: Float64Array
    index_sessions: Int32Array
    index_close: Float64Array
    member: BoolArray | None = None
    sector: Int32Array | None = None

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_values()

    @property
    def n_rows(self) -> int:
        """Rows over all symbols."""
        return int(self.sessions.size)

    def firsts(self, from_session: int | None) -> Int64Array:
        """Return, for each symbol, its first row (counted within it) from `from_session` on."""
        if from_session is None:
            return np.zeros(len(self.symbols), dtype=np.int64)
        return checks.rows_below(self.sessions, self.offsets, from_session)

    def _check_shapes(self) -> None:
        checks.require_layout(self.symbols, self.offsets, rows=self.n_rows)
        checks.require_column(self.sessions, name="sessions", dtype=np.int32)
        for name in ROW_COLUMNS:
            column = getattr(self, name)
            checks.require_column(column, name=name, dtype=np.float64, rows=self.n_rows)
        checks.require_column(self.index_sessions, name="index_sessions", dtype=np.int32)
        checks.require_column(
            self.index_close, name="index_close", dtype=np.float64, rows=self.index_sessions.size
        )
        if self.member is not None:
            checks.require_column(self.member, name="member", dtype=np.bool_, rows=self.n_rows)
        if self.sector is not None:
            checks.require_column(self.sector, name="sector", dtype=np.int32, rows=self.n_rows)

    def _at(self, row: int) -> str:
        return f"{checks.symbol_at(self, row)} on {np.datetime64(int(self.sessions[row]), 'D')}"

    def _check_values(self) -> None:
        bad = checks.first_descent(self.sessions, self.offsets)
        if bad is not None:
            raise ValueError(
                f"`sessions` must ascend within each symbol: row {bad} holds {self._at(bad)}, "
                f"the row before {self._at(bad - 1)}. "
                "Sort by symbol and session, and keep one row of each."
            )
        if bool(np.any(np.diff(self.index_sessions) <= 0)):
            raise ValueError("`index_sessions` must ascend, one row per session.")
        for name in ROW_COLUMNS:
            checks.require_scale(
                getattr(self, name),
                name=name,
                zero_allowed=name == "volume",
                gaps_allowed=not name.endswith("factor"),
                at=self._at,
            )
        if self.sector is not None and bool(np.any(self.sector < 0)):
            raise ValueError(f"`sector` must be 0 or more, was {self.sector.min()}.")
        checks.require_scale(
            self.index_close,
            name="index_close",
            at=lambda row: str(np.datetime64(int(self.index_sessions[row]), "D")),
        )
