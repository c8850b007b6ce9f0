"""What is known beside a delivered file: given with it, or read out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import polars as pl

from adapters.market_data.files import Delivery, adjustment
from quality.calendar import Calendar
from quality.rules import listings
from quality.rules.known import ENDS

# A longer silence is a symbol that ended or began anew, not so many bars that got lost.
SILENCE: Final = 20
_SPARSE: Final = 0.5


@dataclass(frozen=True)
class Context:
    """What is known beside the file.

    Attributes
    ----------
    calendar : Calendar
    actions : frame with symbol, ex_date or session, kind, ratio, amount, optional
    index : frame with session, close and if known high and low, optional
    daily : frame with symbol, session, high, low, close, volume, optional
        The official daily bars beside minutes; the bars beside actions; the shares' closes
        beside options.
    now : aware datetime, optional
        Stamps after it lie in the future.
    """

    calendar: Calendar
    actions: pl.DataFrame | None = None
    index: pl.DataFrame | None = None
    daily: pl.DataFrame | None = None
    now: datetime | None = None

    @property
    def until(self) -> date | None:
        """The newest session there can be bars of."""
        return None if self.now is None else self.now.date()


def by_ex_date(actions: pl.DataFrame | None) -> pl.DataFrame | None:
    """Return actions with their day named `ex_date`, as the rules read it."""
    if actions is None or "ex_date" in actions.columns:
        return actions
    return actions.rename({"session": "ex_date"})


def reckoned_actions(delivery: Delivery, context: Context, notes: list[str]) -> pl.DataFrame | None:
    """Return the actions to reckon with: those given, else the file's; none if in the prices."""
    if context.actions is not None:
        actions = by_ex_date(context.actions)
        assert actions is not None
    else:
        actions = adjustment.stated(delivery)
        if actions.height:
            how = "the steps of its adjusted close" if actions["implied"].all() else "its columns"
            notes.append(f"{actions.height:,} corporate actions were taken from {how}.")
    adjusted = delivery.adjusted or bool(adjustment.holds_splits(delivery, actions))
    ends = actions.filter(pl.col("kind").is_in(ENDS))
    if adjusted and actions.height > ends.height:
        notes.append(
            "Prices hold the splits on file already (adjusted), so no action was applied again."
        )
    if adjusted:  # who had a ticker when counts all the same
        actions = ends
    return None if actions.is_empty() else actions


def runs(readable: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Return symbol, session and number of every session with a bar, and the silence before it."""
    calendar = context.calendar
    seen = readable.select("symbol", "session").unique().sort("symbol", "session")
    days = seen["session"].to_physical().to_numpy().astype(np.int64)
    at = np.searchsorted(calendar.ordinals, days)
    is_session = calendar.ordinals[np.minimum(at, calendar.ordinals.size - 1)] == days
    known = seen.with_columns(pl.Series("number", at)).filter(pl.Series(is_session))
    if context.until is not None:
        known = known.filter(pl.col("session") <= context.until)
    return known.with_columns(
        (pl.col("number").diff().over("symbol") - 1).alias("silent"),
        pl.col("session").shift(1).over("symbol").alias("before"),
    )


def unannounced(silences: pl.DataFrame, seen: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Return the silences after which no action says that the symbol is another firm's."""
    told = listings.spans(
        seen.rename({"number": "step_no"}), by_ex_date(context.actions), context.now
    )
    if told is None:
        return silences
    begins = silences.sort("session").join_asof(
        told, left_on="session", right_on="begins", by="symbol", check_sortedness=False
    )
    is_told = (pl.col("begins") > pl.col("before")).fill_null(value=False)
    return begins.filter(~is_told).drop("begins", "series")


def expected(
    readable: pl.DataFrame, context: Context, notes: list[str]
) -> tuple[pl.DataFrame, tuple[date, ...]]:
    """Return who is due from when to when, and the sessions that the file covers.

    A symbol is due from its first to its last bar; a silence of a month ends one run of it and
    begins another, and a symbol with bars on fewer than half of its sessions is never due.
    """
    seen = runs(readable, context).with_columns(
        (pl.col("silent") > SILENCE).fill_null(value=False).cum_sum().over("symbol").alias("run")
    )
    spans = seen.group_by("symbol", "run", maintain_order=True).agg(
        pl.col("session").min().alias("from_session"),
        pl.col("session").max().alias("to_session"),
        pl.len().alias("bars"),
        (pl.col("number").max() - pl.col("number").min() + 1).alias("due"),
    )
    sparse = spans.group_by("symbol").agg(pl.col("bars", "due").sum()).filter(
        pl.col("bars") < _SPARSE * pl.col("due")
    )  # fmt: skip
    if sparse.height:
        named = ", ".join(sorted(sparse["symbol"].head(5)))
        notes.append(
            f"{sparse.height:,} symbols have bars on fewer than half of their sessions ({named}); "
            "for them no bar is called missing."
        )
    spans = spans.join(sparse, on="symbol", how="anti")
    if spans.is_empty():
        return spans.select("symbol", "from_session", "to_session"), ()
    first, last = spans["from_session"].min(), spans["to_session"].max()
    sessions = context.calendar.sessions(first, last)  # type: ignore[arg-type]  # dates
    return spans.select("symbol", "from_session", "to_session"), sessions
