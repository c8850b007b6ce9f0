"""From a judgement to rows of the warehouse, and what a steward decides about a held row."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import polars as pl

from quality.rules.model import Judgement
from quality.suites import Report

_NAMESPACE: Final = uuid.UUID("5b0f2d3a-94c8-5b6e-9d0a-3ee1f0a7c442")
_INSTANT: Final = pl.Datetime("us", "UTC")

Known = Callable[[date], datetime]
"""The market time (aware UTC) at which a session's delivery was judged."""

VERDICT_SCHEMA: Final[Mapping[str, Any]] = {
    "dataset": pl.String, "symbol": pl.String, "session": pl.Date, "status": pl.String,
    "checks": pl.Int32, "checks_passed": pl.Int32, "finding_id": pl.String, "report": pl.String,
    "known_at": _INSTANT,
}  # fmt: skip
FINDING_SCHEMA: Final[Mapping[str, Any]] = {
    "finding_id": pl.String, "dataset": pl.String, "symbol": pl.String, "session": pl.Date,
    "bar_start": _INSTANT, "rule": pl.String, "severity": pl.String, "message": pl.String,
    "figures": pl.String, "known_at": _INSTANT,
}  # fmt: skip
QUARANTINE_SCHEMA: Final[Mapping[str, Any]] = {
    "quarantine_id": pl.String, "finding_id": pl.String, "dataset": pl.String,
    "symbol": pl.String, "session": pl.Date, "bar_start": _INSTANT, "row": pl.String,
    "status": pl.String, "person": pl.String, "reason": pl.String, "known_at": _INSTANT,
}  # fmt: skip


class DecisionError(ValueError):
    """A steward's decision that cannot be taken as it was put."""


@dataclass(frozen=True)
class Decision:
    """New rows that record what a steward decided; nothing held is changed or deleted.

    `bars` has the released row as it was delivered, ready for its table; it is empty when the
    row is confirmed as wrong.
    """

    verdict: pl.DataFrame
    quarantine: pl.DataFrame
    bars: pl.DataFrame


def verdict_rows(judgement: Judgement, *, known_at: Known, report: str | None) -> pl.DataFrame:
    """Return the rows of `quality.verdicts`; `report` is the page's path below the Data Docs."""
    frame = judgement.verdicts.with_columns(pl.lit(report, dtype=pl.String).alias("report"))
    return _conformed(_stamped(frame, known_at), VERDICT_SCHEMA)


def finding_rows(judgement: Judgement, *, known_at: Known) -> pl.DataFrame:
    """Return the rows of `quality.findings`."""
    rows = [
        {
            "finding_id": f.finding_id, "dataset": f.dataset, "symbol": f.symbol,
            "session": f.session, "bar_start": f.bar_start, "rule": f.rule,
            "severity": str(f.severity), "message": f.message,
            "figures": json.dumps(dict(f.figures), sort_keys=True), "known_at": known_at(f.session),
        }
        for f in judgement.findings
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=dict(FINDING_SCHEMA), orient="row")


def quarantine_rows(judgement: Judgement, *, known_at: Known) -> pl.DataFrame:
    """Return the rows of `quality.quarantine`: each held row as it was delivered."""
    delivered = [c for c in judgement.held.columns if c not in {"finding_id", "rule"}]
    rows = []
    for held in judgement.held.iter_rows(named=True):
        row = json.dumps({c: held[c] for c in delivered}, default=_text, sort_keys=True)
        key = f"{judgement.dataset}|{held['finding_id']}|{row}"
        rows.append(
            {
                "quarantine_id": str(uuid.uuid5(_NAMESPACE, key)),
                "finding_id": held["finding_id"], "dataset": judgement.dataset,
                "symbol": held["symbol"], "session": held["session"],
                "bar_start": held.get("bar_start"), "row": row, "status": "held",
                "person": None, "reason": None, "known_at": known_at(held["session"]),
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=dict(QUARANTINE_SCHEMA), orient="row")


def report_row(
    report: Report, *, suite: str, first: date, last: date, run_id: str | None
) -> pl.DataFrame:
    """Return the row of `quality.reports`."""
    return pl.DataFrame(
        {
            "report_id": [report.report_id], "suite": [suite], "first_session": [first],
            "last_session": [last], "expectations": [report.expectations],
            "passed": [report.passed], "path": [report.path], "run_id": [run_id],
        },
        schema_overrides={"expectations": pl.Int32, "passed": pl.Int32, "run_id": pl.String},
    )  # fmt: skip


def decide(
    held: Mapping[str, Any],
    *,
    status: Literal["released", "confirmed"],
    person: str,
    reason: str,
    known_at: datetime,
    verdict: Mapping[str, Any] | None = None,
) -> Decision:
    """Return the rows that release a quarantined row, or confirm that it is wrong.

    Parameters
    ----------
    held : row of `quality.quarantine`
        Its latest state.
    status : released or confirmed
        Usable as it arrived, or wrong and held for good.
    person, reason : str
        Who decided and why; neither may be blank.
    known_at : aware datetime
        Market time of the decision: research as of an earlier instant still sees it held.
    verdict : row of `quality.verdicts`, optional
        The verdict in force, whose counts and report go on.

    Raises
    ------
    DecisionError
        If the row is decided already, or person or reason are blank.
    """
    if held["status"] != "held":
        raise DecisionError(
            f"Only a held row can be decided; {held['symbol']} {held['session']} is "
            f"{held['status']} by {held['person']}. Nothing was changed."
        )
    if not person.strip() or not reason.strip():
        raise DecisionError(
            "A decision needs the person and a reason that others can read later; "
            f"got person {person!r}, reason {reason!r}."
        )
    if known_at.tzinfo is None:
        raise DecisionError(f"`known_at` must be an aware instant, was {known_at!r}.")
    state = {
        **held, "status": status, "person": person.strip(), "reason": reason.strip(),
        "known_at": known_at,
    }  # fmt: skip
    before = verdict or {}
    ruled = {
        "dataset": held["dataset"], "symbol": held["symbol"], "session": held["session"],
        "status": status, "checks": before.get("checks", 0),
        "checks_passed": before.get("checks_passed", 0), "finding_id": held["finding_id"],
        "report": before.get("report"), "known_at": known_at,
    }  # fmt: skip
    return Decision(
        verdict=pl.DataFrame([ruled], schema=dict(VERDICT_SCHEMA), orient="row"),
        quarantine=_conformed(pl.DataFrame([state]), QUARANTINE_SCHEMA),
        bars=delivered_row(held) if status == "released" else pl.DataFrame(),
    )


def delivered_row(held: Mapping[str, Any]) -> pl.DataFrame:
    """Return a quarantined row as it was delivered, with the types of its table."""
    frame = pl.DataFrame([json.loads(held["row"])])
    instants = [c for c in ("bar_start", "known_at", "learned_at") if c in frame.columns]
    return frame.with_columns(
        pl.col("session").str.to_date(),
        *(pl.col(c).cast(pl.String).str.to_datetime(time_zone="UTC") for c in instants),
    )


def _stamped(frame: pl.DataFrame, known_at: Known) -> pl.DataFrame:
    """Add `known_at` per session, asked once per session."""
    sessions = frame["session"].unique().to_list()
    stamps = pl.DataFrame(
        {"session": sessions, "known_at": [known_at(session) for session in sessions]},
        schema={"session": pl.Date, "known_at": _INSTANT},
    )
    return frame.join(stamps, on="session", how="left", maintain_order="left")


def _conformed(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _text(value: object) -> str:
    """Return what JSON has no word for: dates and instants in ISO form."""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
