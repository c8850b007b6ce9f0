"""Asking every rule of every row, and sorting the rows by the answers."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from quality.rules.lines import rows
from quality.rules.missing import MISSING
from quality.rules.model import Finding, Judgement, Room, Rule, Severity, finding
from quality.rules.order import by_time

# An inconsistent bar is often the trace of one of these, and they say what happened.
_TELLING: Final = ("unit_is_right", "jump_is_no_unknown_split", "minute_is_no_bad_tick")
_SESSION: Final = ["symbol", "session"]


def judge(
    frame: pl.DataFrame,
    *,
    dataset: str,
    rules: Sequence[Rule],
    columns: Sequence[str],
    due: pl.DataFrame,
    room: Room | None = None,
) -> Judgement:
    """Return the judgement of `rules` over a prepared frame.

    Parameters
    ----------
    frame : frame
        Delivered rows with everything the rules read beside them.
    columns : names
        The columns of the delivery, which passed and held rows keep.
    due : frame with symbol, session
        Bars that were expected and are not there.
    room : callable, optional
        How many findings of a rule may be made; the others are counted, and what they hold names
        no finding.
    """
    outcomes = frame.select(
        pl.when(rule.applies.fill_null(value=False))
        .then(rule.fails.fill_null(value=False))
        .alias(rule.name)
        for rule in rules
    )
    findings, untold = _findings(frame, outcomes, rules, dataset=dataset, due=due, room=room)
    keys = [name for name in (*_SESSION, "bar_start") if name in columns]
    errors = [rule.name for rule in rules if rule.severity is Severity.ERROR]
    bad = outcomes.select(pl.any_horizontal(errors).fill_null(value=False)).to_series()
    delivered = frame.select(columns)
    return Judgement(
        dataset=dataset,
        passed=delivered.filter(~bad),
        held=delivered.filter(bad).join(_reasons(findings, rules, keys), on=keys, how="left"),
        findings=tuple(findings),
        verdicts=_verdicts(
            frame, outcomes, errors=errors, findings=findings, rules=rules, dataset=dataset, due=due
        ),
        outcomes=frame.select(keys).hstack(outcomes),
        tally=_tally(outcomes, rules, due),
        untold=untold,
    )


def _findings(
    frame: pl.DataFrame,
    outcomes: pl.DataFrame,
    rules: Sequence[Rule],
    *,
    dataset: str,
    due: pl.DataFrame,
    room: Room | None,
) -> tuple[list[Finding], dict[str, int]]:
    """Return the findings in the order of the rules, and how many of each were counted only."""
    found: list[Finding] = []
    untold: dict[str, int] = {}
    for rule in (*rules, MISSING):
        most = None if room is None else room(rule.name)
        told, count = (
            (due.slice(0, most), due.height)
            if rule is MISSING
            else _told(frame, outcomes[rule.name], rule, most)
        )
        if count > told.height:
            untold[rule.name] = count - told.height
        found += [finding(rule, row, dataset=dataset) for row in rows(told)]
    return found, untold


def _told(
    frame: pl.DataFrame, outcome: pl.Series, rule: Rule, most: int | None
) -> tuple[pl.DataFrame, int]:
    """Return the rows that a rule tells of, up to `most`, and how many there are."""
    failing = outcome.fill_null(value=False).arg_true()
    if rule.told_once and failing.len():
        firsts = _firsts(frame, failing)
        return firsts.slice(0, most), firsts.height
    return frame[failing.slice(0, most)], failing.len()


def _firsts(frame: pl.DataFrame, failing: pl.Series) -> pl.DataFrame:
    """Return the first failing row of each symbol and session, `failing` and `until` beside it."""
    per_session = (
        frame.select(*_SESSION, "bar_start")[failing]
        .with_columns(failing.alias("at"))
        .group_by(_SESSION, maintain_order=True)
        .agg(pl.col("at").first(), pl.len().alias("failing"), pl.col("bar_start").max())
    )
    return frame[per_session["at"]].with_columns(
        per_session["failing"], per_session["bar_start"].alias("until")
    )


def _reasons(
    findings: Sequence[Finding], rules: Sequence[Rule], keys: Sequence[str]
) -> pl.DataFrame:
    """Return the error that says most about each held key."""
    order = {rule.name: at for at, rule in enumerate(rules)}
    telling = sorted(
        (f for f in findings if f.severity is Severity.ERROR),
        key=lambda f: (f.rule not in _TELLING, order.get(f.rule, len(order))),
    )
    kinds = {"symbol": pl.String(), "session": pl.Date(), "bar_start": pl.Datetime("us", "UTC")}
    schema: dict[str, pl.DataType] = {key: kinds[key] for key in keys}
    schema |= {"finding_id": pl.String(), "rule": pl.String()}
    rows = [tuple(getattr(f, name) for name in schema) for f in telling]
    return pl.DataFrame(rows, schema=schema, orient="row").unique(
        subset=keys, keep="first", maintain_order=True
    )


def _verdicts(
    frame: pl.DataFrame,
    outcomes: pl.DataFrame,
    *,
    errors: Sequence[str],
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    dataset: str,
    due: pl.DataFrame,
) -> pl.DataFrame:
    """Return one verdict per symbol and session: a rule counts when any of its rows was asked."""
    judged = _counted(frame.select(_SESSION).hstack(outcomes), [r.name for r in rules], errors)
    gone = due.select(
        *_SESSION,
        pl.lit(1, dtype=pl.Int64).alias("checks"),
        pl.lit(1, dtype=pl.Int64).alias("failed"),
    )
    both = pl.concat([judged, gone]).join(
        _reasons(findings, rules, _SESSION), on=_SESSION, how="left"
    )
    rows = both.select(
        pl.lit(dataset).alias("dataset"),
        *_SESSION,
        pl.when(pl.col("failed") > 0)
        .then(pl.lit("held"))
        .otherwise(pl.lit("passed"))
        .alias("status"),
        "checks",
        (pl.col("checks") - pl.col("failed")).alias("checks_passed"),
        "finding_id",
    )
    return by_time(rows, "session")


def _counted(frame: pl.DataFrame, rules: Sequence[str], errors: Sequence[str]) -> pl.DataFrame:
    """Return checks and failed ones per symbol and session; a rule counts once."""
    # Rows are sorted by symbol and time, so equal keys are neighbours.
    again = pl.all_horizontal(pl.col(_SESSION) == pl.col(_SESSION).shift(1))
    if frame.select(again.any()).item():
        frame = frame.group_by(_SESSION).agg(
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).any()).alias(name)
            for name in rules
        )
    return frame.select(
        *_SESSION,
        pl.sum_horizontal(pl.col(rules).is_not_null().cast(pl.Int8)).cast(pl.Int64).alias("checks"),
        pl.sum_horizontal(pl.col(errors).fill_null(value=False).cast(pl.Int8))
        .cast(pl.Int64)
        .alias("failed"),
    )


def _tally(outcomes: pl.DataFrame, rules: Sequence[Rule], due: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows each rule was asked of and how many it refused."""
    counted = [
        (rule, outcomes[rule.name].count(), int(outcomes[rule.name].sum() or 0)) for rule in rules
    ]
    counted.append((MISSING, outcomes.height + due.height, due.height))
    rows = [
        (rule.name, str(rule.severity), rule.meaning, rule.reason, asked, failed)
        for rule, asked, failed in counted
    ]
    names = ["rule", "severity", "meaning", "reason", "checked", "failed"]
    return pl.DataFrame(rows, schema=names, orient="row")
