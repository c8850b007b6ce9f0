"""Translation of expressions into the steps that the compiled machine runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from quant.features.expressions import CROSS_SECTIONAL, DAY_MINUTES, Op, Series
from quant.features.interpreter import SOURCE_STAMP, run_program
from quant.features.leaves import Layout, Leaf, given, last_times
from quant.jit import in_parallel
from quant.typing import Float32Array, Float64Array, Int64Array

_LEAVES = CROSS_SECTIONAL | {Op.INPUT, Op.MARKET}


@dataclass(frozen=True)
class Program:
    """Steps over leaves and registers, each one series of one symbol.

    Attributes
    ----------
    leaves : tuple of Series
        The series with the first numbers: inputs, and the results of other programs.
    leaf_needs : tuple of int
        Sessions before the first wanted one that each leaf must reach back.
    code : array of shape (n_steps, 9)
        Operation, window, first and second argument's number, result's number, column of the
        output or −1, row of the kept series or −1, earlier rows that later steps need of the
        result, earlier rows of the arguments that one result needs. A number stands for a leaf,
        or, after the last of these, for a register.
    param : array of shape (n_steps,)
        The operations' figures.
    n_registers : int
        Series that are held at a time, leaves excepted.
    """

    leaves: tuple[Series, ...]
    leaf_needs: tuple[int, ...]
    code: Int64Array
    param: Float64Array
    n_registers: int

    @property
    def rows_before(self) -> int:
        """Rows before the first wanted one that some leaf must reach back."""
        return max(self.leaf_needs, default=0)


def translate(
    outputs: Sequence[Series], kept: Sequence[Series] = (), *, day_rows: int = DAY_MINUTES
) -> Program:
    """Return the program that computes `outputs` (columns) and `kept` (whole series).

    No session may have more than `day_rows` rows.

    Expressions that several of them contain are computed once. Operations across symbols and on
    the index are leaves: their results must be given.
    """
    # A step must exist for every result, so that a bare input is passed through one.
    columns = {_as_step(expression): i for i, expression in enumerate(outputs)}
    keeps = {_as_step(expression): i for i, expression in enumerate(kept)}
    order = _ordered([*columns, *keeps])
    needs = _needs(order, day_rows)
    leaves = tuple(node for node in order if node.op in _LEAVES)
    steps = [node for node in order if node.op not in _LEAVES]
    registers, n_registers = _allocate(leaves, steps)
    rows = [
        (
            node.op,
            node.window,
            registers[node.args[0]],
            registers[node.args[-1]],
            registers[node],
            columns.get(node, -1),
            keeps.get(node, -1),
            needs[node],
            node.slice_reach(day_rows),
        )
        for node in steps
    ]
    return Program(
        leaves=leaves,
        leaf_needs=tuple(needs[leaf] for leaf in leaves),
        code=np.array(rows, dtype=np.int64).reshape(-1, 9),
        param=np.array([node.param for node in steps], dtype=np.float64),
        n_registers=n_registers,
    )


def cross_levels(outputs: Iterable[Series]) -> list[list[Series]]:
    """Return the cross-sectional operations in `outputs`, those that need no other first."""
    levels: dict[int, list[Series]] = {}
    depth: dict[Series, int] = {}
    for node in _ordered(list(outputs), through_leaves=True):
        below = max((depth[arg] for arg in node.args), default=0)
        depth[node] = below + (node.op in CROSS_SECTIONAL)
        if node.op in CROSS_SECTIONAL:
            levels.setdefault(depth[node], []).append(node)
    return [levels[level] for level in sorted(levels)]


def market_series(outputs: Iterable[Series]) -> list[Series]:
    """Return the series of the index that `outputs` use."""
    nodes = _ordered(list(outputs), through_leaves=True)
    return [node for node in nodes if node.op is Op.MARKET]


def _as_step(expression: Series) -> Series:
    return expression * 1.0 if expression.op in _LEAVES else expression


def _ordered(roots: Sequence[Series], *, through_leaves: bool = False) -> list[Series]:
    """Every expression below `roots` once, arguments first."""
    order: dict[Series, None] = {}

    def visit(node: Series) -> None:
        if node in order:
            return
        if through_leaves or node.op not in _LEAVES:
            for arg in node.args:
                visit(arg)
        order[node] = None

    for root in roots:
        visit(root)
    return list(order)


def _needs(order: Sequence[Series], day_rows: int) -> dict[Series, int]:
    """Rows before the first wanted one that each expression must be computed from."""
    needs = dict.fromkeys(order, 0)
    for node in reversed(order):
        if node.op in _LEAVES:
            continue
        for arg in node.args:
            needs[arg] = max(needs[arg], needs[node] + node.slice_reach(day_rows))
    return needs


def _allocate(
    leaves: Sequence[Series], steps: Sequence[Series]
) -> tuple[Mapping[Series, int], int]:
    """Give each step a register, using one again when nothing needs its series any more."""
    last_use = {arg: i for i, node in enumerate(steps) for arg in node.args}
    registers = {leaf: i for i, leaf in enumerate(leaves)}
    fresh = count(len(leaves))
    free: list[int] = []
    for i, node in enumerate(steps):
        registers[node] = free.pop() if free else next(fresh)
        done = [arg for arg in dict.fromkeys(node.args) if last_use[arg] == i]
        free.extend(registers[arg] for arg in done if arg.op not in _LEAVES)
        if node not in last_use:
            free.append(registers[node])
    return registers, next(fresh) - len(leaves)


def run(
    program: Program,
    leaves: Mapping[Series, Leaf],
    layout: Layout,
    *,
    out: Float32Array,
    kept: Float64Array,
) -> None:
    """Run a program over all symbols; results go to `out` (columns) and `kept` (whole series).

    The leaves are laid side by side for a stretch of symbols at a time, never for the whole panel.

    Parameters
    ----------
    program : Program
    leaves : mapping of Series to Leaf
        A figure for each of the program's leaves.
    layout : Layout
    out : array of shape (n_wanted, n_outputs)
    kept : array of shape (n_kept, n_wanted)
    """
    looked_at, wanted = layout.looked_at, layout.wanted
    lengths = np.diff(looked_at)
    firsts = layout.firsts - layout.begins

    def stretch(first: int, last: int) -> int:
        own = lengths[first:last]
        times = np.empty(int(own.sum()), dtype=np.int32)
        last_times(layout.times, layout.offsets[first : last + 1], own, times)
        inputs = np.empty((len(program.leaves), times.size))
        for k, node in enumerate(program.leaves):
            given(leaves[node], times, own, first, inputs[k])
        return run_program(
            program.code, program.param, program.n_registers, inputs, times,
            looked_at[first : last + 1] - looked_at[first], firsts[first:last],
            wanted[first : last + 1], out, kept,
        )  # fmt: skip

    stamps = in_parallel(stretch, looked_at)
    if any(stamp != SOURCE_STAMP for stamp in stamps):
        raise RuntimeError(
            f"The compiled feature kernels carry stamps {stamps}, their source {SOURCE_STAMP}. "
            "Delete quant/features/__pycache__ and start again."
        )
