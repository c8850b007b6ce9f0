"""Where market data come from: the order of the sources, their patience, what may differ."""

import datetime as dt
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator

from config.documents import Frozen

SourceName = Literal["venue", "alpaca", "yahoo", "sample"]
_DEFAULTS: Final[dict[str, tuple[SourceName, ...]]] = {
    "venue": ("venue",),
    "alpaca": ("alpaca", "yahoo"),
}


class SourcesSettings(Frozen):
    """The failover chain; each source is asked before the one behind it."""

    order: tuple[SourceName, ...] = ()  # empty: the broker's own (see `chain`)
    errors_in_a_row: Annotated[int, Field(ge=1, le=50)] = 5  # then the source is skipped
    cool_down_minutes: Annotated[float, Field(gt=0)] = 30.0
    pause_seconds: Annotated[float, Field(ge=0)] = 0.5  # before the second try; doubled, jittered
    longest_pause_seconds: Annotated[float, Field(gt=0)] = 60.0  # Retry-After beyond it: skipped
    connect_seconds: Annotated[float, Field(gt=0)] = 5.0
    answer_seconds: Annotated[float, Field(gt=0)] = 30.0
    live: bool = True  # false: no minute bars while the market is open, and no worker for them
    batch: Annotated[int, Field(ge=1)] = 50  # symbols in one request
    alpaca_lacks: tuple[str, ...] = ("SPX",)
    alpaca_since: dt.date = dt.date(2016, 1, 1)
    # The desk's symbol: Yahoo's.
    yahoo_symbols: dict[str, str] = Field(default_factory=lambda: {"SPX": "^GSPC"})
    yahoo_url: str = ""  # in place of Yahoo's own hosts
    thin_feeds: tuple[str, ...] = ("iex",)
    price_tolerance: Annotated[float, Field(ge=0)] = 0.011  # USD
    thin_price_tolerance: Annotated[float, Field(ge=0)] = 0.005  # of the price
    volume_tolerance: Annotated[float, Field(ge=0)] = 0.02  # of the volume

    @field_validator("order", "alpaca_lacks", "thin_feeds", mode="before")
    @classmethod
    def _listed(cls, told: Any) -> Any:
        """Take `alpaca,yahoo` for a list: a variable has no other way to say one."""
        return [word.strip() for word in told.split(",")] if isinstance(told, str) else told

    @field_validator("order")
    @classmethod
    def _named_once(cls, order: tuple[SourceName, ...]) -> tuple[SourceName, ...]:
        if len(set(order)) < len(order):
            raise ValueError("each source once")
        return order

    def chain(self, broker: str) -> tuple[SourceName, ...]:
        """Return the names of the sources in the order they are asked.

        Parameters
        ----------
        broker : str
            `broker.kind`; it decides where no order is given.
        """
        return self.order or _DEFAULTS[broker]
