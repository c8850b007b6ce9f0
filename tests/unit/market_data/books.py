"""The standing of sources without a ledger, and a clock that only waiting moves."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@dataclass
class StandingClock:
    """Stands until moved; fits `trading.clock.DeskClock`."""

    at: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@dataclass
class Standing:
    failures: int = 0
    skipped_until: datetime | None = None


@dataclass
class Book:
    """The standing of sources in memory; fits `adapters.market_data.chain.Book`."""

    of: dict[str, Standing] = field(default_factory=dict)
    switches: list[tuple[str, str | None]] = field(default_factory=list)

    def standing(self, source: str) -> Standing:
        return self.of.get(source, Standing())

    def failed(self, source: str, reason: str, *, skip_until: datetime | None) -> Standing:
        before = self.standing(source)
        self.of[source] = Standing(before.failures + 1, skip_until or before.skipped_until)
        return self.of[source]

    def answered(self, source: str) -> None:
        self.of.pop(source, None)

    def switched(self, source: str, *, to: str | None, reason: str) -> None:
        self.switches.append((source, to))
