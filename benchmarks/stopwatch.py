"""Time one side of a comparison in a process of its own, and tell the figures as JSON."""

from __future__ import annotations

import importlib.metadata
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

# Prepares what is not timed (compiling, starting a library) and returns the work.
Prepare = Callable[[Path], Callable[[], object]]


def main(cases: Mapping[str, Prepare], packages: Sequence[str]) -> None:
    """Run ``CASE FOLDER REPEATS`` from the command line.

    CPU seconds count the process and the children it has ended; a loaded machine lengthens the
    wall's seconds alone.
    """
    case, folder, repeats = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    work = cases[case](folder)
    wall, cpu = [], []
    result: object = None
    for _ in range(repeats):
        result = None  # the one before must not stand in memory beside the next
        cpu_at, wall_at = _cpu(), time.perf_counter()
        result = work()
        wall.append(time.perf_counter() - wall_at)
        cpu.append(_cpu() - cpu_at)
    versions = {name: importlib.metadata.version(name) for name in packages}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told = {"wall": wall, "cpu": cpu, "versions": versions, "peak_gb": peak}
    sys.stdout.write(json.dumps(told | _figures(result)) + "\n")


def _cpu() -> float:
    told = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in told)


def _figures(result: object) -> dict[str, object]:
    """What was computed: its shape and last row, so that a fast wrong answer is noticed."""
    matrix = np.asarray(result, dtype=np.float64)
    if matrix.ndim < 2:
        return {"shape": matrix.shape, "last": matrix.ravel()[-1:].tolist()}
    return {"shape": matrix.shape, "last": matrix[-1].tolist()}
