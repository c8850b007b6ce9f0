"""A proposal's stored content as the card shows it. What is not in the bytes is None, never 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Reason:
    """A feature's share in a probability, in percentage points."""

    meaning: str
    points: float


@dataclass(frozen=True)
class Prediction:
    """What the model said; returns are fractions in excess of the benchmark."""

    probability: float
    expected_return: float
    low: float
    high: float
    horizon: int
    base_rate: float | None
    volatility: float | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Trust:
    """How often the model was right when it said something like this; shares are fractions."""

    said_low: float
    said_high: float
    right: float
    right_low: float
    right_high: float
    cases: int
    base_rate: float  # share of all cases that came true: what luck alone would give

    @property
    def is_like_luck(self) -> bool:
        """Whether what luck alone would give lies within the 95 % range."""
        return self.right_low <= self.base_rate <= self.right_high


@dataclass(frozen=True)
class Gate:
    """One gate of the model."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Effect:
    """A figure before and after the trade, with its limit."""

    label: str
    now: Decimal | None
    after: Decimal | None
    limit: Decimal | None
    unit: str  # fraction | USD


@dataclass(frozen=True)
class Check:
    """One pre-trade check."""

    number: int
    code: str
    passed: bool
    warning: bool
    sentence: str
    figure: Decimal | None
    limit: Decimal | None
    unit: str
    fits: Decimal | None


@dataclass(frozen=True)
class DataState:
    """What the quality checks said of the bar behind the proposal."""

    session: date
    checks: int
    passed: int
    status: str
    report: str | None


@dataclass(frozen=True)
class Content:
    """Everything a card shows that was signed with it."""

    prediction: Prediction | None
    trust: Trust | None
    gates: tuple[Gate, ...]
    effects: tuple[Effect, ...]
    checks: tuple[Check, ...]
    data: DataState | None
    loss_to_stop: Decimal | None
    equity: Decimal | None
    label: str = ""  # "demo" on a planted case

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that deny."""
        return tuple(check for check in self.checks if not check.passed and not check.warning)


def decimal(value: Any) -> Decimal | None:
    """A figure of the content, which writes decimals as text."""
    return None if value is None else Decimal(str(value))


def fraction(value: Any) -> float | None:
    """A figure of the content as a float, for figures and formats."""
    return None if value is None else float(value)


def section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the content, empty when it is missing."""
    part = content.get(name)
    return part if isinstance(part, Mapping) else {}
