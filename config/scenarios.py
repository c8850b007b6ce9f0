"""What could happen to the portfolio (`scenarios.toml`), each with the reason to ask."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.documents import ROOT, Frozen, document, validated
from config.settings import home

_Move = Annotated[float, Field(ge=-1.0, le=10.0)]
_Level = Annotated[float, Field(gt=0.5, lt=1.0)]


class _Scenario(Frozen):
    label: Annotated[str, Field(min_length=3, max_length=60)]
    reason: Annotated[str, Field(min_length=20)]


class MarketMove(_Scenario):
    """The index moves at once, every position by its beta."""

    kind: Literal["market"]
    move: _Move


class VolatilityRise(_Scenario):
    """Every volatility is multiplied; the figure is the one-day value at risk then."""

    kind: Literal["volatility"]
    times: Annotated[float, Field(gt=1.0, le=20.0)]
    level: _Level = 0.99


class SectorMove(_Scenario):
    """One sector moves and nothing else; "any" is the sector that costs most."""

    kind: Literal["sector"]
    sector: str = "any"
    move: _Move


class SingleGap(_Scenario):
    """One position gaps against the desk; "any" is the one that costs most."""

    kind: Literal["gap"]
    symbol: str = "any"
    size: Annotated[float, Field(gt=0.0, le=10.0)]


class CorrelationRise(_Scenario):
    """Correlations move towards one value; the figure is the one-day value at risk then."""

    kind: Literal["correlation"]
    toward: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    strength: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    level: _Level = 0.99


class Window(_Scenario):
    """A stretch of history comes again, from the close of `first` to the close of `last`."""

    kind: Literal["window"]
    first: dt.date
    last: dt.date

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.last <= self.first:
            raise ValueError(f"`last` after `first`, {self.first}; `last` is {self.last}")
        return self


Scenario = Annotated[
    MarketMove | VolatilityRise | SectorMove | SingleGap | CorrelationRise | Window,
    Field(discriminator="kind"),
]


class Scenarios(Frozen):
    """The scenarios by name, in file order."""

    scenarios: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,40}$")], Scenario]

    def __getitem__(self, name: str) -> Scenario:
        return self.scenarios[name]


def load(path: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Scenarios:
    """Return the scenarios at `path`, or DESK_HOME/scenarios.toml, or the committed ones.

    Raises
    ------
    SettingsError
        Naming the file, the key, its value and what is allowed.
    """
    if path is None:
        own = home(environ) / "scenarios.toml"
        path = own if own.is_file() else ROOT / "scenarios.toml"
    return validated(Scenarios, document(path), {}, str(path))
