"""Great Expectations records and renders what the desk's rules found; nothing is computed twice.

Great Expectations costs two seconds of a processor to import, more than all else that a report
costs. So only those who record import it, and `prepare` lets that run beside their reading.
"""

import logging
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl

from quality import pages
from quality.rules.model import Judgement, Severity

_NAMESPACE: Final = uuid.UUID("a7c1e3de-5f0b-5c8e-8d75-0f2b64d0c911")
_GX_SEVERITY: Final = {
    Severity.ERROR: "critical",
    Severity.WARNING: "warning",
    Severity.NOTE: "info",
}
_SHOWN: Final = 20  # refused rows listed under a rule


@dataclass(frozen=True)
class Report:
    """One recorded validation: `path` is relative to the folder of the Data Docs."""

    report_id: str
    path: str
    expectations: int
    passed: int


def prepare() -> None:
    """Begin to import Great Expectations; return at once. `record` waits for what is left of it.

    For those who read and judge before they record: databases and kernels leave a processor to
    the import meanwhile. What fails here fails again, and is told, in `record`.
    """
    threading.Thread(target=_library, name="great-expectations", daemon=True).start()


def _library() -> Any:
    # Read once on import: without it a run would call home.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    return import_module("great_expectations")


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
    """Return the outcomes of the rules as Great Expectations' own result of a validation.

    Letting it ask again whether each outcome of each row is in the set {passed} would take twenty
    times as long as the rules themselves, and could only say the same.
    """
    gx = _library()
    core: Any = import_module("great_expectations.core.expectation_validation_result")

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    results = [_result(core, judgement, row) for row in judgement.tally.iter_rows(named=True)]
    met = sum(1 for result in results if result.success)
    now = datetime.now(UTC)
    return core.ExpectationSuiteValidationResult(
        success=met == len(results),
        results=results,
        suite_name=suite,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100.0 * met / len(results) if results else None,
        },
        meta={
            "great_expectations_version": gx.__version__,
            "active_batch_definition": {
                "datasource_name": "desk",
                "data_connector_name": "fluent",
                "data_asset_name": suite,
                "batch_identifiers": {"sessions": name},
            },
            "run_id": gx.RunIdentifier(run_name=name, run_time=now),
            "validation_time": now,
        },
    )


def _result(core: Any, judgement: Judgement, row: Mapping[str, Any]) -> Any:
    """Return the result of one rule."""
    configuration: Any = import_module(
        "great_expectations.expectations.expectation_configuration"
    ).ExpectationConfiguration
    rule = row["rule"]
    return core.ExpectationValidationResult(
        success=row["failed"] == 0,
        expectation_config=configuration(
            type="expect_column_values_to_be_in_set",
            kwargs={"column": rule, "value_set": ["passed"]},
            description=row["meaning"],
            severity=_GX_SEVERITY[Severity(row["severity"])],
            meta={"notes": {"format": "string", "content": [row["meaning"], row["reason"]]}},
        ),
        result=_figures(judgement, rule, asked=row["checked"], failed=row["failed"]),
        meta={},
        exception_info={
            "raised_exception": False, "exception_traceback": None, "exception_message": None,
        },
    )  # fmt: skip


def _figures(judgement: Judgement, rule: str, *, asked: int, failed: int) -> dict[str, Any]:
    """Return how many rows were asked and refused, and the first of the refused ones."""
    keys = [c for c in ("symbol", "session", "bar_start") if c in judgement.outcomes.columns]
    rows = max(judgement.outcomes.height, asked)
    shown = [
        {rule: "failed"} | {key: str(getattr(f, key)) for key in keys}
        for f in islice((f for f in judgement.findings if f.rule == rule), _SHOWN)
    ]
    share = 100.0 * failed / asked if asked else 0.0
    return {
        "element_count": rows,
        "unexpected_count": failed,
        "unexpected_percent": share,
        "partial_unexpected_list": ["failed"] * len(shown),
        "unexpected_index_column_names": keys,
        "missing_count": rows - asked,
        "missing_percent": 100.0 * (rows - asked) / rows if rows else 0.0,
        "unexpected_percent_total": 100.0 * failed / rows if rows else 0.0,
        "unexpected_percent_nonmissing": share,
        "partial_unexpected_counts": [{"value": "failed", "count": failed}] if failed else [],
        "partial_unexpected_index_list": shown,
    }


def _rendered(result: Any) -> str:
    """Return Great Expectations' own page of the result."""
    renderer = import_module("great_expectations.render.renderer").ValidationResultsPageRenderer
    return str(_view().render(renderer().render(result)))


@cache
def _view() -> Any:
    """Return Great Expectations' view, kept: it compiles its templates for the first page only."""
    return import_module("great_expectations.render.view").DefaultJinjaPageView()


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
    rules = f"{report.passed} of {report.expectations} rules were met by every row."
    return " ".join([*fate, rules, *_asked(judgement)])


def _asked(judgement: Judgement) -> list[str]:
    """Return what a verdict counts, which is fewer than all rules; nothing without a verdict."""
    judged = judgement.verdicts.join(judgement.outcomes, on=["symbol", "session"], how="semi")
    counts = sorted(set(judged["checks"]))
    if not counts:
        return []
    told = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return [f"The checks of a symbol are the rules that apply to its rows of a session: {told}."]


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
