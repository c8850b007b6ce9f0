"""The compiled machine that runs a feature program over every symbol, in parallel."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Final, cast

import numpy as np

from quant import scans, windows
from quant.features import across, pointwise
from quant.features.expressions import ANCHOR_BLOCK, DAY_MINUTES
from quant.jit import kernel, part
from quant.typing import Float32Array, Float64Array, Int32Array, Int64Array

Runner = Callable[..., int]

_TILE: Final = 16  # float32 values in a cache line


@kernel
def anchors(times: Int32Array) -> Int64Array:
    """First row of each block of days, or minutes: there running sums start anew."""
    found, n, block = np.empty(times.size, dtype=np.int64), 0, -1
    for i in range(times.size):
        own = times[i] // ANCHOR_BLOCK
        if own != block:
            found[n], block, n = i, own, n + 1
    return found[:n]


@part
def execute_pointwise(
    op: int, param: float, a: Float64Array, b: Float64Array, out: Float64Array
) -> None:
    """Carry out an operation on one row at a time (`Op` below 20)."""
    if op < 5:
        pointwise.arithmetic(a, b, op - 1, out)
    elif op < 8:
        pointwise.choice(a, b, op - 1, out)
    elif op < 18:
        pointwise.unary(a, op - 10, param, out)
    else:
        pointwise.calendar(a, int(param), out)


@part
def execute_earlier(
    op: int, window: int, a: Float64Array, b: Float64Array, times: Int32Array, out: Float64Array
) -> None:
    """Carry out an operation that goes back to one row or to a session's bars (`Op` 20 to 25)."""
    if op == 20:
        scans.lag(a, window, out)
    elif op == 24:
        scans.usual_by_now(a, times, DAY_MINUTES, window, out)
    elif op == 25:
        scans.before_today(a, b, times, DAY_MINUTES, out)
    else:
        scans.since_start(a, b, op - 21, out)


@part
def execute_anchored(
    op: int,
    window: int,
    param: float,
    a: Float64Array,
    b: Float64Array,
    anchors: Int64Array,
    out: Float64Array,
) -> None:
    """Carry out an operation with running sums (`Op` 30 to 39)."""
    if op == 30:
        windows.rolling_sum(a, window, anchors, out)
    elif op == 31:
        windows.rolling_mean(a, window, anchors, out)
    elif op == 32:
        windows.rolling_std(a, window, param, anchors, out)
    elif op in {33, 34}:
        windows.rolling_slope(a, window, op == 34, anchors, out)
    elif op < 38:
        windows.rolling_pair(a, b, window, op - 35, anchors, out)
    elif op == 38:
        windows.weighted_mean(a, window, param, anchors, out)
    else:
        windows.rolling_moment(a, window, param, anchors, out)


@part
def execute_scanned(op: int, window: int, param: float, a: Float64Array, out: Float64Array) -> None:
    """Carry out an operation that scans its window (`Op` 40 to 46)."""
    if op < 44:
        sign = 1.0 if op in {40, 42} else -1.0
        scans.rolling_extreme(a, window, sign, op >= 42, out)
    elif op == 44:
        scans.rolling_rank(a, window, out)
    elif op == 45:
        scans.rolling_mean_deviation(a, window, out)
    else:
        scans.rolling_quantile(a, window, param, out)


@kernel
def _interleave(columns: Float32Array, out: Float32Array) -> None:
    """Copy columns into rows, some rows at a time so that their cache lines are written once."""
    n_rows = out.shape[0]
    whole = n_rows - n_rows % _TILE
    for begin in range(0, whole, _TILE):
        for k in range(out.shape[1]):
            tile = columns[k, begin : begin + _TILE]
            for i in range(_TILE):  # a number that the compiler knows
                out[begin + i, k] = tile[i]
    for i in range(whole, n_rows):
        for k in range(out.shape[1]):
            out[i, k] = columns[k, i]


