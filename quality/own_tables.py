"""Judging rows that the desk made itself: features, predictions, positions.

Unlike a delivery they are not held back row by row: what is wrong with them is wrong with our own
work, and a person has to see it. They are recorded and rendered by the same suites.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from quality.calendar import Calendar
from quality.rules.judge import judge
from quality.rules.missing import MISSING
from quality.rules.model import Judgement, Rule, Severity, require_columns
from quality.rules.words import day

Row = Mapping[str, Any]

_NOBODY: Final = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date})

IS_ALONE: Final = Rule(
    name="row_is_alone",
    severity=Severity.ERROR,
    meaning="There is one row for each symbol and session.",
    reason="Two rows are two answers, and whoever reads takes either.",
    fails=pl.struct("symbol", "session").is_duplicated(),
    sentence=lambda row: f"{row['symbol']} has more than one row for {day(row['session'])}.",
)
IS_OF_A_SESSION: Final = Rule(
    name="day_is_a_session",
    severity=Severity.ERROR,
    meaning="No row is dated on a day without a session.",
    reason="Nothing can be decided after a close that did not happen.",
    fails=pl.col("closes_at").is_null(),
    sentence=lambda row: f"A row is dated {day(row['session'])}, when the exchange was closed.",
)
IS_KNOWN_LATER: Final = Rule(
    name="known_after_the_close",
    severity=Severity.ERROR,
    meaning="Nothing is said to have been known before its session closed.",
    reason="It was made from that close; an earlier time would let research look ahead.",
    applies=pl.col("closes_at").is_not_null(),
    fails=pl.col("known_at") < pl.col("closes_at"),
    sentence=lambda row: (
        f"The row of {day(row['session'])} counts as known from {row['known_at']:%H:%M} UTC on "
        f"{row['known_at']:%Y-%m-%d}, before the close."
    ),
)


def with_closes(frame: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Return `frame` with `closes_at`, the close (UTC) of each row's session; null for none."""
    days = [d for d in frame["session"].unique().to_list() if d and calendar.is_session(d)]
    closes = pl.DataFrame(
        {"session": days, "closes_at": [calendar.close(d) for d in days]},
        schema={"session": pl.Date, "closes_at": pl.Datetime("us", "UTC")},
    )
    return frame.join(closes, on="session", how="left", maintain_order="left")


def judged(
    frame: pl.DataFrame, *, dataset: str, rules: Sequence[Rule], columns: Sequence[str]
) -> Judgement:
    """Return what the rules say of a table's rows.

    Parameters
    ----------
    frame : frame with symbol, session and what the rules read
    dataset : str
        The table's name in findings and reports.
    rules : sequence of Rule
    columns : names
        What every row must have.

    Returns
    -------
    Judgement
        With all rows passed and no verdict: findings alone tell what is wrong.

    Raises
    ------
    UnreadableDeliveryError
        If a column is missing.
    """
    require_columns(frame, ("symbol", "session", *columns), name=dataset)
    ordered = frame.sort("symbol", "session", maintain_order=True)
    found = judge(
        ordered,
        dataset=dataset,
        rules=rules,
        columns=list(dict.fromkeys(("symbol", "session", *columns))),
        due=_NOBODY,
    )
    # Nobody delivers these rows, so that none can fail to arrive; and none is held back.
    return replace(
        found,
        passed=ordered.select(found.passed.columns),
        held=found.held.clear(),
        verdicts=found.verdicts.clear(),
        tally=found.tally.filter(pl.col("rule") != MISSING.name),
    )
