"""Splits and dividends that a file of bars tells, and whether its prices hold them already."""

from __future__ import annotations

from typing import Final

import polars as pl

from adapters.market_data.files.delivery import Delivery

# Ratios that companies use; a factor of a hundred is a wrong unit sooner than a split.
_RATIOS: Final = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 50.0)
_NEAR: Final = 0.03  # log; a dividend of that size may fall on the same day
_STEP: Final = 0.15  # log; smaller steps are dividends
_PAID: Final = 0.02  # a smaller dividend explains nothing that a rule asks about
_OFTEN: Final = 0.02  # of rows; what differs from 1 more often is a running factor, no event
_SCHEMA: Final = {
    "symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "ratio": pl.Float64,
    "amount": pl.Float64, "implied": pl.Boolean,
}  # fmt: skip


def stated(delivery: Delivery) -> pl.DataFrame:
    """Return the actions in a file of daily bars: symbol, ex_date, kind, ratio, amount, implied.

    From its columns of split ratios and dividends, else from the steps between its raw and its
    adjusted close (`implied`).
    """
    frame = delivery.frame.filter(
        pl.col("symbol").is_not_null() & pl.col("session").is_not_null()
    ).unique(subset=["symbol", "session"], keep="first", maintain_order=True)
    found = [pl.DataFrame(schema=_SCHEMA)]
    if "split_ratio" in frame.columns:
        ratio = pl.col("split_ratio")
        found.append(_events(frame, (ratio > 0) & ((ratio - 1).abs() > 1e-6), "split", "ratio"))
    if "dividend" in frame.columns:
        found.append(_events(frame, pl.col("dividend") > 0, "dividend", "amount"))
    if len(found) == 1 and "adjusted_close" in frame.columns:
        found.append(_implied(frame))
    return pl.concat(found).sort("symbol", "ex_date")


def holds_splits(delivery: Delivery, actions: pl.DataFrame) -> bool | None:
    """Whether the prices hold the splits in `actions` already; None when none of them can tell.

    A single split that does not show may be one that never was, so one alone tells only where
    the file has the columns of Yahoo, whose prices are always adjusted.
    """
    splits = actions.filter(
        pl.col("kind").str.contains("split") & (pl.col("ratio").log().abs() > _STEP)
    )
    if splits.is_empty():
        return None
    bars = (
        delivery.frame.filter((pl.col("close") > 0) & pl.col("session").is_not_null())
        .select("symbol", "session", "close")
        .sort("session")
    )
    events = splits.select("symbol", "ratio", session=pl.col("ex_date")).sort("session")
    after = events.join_asof(
        bars, on="session", by="symbol", strategy="forward", tolerance="7d", check_sortedness=False
    )
    before = bars.rename({"close": "before"})
    both = after.join_asof(
        before,
        on="session",
        by="symbol",
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    ).drop_nulls(["close", "before"])
    move = (pl.col("close") / pl.col("before")).log()
    shows = both.select((move + pl.col("ratio").log()).abs() < move.abs()).to_series()
    if shows.is_empty():
        return None
    hidden = shows.len() - int(shows.sum())
    if shows.len() == 1 and hidden:
        return True if _is_yahoo(delivery) else None
    return hidden > 2 * (shows.len() - hidden)


def _is_yahoo(delivery: Delivery) -> bool:
    return {"Stock Splits", "Adj Close"} & set(delivery.recognised.values()) != set()


def _events(frame: pl.DataFrame, is_one: pl.Expr, kind: str, figure: str) -> pl.DataFrame:
    column = "split_ratio" if kind == "split" else "dividend"
    events = frame.filter(is_one)
    if events.height > max(_OFTEN * frame.height, 3 * frame["symbol"].n_unique()):
        return pl.DataFrame(schema=_SCHEMA)
    value = pl.col(column)
    none = pl.lit(None, dtype=pl.Float64)
    return events.select(
        "symbol",
        pl.col("session").alias("ex_date"),
        pl.lit(kind).alias("kind"),
        (value if figure == "ratio" else none).alias("ratio"),
        (value if figure == "amount" else none).alias("amount"),
        pl.lit(value=False).alias("implied"),
    )


def factors(frame: pl.DataFrame) -> pl.DataFrame:
    """Return adjusted over raw close per row, and its middle over three rows before and after.

    Columns: symbol, session, close, adjusted_close, factor, before, after; sorted.
    """
    sound = (pl.col("close") > 0) & (pl.col("adjusted_close") > 0)
    rows = frame.filter(sound).sort("symbol", "session")
    factor = pl.col("factor")
    return (
        rows.select("symbol", "session", "close", "adjusted_close")
        .with_columns((pl.col("adjusted_close") / pl.col("close")).alias("factor"))
        .with_columns(
            factor.shift(1).rolling_median(3, min_samples=2).over("symbol").alias("before"),
            factor.reverse().shift(1).rolling_median(3, min_samples=2).reverse().over("symbol")
            .alias("after"),
        )
    )  # fmt: skip


def _implied(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the splits and large dividends that the two closes tell of."""
    rows = factors(frame)
    lasting = (pl.col("after") / pl.col("before")).log()
    step = (pl.col("factor") / pl.col("factor").shift(1).over("symbol")).log()
    steps = rows.with_columns(
        step.alias("step"),
        lasting.alias("lasting"),
        pl.col("close").shift(1).over("symbol").alias("last"),
    ).filter((pl.col("step").abs() > _PAID) & ((pl.col("step") - pl.col("lasting")).abs() < 0.02))
    size = pl.col("step").abs()
    nearest = pl.coalesce(
        pl.when((size - pl.lit(ratio).log()).abs() < _NEAR).then(pl.lit(ratio)) for ratio in _RATIOS
    )
    ratio = pl.when(pl.col("step") > 0).then(nearest).otherwise(1.0 / nearest)
    paid = (pl.col("step") > 0) & (size < _STEP)
    none = pl.lit(None, dtype=pl.Float64)
    return (
        steps.select(
            "symbol",
            pl.col("session").alias("ex_date"),
            pl.when(paid).then(pl.lit("dividend")).when(nearest.is_not_null()).then(pl.lit("split"))
            .alias("kind"),
            pl.when(paid).then(none).otherwise(ratio).alias("ratio"),
            pl.when(paid).then(pl.col("last") * (1 - (-pl.col("step")).exp())).alias("amount"),
            pl.lit(value=True).alias("implied"),
        )
        .filter(pl.col("kind").is_not_null())
    )  # fmt: skip
