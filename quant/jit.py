"""Compilation of numeric kernels: exact arithmetic, cached on disk where a folder allows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` with numba, without fast-math, keeping the machine code on disk.

    Where neither the source folder nor the user's cache folder can be written, the function is
    compiled anew in each process instead.
    """
    return _compiled(function, parallel=False)


def parallel_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` like `kernel`, with its ``prange`` loops spread over the cores."""
    return _compiled(function, parallel=True)


def _compiled(function: Callable[P, R], *, parallel: bool) -> Callable[P, R]:
    options = {"fastmath": False, "parallel": parallel, "error_model": "numpy"}
    try:
        compiled: Callable[P, R] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba's word for "no folder to cache in"
        compiled = numba.njit(cache=False, **options)(function)
    return compiled
