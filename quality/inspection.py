"""A delivered file judged as a whole: the same rules that judge what is landed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import polars as pl

from adapters.market_data.files import Delivery, adjustment
from quality.context import (
    SILENCE,
    Context,
    by_ex_date,
    expected,
    reckoned_actions,
    runs,
    unannounced,
)
from quality.rules.cents import WHOLE, without_cents
from quality.rules.daily import judge_daily
from quality.rules.minute import judge_minutes
from quality.rules.model import (
    Finding,
    Judgement,
    Rule,
    Severity,
    UnreadableDeliveryError,
    finding,
)
from quality.rules.words import day, price
from quality.told import MOST_OF_A_RULE, Inspection, Lines, Told

# Minutes are judged in runs of sessions, each as long as memory allows: a level that changes is
# seen against the sessions before it in its run.
_ROWS_AT_ONCE: Final = 2_000_000
_FACTOR_SLACK: Final = 0.02

UNREAD: Final = Rule(
    name="row_is_readable",
    severity=Severity.ERROR,
    meaning="Every row of the file can be read whole.",
    reason="What stands in a row that cannot be read is anybody's guess.",
    fails=pl.lit(value=True),
    sentence=lambda row: (
        f"Line {row['line']:,} cannot be read: {row['problem']}."
        if row["line"]
        else f"The file {row['file']} cannot be read: {row['problem']}"
    ),
    figures=("line",),
)
SILENT: Final = Rule(
    name="history_has_no_gap",
    severity=Severity.WARNING,
    meaning="No symbol is silent for a month and then trades again.",
    reason="A symbol that stops and returns may be another company's, or misdated.",
    fails=pl.lit(value=True),
    sentence=lambda row: (
        f"{row['symbol']} has no bar for {row['silent']:,} sessions before {day(row['session'])} "
        f"{row['session'].year}; the bar before is of {row['before']}. Rows are misdated, missing, "
        "or of another company under the same symbol."
    ),
    figures=("silent",),
)
DISAGREEING: Final = Rule(
    name="close_agrees_with_adjusted",
    severity=Severity.WARNING,
    meaning="Raw and adjusted close keep their ratio from row to row, but for an action.",
    reason="The ratio leaves that of the rows before and after and returns: one of the two closes "
    "is wrong. Two per cent and a cent of rounding are allowed.",
    fails=pl.lit(value=True),
    sentence=lambda row: (
        f"The close of {day(row['session'])} is {price(row['close'])} and the adjusted close "
        f"{price(row['adjusted_close'])}; their ratio of {row['factor']:.4f} is "
        f"{row['before']:.4f} on the rows around. One of the two is wrong."
    ),
    figures=("close", "adjusted_close", "factor", "before"),
)


def inspect(
    delivery: Delivery,
    *,
    context: Context,
    keep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Return what the rules say of a delivered file.

    Parameters
    ----------
    delivery : Delivery
        A file as `adapters.market_data.files.read` returns it.
    context : Context
        What is known beside the file; what it lacks the rules take from the file's own symbols.
    keep : bool
        Whether the judgements are kept, for their reports and frames.
    progress : callable, optional
        Called with rows judged and rows in all.

    Raises
    ------
    UnreadableDeliveryError
        If a column lacks or has a type that cannot be judged.
    """
    readable = _readable(delivery)
    if readable.is_empty():
        raise UnreadableDeliveryError(
            f"None of the {delivery.frame.height:,} rows names both its symbol and its day. Say "
            "--symbol, or map the columns that do by --map."
        )
    days = readable["session"]
    found = Inspection(
        delivery.kind, delivery.frame.height, readable["symbol"].n_unique(),
        days.min(), days.max(), notes=list(delivery.notes),  # type: ignore[arg-type]  # dates
    )  # fmt: skip
    problems = delivery.frame.filter(pl.col("problem").is_not_null())
    found.count(UNREAD, delivery.frame.height, _unread(problems), failed=problems.height)
    lines = Lines(delivery)
    done = 0
    for judgement in judged(delivery, readable, context=context, found=found):
        found.add(lines.told(judgement.findings), judgement.untold)
        found.tallies.append(judgement.tally)
        done += judgement.outcomes.height
        if keep:
            found.judgements.append(judgement)
        if progress is not None:
            progress(done, readable.height)
    for rule, asked, failing in _beside(readable, context):
        found.count(rule, asked, lines.told(failing), failed=len(failing))
    return found


def judged(
    delivery: Delivery, readable: pl.DataFrame, *, context: Context, found: Inspection
) -> Iterator[Judgement]:
    """Yield the judgements of a delivery's readable rows; `found` gains what was assumed."""
    if delivery.kind in {"daily", "index"}:
        yield _daily(delivery, readable, context, found)
    elif delivery.kind == "minute":
        yield from _minutes(delivery, readable, context, found)
    elif delivery.kind == "options":
        yield _options(readable, context)
    else:
        yield _records(readable, context)


