"""Work spread over threads: every stretch is done once, and an error in any of them is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from numba.core.registry import CPUDispatcher as Dispatcher

from quant import labels, scans, windows
from quant.features import across, interpreter, minutes, pointwise
from quant.jit import in_parallel

BOUNDS = np.arange(41, dtype=np.int64) * 1_000


def test_every_item_belongs_to_exactly_one_stretch() -> None:
    stretches = in_parallel(lambda first, last: (first, last), BOUNDS)
    items = [item for first, last in stretches for item in range(first, last)]
    assert sorted(items) == list(range(BOUNDS.size - 1))
    cores = os.cpu_count() or 1
    assert len(stretches) >= min(4 * cores, len(items)) or cores == 1


@pytest.mark.parametrize("failing", [0, 17, 39])
def test_an_error_in_any_stretch_reaches_the_caller(failing: int) -> None:
    def work(first: int, last: int) -> None:
        if first <= failing < last:
            raise ArithmeticError(f"item {failing}")

    with pytest.raises(ArithmeticError, match=f"item {failing}"):
        in_parallel(work, BOUNDS)


def called(compiled: Dispatcher) -> Iterator[Dispatcher]:
    """Kernels that a kernel names, itself or as another module's attribute."""
    told = compiled.py_func
    names = told.__code__.co_names
    named = [told.__globals__[name] for name in names if name in told.__globals__]
    modules = [value for value in named if isinstance(value, ModuleType)]
    named += [
        getattr(module, name) for module in modules for name in names if hasattr(module, name)
    ]
    return (value for value in named if isinstance(value, Dispatcher))


@pytest.mark.parametrize(
    "module", [interpreter, pointwise, across, windows, labels, minutes, scans]
)
def test_what_is_kept_on_disk_calls_no_kernel_of_another_file(module: ModuleType) -> None:
    own = [value for value in vars(module).values() if isinstance(value, Dispatcher)]
    kept = [one for one in own if one.stats.cache_path is not None]
    elsewhere = {
        (one.py_func.__name__, other.py_func.__name__)
        for one in kept
        if one.py_func.__module__ == module.__name__
        for other in called(one)
        if other.py_func.__module__ != module.__name__
    }

    assert elsewhere == set()
