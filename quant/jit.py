"""Compilation of numeric kernels: exact arithmetic, kept on disk, run on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, ParamSpec, TypeVar

import numba
import numpy as np

from quant.typing import Int64Array

P = ParamSpec("P")
R = TypeVar("R")

_WORTHWHILE: Final = 20_000  # rows; fewer are done sooner than threads start
_OPTIONS: Final = {"fastmath": False, "nogil": True, "error_model": "numpy"}
_STRETCH: Final = 8_000  # rows; of more, what the work lays out for itself leaves the cache


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` with numba, without fast-math, keeping the machine code on disk.

    The compiled function lets other threads run, so that work is spread over the cores by
    `in_parallel`; numba's own threads would end the process when two of the desk's threads
    compute at once, or after a fork.

    Where neither the source folder nor the user's cache folder can be written, the function is
    compiled anew in each process instead.
    """
    try:
        compiled: Callable[P, R] = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba's word for "no folder to cache in"
        compiled = numba.njit(cache=False, **_OPTIONS)(function)
    return compiled


def part(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` as `kernel` does, keeping machine code only in the kernels that call it.

    For what calls kernels of other files: numba's cache looks only at the file of the function it
    keeps, and would go on with the old code of theirs.
    """
    compiled: Callable[P, R] = numba.njit(cache=False, **_OPTIONS)(function)
    return compiled


def in_parallel(work: Callable[[int, int], R], bounds: Int64Array) -> list[R]:
    """Call ``work(first, last)`` for stretches of about equal size, one per core at a time.

    Parameters
    ----------
    work : callable
        A kernel's call, on the items from `first` to before `last`.
    bounds : array of shape (n_items + 1,)
        Where the rows of each item begin, and the last one's end.

    Returns
    -------
    list
        What `work` returned, in no certain order.
    """
    n_items = bounds.size - 1
    cores = min(os.cpu_count() or 1, n_items)
    if cores < 2 or bounds[-1] - bounds[0] < _WORTHWHILE:
        return [work(0, n_items)]
    # Several stretches a core, so that one slow stretch keeps nobody waiting.
    n_stretches = max(4 * cores, int(bounds[-1] - bounds[0]) // _STRETCH)
    goals = np.linspace(bounds[0], bounds[-1], n_stretches + 1)
    edges = np.unique(np.searchsorted(bounds, goals))
    edges[-1] = n_items
    waiting = iter(list(pairwise(edges.tolist())))

    def share() -> list[R]:
        # Threads take the next stretch themselves: so many futures would wake the collector.
        return [work(first, last) for first, last in waiting]

    with ThreadPoolExecutor(cores - 1) as pool:
        others = [pool.submit(share) for _ in range(cores - 1)]
        done = share()
        return done + [result for other in others for result in other.result()]