def _options(readable: pl.DataFrame, context: Context) -> Judgement:
    # The rules of each kind are loaded by those who ask them: a check should begin at once.
    from quality.rules.options import judge_options  # noqa: PLC0415

    return judge_options(
        readable,
        calendar=context.calendar,
        actions=by_ex_date(context.actions),
        closes=context.daily,
        until=context.until,
    )


def _records(readable: pl.DataFrame, context: Context) -> Judgement:
    from quality.rules.records import judge_actions  # noqa: PLC0415

    return judge_actions(
        readable, calendar=context.calendar, bars=context.daily, until=context.until
    )


def _readable(delivery: Delivery) -> pl.DataFrame:
    """Return the rows that name their symbol and time."""
    keys = [c for c in ("symbol", "session", "bar_start") if c in delivery.frame.columns]
    return delivery.frame.filter(pl.all_horizontal(pl.col(keys).is_not_null()))


def _unread(problems: pl.DataFrame) -> list[Told]:
    return [
        Told(
            symbol=row["symbol"] or "",
            session=row["session"],
            bar_start=row.get("bar_start"),
            rule=UNREAD.name,
            severity=UNREAD.severity,
            message=UNREAD.sentence(row),
            figures={"line": row["line"]},
            line=row["line"],
            file=row.get("file"),
        )
        for row in problems.head(MOST_OF_A_RULE).iter_rows(named=True)
    ]


def _daily(
    delivery: Delivery, readable: pl.DataFrame, context: Context, found: Inspection
) -> Judgement:
    return judge_daily(
        readable,
        calendar=context.calendar,
        actions=reckoned_actions(delivery, context, found.notes),
        index=context.index,
        until=context.until,
        whole_file=True,
        room=found.room,
    )


def _minutes(
    delivery: Delivery, readable: pl.DataFrame, context: Context, found: Inspection
) -> Iterator[Judgement]:
    """Judge minutes in runs of whole sessions."""
    actions = (
        reckoned_actions(delivery, context, found.notes) if context.actions is not None else None
    )
    due_from, sessions = expected(readable, context, found.notes)
    ordered = readable.sort("session", maintain_order=True)
    sizes = ordered.group_by("session", maintain_order=True).len()
    due = sorted({*sessions, *sizes["session"].to_list()})
    counts = dict(sizes.iter_rows())
    at = 0
    for group in _groups(due, counts):
        rows = sum(counts.get(session, 0) for session in group)
        yield judge_minutes(
            ordered.slice(at, rows),
            calendar=context.calendar,
            daily=context.daily,
            expected=due_from,
            sessions=[s for s in group if context.calendar.is_session(s)],
            now=context.now,
            actions=actions,
            whole_file=True,
            room=found.room,
        )
        at += rows


def _groups(due: Sequence[date], counts: Mapping[date, int]) -> Iterator[list[date]]:
    group: list[date] = []
    rows = 0
    for session in due:
        if group and rows + counts.get(session, 0) > _ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(session)
        rows += counts.get(session, 0)
    if group:
        yield group


def _beside(readable: pl.DataFrame, context: Context) -> Iterator[tuple[Rule, int, list[Finding]]]:
    """Yield what only the whole file shows: rule, rows asked, findings."""
    if "close" not in readable.columns:
        return
    seen = runs(readable, context)
    silent = unannounced(seen.filter(pl.col("silent") > SILENCE), seen, context)
    dataset = "file"
    yield (
        SILENT,
        seen["symbol"].n_unique(),
        [finding(SILENT, row, dataset=dataset) for row in silent.iter_rows(named=True)],
    )
    if "bar_start" not in readable.columns and "volume" in readable.columns:
        whole = without_cents(readable)
        yield (
            WHOLE,
            seen["symbol"].n_unique(),
            [finding(WHOLE, row, dataset=dataset) for row in whole.iter_rows(named=True)],
        )
    if "adjusted_close" in readable.columns:
        rows = adjustment.factors(readable)
        slack = pl.max_horizontal(pl.lit(_FACTOR_SLACK), 0.011 / pl.col("adjusted_close"))
        odd = rows.filter(
            ((pl.col("factor") / pl.col("before")).log().abs() > slack)
            & ((pl.col("factor") / pl.col("after")).log().abs() > slack)
            & ((pl.col("after") / pl.col("before")).log().abs() < slack / 2)
        )
        yield (
            DISAGREEING,
            rows.height,
            [finding(DISAGREEING, row, dataset=dataset) for row in odd.iter_rows(named=True)],
        )
