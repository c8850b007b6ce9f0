"""A delivered file judged as a whole: the same rules that judge what is landed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import polars as pl

from adapters.market_data.files import Delivery, adjustment
from quality.calendar import Calendar
from quality.rules.daily import judge_daily
from quality.rules.minute import judge_minutes
from quality.rules.model import Finding, Judgement, Rule, Severity, finding
from quality.rules.words import day, price

# Minutes are judged in runs of sessions, each as long as memory allows: a level that changes is
# seen against the sessions before it in its run.
_ROWS_AT_ONCE: Final = 2_000_000
# A longer silence is a symbol that ended or began anew, not so many bars that got lost.
_SILENCE: Final = 20
_SPARSE: Final = 0.5
_FACTOR_SLACK: Final = 0.02
MOST_OF_A_RULE: Final = 100_000  # findings listed; all are counted

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


@dataclass(frozen=True)
class Told:
    """One finding as a person or a program is told of it; `line` is null for what is not there."""

    symbol: str
    session: date | None
    bar_start: datetime | None
    rule: str
    severity: Severity
    message: str
    figures: Mapping[str, Any]
    line: int | None = None
    file: str | None = None


@dataclass
class Inspection:
    """What the rules say of a file.

    Attributes
    ----------
    findings : list of Told
        At most `MOST_OF_A_RULE` of each rule.
    by_rule : Counter
        All findings of each rule.
    tally : frame
        As in `Judgement.tally`, over the whole file.
    judgements : list of Judgement
        Filled when asked to be kept.
    notes : list of str
        What was assumed, in plain sentences.
    """

    kind: str
    rows: int
    symbols: int
    first_session: date | None
    last_session: date | None
    findings: list[Told] = field(default_factory=list)
    by_rule: Counter[str] = field(default_factory=Counter)
    severities: dict[str, Severity] = field(default_factory=dict)
    tallies: list[pl.DataFrame] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def by_severity(self) -> dict[str, int]:
        """Count the findings of each severity."""
        counts = {str(severity): 0 for severity in Severity}
        for rule, count in self.by_rule.items():
            counts[str(self.severities[rule])] += count
        return counts

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but notes."""
        counts = self.by_severity()
        return counts[Severity.ERROR] == 0 and counts[Severity.WARNING] == 0

    @property
    def tally(self) -> pl.DataFrame:
        """Return rule, severity, meaning, reason, checked, failed."""
        return (
            pl.concat(self.tallies)
            .group_by("rule", "severity", "meaning", "reason", maintain_order=True)
            .agg(pl.col("checked", "failed").sum())
        )

    def whole(self) -> Judgement:
        """Return one judgement of the file, for its report; the judgements must have been kept."""
        day = self.first_session or date.min
        findings = tuple(
            Finding(
                finding_id=f"{one.rule}-{number}",
                dataset=self.kind,
                symbol=one.symbol or "no symbol",
                session=one.session or day,
                bar_start=one.bar_start,
                rule=one.rule,
                severity=one.severity,
                message=one.message,
                figures=one.figures,
            )
            for number, one in enumerate(self.findings)
        )
        parts = self.judgements
        return Judgement(
            dataset=self.kind,
            passed=pl.concat([part.passed for part in parts], how="diagonal"),
            held=pl.concat([part.held for part in parts], how="diagonal"),
            findings=findings,
            verdicts=pl.concat([part.verdicts for part in parts], how="diagonal"),
            outcomes=pl.concat([part.outcomes for part in parts], how="diagonal"),
            tally=self.tally,
        )

    def add(self, found: Sequence[Told]) -> None:
        """Count findings and list them up to the limit of their rule."""
        for one in found:
            self.by_rule[one.rule] += 1
            self.severities[one.rule] = one.severity
            if self.by_rule[one.rule] <= MOST_OF_A_RULE:
                self.findings.append(one)


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
    days = readable["session"]
    found = Inspection(
        delivery.kind, delivery.frame.height, readable["symbol"].n_unique(),
        days.min(), days.max(), notes=list(delivery.notes),  # type: ignore[arg-type]  # dates
    )  # fmt: skip
    unread = _unread(delivery)
    _count(found, UNREAD, delivery.frame.height, unread)
    lines = _Lines(delivery)
    done = 0
    for judgement in judged(delivery, readable, context=context, notes=found.notes):
        found.add(lines.told(judgement.findings))
        found.tallies.append(judgement.tally)
        done += judgement.outcomes.height
        if keep:
            found.judgements.append(judgement)
        if progress is not None:
            progress(done, readable.height)
    for rule, asked, failing in _beside(readable, context):
        _count(found, rule, asked, lines.told(failing))
    return found


def judged(
    delivery: Delivery, readable: pl.DataFrame, *, context: Context, notes: list[str]
) -> Iterator[Judgement]:
    """Yield the judgements of a delivery's readable rows; `notes` gains what was assumed."""
    if delivery.kind in {"daily", "index"}:
        yield _daily(delivery, readable, context, notes)
    elif delivery.kind == "minute":
        yield from _minutes(delivery, readable, context, notes)
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
        actions=_by_ex_date(context.actions),
        closes=context.daily,
        until=context.until,
    )


def _records(readable: pl.DataFrame, context: Context) -> Judgement:
    from quality.rules.records import judge_actions  # noqa: PLC0415

    return judge_actions(
        readable, calendar=context.calendar, bars=context.daily, until=context.until
    )


