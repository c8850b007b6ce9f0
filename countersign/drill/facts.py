"""What stands in for warehouse and registry in a drill, and the limits it is held to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from config import limits as limits_module
from config import settings as settings_module
from config import universe as universe_module
from config.documents import ROOT
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from countersign.errors import CommandError
from quant.typing import FloatArray
from trading.picture import DataNow, ModelNow

MARK = "drill.json"
"""Lies in the home of every temporary desk; nothing here runs without it."""


def drill_limits() -> Limits:
    """Return the desk's limits, with waits scaled down so that minutes show what hours would.

    The rate is lifted because a drill signs faster than people do; no other limit is touched.
    """
    return limits_module.load().model_copy(
        update={"lease_seconds": 4, "resend_grace_seconds": 2, "orders_per_minute": 10_000}
    )


def sample_universe() -> Universe:
    """Return the symbols that the venue trades, whatever universe the real desk has."""
    return universe_module.load(ROOT / "universe.toml")


@dataclass(frozen=True)
class DrillFacts:
    """What warehouse and registry would say: volumes and returns of the venue's real past."""

    volumes: Mapping[str, Decimal]
    past: Mapping[str, FloatArray]
    of_sectors: Mapping[str, str]

    def data(self, symbols: Sequence[str]) -> Mapping[str, DataNow]:
        """Return a passed verdict: faults of data are not this drill's."""
        return {symbol: DataNow("passed", 0, 1, 1) for symbol in symbols}

    def model(self, version: str | None) -> ModelNow | None:
        """Return a champion: demotions are not this drill's."""
        return None if version is None else ModelNow(version, "champion", True)

    def average_volume(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return average shares a session."""
        return {symbol: self.volumes[symbol] for symbol in symbols if symbol in self.volumes}

    def recent_returns(self, symbols: Sequence[str]) -> Mapping[str, FloatArray]:
        """Return simple returns of the same past sessions, oldest first."""
        return {symbol: self.past[symbol] for symbol in symbols if symbol in self.past}

    def betas(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return none: each symbol counts as moving with the index."""
        return {}

    def sectors(self) -> Mapping[str, str]:
        """Return the sector of each symbol."""
        return self.of_sectors

    def restricted(self) -> frozenset[str]:
        """Return no symbol: a list of them is not this drill's."""
        return frozenset()


def temporary_settings() -> Settings:
    """Return the settings of the drill's desk.

    Raises
    ------
    CommandError
        If the home is not one that a drill made, or its broker is not the venue.
    """
    settings = settings_module.load()
    if not (settings.home / MARK).exists() or settings.mode != "embedded":
        raise CommandError(f"{settings.home} is no drill's desk: nothing is done to it.")
    return settings


def stored_facts(home: Path) -> DrillFacts:
    """Return the facts that the drill wrote down before it began."""
    told = json.loads((home / MARK).read_text(encoding="ascii"))
    return DrillFacts(
        volumes={symbol: Decimal(volume) for symbol, volume in told["volumes"].items()},
        past={symbol: np.asarray(returns) for symbol, returns in told["returns"].items()},
        of_sectors=sample_universe().sectors,
    )
