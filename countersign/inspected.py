"""What a person, a program and a browser are shown of an inspected file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from adapters.market_data.files import Delivery
from countersign.console import console
from quality.rules.model import Severity
from quality.told import MOST_OF_A_RULE, Inspection, Told

_EXAMPLES: Final = 3  # shown of each rule
_RANK: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_COLOUR: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def document(
    found: Inspection, delivery: Delivery, place: str, seconds: float, page: Path | None
) -> dict[str, Any]:
    """Return the inspection as the one object that `--json` prints."""
    severities = found.by_severity()
    return {
        "findings": [_record(one) for one in found.findings],
        "summary": {
            "file": place,
            "kind": found.kind,
            "rows": found.rows,
            "symbols": found.symbols,
            "first_session": _iso(found.first_session),
            "last_session": _iso(found.last_session),
            "findings": found.by_rule.total(),
            "findings_by_rule": dict(found.by_rule.most_common()),
            "findings_by_severity": severities,
            "adjusted": delivery.adjusted,
            "columns": dict(delivery.recognised),
            "notes": [*found.notes, *_shortened(found)],
            "page": None if page is None else str(page),
            "seconds": round(seconds, 3),
        },
    }


def _record(one: Told) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "session": _iso(one.session),
        "bar_start": None if one.bar_start is None else _utc(one.bar_start),
        "rule": one.rule,
        "severity": str(one.severity),
        "message": one.message,
        "figures": dict(one.figures),
        "line": one.line,
    } | ({} if one.file is None else {"file": one.file})


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _utc(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _shortened(found: Inspection) -> list[str]:
    return [
        f"Of {rule} the first {MOST_OF_A_RULE:,} of {count:,} findings are listed."
        for rule, count in found.by_rule.items()
        if count > MOST_OF_A_RULE
    ]


def report(found: Inspection, place: str, folder: Path) -> Path:
    """Write the page of an inspection into `folder`, with what it needs offline; return it."""
    # Great Expectations costs five seconds to import: only those who want a page pay.
    from quality import suites  # noqa: PLC0415

    sessions = [day for day in (found.first_session, found.last_session) if day is not None]
    made = suites.record(
        found.whole(),
        suite=f"{found.kind}_file",
        sessions=sessions or [dt.datetime.now(dt.UTC).date()],
        docs_dir=folder,
        run_id=place,
    )
    return folder / made.path


def show(
    found: Inspection, delivery: Delivery, place: str, seconds: float, page: Path | None
) -> None:
    """Print the inspection for a person: how it was read, what was found, where to look on."""
    span = f"{found.first_session} to {found.last_session}"
    symbols = "symbol" if found.symbols == 1 else "symbols"
    adjusted = ", adjusted prices" if delivery.adjusted else ""
    console.print(
        Text(
            f"{place}: {found.rows:,} {found.kind} rows of {found.symbols:,} {symbols}, {span}"
            f"{adjusted}; judged in {seconds:.1f} s"
        )
    )
    for note in [*found.notes, *_shortened(found)]:
        console.print(Text(f"  {note}", style="dim"))
    if found.by_rule:
        console.print(_table(found))
    console.print(_verdict(found))
    if page is not None:
        console.print(Text(f"The report: {page.absolute().as_uri()}"))
    elif found.by_rule:
        console.print(Text("Every finding: --json. As a page with all rules: --html DIR."))


def _table(found: Inspection) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Findings", justify="right")
    table.add_column("The first of them")
    for rule in sorted(
        found.by_rule, key=lambda r: (_RANK[found.severities[r]], -found.by_rule[r])
    ):
        severity = found.severities[rule]
        first = [one for one in found.findings if one.rule == rule][:_EXAMPLES]
        table.add_row(
            Text(rule, style=_COLOUR[severity]),
            f"{found.by_rule[rule]:,} {severity}",
            Text("\n".join(_sentence(one) for one in first)),
        )
    return table


def _sentence(one: Told) -> str:
    line = "" if one.line is None else f" (line {one.line:,})"
    return f"{one.symbol} {one.session or ''}{line}: {one.message}"


def _verdict(found: Inspection) -> Text:
    counts = found.by_severity()
    said = ", ".join(
        f"{count:,} {severity}{'' if count == 1 else 's'}"
        for severity, count in counts.items()
        if count
    )
    if found.is_clean:
        return Text(f"Clean{f': {said}' if said else ''}.", style="green")
    colour = "red" if counts[Severity.ERROR] else "yellow"
    return Text(f"Findings: {said}.", style=colour)
