"""Work spread over threads: every stretch is done once, and an error in any of them is told."""

from __future__ import annotations

import os

import numpy as np
import pytest

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
