"""What a planter of any kind of data gives: a spoiled delivery, and what must be found in it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Spoiled:
    """A delivery and the keys that must be found; `touched` are neither wrong nor clean."""

    frame: pl.DataFrame
    wrong: frozenset[Hashable]
    touched: frozenset[Hashable] = frozenset()


Planter = Callable[[pl.DataFrame, np.random.Generator], Spoiled]


def by_name(*planters: Planter) -> dict[str, Planter]:
    """Return planters by their names."""
    return {planter.__name__: planter for planter in planters}
