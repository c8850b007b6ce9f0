"""The symbols the desk looks at (`universe.toml`)."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.documents import ROOT, Frozen, document, validated
from config.settings import home

Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,11}$")]


class Listing(Frozen):
    """One symbol of the universe."""

    symbol: Symbol
    label: str
    sector: str
    from_session: dt.date | None = None  # first session of membership; its first bar when unsaid
    to_session: dt.date | None = None  # last session of membership; it lasts when unsaid


class Eligibility(Frozen):
    """What a symbol must be for the desk to open a position in it; money in USD."""

    minimum_price: Annotated[float, Field(ge=0)] = 5.0
    maximum_price: Annotated[float, Field(gt=0)] | None = None
    minimum_dollar_volume: Annotated[float, Field(ge=0)] = 5_000_000.0  # a session
    maximum_spread: Annotated[float, Field(gt=0, lt=1)] = 0.03  # fraction of price
    core_dollar_volume: Annotated[float, Field(ge=0)] = 100_000_000.0
    core_spread: Annotated[float, Field(gt=0, lt=1)] = 0.015
    volatility_edges: tuple[float, float, float] = (0.15, 0.30, 0.60)  # per year
    earnings: str = ""  # a CSV file with symbol,date; empty for none
    fundamentals: str = ""  # a CSV file with symbol,known_at and shares_outstanding or market_cap
    blackout_before: Annotated[int, Field(ge=0, le=20)] = 2  # sessions
    blackout_after: Annotated[int, Field(ge=0, le=20)] = 1

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.volatility_edges) != sorted(set(self.volatility_edges)):
            raise ValueError("eligibility.volatility_edges as three rising volatilities")
        if self.maximum_price is not None and self.maximum_price <= self.minimum_price:
            raise ValueError("eligibility.maximum_price above eligibility.minimum_price")
        return self


class Universe(Frozen):
    """The symbols, their benchmark index and the history each needs."""

    name: str
    symbols: tuple[Listing, ...]
    index: str = "SPX"
    point_in_time: bool = False
    minimum_history: Annotated[int, Field(ge=1)] = 252  # sessions
    eligibility: Eligibility = Eligibility()
    restricted: tuple[Symbol, ...] = ()  # nothing but a flatten is sent in them

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = self.names
        if not names or len(set(names)) != len(names):
            raise ValueError(f"at least one symbol, each once; they are {', '.join(names)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols alone, in file order."""
        return tuple(listing.symbol for listing in self.symbols)

    @property
    def programme(self) -> str:
        """The research programme: what its trials are counted under, and whose models serve."""
        return f"{self.name}/equities/daily"

    @property
    def sectors(self) -> dict[str, str]:
        """Symbol to sector."""
        return {listing.symbol: listing.sector for listing in self.symbols}


def load(path: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Universe:
    """Return the universe at `path`, or DESK_HOME/universe.toml, or the committed one.

    Raises
    ------
    SettingsError
        Naming the file, the key, its value and what is allowed.
    """
    if path is None:
        own = home(environ) / "universe.toml"
        path = own if own.is_file() else ROOT / "universe.toml"
    return validated(Universe, document(path), {}, str(path))
