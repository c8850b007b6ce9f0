"""The symbols the desk looks at (`universe.toml`)."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.documents import ROOT, Frozen, document, validated
from config.settings import home


class Listing(Frozen):
    """One symbol of the universe."""

    symbol: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,11}$")]
    label: str
    sector: str
    from_session: dt.date | None = None  # first session of membership; its first bar when unsaid
    to_session: dt.date | None = None  # last session of membership; it lasts when unsaid


class Universe(Frozen):
    """The symbols, their benchmark index and the history each needs."""

    name: str
    symbols: tuple[Listing, ...]
    index: str = "SPX"
    point_in_time: bool = False
    minimum_history: Annotated[int, Field(ge=1)] = 252  # sessions

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
