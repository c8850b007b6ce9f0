"""The compiled machine that runs a feature program over every symbol, in parallel."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable
from types import ModuleType
from typing import Final, cast

import numpy as np

from quant import windows
from quant.features import pointwise
from quant.features.expressions import ANCHOR_BLOCK
from quant.jit import kernel
from quant.typing import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array

Runner = Callable[..., int]


@kernel
def anchors(times: Int32Array, out: BoolArray) -> None:
    """Mark the first row of each block of days, or minutes: there running sums start anew."""
    for i in range(times.size):
        out[i] = i == 0 or times[i] // ANCHOR_BLOCK != times[i - 1] // ANCHOR_BLOCK


@kernel
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


@kernel
def execute_earlier(
    op: int, window: int, a: Float64Array, b: Float64Array, out: Float64Array
) -> None:
    """Carry out an operation that goes back to one row or the session's start (`Op` 20 to 23)."""
    if op == 20:
        windows.lag(a, window, out)
    else:
        windows.since_start(a, b, op - 21, out)


@kernel
def execute_anchored(
    op: int,
    window: int,
    param: float,
    a: Float64Array,
    b: Float64Array,
    anchor: BoolArray,
    out: Float64Array,
) -> None:
    """Carry out an operation with running sums (`Op` 30 to 38)."""
    if op == 30:
        windows.rolling_sum(a, window, anchor, out)
    elif op == 31:
        windows.rolling_mean(a, window, anchor, out)
    elif op == 32:
        windows.rolling_std(a, window, param, anchor, out)
    elif op in {33, 34}:
        windows.rolling_slope(a, window, op == 34, anchor, out)
    elif op < 38:
        windows.rolling_pair(a, b, window, op - 35, anchor, out)
    else:
        windows.weighted_mean(a, window, param, anchor, out)


@kernel
def execute_scanned(op: int, window: int, param: float, a: Float64Array, out: Float64Array) -> None:
    """Carry out an operation that scans its window (`Op` 40 to 46)."""
    if op < 44:
        sign = 1.0 if op in {40, 42} else -1.0
        windows.rolling_extreme(a, window, sign, op >= 42, out)
    elif op == 44:
        windows.rolling_rank(a, window, out)
    elif op == 45:
        windows.rolling_mean_deviation(a, window, out)
    else:
        windows.rolling_moment(a, window, param, out)


@kernel
def _write_column(values: Float64Array, column: int, out: Float32Array) -> None:
    for i in range(values.size):
        out[i, column] = values[i]


@kernel
def _prepared(inputs: Float64Array, n_registers: int) -> Float64Array:
    """Registers with the inputs in the first ones."""
    registers = np.empty((n_registers, inputs.shape[1]), dtype=np.float64)
    for i in range(inputs.shape[0]):
        registers[i] = inputs[i]
    return registers


