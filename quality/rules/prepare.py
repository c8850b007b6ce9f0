"""From delivered daily bars to the frame that the daily rules read."""

from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from quality.calendar import Calendar
from quality.rules.history import MEASURES, walk
from quality.rules.model import UnreadableDeliveryError, require_columns

PRICES: Final = ("open", "high", "low", "close")
BAR: Final = ("symbol", "session", *PRICES, "volume")
KEY: Final = ("symbol", "session")


def typed(bars: pl.DataFrame, *, name: str) -> pl.DataFrame:
    """Return `bars` with the types the rules need, or say which column cannot have them."""
    require_columns(bars, BAR, name=name)
    kinds: dict[str, pl.DataType] = {"symbol": pl.String(), "session": pl.Date()}
    kinds |= {column: pl.Float64() for column in (*PRICES, "volume")}
    columns = []
    for column, kind in kinds.items():
        try:
            columns.append(bars[column].cast(kind).alias(column))
        except pl.exceptions.PolarsError as e:
            raise UnreadableDeliveryError(
                f"`{name}.{column}` must be {kind}, was {bars[column].dtype}: {e}. "
                "Convert it before judging."
            ) from e
    typed_bars = bars.with_columns(columns)
    nameless = typed_bars.filter(pl.any_horizontal(pl.col(KEY).is_null())).height
    if nameless:
        raise UnreadableDeliveryError(
            f"Every row of `{name}` must name its symbol and session: {nameless} of {bars.height} "
            "do not. Remove or repair them before judging."
        )
    return typed_bars


def merged(bars: pl.DataFrame) -> pl.DataFrame:
    """Merge rows that repeat another exactly; count `copies` and `versions` of each key."""
    return (
        bars.with_columns(pl.len().over(BAR).cast(pl.Int64).alias("copies"))
        .unique(subset=BAR, keep="first", maintain_order=True)
        .with_columns(pl.len().over(KEY).cast(pl.Int64).alias("versions"))
    )


def facts(
    bars: pl.DataFrame,
    *,
    previous: pl.DataFrame | None,
    calendar: Calendar,
    actions: pl.DataFrame | None,
    index: pl.DataFrame | None,
    until: date | None,
    as_of: datetime | None,
) -> pl.DataFrame:
    """Return the delivered rows with everything a rule asks of them beside them."""
    new = merged(typed(bars, name="bars")).with_columns(
        pl.lit(value=True).alias("delivered"), pl.lit(value=False).alias("trusted")
    )
    frame = _with_history(new, previous)
    frame = _with_calendar(frame, calendar, until)
    frame = _with_actions(frame, actions, as_of)
    frame = _with_index(frame, index)
    frame = frame.sort(KEY, maintain_order=True)
    frame = _with_soundness(frame)
    return _measured(frame).filter(pl.col("delivered"))


def _with_history(new: pl.DataFrame, previous: pl.DataFrame | None) -> pl.DataFrame:
    """Put the believed rows that are not delivered again before the new ones."""
    if previous is None or previous.is_empty():
        return new
    if "trusted" not in previous.columns:
        previous = previous.with_columns(pl.lit(value=True).alias("trusted"))
    old = typed(previous, name="previous").select(*BAR, "trusted").join(new, on=KEY, how="anti")
    old = old.sort("trusted").unique(subset=KEY, keep="last", maintain_order=True)
    old = old.with_columns(
        pl.lit(value=False).alias("delivered"),
        pl.lit(1, dtype=pl.Int64).alias("copies"),
        pl.lit(1, dtype=pl.Int64).alias("versions"),
    )
    return pl.concat([new, old], how="diagonal")


def _with_calendar(frame: pl.DataFrame, calendar: Calendar, until: date | None) -> pl.DataFrame:
    """Add the number of the session, whether it is one, and whether it lies in the future."""
    days = frame["session"].to_physical().fill_null(0).to_numpy().astype(np.int64)
    at = np.searchsorted(calendar.ordinals, days)
    found = calendar.ordinals[np.minimum(at, calendar.ordinals.size - 1)] == days
    last = until or date.max
    return frame.with_columns(
        pl.Series("session_no", at, dtype=pl.Float64),
        pl.Series("is_session", found),
        (pl.col("session").dt.weekday() > 5).alias("is_weekend"),
        (pl.col("session") > last).fill_null(value=False).alias("is_future"),
        pl.lit(until, dtype=pl.Date).alias("until"),
    )


