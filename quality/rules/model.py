"""What every rule set speaks in: rules, findings and judgements."""

import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import polars as pl

Room = Callable[[str], int]
"""How many more findings of a rule, by its name, may be made."""

type_of_figure = float | int | str | None

_NAMESPACE: Final = uuid.UUID("7f3a9c21-0b1d-5e57-9a6e-c0f1d3a4b5e6")


class Severity(StrEnum):
    """What a finding does: an error holds the row back, a warning and a note are only told."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Rule:
    """One thing that must hold for a row.

    `applies` and `fails` are expressions over the prepared frame; `sentence` speaks about one
    failing row; `figures` are the columns worth keeping beside the sentence.

    A rule with `told_once` has one finding per symbol and session, about the first failing row:
    `failing` counts those rows, and `until` is the start of the last (minutes).
    """

    name: str
    severity: Severity
    meaning: str
    reason: str
    fails: pl.Expr
    sentence: Callable[[Mapping[str, Any]], str]
    applies: pl.Expr = field(default_factory=lambda: pl.lit(value=True))
    figures: tuple[str, ...] = ()
    told_once: bool = False


@dataclass(frozen=True)
class Finding:
    """One rule that one row did not meet."""

    finding_id: str
    dataset: str
    symbol: str
    session: date
    bar_start: datetime | None
    rule: str
    severity: Severity
    message: str
    figures: Mapping[str, type_of_figure]


@dataclass(frozen=True)
class Judgement:
    """What the rules say of one delivery.

    Attributes
    ----------
    passed, held : frames
        The delivered rows that may be used and those in quarantine (`held` with `finding_id`
        and `rule` of the error that holds it). Rows that repeat another exactly are merged.
    findings : tuple of Finding
    untold : mapping
        How many further findings of a rule were counted and not made, where a limit was set.
    verdicts : frame
        One row per (symbol, session): dataset, symbol, session, status passed|held, checks,
        checks_passed, finding_id (null when passed).
    outcomes : frame
        One row per judged row: symbol, session, bar_start (minutes), and a boolean per rule:
        true refused, false passed, null not asked.
    tally : frame
        One row per rule: rule, severity, meaning, reason, checked, failed (rows).
    """

    dataset: str
    passed: pl.DataFrame
    held: pl.DataFrame
    findings: tuple[Finding, ...]
    verdicts: pl.DataFrame
    outcomes: pl.DataFrame
    tally: pl.DataFrame
    untold: Mapping[str, int] = field(default_factory=dict)

    def by_rule(self) -> dict[str, int]:
        """Count the findings of each rule."""
        counts = dict(self.untold)
        for finding in self.findings:
            counts[finding.rule] = counts.get(finding.rule, 0) + 1
        return counts


@dataclass(frozen=True)
class SessionHeld:
    """How much of one session is held back."""

    session: date | None
    symbols: int
    held: int

    @property
    def share(self) -> float:
        """Held symbols as a fraction of all symbols judged."""
        return self.held / self.symbols if self.symbols else 0.0


class UnreadableDeliveryError(ValueError):
    """A delivery lacks the columns or types without which no row can be judged."""


def finding(
    rule: Rule,
    row: Mapping[str, Any],
    *,
    dataset: str,
) -> Finding:
    """Return the finding of `rule` about `row`; the same row gives the same id each time."""
    bar_start = row.get("bar_start")
    figures = {name: _plain(row.get(name)) for name in rule.figures}
    key = json.dumps(
        [dataset, row["symbol"], str(row["session"]), str(bar_start), rule.name, figures],
        default=str,
    )
    return Finding(
        finding_id=str(uuid.uuid5(_NAMESPACE, key)),
        dataset=dataset,
        symbol=row["symbol"],
        session=row["session"],
        bar_start=bar_start,
        rule=rule.name,
        severity=rule.severity,
        message=rule.sentence(row),
        figures=figures,
    )


def _plain(value: object) -> type_of_figure:
    """Return a figure that JSON can hold."""
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, float):
        return round(value, 8) if math.isfinite(value) else None
    return str(value)


def require_columns(frame: pl.DataFrame, columns: Sequence[str], *, name: str) -> None:
    """Raise `UnreadableDeliveryError` naming what is missing from `frame`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise UnreadableDeliveryError(
            f"`{name}` must have the columns {', '.join(columns)}; missing: {', '.join(missing)}; "
            f"found: {', '.join(frame.columns) or 'none'}. Map them before judging."
        )


def worst_session(verdicts: pl.DataFrame) -> SessionHeld:
    """Return the session with the largest share of held symbols.

    Parameters
    ----------
    verdicts : frame with symbol, session, status
        The latest verdict per symbol and session.
    """
    if verdicts.is_empty():
        return SessionHeld(session=None, symbols=0, held=0)
    per_session = (
        verdicts.group_by("session")
        .agg(
            pl.col("symbol").n_unique().alias("symbols"),
            pl.col("symbol").filter(pl.col("status") == "held").n_unique().alias("held"),
        )
        .with_columns((pl.col("held") / pl.col("symbols")).alias("share"))
        .sort(["share", "held", "session"], descending=[True, True, False])
        .row(0, named=True)
    )
    return SessionHeld(
        session=per_session["session"], symbols=per_session["symbols"], held=per_session["held"]
    )
