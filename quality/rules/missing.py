"""Who should have delivered a bar and did not."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.calendar import Calendar
from quality.rules.jumps import IDENTITY
from quality.rules.model import Rule, Severity
from quality.rules.words import day

# A longer absence is a suspension or another listing, not a hole in the file; a symbol with fewer
# of its sessions is an excerpt.
LONGEST_GAP: Final = 20
MOSTLY_THERE: Final = 0.5

Whole = npt.NDArray[np.int64]

MISSING: Final = Rule(
    name="bar_arrived",
    severity=Severity.ERROR,
    meaning="Every expected symbol has a bar for every session.",
    reason="Without its bar a symbol has no price to decide on; no verdict would say less.",
    fails=pl.lit(value=True),
    sentence=lambda row: (
        f"No bar arrived for {row['symbol']} on {day(row['session'])}, a session of the exchange. "
        "It cannot be traded on this session's data."
    ),
)


def absent(
    frame: pl.DataFrame,
    *,
    previous: pl.DataFrame | None,
    expected: pl.DataFrame | Sequence[str] | None,
    sessions: Sequence[date] | None,
    calendar: Calendar,
    whole_file: bool = False,
) -> pl.DataFrame:
    """Return symbol and session of every bar that was due and is not in `frame`.

    In a whole file of which nobody says who should have delivered, each symbol is due between its
    own first and last row, but for absences too long to be a gap in the file, and for one after
    which the symbol is another company's or comes back as after a halt (`resumed`). A column
    `series` says which rows are of one listing.

    A symbol whose first session nobody states is due from its first row on; a symbol never seen
    and expected by name alone is due on every session asked for by name.
    """
    if expected is None and whole_file:
        gaps = _gaps(frame, calendar)
        if "bar_start" not in frame.columns:
            return gaps
        # A file of minutes may be an excerpt: only what other symbols have is a hole in it.
        return gaps.join(frame.select("session").unique(), on="session", how="semi")
    if expected is None:
        return pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date})
    days = sorted(sessions) if sessions is not None else _sessions(frame, calendar)
    asked = pl.DataFrame({"session": days}, schema={"session": pl.Date})
    due = _members(expected).join(_first_seen(frame, previous), on="symbol", how="left")
    start = pl.coalesce("from_session", "first_seen")
    due = due.join(asked, how="cross").filter(
        (pl.col("session") >= start)
        & (pl.col("session") <= pl.col("to_session")).fill_null(value=True)
    )
    due = _listed(due, frame)
    present = frame.select("symbol", "session").unique()
    return due.select("symbol", "session").join(present, on=["symbol", "session"], how="anti")


def _members(expected: pl.DataFrame | Sequence[str]) -> pl.DataFrame:
    """Return symbol, from_session, to_session of each expected symbol."""
    if not isinstance(expected, pl.DataFrame):
        expected = pl.DataFrame({"symbol": list(expected)}, schema={"symbol": pl.String})
    absent_columns = [
        pl.lit(None, dtype=pl.Date).alias(name)
        for name in ("from_session", "to_session")
        if name not in expected.columns
    ]
    return expected.with_columns(absent_columns).select(
        "symbol", pl.col("from_session", "to_session").cast(pl.Date)
    )


def _first_seen(frame: pl.DataFrame, previous: pl.DataFrame | None) -> pl.DataFrame:
    """Return the first session of each symbol, in this delivery or before it."""
    seen = frame.select("symbol", "session")
    if previous is not None and not previous.is_empty():
        seen = pl.concat([seen, previous.select("symbol", pl.col("session").cast(pl.Date))])
    return seen.group_by("symbol").agg(pl.col("session").min().alias("first_seen"))


def _sessions(frame: pl.DataFrame, calendar: Calendar) -> list[date]:
    """Return the exchange sessions that the delivery touches."""
    days = frame["session"].drop_nulls().unique().to_list()
    return sorted(day for day in days if calendar.is_session(day))


def _listed(due: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out what is due between the end of a listing and the next one of its symbol."""
    if "listed_on" not in frame.columns:
        return due
    listings = (
        frame.group_by("symbol", "listed_on")
        .agg(pl.col("session").max().alias("_last"))
        .sort("symbol", "listed_on", nulls_last=False)
        .with_columns(pl.col("_last").shift(1).over("symbol"))
        .filter(pl.col("listed_on").is_not_null() & pl.col("_last").is_not_null())
    )
    between = (pl.col("session") > pl.col("_last")) & (pl.col("session") < pl.col("listed_on"))
    idle = due.join(listings, on="symbol").filter(between)
    return due.join(idle, on=["symbol", "session"], how="anti")


def _gaps(frame: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Return the sessions that a symbol leaves out between two of its rows.

    `frame` is sorted by symbol and time.
    """
    listing = "symbol"
    if "series" in frame.columns:
        listing = "series"
        frame = frame.sort("series", "session", maintain_order=True)
    codes = frame.select((pl.col(listing) != pl.col(listing).shift(1)).fill_null(value=True))
    symbol_at = np.cumsum(codes.to_series().to_numpy())
    days = frame["session"].to_physical().to_numpy().astype(np.int64)
    steps = np.searchsorted(calendar.ordinals, days)
    known = calendar.ordinals[np.minimum(steps, calendar.ordinals.size - 1)] == days
    rows = np.flatnonzero(known)
    who, steps = symbol_at[rows], steps[rows]
    same, ahead = who[1:] == who[:-1], np.diff(steps)
    # How much of its own span a symbol has.
    present = (
        np.bincount(who[1:][same & (ahead > 0)], minlength=int(symbol_at.max(initial=0)) + 1) + 1
    )
    span = np.bincount(who[1:][same], weights=ahead[same], minlength=present.size) + 1
    mostly = present >= MOSTLY_THERE * span
    theirs = (frame["code"] == float(IDENTITY)).fill_null(value=False).to_numpy()[rows][1:]
    short = (ahead > 1) & (ahead <= LONGEST_GAP + 1)
    halted = np.zeros(theirs.size, dtype=np.bool_)
    if "resumed" in frame.columns:  # nobody traded
        halted = frame["resumed"].fill_null(value=False).to_numpy()[rows][1:]
    holes = np.flatnonzero(same & short & mostly[who[1:]] & ~theirs & ~halted)
    return _between(frame, rows[holes], rows[holes + 1], steps[holes], steps[holes + 1], calendar)


def _between(
    frame: pl.DataFrame,
    last: Whole,
    first: Whole,
    from_step: Whole,
    to_step: Whole,
    calendar: Calendar,
) -> pl.DataFrame:
    """Return symbol and session of every step between rows `last` and `first` of `frame`."""
    numbers = [np.arange(a + 1, b) for a, b in zip(from_step, to_step, strict=True)]
    at = np.concatenate(numbers) if numbers else np.empty(0, dtype=np.int64)
    many = np.array([one.size for one in numbers], dtype=np.int64)
    begins = "listed_on" if "listed_on" in frame.columns else "session"
    gone = pl.DataFrame(
        {
            "session": pl.Series(calendar.ordinals[at], dtype=pl.Int32).cast(pl.Date),
            "_before": frame["symbol"].gather(np.repeat(last, many)),
            "_after": frame["symbol"].gather(np.repeat(first, many)),
            "_begins": frame[begins].gather(np.repeat(first, many)),
        }
    )
    # Within a gap over a change of symbols each session has the symbol of its day.
    is_new = pl.col("session") >= pl.col("_begins")
    symbol = pl.when(is_new).then("_after").otherwise("_before").alias("symbol")
    return gone.select(symbol, "session")