def _with_actions(
    frame: pl.DataFrame, actions: pl.DataFrame | None, as_of: datetime | None
) -> pl.DataFrame:
    """Add the running log split factor and dividends per symbol, as known at each session."""
    none = [
        pl.lit(0.0).alias("log_split"),
        pl.lit(0.0).alias("dividends"),
    ]
    if actions is None or actions.is_empty():
        return frame.with_columns(none)
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
    return (
        frame.sort("session", nulls_last=True, maintain_order=True)
        .join_asof(running, on="session", by="symbol", strategy="backward", check_sortedness=False)
        .with_columns(pl.col("log_split", "dividends").fill_null(0.0))
    )


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
        _effective_session(frame, as_of).alias("effective"),
        pl.when(is_split).then(ratio.log()).otherwise(0.0).alias("log_ratio"),
        pl.when(is_paid).then(pl.col("amount").cast(pl.Float64)).otherwise(0.0).alias("paid"),
    ).with_columns(pl.col("paid").fill_null(0.0))


def _effective_session(frame: pl.DataFrame, as_of: datetime | None) -> pl.Expr:
    """Return the ex-date, or the day whose close follows what was known later."""
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


def _with_index(frame: pl.DataFrame, index: pl.DataFrame | None) -> pl.DataFrame:
    """Add the index's close, low and high of the session where they are known."""
    names = ("close", "low", "high")
    if index is None or index.is_empty():
        return frame.with_columns(
            pl.lit(None, dtype=pl.Float64).alias(f"index_{name}") for name in names
        )
    require_columns(index, ("session", "close"), name="index")
    beside = index.unique(subset="session", keep="last").select(
        "session",
        *(
            pl.col(name if name in index.columns else "close")
            .cast(pl.Float64)
            .alias(f"index_{name}")
            for name in names
        ),
    )
    return frame.join(beside, on="session", how="left", maintain_order="left")


def _with_soundness(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a row says about itself: complete, positive, consistent, alone."""
    figures = [pl.col(column) for column in (*PRICES, "volume")]
    complete = pl.all_horizontal(c.is_not_null() & c.is_finite() for c in figures)
    positive = pl.all_horizontal(pl.col(column) > 0 for column in PRICES)
    body_top = pl.max_horizontal("open", "close", "low")
    body_bottom = pl.min_horizontal("open", "close", "high")
    # A hundredth of a cent: vendors round the four prices apart.
    slack = 1e-4
    consistent = (pl.col("high") >= body_top - slack) & (pl.col("low") <= body_bottom + slack)
    checked = frame.with_columns(
        complete.fill_null(value=False).alias("complete"),
        positive.fill_null(value=False).alias("positive"),
        (pl.col("volume") >= 0).fill_null(value=False).alias("counted"),
        consistent.fill_null(value=False).alias("consistent"),
    )
    sound = pl.all_horizontal("complete", "positive", "counted", "consistent", "is_session")
    alone = (pl.col("versions") == 1) & ~pl.col("is_future")
    still = (pl.col("volume") == 0) & (pl.col("high") > pl.col("low"))
    return checked.with_columns((sound & alone & ~still.fill_null(value=False)).alias("usable"))


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the measures of `quality.rules.history`."""
    columns = ("open", "high", "low", "close", "volume", "session_no", "log_split", "dividends",
               "index_close", "index_low", "index_high")  # fmt: skip
    rows = frame.select(pl.col(c).cast(pl.Float64).fill_null(np.nan) for c in columns).to_numpy()
    starts = frame.select(
        (pl.col("symbol") != pl.col("symbol").shift(1)).fill_null(value=True)
    ).to_series()
    with np.errstate(all="ignore"):
        out = walk(
            np.ascontiguousarray(rows),
            starts.to_numpy(),
            frame["usable"].to_numpy(),
            frame["trusted"].to_numpy(),
        )
    measures = pl.DataFrame(out, schema=list(MEASURES)).fill_nan(None)
    return frame.hstack(measures)


def session_dates(numbers: pl.Series, calendar: Calendar) -> pl.Series:
    """Return the sessions with these numbers (null for null)."""
    at = numbers.cast(pl.Int64).clip(0, calendar.ordinals.size - 1)
    days = pl.Series(calendar.ordinals, dtype=pl.Int32)
    return days.gather(at).cast(pl.Date)
