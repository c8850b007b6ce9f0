"""Trees as XGBoost writes them down, and how well they forecast rows, round by round."""

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from quant.jit import kernel
from quant.models.learners import Checked
from quant.typing import Float32Array, Float64Array, Int64Array

Int32Array: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]
ByteArray: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]

# Arrays of a tree in XGBoost's saved model: their names and the types of their values as UBJSON
# writes them (the manual's "Introduction to Model IO" has the schema), what numpy calls these,
# the high byte first, and what they are here.
_ARRAYS: Final = (
    (b"left_children[$l#L", ">i4", np.int32),
    (b"right_children[$l#L", ">i4", np.int32),
    (b"split_indices[$l#L", ">i4", np.int32),
    (b"split_conditions[$d#L", ">f4", np.float32),
    (b"default_left[$U#L", "u1", np.uint8),
)
_COUNT_BYTES: Final = 8


class Trees(NamedTuple):
    """Nodes of several trees, one tree after the other.

    Attributes
    ----------
    begins : int64 array of shape (n_trees + 1,)
        Where the nodes of each tree begin, and those of the last one end.
    left, right : int32 arrays of shape (n_nodes,)
        Children by their place in the tree; -1 at a leaf.
    feature : int32 array of shape (n_nodes,)
        Column that is compared.
    border : float32 array of shape (n_nodes,)
        What is less goes left; at a leaf what it adds to the log-odds.
    unknown_left : uint8 array of shape (n_nodes,)
        1 where an unknown value goes left.
    """

    begins: Int64Array
    left: Int32Array
    right: Int32Array
    feature: Int32Array
    border: Float32Array
    unknown_left: ByteArray


def last_trees(booster: Any, count: int) -> Trees:
    """Read the last trees of a booster.

    Raises
    ------
    ValueError
        If they are not written down as they are by the XGBoost that this was written for.
    """
    told = bytes(booster.save_raw("ubj"))
    fields = [_last(told, name, kind, count) for name, kind, _ in _ARRAYS]
    sizes = [array.size for array in fields[0]]
    if any([array.size for array in field] != sizes for field in fields):
        raise ValueError(
            "the trees of a saved booster have arrays of unequal length. Install the xgboost that "
            "pyproject.toml names."
        )
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    nodes = (
        np.concatenate(field).astype(own)
        for field, (_, _, own) in zip(fields, _ARRAYS, strict=True)
    )
    return Trees(begins, *nodes)


def _last(told: bytes, name: bytes, kind: str, count: int) -> list[Any]:
    """The last arrays of a name, in their order."""
    found, end = [], len(told)
    for _ in range(count):
        end = told.rfind(name, 0, end)
        if end < 0:
            raise ValueError(
                f"a saved booster has fewer than {count} arrays {name.decode()!r}. Install the "
                "xgboost that pyproject.toml names."
            )
        begin = end + len(name) + _COUNT_BYTES
        size = int.from_bytes(told[begin - _COUNT_BYTES : begin], "big")
        found.append(np.frombuffer(told, kind, size, begin))
    return found[::-1]


class Check:
    """How well the rows that say when to stop are forecast, round by round.

    XGBoost lays out all features of a row in every round; a tree of depth 3 compares three.

    Parameters
    ----------
    checked : Checked
        At least one row.
    base_rate : float
        What is forecast before the first round.
    """

    def __init__(self, checked: Checked, base_rate: float) -> None:
        self._features = np.ascontiguousarray(checked.features, dtype=np.float32)
        self._won = np.ascontiguousarray(checked.won, dtype=np.float64)
        self._weights = np.ascontiguousarray(checked.weights, dtype=np.float64)
        start = np.log(base_rate / (1.0 - base_rate))
        self._margins = np.full(self._won.size, start, dtype=np.float32)

    def losses(self, trees: Trees) -> Float64Array:
        """Add trees to the forecasts.

        Parameters
        ----------
        trees : Trees
            Those that follow the ones added before.

        Returns
        -------
        array of shape (n_trees,)
            Weighted mean log loss after each.
        """
        losses = np.empty(trees.begins.size - 1)
        _add(*trees, self._features, self._margins, self._won, self._weights, losses)
        return losses


@kernel
def _add(
    begins: Int64Array,
    left: Int32Array,
    right: Int32Array,
    feature: Int32Array,
    border: Float32Array,
    unknown_left: ByteArray,
    features: Float32Array,
    margins: Float32Array,
    won: Float64Array,
    weights: Float64Array,
    losses: Float64Array,
) -> None:
    """Add each tree to `margins`, and write down the loss after it."""
    weight = weights.sum()
    for tree in range(losses.size):
        root, total = begins[tree], 0.0
        for row in range(margins.size):
            node = root
            while left[node] >= 0:
                value = features[row, feature[node]]
                goes_left = unknown_left[node] == 1 if np.isnan(value) else value < border[node]
                node = root + (left[node] if goes_left else right[node])
            margins[row] += border[node]
            margin = np.float64(margins[row])
            right_way = margin if won[row] > 0.0 else -margin
            # log(1 + exp(-right_way)), which must not overflow
            loss = np.log1p(np.exp(-abs(right_way))) + max(-right_way, 0.0)
            total += weights[row] * loss
        losses[tree] = total / weight
