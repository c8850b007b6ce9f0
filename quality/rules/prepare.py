"""From delivered daily bars to the frame that the daily rules read."""

from datetime import date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.calendar import Calendar
from quality.rules import bar, crowd, dating, halts, listings, peers
from quality.rules.bar import PRICES
from quality.rules.history import walk
from quality.rules.jumps import COLUMNS, MEASURES
from quality.rules.known import with_actions
from quality.rules.model import UnreadableDeliveryError, require_columns
from quality.rules.order import in_order
from quality.rules.thresholds import DAILY, Limits

BAR: Final = ("symbol", "session", *PRICES, "volume")
KEY: Final = ("symbol", "session")
_AT_ONCE: Final = 4096  # rows


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


def merged(frame: pl.DataFrame, time: str) -> pl.DataFrame:
    """Merge rows that repeat another exactly; count `copies` and `versions` of each key.

    `frame` is sorted by symbol and `time`, so equal keys are neighbours.
    """
    key = ["symbol", time]
    same = pl.all_horizontal(pl.col(key) == pl.col(key).shift(1)).fill_null(value=False)
    again = frame.select(same.alias("again"))["again"]
    counts = [pl.lit(1, dtype=pl.Int64).alias(name) for name in ("copies", "versions")]
    if not again.any():
        return frame.with_columns(counts)
    shared = again | again.shift(-1).fill_null(value=False)
    whole = [*key, *PRICES, "volume"]
    repeated = (
        frame.filter(shared)
        .with_columns(pl.len().over(whole).cast(pl.Int64).alias("copies"))
        .unique(subset=whole, keep="first", maintain_order=True)
        .with_columns(pl.len().over(key).cast(pl.Int64).alias("versions"))
    )
    return in_order(pl.concat([frame.filter(~shared).with_columns(counts), repeated]), time)


def facts(
    bars: pl.DataFrame,
    *,
    previous: pl.DataFrame | None,
    calendar: Calendar,
    actions: pl.DataFrame | None,
    index: pl.DataFrame | None,
    until: date | None,
    as_of: datetime | None,
    hindsight: bool,
) -> pl.DataFrame:
    """Return the delivered rows with everything a rule asks of them beside them."""
    new = merged(in_order(typed(bars, name="bars"), "session"), "session").with_columns(
        pl.lit(value=True).alias("delivered"), pl.lit(value=False).alias("trusted")
    )
    frame = _with_calendar(_with_history(new, previous), calendar, until)
    told = listings.spans(frame, actions, as_of)
    if told is not None:  # no firm is measured by the rows of another under its ticker
        frame = listings.parted(frame, told, day="session")
    frame = in_order(frame, "session")
    frame = with_actions(frame, listings.of_actions(actions, told), as_of)
    frame = crowd.with_other(_with_soundness(frame), whole_file=hindsight)
    frame = _with_index(frame, index, hindsight=hindsight)
    frame = measured(frame, limits=DAILY, hindsight=hindsight)
    frame = halts.with_halts(
        dating.with_stretches(frame, whole_file=hindsight), whole_file=hindsight
    )
    if told is not None:
        return _as_delivered(listings.joined(frame, told))
    return frame.filter(pl.col("delivered")) if previous is not None else frame


