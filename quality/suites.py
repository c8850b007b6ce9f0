"""Great Expectations records and renders what the desk's rules found; nothing is computed twice.

Great Expectations costs five seconds to import, so it is imported by those who record.
"""

import logging
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from quality import pages
from quality.rules.model import Judgement, Severity

if TYPE_CHECKING:
    import pandas as pd

_NAMESPACE: Final = uuid.UUID("a7c1e3de-5f0b-5c8e-8d75-0f2b64d0c911")
_GX_SEVERITY: Final = {
    Severity.ERROR: "critical",
    Severity.WARNING: "warning",
    Severity.NOTE: "info",
}


@dataclass(frozen=True)
class Report:
    """One recorded validation: `path` is relative to the folder of the Data Docs."""

    report_id: str
    path: str
    expectations: int
    passed: int


def record(
    judgement: Judgement,
    *,
    suite: str,
    sessions: Sequence[date],
    docs_dir: Path,
    run_id: str,
    recorded_at: datetime | None = None,
) -> Report:
    """Record a judgement as a Great Expectations validation and render its page.

    Parameters
    ----------
    judgement : Judgement
        Its outcomes become the columns that the expectations read.
    suite : str
        The suite's name, the dataset as a rule: ``daily_bars``.
    sessions : dates
        The sessions delivered; the page is named for the first and last.
    docs_dir : Path
        The folder of the Data Docs; the page, the assets and the list of reports go there.
    run_id : str
        The run that judged; the same run, suite and sessions overwrite their own page.
    recorded_at : aware datetime, optional
        Wall time shown in the list; now when not given.

    Raises
    ------
    ValueError
        If there is no session to name the report by.
    """
    if not sessions:
        raise ValueError("`sessions` must name at least one session, was empty.")
    first, last = min(sessions), max(sessions)
    report_id = str(uuid.uuid5(_NAMESPACE, f"{suite}|{first}|{last}|{run_id}"))
    result = _validate(judgement, suite=suite, name=f"{first} to {last}")
    passed = sum(1 for outcome in result.results if outcome.success)
    span = str(first) if first == last else f"{first}_{last}"
    path = f"validations/{suite}/{span}-{report_id[:8]}.html"
    report = Report(report_id, path, expectations=len(result.results), passed=passed)

    pages.place_assets(docs_dir)
    page = pages.offline(_rendered(result), root="../../")
    page = pages.framed(
        page,
        root="../../",
        title=_title(suite, first, last),
        lead=_lead(judgement, report),
        judgement=judgement,
    )
    _write(docs_dir / path, page)
    pages.list_report(
        docs_dir,
        {
            "report_id": report_id,
            "suite": suite,
            "first_session": str(first),
            "last_session": str(last),
            "path": path,
            "rows": judgement.outcomes.height,
            "held": judgement.verdicts.filter(pl.col("status") == "held").height,
            "expectations": report.expectations,
            "passed": passed,
            "run_id": run_id,
            "recorded_at": (recorded_at or datetime.now(UTC)).isoformat(),
        },
    )
    return report


def _validate(judgement: Judgement, *, suite: str, name: str) -> Any:
    """Return Great Expectations' result over the outcomes of the rules."""
    # Read once on import: without it a run would call home.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    gx: Any = import_module("great_expectations")
    bars = import_module("great_expectations.data_context.types.base").ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = bars(globally=False)
    asset = context.data_sources.add_pandas("desk").add_dataframe_asset(suite)
    batch = asset.add_batch_definition_whole_dataframe(name)
    expectations = [
        gx.expectations.ExpectColumnValuesToBeInSet(
            column=row["rule"],
            value_set=["passed"],
            description=row["meaning"],
            severity=_GX_SEVERITY[Severity(row["severity"])],
            meta={"notes": {"format": "string", "content": [row["meaning"], row["reason"]]}},
        )
        for row in judgement.tally.iter_rows(named=True)
    ]
    suited = context.suites.add(gx.ExpectationSuite(suite, expectations=expectations))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=suite, data=batch, suite=suited)
    )
    keys = [c for c in ("symbol", "session", "bar_start") if c in judgement.outcomes.columns]
    return definition.run(
        batch_parameters={"dataframe": _frame(judgement)},
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": keys,
            "partial_unexpected_count": 20,
        },
        run_id=gx.RunIdentifier(run_name=name),
    )


def _frame(judgement: Judgement) -> "pd.DataFrame":
    """Return the outcomes in words, one row per judged row: passed, failed or null (not asked)."""
    keys = [c for c in ("symbol", "session", "bar_start") if c in judgement.outcomes.columns]
    rules = judgement.tally["rule"].to_list()
    outcomes = judgement.outcomes
    absent = [f for f in judgement.findings if f.rule not in outcomes.columns]
    frame = outcomes.with_columns(pl.col("session").cast(pl.String))
    if absent:
        lines = [{"symbol": f.symbol, "session": str(f.session), f.rule: True} for f in absent]
        frame = pl.concat([frame, pl.DataFrame(lines)], how="diagonal")
    for rule in rules:
        if rule not in frame.columns:
            frame = frame.with_columns(pl.lit(value=False).alias(rule))
        elif rule not in outcomes.columns:
            frame = frame.with_columns(pl.col(rule).fill_null(value=False))
    words = [
        pl.when(pl.col(rule)).then(pl.lit("failed"))
        .when(pl.col(rule).is_not_null()).then(pl.lit("passed"))
        .cast(pl.Categorical).alias(rule)
        for rule in rules
    ]  # fmt: skip
    return frame.select(*keys, *words).to_pandas()


def _rendered(result: Any) -> str:
    """Return Great Expectations' own page of the result."""
    renderer = import_module("great_expectations.render.renderer").ValidationResultsPageRenderer
    view = import_module("great_expectations.render.view").DefaultJinjaPageView
    return str(view().render(renderer().render(result)))


def _title(suite: str, first: date, last: date) -> str:
    name = suite.replace("_", " ").capitalize()
    if first == last:
        return f"{name}, {first:%a} {first.day} {first:%b} {first.year}"
    return f"{name}, {first.day} {first:%b} {first.year} to {last.day} {last:%b} {last.year}"


def _lead(judgement: Judgement, report: Report) -> str:
    """Return what happened in a few sentences."""
    rows = judgement.outcomes.height
    gone = [f.symbol for f in judgement.findings if f.rule not in judgement.outcomes.columns]
    fate = [f"{rows:,} {'row was' if rows == 1 else 'rows were'} judged."]
    if not judgement.held.is_empty():
        count = judgement.held.height
        named = _named(judgement.held["symbol"].to_list())
        fate.append(f"{count:,} {'is' if count == 1 else 'are'} held back ({named}).")
    if gone:
        bars = "expected bar" if len(gone) == 1 else "expected bars"
        fate.append(f"{len(gone):,} {bars} did not arrive ({_named(gone)}).")
    if len(fate) == 1:
        fate.append("Nothing was held back.")
    return f"{' '.join(fate)} {report.passed} of {report.expectations} rules were met by every row."


def _named(symbols: Sequence[str]) -> str:
    """Return up to five symbols by name and the rest as a count."""
    unique = sorted(set(symbols))
    more = f" and {len(unique) - 5} more" if len(unique) > 5 else ""
    return ", ".join(unique[:5]) + more


def _write(path: Path, text: str) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