@kernel
def _series(
    inputs: Float64Array, at: int, registers: Float64Array, number: int, begin: int, end: int
) -> Float64Array:
    """Rows of a series by its number: the leaves come first, where they lie, then the registers."""
    n_leaves = len(inputs)
    if number < n_leaves:
        return inputs[number, at + begin : at + end]
    return registers[number - n_leaves, begin:end]


@part
def run_symbol(
    code: Int64Array,
    param: Float64Array,
    inputs: Float64Array,
    at: int,
    registers: Float64Array,
    columns: Float32Array,
    times: Int32Array,
    first: int,
    out: Float32Array,
    kept: Float64Array,
) -> None:
    """Run a program over one symbol; write rows from `first` on.

    Parameters
    ----------
    code : array of shape (n_steps, 9)
        Columns as in `program.Program.code`.
    param : array of shape (n_steps,)
    inputs : array of shape (n_leaves, n_input_rows)
        Rows of several symbols.
    at : int
        Where the symbol's rows begin among them.
    registers : array of shape (n_registers, n_rows or more); scratch
    columns : array of shape (n_columns, n_rows); scratch
    times : array of shape (n_rows,)
    first : int
        First row that is wanted.
    out : array of shape (n_rows - first, n_columns)
    kept : array of shape (n_kept, n_rows - first)
    """
    starts = anchors(times)
    for k in range(code.shape[0]):
        op, window, dest = code[k, 0], code[k, 1], code[k, 4] - len(inputs)
        column, keep = code[k, 5], code[k, 6]
        begin = max(0, max(0, first - code[k, 7]) - code[k, 8])
        a = _series(inputs, at, registers, code[k, 2], begin, times.size)
        b = _series(inputs, at, registers, code[k, 3], begin, times.size)
        target = registers[dest, begin : times.size]
        if op < 20:
            execute_pointwise(op, param[k], a, b, target)
        elif op < 30:
            execute_earlier(op, window, a, b, times[begin:], target)
        elif op < 40:
            own = starts[np.searchsorted(starts, begin) :] - begin
            execute_anchored(op, window, param[k], a, b, own, target)
        else:
            execute_scanned(op, window, param[k], a, target)
        result = registers[dest, first : times.size]
        if column >= 0:
            columns[column, : result.size] = result
        if keep >= 0:
            kept[keep] = result
    _interleave(columns, out)


def _source_stamp() -> int:
    sources = "".join(inspect.getsource(module) for module in (windows, scans, pointwise, across))
    sources += inspect.getsource(cast("ModuleType", inspect.getmodule(_source_stamp)))
    return int.from_bytes(hashlib.sha256(sources.encode()).digest()[:7], "big")


# Changes with the source of any kernel that a program uses.
SOURCE_STAMP: Final = _source_stamp()


def _runner(stamp: int) -> Runner:
    """Build the runner over a stretch of symbols: inputs and times hold their rows alone.

    numba's cache looks only at the file of the function it keeps, but at closed-over values too:
    `stamp` makes it notice a change in any kernel.
    """

    def run(
        code: Int64Array,
        param: Float64Array,
        n_registers: int,
        inputs: Float64Array,
        times: Int32Array,
        offsets: Int64Array,
        firsts: Int64Array,
        out_offsets: Int64Array,
        out: Float32Array,
        kept: Float64Array,
    ) -> int:
        longest = 0
        for s in range(firsts.size):
            longest = max(longest, offsets[s + 1] - offsets[s])
        # One workspace for all symbols: memory that was just written is still in the cache.
        registers = np.empty((n_registers, longest), dtype=np.float64)
        columns = np.empty((out.shape[1], longest), dtype=np.float32)
        for s in range(firsts.size):
            begin, end = offsets[s], offsets[s + 1]
            run_symbol(
                code,
                param,
                inputs,
                begin,
                registers,
                columns,
                times[begin:end],
                firsts[s],
                out[out_offsets[s] : out_offsets[s + 1]],
                kept[:, out_offsets[s] : out_offsets[s + 1]],
            )
        return stamp

    return kernel(run)


run_program: Final = _runner(SOURCE_STAMP)
