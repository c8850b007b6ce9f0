"""A proposal: what a person is asked to sign, with everything the card shows beside it."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal

from pydantic import TypeAdapter

from trading.canonical import Content, canonical_bytes, content_hash
from trading.orders import Side
from trading.protection import is_protective
from trading.tactics.tactic import Tactic

HASH_VERSION = 1
FLATTEN = "flatten"
# Left out of the bytes where nothing is said: what was signed before they existed stays the same.
_UNLESS_SAID = ("command", "reason")
_LEG_UNLESS_SAID = ("tactic", "trail_percent", "trail_price", "order_class")


@dataclass(frozen=True)
class CheckResult:
    """What one pre-trade check says. `fits` is the largest quantity that would pass, if any."""

    number: int
    code: str
    passed: bool
    warning: bool
    sentence: str
    figure: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""  # fraction | USD | shares | count | seconds | ""
    fits: Decimal | None = None
    later: bool = False  # denied for now: time alone may cure it

    @property
    def denies(self) -> bool:
        """Whether the order may not go."""
        return not self.passed and not self.warning


@dataclass(frozen=True)
class Leg:
    """One order of a proposal. Quantities in shares, prices in USD per share."""

    leg_no: int  # from 1
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    time_in_force: str
    reference_price: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
    reduces: bool = False
    tactic: Tactic | None = None  # None: one order for all of it
    trail_percent: Decimal | None = None  # of a trailing stop: 5 is 5 % behind the best price
    trail_price: Decimal | None = None  # the same in USD per share
    order_class: str | None = None  # oco: the limit is a target, one of it and the stop closes

    def content(self) -> dict[str, Content]:
        """Return what is hashed of it, as plain values."""
        told: dict[str, Content] = asdict(self)
        for name in _LEG_UNLESS_SAID:
            if told[name] is None:
                del told[name]
        return told

    @property
    def protects(self) -> bool:
        """Whether it waits to close a position: a stop, or a stop and a target together."""
        return self.reduces and is_protective(self.order_type, self.order_class)

    @property
    def worst_price(self) -> Decimal:
        """The limit where there is one, else the reference."""
        return self.limit_price if self.limit_price is not None else self.reference_price

    @property
    def notional(self) -> Decimal:
        """USD at the worst price."""
        return self.quantity * self.worst_price


@dataclass(frozen=True)
class Contribution:
    """A feature's share in the probability; `points` are fractions (0.03 is three points)."""

    feature: str
    meaning: str
    value: Decimal
    points: Decimal


@dataclass(frozen=True)
class Trust:
    """How often the model was right when it said something like this; shares are fractions."""

    said_low: Decimal
    said_high: Decimal
    right: Decimal
    right_low: Decimal
    right_high: Decimal
    cases: int


@dataclass(frozen=True)
class GateLine:
    """One gate of the model, as a person reads it."""

    gate: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Rationale:
    """Why the model wants it; returns are fractions in excess of the benchmark."""

    probability: Decimal
    expected_return: Decimal
    low: Decimal
    high: Decimal
    horizon: int  # sessions
    base_rate: Decimal
    volatility: Decimal  # per year
    contributions: tuple[Contribution, ...]
    trust: Trust | None
    gates: tuple[GateLine, ...]
    feature_version: str


@dataclass(frozen=True)
class Effect:
    """A figure before and after the trade, with its limit."""

    label: str
    now: Decimal | None
    after: Decimal | None
    limit: Decimal | None
    unit: str  # fraction | USD


@dataclass(frozen=True)
class Risk:
    """What it costs, and what it may cost."""

    equity: Decimal  # USD
    loss_to_stop: Decimal | None  # USD, positive
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class DataVerdict:
    """What the quality checks said of the bar behind it."""

    session: date
    status: str
    checks: int
    checks_passed: int
    report: str | None


@dataclass(frozen=True)
class Proposal:
    """Legs, reasons and terms. All of it is hashed; nothing is shown that is not in it.

    ``valid_from`` and ``valid_until`` are market time. ``drift_bound`` is a fraction of the
    reference price; ``drift_direction`` says whether only an adverse move counts.
    """

    proposal_id: str
    code: str
    session: date
    environment: str  # replay | paper | live
    account_id: str
    strategy: str
    model_version: str | None
    advisory: bool
    legs: tuple[Leg, ...]
    rationale: Rationale | None
    risk: Risk
    checks: tuple[CheckResult, ...]
    data: tuple[DataVerdict, ...]
    valid_from: datetime
    valid_until: datetime
    drift_bound: Decimal
    drift_direction: str  # adverse | both
    signatures_needed: int
    four_eyes_notional: Decimal
    snapshot_id: int | None
    created_market_at: datetime
    entered_by: str | None = None
    supersedes: str | None = None
    label: str = field(default="")  # "demo" on a planted case
    command: str | None = None  # flatten: ordered by a person, and sent even while HALTED
    reason: str | None = None  # why a person entered it, or what made the desk propose it

    @property
    def notional(self) -> Decimal:
        """USD, all legs at their worst price."""
        return sum((leg.notional for leg in self.legs), Decimal(0))

    @property
    def is_denied(self) -> bool:
        """Whether a pre-trade check said no."""
        return any(check.denies for check in self.checks)

    def content(self) -> dict[str, Content]:
        """Return everything that is hashed, as plain values."""
        told: dict[str, Content] = asdict(self)
        for name in _UNLESS_SAID:
            if told[name] is None:
                del told[name]
        told["legs"] = [leg.content() for leg in self.legs]
        told["hash_version"] = HASH_VERSION
        told["notional"] = self.notional
        told["verdict"] = {"checks": told.pop("checks")}
        told["data"] = asdict(self.data[0]) if self.data else {}
        told["data_verdicts"] = [asdict(verdict) for verdict in self.data]
        told["rationale"] = told["rationale"] or {}
        return told

    def canonical(self) -> tuple[bytes, str]:
        """Return the canonical bytes and their SHA-256."""
        stored = canonical_bytes(self.content())
        return stored, content_hash(stored)


def from_content(stored: bytes) -> Proposal:
    """Return the proposal that canonical bytes tell of; writing it again gives the same bytes.

    Raises
    ------
    ValueError
        If the bytes are of another version or no proposal.
    """
    told = json.loads(stored)
    if told.pop("hash_version", None) != HASH_VERSION:
        raise ValueError(f"The stored proposal is not of hash version {HASH_VERSION}.")
    told.pop("notional")
    told["checks"] = told.pop("verdict")["checks"]
    told["data"] = told.pop("data_verdicts")
    told["rationale"] = told["rationale"] or None
    return TypeAdapter(Proposal).validate_python(told)


def code_of(proposal_id: str) -> str:
    """Return the short code people say aloud, like ``7F3A-9C21``."""
    digits = content_hash(proposal_id.encode())[:8].upper()
    return f"{digits[:4]}-{digits[4:]}"


def is_intact(stored: bytes, expected_hash: str) -> bool:
    """Whether stored bytes still have the hash that was signed."""
    return content_hash(stored) == expected_hash
