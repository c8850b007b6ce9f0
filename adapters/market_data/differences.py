"""Where two sources tell different figures of the same bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

_KEY: Final = ["symbol", "session"]
_PRICES: Final = ("open", "high", "low", "close")
COLUMNS: Final[dict[str, Any]] = {
    "symbol": pl.String, "session": pl.Date, "field": pl.String, "primary": pl.Float64,
    "secondary": pl.Float64, "difference": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Tolerance:
    """What two honest sources may differ by.

    Attributes
    ----------
    price : float
        USD. Each source rounds to a cent, so by half a cent at most; the rest is for floats.
    thin_price : float
        Share of the price, where either feed is thin: it holds a few per cent of the trades, and
        its first, last, highest and lowest ones lie near the tape's, not on them.
    volume : float
        Share of the volume: late prints and corrections. The volume of a thin feed measures
        something else, and is not compared.
    thin_feeds : frozenset of str
        Names of thin feeds.
    """

    price: float
    thin_price: float
    volume: float
    thin_feeds: frozenset[str]


def differences(
    primary: pl.DataFrame, secondary: pl.DataFrame, tolerance: Tolerance
) -> pl.DataFrame:
    """Return the figures that differ by more than the tolerance.

    Parameters
    ----------
    primary, secondary : polars.DataFrame
        symbol, session, open, high, low, close (USD, unadjusted), volume (shares), feed; one row
        per symbol and session.
    tolerance : Tolerance
        What may differ.

    Returns
    -------
    polars.DataFrame
        symbol, session, field, primary, secondary, difference (primary less secondary); sorted. A
        bar that one source lacks is told as its close, null on that side.
    """
    both = primary.join(secondary, on=_KEY, how="full", coalesce=True, suffix="_2")
    thin = pl.col("feed").is_in(tolerance.thin_feeds) | pl.col("feed_2").is_in(tolerance.thin_feeds)
    both = both.with_columns(thin=thin.fill_null(value=False))
    told = [_differing(both, name, _allowed(name, tolerance)) for name in (*_PRICES, "volume")]
    lacking = both.filter(pl.col("close").is_null() | pl.col("close_2").is_null())
    return pl.concat([*told, _told(lacking, "close")]).sort("symbol", "session", "field")


def _allowed(field: str, tolerance: Tolerance) -> pl.Expr:
    """Return the largest difference of a field that is none."""
    larger = pl.max_horizontal(field, f"{field}_2")
    if field == "volume":
        return pl.when("thin").then(float("inf")).otherwise(larger * tolerance.volume)
    thin = pl.max_horizontal(larger * tolerance.thin_price, pl.lit(tolerance.price))
    return pl.when("thin").then(thin).otherwise(tolerance.price)


def _differing(both: pl.DataFrame, field: str, allowed: pl.Expr) -> pl.DataFrame:
    apart = (pl.col(field).cast(pl.Float64) - pl.col(f"{field}_2").cast(pl.Float64)).abs()
    return _told(both.filter(apart > allowed), field)


def _told(rows: pl.DataFrame, field: str) -> pl.DataFrame:
    return rows.select(
        *_KEY,
        pl.lit(field).alias("field"),
        pl.col(field).cast(pl.Float64).alias("primary"),
        pl.col(f"{field}_2").cast(pl.Float64).alias("secondary"),
    ).with_columns(difference=pl.col("primary") - pl.col("secondary"))