def _by_ex_date(actions: pl.DataFrame | None) -> pl.DataFrame | None:
    if actions is None or "ex_date" in actions.columns:
        return actions
    return actions.rename({"session": "ex_date"})


def _readable(delivery: Delivery) -> pl.DataFrame:
    """Return the rows that name their symbol and time."""
    keys = [c for c in ("symbol", "session", "bar_start") if c in delivery.frame.columns]
    return delivery.frame.filter(pl.all_horizontal(pl.col(keys).is_not_null()))


def _unread(delivery: Delivery) -> list[Told]:
    rows = delivery.frame.filter(pl.col("problem").is_not_null())
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
        for row in rows.iter_rows(named=True)
    ]


def _count(found: Inspection, rule: Rule, asked: int, failing: Sequence[Told]) -> None:
    found.add(failing)
    row = (rule.name, str(rule.severity), rule.meaning, rule.reason, asked, len(failing))
    names = ["rule", "severity", "meaning", "reason", "checked", "failed"]
    found.tallies.append(pl.DataFrame([row], schema=names, orient="row"))


class _Lines:
    """Finds the line that a finding is about."""

    def __init__(self, delivery: Delivery) -> None:
        self._frame = delivery.frame
        self._keys = ["symbol", "bar_start" if delivery.kind == "minute" else "session"]
        # A chain has many quotes of a share and day: its finding's figures tell which it is.
        self._figures = ["strike", "right", "bid", "ask"] if delivery.kind == "options" else []

    def told(self, findings: Sequence[Finding]) -> list[Told]:
        """Return the findings with their lines, the first where several rows have the key."""
        if not findings:
            return []
        keys = [*self._keys, *self._figures]
        values = {
            **{key: [getattr(f, key) for f in findings] for key in self._keys},
            **{key: [f.figures.get(key) for f in findings] for key in self._figures},
        }
        asked = pl.DataFrame({key: self._like(key, values[key]) for key in keys})
        files = [c for c in ("file",) if c in self._frame.columns]
        rows = self._frame.select(*keys, "line", *files).join(
            asked.unique(), on=keys, how="semi", nulls_equal=True
        )
        first = rows.unique(subset=keys, keep="first", maintain_order=True)
        at = asked.join(first, on=keys, how="left", maintain_order="left", nulls_equal=True)
        named = at["file"] if files else [None] * at.height
        return [
            Told(
                f.symbol, f.session, f.bar_start, f.rule, f.severity, f.message, f.figures,
                line, file,
            )
            for f, line, file in zip(findings, at["line"], named, strict=True)
        ]  # fmt: skip

    def _like(self, key: str, values: Sequence[Any]) -> pl.Series:
        return pl.Series(values, dtype=self._frame.schema[key], strict=False)


def _daily(
    delivery: Delivery, readable: pl.DataFrame, context: Context, notes: list[str]
) -> Judgement:
    return judge_daily(
        readable,
        calendar=context.calendar,
        actions=_actions(delivery, context, notes),
        index=context.index,
        until=context.until,
        whole_file=True,
    )


def _actions(delivery: Delivery, context: Context, notes: list[str]) -> pl.DataFrame | None:
    """Return the actions to reckon with: those given, else the file's; none if in the prices."""
    if context.actions is not None:
        actions = _by_ex_date(context.actions)
        assert actions is not None
    else:
        actions = adjustment.stated(delivery)
        if actions.height:
            how = "the steps of its adjusted close" if actions["implied"].all() else "its columns"
            notes.append(f"{actions.height:,} corporate actions were taken from {how}.")
    adjusted = delivery.adjusted or bool(adjustment.holds_splits(delivery, actions))
    if adjusted and actions.height:
        notes.append(
            "Prices hold the splits on file already (adjusted), so no action was applied again."
        )
    return None if adjusted or actions.is_empty() else actions


def _minutes(
    delivery: Delivery, readable: pl.DataFrame, context: Context, notes: list[str]
) -> Iterator[Judgement]:
    """Judge minutes in runs of whole sessions."""
    actions = _actions(delivery, context, notes) if context.actions is not None else None
    expected, sessions = _expected(readable, context, notes)
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
            expected=expected,
            sessions=[s for s in group if context.calendar.is_session(s)],
            now=context.now,
            actions=actions,
            whole_file=True,
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


def _runs(readable: pl.DataFrame, context: Context) -> pl.DataFrame:
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


def _expected(
    readable: pl.DataFrame, context: Context, notes: list[str]
) -> tuple[pl.DataFrame, tuple[date, ...]]:
    """Return who is due from when to when, and the sessions that the file covers.

    A symbol is due from its first to its last bar; a silence of a month ends one run of it and
    begins another, and a symbol with bars on fewer than half of its sessions is never due.
    """
    runs = _runs(readable, context).with_columns(
        (pl.col("silent") > _SILENCE).fill_null(value=False).cum_sum().over("symbol").alias("run")
    )
    spans = runs.group_by("symbol", "run", maintain_order=True).agg(
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


def _beside(readable: pl.DataFrame, context: Context) -> Iterator[tuple[Rule, int, list[Finding]]]:
    """Yield what only the whole file shows: rule, rows asked, findings."""
    if "close" not in readable.columns:
        return
    runs = _runs(readable, context)
    silent = runs.filter(pl.col("silent") > _SILENCE)
    dataset = "file"
    yield (
        SILENT,
        runs["symbol"].n_unique(),
        [finding(SILENT, row, dataset=dataset) for row in silent.iter_rows(named=True)],
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
