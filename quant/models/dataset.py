"""What a model learns from, and the knobs of its training, as plain data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from quant.typing import BoolArray, Float32Array, FloatArray, Int64Array, IntArray

# Fewer rows than this cannot tell an edge of any plausible size from noise.
MIN_TRAINING_ROWS = 100


class UnusableDataError(ValueError):
    """The data cannot train or feed the model; the message says which column or row."""


@dataclass(frozen=True)
class Hyperparameters:
    """Settings of one configuration; `search_space` says what is tried of a kind of model.

    A kind leaves out what does not concern it: a forest's trees are `n_rounds` and are not
    stopped early, a linear model has its penalties alone.
    """

    family: str = "xgboost"
    max_depth: int = 3
    learning_rate: float = 0.05
    n_rounds: int = 120
    early_stopping_rounds: int = 15
    min_child_weight: float = 5.0
    subsample: float = 0.8
    feature_share: float = 0.5
    l1: float = 0.0
    l2: float = 5.0
    max_bin: int = 64


Space = Mapping[str, tuple[str, float, float]]

# Name -> (kind, low, high): kind is "int", "float" or "log". Ranges are narrow on purpose:
# daily excess returns hold little signal and every configuration scored counts as a trial.
SEARCH_SPACE: Space = MappingProxyType(
    {
        "max_depth": ("int", 1, 5),
        "learning_rate": ("log", 0.01, 0.2),
        "min_child_weight": ("log", 1.0, 50.0),
        "subsample": ("float", 0.5, 1.0),
        "feature_share": ("float", 0.2, 1.0),
        "l1": ("float", 0.0, 5.0),
        "l2": ("log", 0.1, 50.0),
    }
)
_FOREST_SPACE: Space = MappingProxyType(
    {
        "max_depth": ("int", 2, 8),
        "min_child_weight": ("log", 5.0, 200.0),
        "subsample": ("float", 0.4, 0.8),
        "feature_share": ("float", 0.1, 0.6),
    }
)
_LINEAR_SPACE: Space = MappingProxyType({"l2": ("log", 1.0, 100_000.0)})
_SPACES: Mapping[str, Space] = MappingProxyType(
    {
        "xgboost": SEARCH_SPACE,
        "lightgbm": SEARCH_SPACE,
        "forest": _FOREST_SPACE,
        "linear": _LINEAR_SPACE,
        "ensemble": SEARCH_SPACE,  # of its first member; the others have their usual settings
    }
)


def search_space(family: str, outcomes: float = math.inf) -> Space:
    """What is searched for one kind of model: name to (kind, low, high).

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    outcomes : float
        Independent outcomes one fit learns from, the sum of its weights. Few of them narrow the
        space: settings under which no tree could grow a branch are no models, and a search that
        finds no skill would choose them for losing least.

    Raises
    ------
    UnusableDataError
        If there is no such kind.
    """
    if family not in _SPACES:
        raise UnusableDataError(f"no model is called {family!r}; there are {', '.join(_SPACES)}.")
    space = dict(_SPACES[family])
    if "min_child_weight" in space:
        # An outcome weighs at most p (1 - p) = 1/4; a leaf needs no more than a tenth of all.
        space["min_child_weight"] = _at_most(space["min_child_weight"], outcomes / 40.0)
    if "l1" in space:
        # Without skill a half's gradients add up to about sqrt(outcomes / 8): a penalty beyond
        # would silence true differences as well.
        space["l1"] = _at_most(space["l1"], math.sqrt(outcomes / 8.0) / 2.0)
    return space


def _at_most(told: tuple[str, float, float], most: float) -> tuple[str, float, float]:
    kind, low, high = told
    high = min(high, most)
    return kind, min(low, high / 4.0), high


def candidates(family: str) -> tuple[Hyperparameters, ...]:
    """What each walk-forward window chooses among, on earlier rows: few, as each is a trial.

    Raises
    ------
    UnusableDataError
        If there is no such kind of model.
    """
    search_space(family)  # refuses a kind nobody knows
    usual = Hyperparameters(family=family)
    if family == "forest":
        forest = replace(usual, n_rounds=100, subsample=0.6, feature_share=0.3, l2=1.0)
        return (replace(forest, max_depth=4, min_child_weight=20.0), replace(forest, max_depth=2))
    if family == "linear":
        return tuple(replace(usual, l2=penalty) for penalty in (100.0, 1_000.0, 10_000.0))
    return (
        usual,
        replace(usual, max_depth=1, learning_rate=0.1, l2=10.0),
        replace(usual, max_depth=2, min_child_weight=15.0, feature_share=0.3),
    )


@dataclass(frozen=True)
class Dataset:
    """Rows of features with their labels; every array has one entry per row.

    Attributes
    ----------
    features : float32 array of shape (n_rows, n_features)
        Known at the close of the row's session; NaN is "unknown".
    names : tuple of str
        Names of the columns: the model's signature.
    sessions, symbols : int arrays
        Session ordinal and symbol code.
    labels : float64 array
        Excess return, divided by `scale` where that is given; NaN where not matured.
    weights : float64 array
        Average uniqueness, in (0, 1]: they sum to the effective sample size.
    label_start, label_end : int arrays
        Closed interval of session ordinals each label is made of.
    scale : float64 array, optional
        What turns a label back into a return.
    daily_excess : float64 array, optional
        Excess return from the open of t+1 to the open of t+2, for a trial's daily returns;
        without it each session earns its share of the label.
    part : bool
        These are some rows of a checked dataset: a column may be empty in them.
    time_decay : float
        Weight, in (0, 1], that the oldest of the rows one model learns from tend to, where the
        newest weigh 1: each fit ages its own rows, and 1 ages none.
    """

    features: Float32Array
    names: tuple[str, ...]
    sessions: IntArray
    symbols: IntArray
    labels: FloatArray
    weights: FloatArray
    label_start: IntArray
    label_end: IntArray
    scale: FloatArray | None = None
    daily_excess: FloatArray | None = None
    part: bool = False
    time_decay: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.time_decay <= 1.0:
            raise UnusableDataError(
                f"`time_decay` must lie above 0 and not above 1, was {self.time_decay}."
            )
        if self.features.ndim != 2 or self.features.shape[1] != len(self.names):
            raise UnusableDataError(
                f"`features` must have one column per name, was {self.features.shape} for "
                f"{len(self.names)} names."
            )
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise UnusableDataError(f"every feature must be named once; twice: {', '.join(twice)}.")
        for name in ("sessions", "symbols", "labels", "weights", "label_start", "label_end"):
            if getattr(self, name).shape != (self.n_rows,):
                raise UnusableDataError(
                    f"`{name}` must have one entry for each of {self.n_rows} rows, had shape "
                    f"{getattr(self, name).shape}."
                )

    @property
    def n_rows(self) -> int:
        """Rows, labelled or not."""
        return int(self.features.shape[0])

    @property
    def horizon(self) -> int:
        """Sessions from entry to exit of the longest label."""
        return int(np.max(self.label_end - self.label_start))

    def take(self, rows: Int64Array) -> "Dataset":
        """Return the same dataset with `rows` only."""
        return replace(
            self,
            features=self.features[rows],
            sessions=self.sessions[rows],
            symbols=self.symbols[rows],
            labels=self.labels[rows],
            weights=self.weights[rows],
            label_start=self.label_start[rows],
            label_end=self.label_end[rows],
            scale=None if self.scale is None else self.scale[rows],
            daily_excess=None if self.daily_excess is None else self.daily_excess[rows],
            part=True,
        )

    def labelled(self, rows: Int64Array) -> Int64Array:
        """Those of `rows` that have a label."""
        return rows[np.isfinite(self.labels[rows])]


def require_trainable(dataset: Dataset) -> None:
    """Refuse data that would train a model on nothing, naming the columns at fault.

    Parameters
    ----------
    dataset : Dataset
        A part of a checked dataset is not checked again.

    Raises
    ------
    UnusableDataError
        If a column is infinite, empty or constant, or too few rows have a label.
    """
    if dataset.part:
        return
    # An infinite column says so before it is called empty or constant.
    infinite = np.atleast_1d(np.isinf(dataset.features).any(axis=0))
    _refuse(dataset.names, infinite, "hold infinite values; make them NaN")
    empty, constant = _without_news(dataset.features)
    _refuse(dataset.names, empty, "hold nothing but NaN; drop them or load more history")
    _refuse(dataset.names, constant, "are constant; drop them")
    n_labelled = int(np.isfinite(dataset.labels).sum())
    if n_labelled < MIN_TRAINING_ROWS:
        raise UnusableDataError(
            f"a model needs at least {MIN_TRAINING_ROWS} rows with a matured label, there are "
            f"{n_labelled}. Load more history or shorten the horizon."
        )


def informative(features: FloatArray) -> BoolArray:
    """Whether each column has two values at least.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        NaN is "unknown" and no value.
    """
    empty, constant = _without_news(features)
    told: BoolArray = ~(empty | constant)
    return told


def require_signature(
    features: FloatArray, names: tuple[str, ...], signature: tuple[str, ...]
) -> None:
    """Refuse features that are not, in this order, those the model was trained on.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        What is to be predicted from.
    names : tuple of str
        Names of its columns.
    signature : tuple of str
        Names the model was trained on, in order.

    Raises
    ------
    UnusableDataError
        If columns are missing, unknown, repeated or reordered, or a row has no known feature.
    """
    if tuple(names) != signature:
        raise UnusableDataError(_difference(tuple(names), signature))
    if features.ndim != 2 or features.shape[1] != len(signature):
        raise UnusableDataError(
            f"`features` must have shape (n_rows, {len(signature)}), was {features.shape}."
        )
    blank = ~np.isfinite(features).any(axis=1)
    if blank.any():
        raise UnusableDataError(
            f"{int(blank.sum())} of {features.shape[0]} rows have no known feature, the first is "
            f"row {int(np.argmax(blank))}. Leave them out: there is nothing to predict from."
        )


def _without_news(columns: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Which columns are empty, and which hold one value only."""
    unknown = np.isnan(columns)
    lowest: FloatArray = np.min(columns, axis=0, initial=np.inf, where=~unknown)
    highest: FloatArray = np.max(columns, axis=0, initial=-np.inf, where=~unknown)
    return np.atleast_1d(unknown.all(axis=0)), np.equal(lowest, highest)


def _difference(names: tuple[str, ...], signature: tuple[str, ...]) -> str:
    missing = [name for name in signature if name not in names]
    unknown = [name for name in names if name not in signature]
    if missing or unknown:
        return (
            f"the model was trained on {len(signature)} features; missing: "
            f"{', '.join(missing) or 'none'}; not known to it: {', '.join(unknown) or 'none'}."
        )
    if len(names) != len(signature):
        return f"features are repeated: the model knows {len(signature)}, {len(names)} came."
    place = next(i for i, name in enumerate(names) if name != signature[i])
    return (
        f"features came in another order than the model was trained on: column {place} must be "
        f"{signature[place]!r}, was {names[place]!r}. Reorder the columns to the signature."
    )


def _refuse(names: tuple[str, ...], at_fault: BoolArray, what: str) -> None:
    if at_fault.any():
        listed = [name for name, fault in zip(names, at_fault, strict=True) if fault]
        raise UnusableDataError(f"{len(listed)} features {what}: {', '.join(listed[:10])}.")
