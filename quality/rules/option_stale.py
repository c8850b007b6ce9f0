"""Quotes that stood still while their share, or the rest of their chain, moved."""

from typing import Final

import polars as pl

_CHAIN: Final = ("symbol", "session", "expiry")
# One quote alone is stale where its share moved by this much, it is worth this share of it, and the
# quotes of the strikes beside it moved by more than two of its spreads.
STALE_MOVE: Final = 0.01
_SPREADS: Final = 2.0
_WORTH: Final = 0.03
_TICKS: Final = 0.1  # USD
# A right in the money follows its share by half and more: where that is so many ticks, and this
# part of its spread, it tells whether its chain stood still.
_FOLLOWS: Final = 0.5
_OF_SPREAD: Final = 0.25
_TELLING: Final = 5
_MOST: Final = 0.5
# A whole chain with the volume and open interest of the session before is that session's.
_REPEATED: Final = 0.8
_TRADED: Final = 10


def with_stale(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `is_stale`: null where there is no quote just before.

    `frame` has `unchanged`, `is_repeated`, `share_move` and the changes of `middle` and `spot`.
    """
    unchanged = pl.col("unchanged") == 1
    told = _lone(frame) | _chain_stands() | _chain_repeats()
    return frame.with_columns(
        pl.when(pl.col("unchanged").is_not_null())
        .then(unchanged & (pl.col("bid") > 0) & told.fill_null(value=False))
        .alias("is_stale")
    ).drop("is_repeated", "middle_change", "spot_change")


def _due() -> pl.Expr:
    """Return by how much a right in the money follows its share at least."""
    return pl.when(pl.col("intrinsic") > 0).then(_FOLLOWS * pl.col("spot_change").abs())


def _spread() -> pl.Expr:
    return pl.col("ask") - pl.col("bid")


def _lone(frame: pl.DataFrame) -> pl.Expr:
    """Whether a quote stood while share and neighbours moved by more than two spreads."""
    chain = [*_CHAIN, "right"]
    order = frame.with_row_index("row").sort(*chain, "strike")
    beside = pl.col("middle_change").rolling_median(5, min_samples=4, center=True).over(chain)
    moved = order.select("row", beside.alias("moved")).sort("row")["moved"]
    due = pl.coalesce(pl.lit(moved).abs(), _due())
    wide = (pl.col("share_move").abs() > STALE_MOVE) & (pl.col("bid") > _WORTH * pl.col("spot"))
    return wide & (due > _SPREADS * _spread() + _TICKS)


def _chain_stands() -> pl.Expr:
    """Whether most rights of an expiry that must have followed their share did not."""
    least = pl.max_horizontal(pl.lit(_TICKS), _OF_SPREAD * _spread())
    tells = pl.when(_due() >= least).then(pl.col("unchanged"))
    return (tells.count().over(_CHAIN) >= _TELLING) & (tells.mean().over(_CHAIN) > _MOST)


def _chain_repeats() -> pl.Expr:
    """Whether the chain of a session repeats the one before with its trade and open interest."""
    group = ["symbol", "session"]
    traded = (pl.col("volume") > 0).sum().over(group) >= _TRADED
    return traded & (pl.col("is_repeated").mean().over(group) > _REPEATED)
