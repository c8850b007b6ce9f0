"""What a venue is started with."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Costs:
    """What trading costs at the venue.

    `half_spread_bps` is half of the quoted spread in basis points of the price,
    at least `min_half_spread` dollars. A fill that takes the share `s` of a
    minute's volume moves the price by `impact * s * s` of the price (the
    volume-share model). No minute gives more than `participation` of its volume.
    """

    half_spread_bps: Decimal = Decimal(2)
    min_half_spread: Decimal = Decimal("0.005")
    impact: Decimal = Decimal("0.1")
    participation: Decimal = Decimal("0.1")


@dataclass(frozen=True)
class VenueConfig:
    """One venue: where its state lies, which replay it shows, who may use it."""

    state: Path
    start: date
    market: Path | None = None  # a folder with another market than the sample
    pace: float = 1.0  # market minutes per wall second
    seed: int = 7
    cash: Decimal = Decimal(100_000)
    costs: Costs = Costs()
    faults: bool = False
    demo: bool = False
    key_id: str | None = None
    secret_key: str | None = None
    tick: float = 0.1  # wall seconds between two moves of the clock