def _as_delivered(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the delivered rows in order; a frame this wide is moved once only."""
    rows = frame.select("symbol", "session", "delivered").with_row_index("_row")
    return frame[in_order(rows.filter("delivered"), "session")["_row"]]


def _with_history(new: pl.DataFrame, previous: pl.DataFrame | None) -> pl.DataFrame:
    """Put the believed rows that are not delivered again beside the new ones, in no order."""
    if previous is None or previous.is_empty():
        return new
    if "trusted" not in previous.columns:
        previous = previous.with_columns(pl.lit(value=True).alias("trusted"))
    old = typed(previous, name="previous").select(*BAR, "trusted")
    if not _lies_before(old, new):
        old = old.join(new, on=KEY, how="anti")
    if old.select(KEY).hash_rows().n_unique() < old.height:
        old = old.sort("trusted").unique(subset=KEY, keep="last", maintain_order=True)
    old = old.with_columns(
        pl.lit(value=False).alias("delivered"),
        pl.lit(1, dtype=pl.Int64).alias("copies"),
        pl.lit(1, dtype=pl.Int64).alias("versions"),
    )
    return pl.concat([new, old], how="diagonal")


def _lies_before(old: pl.DataFrame, new: pl.DataFrame) -> bool:
    """Whether every old row is of an earlier session than every new one."""
    days = (old.select(pl.col("session").max()), new.select(pl.col("session").min()))
    newest, oldest = (day.item() for day in days)
    return newest is None or oldest is None or bool(newest < oldest)


def _with_calendar(frame: pl.DataFrame, calendar: Calendar, until: date | None) -> pl.DataFrame:
    """Add the number of the session, whether it is one, and whether it lies in the future."""
    days = frame["session"].to_physical().fill_null(0).to_numpy().astype(np.int64)
    at = np.searchsorted(calendar.ordinals, days)
    found = calendar.ordinals[np.minimum(at, calendar.ordinals.size - 1)] == days
    last = until or date.max
    return frame.with_columns(
        pl.Series("step_no", at, dtype=pl.Float64),
        pl.Series("is_session", found),
        (pl.col("session").dt.weekday() > 5).alias("is_weekend"),
        (pl.col("session") > last).fill_null(value=False).alias("is_future"),
        pl.lit(until, dtype=pl.Date).alias("until"),
    )


def _with_index(
    frame: pl.DataFrame, index: pl.DataFrame | None, *, hindsight: bool
) -> pl.DataFrame:
    """Add the index's close, low and high of the session; its own where none is given."""
    if index is None or index.is_empty():
        steps = frame.with_columns(pl.col("session").alias("step"))
        beside = peers.market(steps, hindsight=hindsight).rename({"step": "session"})
    else:
        require_columns(index, ("session", "close"), name="index")
        beside = index.unique(subset="session", keep="last").select(
            "session",
            *(
                pl.col(name if name in index.columns else "close")
                .cast(pl.Float64)
                .alias(f"index_{name}")
                for name in ("close", "low", "high")
            ),
        )
    return frame.join(beside, on="session", how="left", maintain_order="left")


def _with_soundness(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a row says about itself, and whether it can be measured."""
    checked = frame.with_columns(bar.soundness())
    sound = pl.all_horizontal("complete", "positive", "counted", "consistent", "is_session")
    alone = (pl.col("versions") == 1) & ~pl.col("is_future")
    still = (pl.col("volume") == 0) & (pl.col("high") > pl.col("low"))
    return checked.with_columns((sound & alone & ~still.fill_null(value=False)).alias("usable"))


def ready() -> None:
    """Load the machine code of the rules, for those who wait for their rows meanwhile."""
    none = np.empty(0, dtype=np.bool_)
    rows, offsets = np.empty((0, len(COLUMNS))), np.zeros(1, dtype=np.int64)
    walk(rows, offsets, none, none, limits=DAILY, hindsight=False)


def measured(frame: pl.DataFrame, *, limits: Limits, hindsight: bool) -> pl.DataFrame:
    """Add the measures of `quality.rules.history`; `frame` is sorted by symbol and time."""
    rows = frame.select(pl.col(COLUMNS).cast(pl.Float64).fill_null(np.nan)).to_numpy(
        order="c", writable=True
    )
    begins = frame.select(
        (pl.col("symbol") != pl.col("symbol").shift(1)).fill_null(value=True)
    ).to_series()
    offsets = np.append(begins.arg_true().to_numpy(), frame.height).astype(np.int64)
    with np.errstate(all="ignore"):
        out = walk(
            rows, offsets, frame["usable"].to_numpy(), frame["trusted"].to_numpy(),
            limits=limits, hindsight=hindsight,
        )  # fmt: skip
    return frame.hstack(_measures(out))


def _measures(out: npt.NDArray[np.float64]) -> pl.DataFrame:
    """Return the walk's measures as columns, null where they are not a number."""
    columns = np.empty((len(MEASURES), out.shape[0]))
    for at in range(0, out.shape[0], _AT_ONCE):  # as many rows as a processor keeps at hand
        columns[:, at : at + _AT_ONCE] = out[at : at + _AT_ONCE].T
    series = [pl.Series(name, one) for name, one in zip(MEASURES, columns, strict=True)]
    return pl.DataFrame(series).fill_nan(None)


def session_dates(numbers: pl.Series, calendar: Calendar) -> pl.Series:
    """Return the sessions with these numbers (null for null)."""
    at = numbers.cast(pl.Int64).clip(0, calendar.ordinals.size - 1)
    days = pl.Series(calendar.ordinals, dtype=pl.Int32)
    return days.gather(at).cast(pl.Date)
