"""What the assets need of market data sources and of the model registry."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import polars as pl


class MarketData(Protocol):
    """Bars and corporate actions; an empty answer is an error.

    Every row says in `source`, `feed` and `simulated` who served it, and whether it is made up.
    """

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Unadjusted daily bars: symbol, session, open, high, low, close, volume."""

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        """Unadjusted minute bars of a session, with bar_start."""

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Splits and dividends by ex-date; may be empty."""


class RankedMarketData(MarketData, Protocol):
    """Several sources, each asked before the one behind it."""

    def before(self, source: str) -> MarketData:
        """Those that are asked before `source` and are not skipped now."""


class ModelRegistry(Protocol):
    """Where models are filed with their figures."""

    def register(
        self,
        name: str,
        model: bytes,
        *,
        booster: Any,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        reports: Mapping[str, str],
        inputs: Sequence[str] = (),
    ) -> tuple[str, int]:
        """File a model; return the run's identifier and the version number."""

    def model(self, run_id: str) -> bytes:
        """Return the model that was filed with the run."""