@kernel
def run_symbol(
    code: Int64Array,
    param: Float64Array,
    n_registers: int,
    inputs: Float64Array,
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
    n_registers : int
    inputs : array of shape (n_leaves, n_rows); they fill the first registers
    times : array of shape (n_rows,)
    first : int
        First row that is wanted.
    out : array of shape (n_rows - first, n_columns)
    kept : array of shape (n_kept, n_rows)
    """
    registers = _prepared(inputs, n_registers)
    anchor = np.empty(times.size, dtype=np.bool_)
    anchors(times, anchor)
    for k in range(code.shape[0]):
        op, window, dest, column, keep = code[k, 0], code[k, 1], code[k, 4], code[k, 5], code[k, 6]
        begin = max(0, max(0, first - code[k, 7]) - code[k, 8])
        a = registers[code[k, 2], begin:]
        b = registers[code[k, 3], begin:]
        target = registers[dest, begin:]
        if op < 20:
            execute_pointwise(op, param[k], a, b, target)
        elif op < 30:
            execute_earlier(op, window, a, b, target)
        elif op < 40:
            execute_anchored(op, window, param[k], a, b, anchor[begin:], target)
        else:
            execute_scanned(op, window, param[k], a, target)
        result = registers[dest, first:]
        if column >= 0:
            _write_column(result, column, out)
        if keep >= 0:
            kept[keep, first:] = result


@kernel
def cross_section(
    values: Float64Array,
    member: BoolArray,
    row_order: Int64Array,
    bounds: Int64Array,
    op: int,
    out: Float64Array,
    begin: int,
    end: int,
) -> None:
    """Rank (`Op` 60), mean (61) or standard deviation (62) over the members of each session.

    `row_order` lists rows session by session; session `s` has the rows
    ``row_order[bounds[s]:bounds[s + 1]]``. Rows that are not members, or whose value is missing,
    have no rank and count for nothing. Does the sessions from `begin` to before `end`.
    """
    for s in range(begin, end):
        _one_session(values, member, row_order[bounds[s] : bounds[s + 1]], op, out)


@kernel
def _one_session(
    values: Float64Array, member: BoolArray, rows: Int64Array, op: int, out: Float64Array
) -> None:
    present = np.empty(rows.size, dtype=np.int64)
    count = 0
    for row in rows:
        out[row] = math.nan
        if member[row] and not math.isnan(values[row]):
            present[count] = row
            count += 1
    if op == 60:
        _rank_session(values, present[:count], out)
    else:
        _summarise_session(values, rows, present[:count], op == 62, out)


@kernel
def _rank_session(values: Float64Array, present: Int64Array, out: Float64Array) -> None:
    n = present.size
    if n < 2:
        return
    order = _sorted_rows(values, present)
    i = 0
    while i < n:
        j = i
        while j + 1 < n and values[order[j + 1]] == values[order[i]]:
            j += 1
        for k in range(i, j + 1):
            out[order[k]] = 0.5 * (i + j) / (n - 1)
        i = j + 1


@kernel
def _sorted_rows(values: Float64Array, rows: Int64Array) -> Int64Array:
    """Rows by their value, by merging ever longer sorted stretches."""
    n = rows.size
    here, there = rows.copy(), np.empty_like(rows)
    width = 1
    while width < n:
        for start in range(0, n, 2 * width):
            middle, stop = min(start + width, n), min(start + 2 * width, n)
            i, j = start, middle
            for k in range(start, stop):
                if i < middle and (j >= stop or values[here[i]] <= values[here[j]]):
                    there[k] = here[i]
                    i += 1
                else:
                    there[k] = here[j]
                    j += 1
        here, there = there, here
        width *= 2
    return here


@kernel
def _summarise_session(
    values: Float64Array, rows: Int64Array, present: Int64Array, spread: bool, out: Float64Array
) -> None:
    n = present.size
    if n < (2 if spread else 1):
        return
    figure = 0.0
    for row in present:
        figure += values[row]
    mean = figure / n
    if spread:
        squares = 0.0
        for row in present:
            squares += (values[row] - mean) ** 2
        figure = math.sqrt(squares / (n - 1))
    for row in rows:
        out[row] = figure if spread else mean


def _source_stamp() -> int:
    sources = "".join(inspect.getsource(module) for module in (windows, pointwise))
    sources += inspect.getsource(cast("ModuleType", inspect.getmodule(_source_stamp)))
    return int.from_bytes(hashlib.sha256(sources.encode()).digest()[:7], "big")


# Changes with the source of any kernel that a program uses.
SOURCE_STAMP: Final = _source_stamp()


def _runner(stamp: int) -> Runner:
    """Build the runner over a stretch of symbols.

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
        first_symbol: int,
        last_symbol: int,
    ) -> int:
        for s in range(first_symbol, last_symbol):
            begin, end = offsets[s], offsets[s + 1]
            run_symbol(
                code,
                param,
                n_registers,
                inputs[:, begin:end],
                times[begin:end],
                firsts[s],
                out[out_offsets[s] : out_offsets[s + 1]],
                kept[:, begin:end],
            )
        return stamp

    return kernel(run)


run_program: Final = _runner(SOURCE_STAMP)
