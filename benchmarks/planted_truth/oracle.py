"""How strong an edge must be for its best use to earn a stated Sharpe ratio."""

import numpy as np

from benchmarks.planted_truth import samples
from benchmarks.planted_truth.judged import POLICY, oracle_sharpe
from benchmarks.planted_truth.trading import Trading
from benchmarks.planted_truth.worlds import generated
from quant.typing import Float64Array

# Worlds of their own, so that the markets judged later check the figures anew.
_FIRST_SEED, _N_WORLDS = 900_000, 30
_EDGES = (0.0, 0.05, 0.1)


def strength(wanted: Float64Array, *, n_worlds: int = _N_WORLDS) -> Float64Array:
    """Edges at which the desk's policy, ranking by the signal itself, earns these on average.

    The mean of the same worlds at three strengths, joined by a parabola: it is nearly a line.
    """
    earned = np.array(
        [np.mean([_oracle(_FIRST_SEED + n, edge) for n in range(n_worlds)]) for edge in _EDGES]
    )
    curve = np.polyfit(_EDGES, earned, 2)
    fine = np.linspace(0.0, 2.0 * max(_EDGES), 20_001)
    edges: Float64Array = np.interp(wanted, np.polyval(curve, fine), fine)
    return edges


def _oracle(seed: int, edge: float) -> float:
    world = generated(seed, edge=edge)
    dataset, market = samples.dataset(world)
    return oracle_sharpe(world, dataset, Trading(dataset, market, POLICY))
