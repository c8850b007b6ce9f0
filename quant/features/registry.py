"""What a feature is, and the ordered set of them that a model is trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from quant.features import expressions
from quant.features.code_stamp import code_stamp
from quant.features.expressions import Series

GROUPS: Final = (
    "returns", "momentum", "trend", "pattern", "volatility", "volume", "spread", "cross-section",
    "calendar", "regime", "session",
)  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    Attributes
    ----------
    name : str
        Column name.
    group : str
        One of `GROUPS`.
    expression : Series
        How it is computed; see `quant.features.expressions`.
    meaning : str
        One line, with the unit.
    source : str
        Where the definition is published, or "definition" where the line says it all.
    policy : str
        When it is NaN, beyond "too little history, or an input of the look-back is missing".
    """

    name: str
    group: str
    expression: Series = field(repr=False)
    meaning: str
    source: str = "definition"
    policy: str = ""

    @property
    def look_back(self) -> int:
        """Earlier sessions that a value depends on: the first so many rows are NaN."""
        return expressions.look_back(self.expression)

    @property
    def sessions_back(self) -> int:
        """Whole earlier sessions that a value on minute bars depends on."""
        return expressions.sessions_back(self.expression)

    @property
    def nan_policy(self) -> str:
        """When the value is NaN, in words."""
        rows = f"NaN with fewer than {self.look_back} earlier bars" if self.look_back else ""
        sessions = f"NaN with fewer than {self.sessions_back} earlier sessions"
        parts = [rows, sessions if self.sessions_back else "", "NaN where an input is", self.policy]
        return "; ".join(part for part in parts if part)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the panel it reads."""
        return tuple(sorted(expressions.inputs(self.expression)))

    @property
    def dtype(self) -> str:
        """Type of the stored values; computed in float64."""
        return "float32"


class Registry:
    """An ordered set of features under one version.

    Parameters
    ----------
    features : sequence of Feature
        In the order of the matrix's columns.

    Raises
    ------
    ValueError
        If a name, or a computation, occurs twice, or a group is unknown.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = tuple(features)
        names: dict[str, Feature] = {}
        computed: dict[Series, str] = {}
        for feature in self._features:
            if feature.name in names:
                raise ValueError(f"Feature {feature.name!r} is defined twice.")
            if feature.expression in computed:
                other = computed[feature.expression]
                raise ValueError(f"Features {other!r} and {feature.name!r} are the same figure.")
            if feature.group not in GROUPS:
                known = ", ".join(GROUPS)
                raise ValueError(f"Feature {feature.name!r} has group {feature.group!r}; {known}.")
            names[feature.name] = feature
            computed[feature.expression] = feature.name
        self._by_name = names

    def __len__(self) -> int:
        return len(self._features)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self._features)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Feature:
        if name not in self._by_name:
            raise KeyError(f"No feature {name!r}; `names` lists the {len(self)} there are.")
        return self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(self._by_name)

    @property
    def max_look_back(self) -> int:
        """Earlier sessions that every feature has enough with."""
        return max((feature.look_back for feature in self), default=0)

    @property
    def exact_look_back(self) -> int:
        """Sessions before the current one that reproduce every value to the bit."""
        deepest = (expressions.exact_look_back(feature.expression) for feature in self)
        return max(deepest, default=0)

    @property
    def sessions_back(self) -> int:
        """Whole sessions before the current one that features of minute bars look at."""
        return max((feature.sessions_back for feature in self), default=0)

    @property
    def version(self) -> str:
        """Hash of names, parameters and the code that computes; stored beside every value."""
        lines = [f"{feature.name}={expressions.text(feature.expression)}" for feature in self]
        text = "\n".join([f"code={code_stamp()}", *lines])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def holds(self, version: str, names: Sequence[str]) -> bool:
        """Whether the columns `names` of this set are all of the set `version`, and the same."""
        return all(name in self for name in names) and self.select(names).version == version

    def select(self, names: Sequence[str]) -> Registry:
        """Return the features `names`, in that order."""
        return Registry([self[name] for name in names])
