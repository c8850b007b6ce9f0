"""The corporate actions that a row can reckon with."""

from datetime import datetime, timedelta
from typing import Final

import polars as pl

from quality.rules.model import require_columns

# Kinds that end a ticker and move no price.
ENDS: Final = ("delisting", "symbol_change")
# Rounding of an adjusted column stays far below; the smallest split on record is 5-for-4.
_LEAST_SPLIT: Final = 0.15


def with_actions(
    frame: pl.DataFrame, actions: pl.DataFrame | None, as_of: datetime | None
) -> pl.DataFrame:
    """Add the running log split factor and dividends per symbol, as known at each session."""
    if actions is not None:
        require_columns(actions, ("symbol", "ex_date", "kind"), name="actions")
        actions = actions.filter(~pl.col("kind").is_in(ENDS).fill_null(value=False))
    if actions is None or actions.is_empty():
        return _stated(frame)
    known = effective(actions, as_of=as_of)
    running = (
        known.group_by("symbol", "effective")
        .agg(pl.col("log_ratio").sum(), pl.col("paid").sum())
        .sort("symbol", "effective")
        .with_columns(
            pl.col("log_ratio").cum_sum().over("symbol").alias("log_split"),
            pl.col("paid").cum_sum().over("symbol").alias("dividends"),
        )
        .select("symbol", pl.col("effective").alias("session"), "log_split", "dividends")
        .sort("session")
    )
    # By symbol it is enough that each symbol's rows are in order.
    joined = frame.join_asof(
        running, on="session", by="symbol", strategy="backward", check_sortedness=False
    )
    return joined.with_columns(pl.col("log_split", "dividends").fill_null(0.0))


def _stated(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the splits that the delivery itself states by a column `adjusted_close`."""
    none = pl.lit(0.0)
    if "adjusted_close" not in frame.columns:
        return frame.with_columns(none.alias("log_split"), none.alias("dividends"))
    factor = (pl.col("adjusted_close").cast(pl.Float64, strict=False) / pl.col("close")).log()
    # Dividends move the factor by little; a step beyond that is a split.
    step = (factor - factor.shift(1)).over("symbol")
    large = (step.is_finite() & (step.abs() >= _LEAST_SPLIT)).fill_null(value=False)
    ordered = frame.sort("symbol", "session", maintain_order=True)
    ordered = ordered.with_columns(pl.when(large).then(step).alias("step")).with_row_index("_row")
    steps = ordered.filter(pl.col("step").is_not_null()).select("_row", "symbol", "step")
    # A step that the next one takes back is a wrong price, which its adjusted value does not share.
    undone = [
        (pl.col("step") + pl.col("step").shift(n).over("symbol")).abs() < 0.02 for n in (1, -1)
    ]
    real = steps.filter(~pl.any_horizontal(c.fill_null(value=False) for c in undone))
    split = pl.when(pl.col("_row").is_in(real["_row"].implode())).then("step").otherwise(0.0)
    return ordered.with_columns(
        split.cum_sum().over("symbol").alias("log_split"), none.alias("dividends")
    ).drop("_row", "step")


def effective(actions: pl.DataFrame, *, as_of: datetime | None) -> pl.DataFrame:
    """Return the actions with the first session from which the desk can reckon with each.

    Columns: symbol, effective (date), log_ratio, paid (USD per share). An action heard of after
    its ex-date takes effect on the first session that closes after it was known, unless it was
    known by `as_of`.
    """
    require_columns(actions, ("symbol", "ex_date", "kind"), name="actions")
    missing = {"ratio": pl.Float64, "amount": pl.Float64}
    frame = actions.with_columns(
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in missing.items()
        if name not in actions.columns
    )
    ratio = pl.col("ratio").cast(pl.Float64)
    is_split = (pl.col("kind").str.contains("split") & (ratio > 0)).fill_null(value=False)
    is_paid = pl.col("kind").str.contains("dividend")
    return frame.select(
        "symbol",
        effective_session(frame, as_of).alias("effective"),
        pl.when(is_split).then(ratio.log()).otherwise(0.0).alias("log_ratio"),
        pl.when(is_paid).then(pl.col("amount").cast(pl.Float64)).otherwise(0.0).alias("paid"),
    ).with_columns(pl.col("paid").fill_null(0.0))


def effective_session(frame: pl.DataFrame, as_of: datetime | None) -> pl.Expr:
    """Return the ex-date of each action, or the day whose close follows what was known later."""
    ex_date = pl.col("ex_date").cast(pl.Date)
    if "known_at" not in frame.columns:
        return ex_date
    # Eight hours after 16:00 in New York the next day begins: known after the close, usable then.
    usable = (
        pl.col("known_at").dt.convert_time_zone("America/New_York")
        + pl.lit(timedelta(hours=8, seconds=-1))
    ).dt.date()
    late = pl.max_horizontal(ex_date, usable)
    if as_of is None:
        return late
    return pl.when(pl.col("known_at") <= as_of).then(ex_date).otherwise(late)
