"""Daily bars of many symbols as arrays, one symbol after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_sessions()
        for name in ("open", "high", "low", "close", "split_factor", "return_factor"):
            self._check_positive(name, strictly=True)
        self._check_positive("volume", strictly=False)

    @property
    def n_rows(self) -> int:
        """Rows over all symbols."""
        return int(self.sessions.size)

    def firsts(self, from_session: int | None) -> Int64Array:
        """Return, for each symbol, its first row (counted within it) from `from_session` on."""
        if from_session is None:
            return np.zeros(len(self.symbols), dtype=np.int64)
        begun = np.concatenate([[0], np.cumsum(self.sessions < from_session)])
        return np.diff(begun[self.offsets])

    def since(self, from_session: int, *, rows_before: int) -> DailyPanel:
        """Return the rows from `from_session` on, and `rows_before` earlier ones of each symbol."""
        begins = self.offsets[:-1] + np.maximum(self.firsts(from_session) - rows_before, 0)
        lengths = self.offsets[1:] - begins
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)
        columns = {name: getattr(self, name)[rows] for name in ROW_COLUMNS}
        member = None if self.member is None else self.member[rows]
        part = object.__new__(DailyPanel)  # already checked as a whole
        fields = {
            **columns, "symbols": self.symbols, "offsets": offsets, "member": member,
            "sessions": self.sessions[rows], "index_sessions": self.index_sessions,
            "index_close": self.index_close,
        }  # fmt: skip
        for name, value in fields.items():
            object.__setattr__(part, name, value)
        return part

    def _check_shapes(self) -> None:
        if len(set(self.symbols)) != len(self.symbols):
            twice = next(s for s in self.symbols if self.symbols.count(s) > 1)
            raise ValueError(f"`symbols` must each occur once, {twice!r} occurs more often.")
        _require(self.offsets, name="offsets", dtype=np.int64, rows=len(self.symbols) + 1)
        _require(self.sessions, name="sessions", dtype=np.int32, rows=None)
        ends = (int(self.offsets[0]), int(self.offsets[-1]))
        if ends != (0, self.n_rows) or bool(np.any(np.diff(self.offsets) < 0)):
            raise ValueError(
                f"`offsets` must rise from 0 to the {self.n_rows} rows of `sessions`, "
                f"runs from {ends[0]} to {ends[1]}."
            )
        for name in ROW_COLUMNS:
            _require(getattr(self, name), name=name, dtype=np.float64, rows=self.n_rows)
        _require(self.index_sessions, name="index_sessions", dtype=np.int32, rows=None)
        rows = self.index_sessions.size
        _require(self.index_close, name="index_close", dtype=np.float64, rows=rows)
        if self.member is not None:
            _require(self.member, name="member", dtype=np.bool_, rows=self.n_rows)

    def _check_sessions(self) -> None:
        steps = np.diff(self.sessions)
        starts = self.offsets[1:-1]
        steps[starts[(starts > 0) & (starts < self.n_rows)] - 1] = 1
        bad = np.flatnonzero(steps <= 0)
        if bad.size:
            row = int(bad[0]) + 1
            symbol = self.symbols[int(np.searchsorted(self.offsets, row, side="right")) - 1]
            raise ValueError(
                f"`sessions` must ascend within each symbol: {symbol} has "
                f"{np.datetime64(int(self.sessions[row]), 'D')} after "
                f"{np.datetime64(int(self.sessions[row - 1]), 'D')} at row {row}. "
                "Sort by symbol and session, and keep one row of each."
            )
        if bool(np.any(np.diff(self.index_sessions) <= 0)):
            raise ValueError("`index_sessions` must ascend, one row per session.")

    def _check_positive(self, name: str, *, strictly: bool) -> None:
        values = getattr(self, name)
        wrong = np.isinf(values) | ((values <= 0.0) if strictly else (values < 0.0))
        if name.endswith("factor"):
            wrong |= np.isnan(values)
        if bool(wrong.any()):
            row = int(np.flatnonzero(wrong)[0])
            symbol = self.symbols[int(np.searchsorted(self.offsets, row, side="right")) - 1]
            bound = "positive" if strictly else "0 or more"
            raise ValueError(
                f"`{name}` must be {bound} and finite: {int(wrong.sum())} rows are not, the first "
                f"is {symbol} on {np.datetime64(int(self.sessions[row]), 'D')} with {values[row]}. "
                "Hold such rows back, or use NaN for an unknown value."
            )


def _require(
    array: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    *,
    name: str,
    dtype: type[np.generic],
    rows: int | None,
) -> None:
    fits = isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype == dtype
    if not fits or (rows is not None and array.size != rows):
        wanted = "any length" if rows is None else f"{rows} rows"
        found = f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}"
        raise ValueError(
            f"`{name}` must be a one-dimensional {np.dtype(dtype)} array of {wanted}, was {found}."
        )
