"""Report pages that need nothing from outside: addresses rewritten, assets beside them."""

import html
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from quality.rules.model import Finding, Judgement, Severity

_STATIC: Final = Path(__file__).parent / "static"
_SHOWN: Final = 200

# What Great Expectations' pages load from elsewhere, and the vendored file that answers instead.
# The patterns leave the versions open, so that a patch release of theirs changes nothing here.
_VENDORED: Final[tuple[tuple[str, str], ...]] = (
    (r"unpkg\.com/bootstrap-table@[\d.]+/dist/bootstrap-table\.min\.css",
     "bootstrap-table.min.css"),
    (r"unpkg\.com/bootstrap-table@[\d.]+/dist/bootstrap-table\.min\.js",
     "bootstrap-table.min.js"),
    (r"unpkg\.com/bootstrap-table@[\d.]+/dist/extensions/filter-control/[\w-]+(?:\.min)?\.css",
     "bootstrap-table-filter-control.min.css"),
    (r"unpkg\.com/bootstrap-table@[\d.]+/dist/extensions/filter-control/[\w-]+(?:\.min)?\.js",
     "bootstrap-table-filter-control.min.js"),
    (r"maxcdn\.bootstrapcdn\.com/bootstrap/[\d.]+/css/bootstrap\.min\.css", "bootstrap.min.css"),
    (r"stackpath\.bootstrapcdn\.com/bootstrap/[\d.]+/js/bootstrap\.min\.js", "bootstrap.min.js"),
    (r"cdnjs\.cloudflare\.com/ajax/libs/bootstrap-datepicker/[\d.]+/css/[\w-]+\.min\.css",
     "bootstrap-datepicker.min.css"),
    (r"cdnjs\.cloudflare\.com/ajax/libs/bootstrap-datepicker/[\d.]+/js/[\w-]+\.min\.js",
     "bootstrap-datepicker.min.js"),
    (r"cdn\.jsdelivr\.net/npm/@forevolve/bootstrap-dark@[\d.]+/dist/css/[\w-]+\.css",
     "bootstrap-prefers-dark.min.css"),
    (r"cdn\.jsdelivr\.net/npm/vega@\d+", "vega.min.js"),
    (r"cdn\.jsdelivr\.net/npm/vega-lite@\d+", "vega-lite.min.js"),
    (r"cdn\.jsdelivr\.net/npm/vega-embed@\d+", "vega-embed.min.js"),
    (r"cdnjs\.cloudflare\.com/ajax/libs/font-awesome/[\d.]+/css/all\.min\.css",
     "fontawesome/css/all.min.css"),
    (r"code\.jquery\.com/jquery-[\d.]+\.min\.js", "jquery.min.js"),
    (r"cdnjs\.cloudflare\.com/ajax/libs/popper\.js/[\d.]+/umd/popper\.min\.js", "popper.min.js"),
)  # fmt: skip

_LOADED: Final = re.compile(
    r"<(?:script|link|img|iframe|source|audio|video)\b[^>]*?\b(?:src|href)\s*=\s*"
    r"[\"']?((?:https?:)?//[^\"'\s>]+)",
    re.IGNORECASE,
)


class OutsideAddressError(RuntimeError):
    """A page would load something from outside the desk."""


def outside_addresses(page: str) -> list[str]:
    """Return the addresses outside the desk that a browser would load for `page`."""
    imports = re.findall(r"(?:@import\s+|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)", page)
    return _LOADED.findall(page) + imports


def offline(page: str, *, root: str) -> str:
    """Return a page of Great Expectations that loads its assets from `root`/static only.

    Raises
    ------
    OutsideAddressError
        If an address remains that no vendored file answers: a new version loads something new.
    """
    for pattern, name in _VENDORED:
        page = re.sub(rf"https://{pattern}(?=[\"'])", f"{root}static/vendor/{name}", page)
    page = re.sub(r"\s(?:integrity|crossorigin)=\"[^\"]*\"", "", page)
    page = re.sub(r"<img[^>]*?src=\"https://[^\"]*\"[^>]*>", "", page, flags=re.DOTALL)
    page = re.sub(r"<nav class=\"navbar.*?</nav>\s*</div>\s*</nav>", "", page, flags=re.DOTALL)
    page = re.sub(r"<footer>.*?</footer>", "", page, flags=re.DOTALL)
    page = re.sub(r"https://great-expectations-web-assets[^\"')\s]*", "", page)
    page = re.sub(r"<link[^>]*favicon[^>]*>", "", page)
    # The suite has no page of its own: its rules stand in the table of every report.
    page = re.sub(r"<a[^>]*href=\"[^\"]*expectations/[^\"]*\"[^>]*>(.*?)</a>", r"\1", page)
    if remaining := outside_addresses(page):
        raise OutsideAddressError(
            f"A report page must load nothing from outside; it loads {', '.join(remaining)}. "
            "Vendor the file in quality/static/vendor and name it in quality/pages.py."
        )
    return page


def framed(page: str, *, root: str, title: str, lead: str, judgement: Judgement) -> str:
    """Return `page` with the desk's heading and the findings as sentences above the table."""
    head = (
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{root}static/docs.css">'
        "</head>"
    )
    page = re.sub(r"<title>.*?</title>", "", page, flags=re.DOTALL)
    page = page.replace("</head>", f"<title>{html.escape(title)}</title>{head}", 1)
    top = (
        f'<div class="cs-bar"><span class="desk">Countersign</span>'
        f'<a href="{root}index.html">All data quality reports</a></div>'
        f'<section class="cs-report"><h1>{html.escape(title)}</h1>'
        f'<p class="lead">{html.escape(lead)}</p>{_sentences(judgement.findings)}'
        f"<h2>Every rule of this suite</h2>{_rules(judgement)}"
        "<h2>As Great Expectations records it</h2></section>"
    )
    return re.sub(
        r"<body[^>]*>", f'<body class="cs-page">{top}'.replace("\\", r"\\"), page, count=1
    )


def _sentences(findings: Sequence[Finding]) -> str:
    """Return the findings as a list, errors first, at most two hundred."""
    rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    ordered = sorted(findings, key=lambda f: (rank[f.severity], f.session, f.symbol))
    if not ordered:
        return ""
    words = {
        Severity.ERROR: "held back",
        Severity.WARNING: "passed, unusual",
        Severity.NOTE: "noted",
    }
    items = "".join(
        f'<li class="{f.severity}" id="{f.finding_id}"><b>{html.escape(f.symbol)}</b> · '
        f"{f.session} · {words[f.severity]}<br>{html.escape(f.message)}"
        f"<small>{html.escape(f.rule.replace('_', ' '))}</small></li>"
        for f in ordered[:_SHOWN]
    )
    rest = len(ordered) - _SHOWN
    more = f'<p class="note">{rest:,} more are in quality.findings.</p>' if rest > 0 else ""
    return f"<h2>What was found</h2><ul>{items}</ul>{more}"


def _rules(judgement: Judgement) -> str:
    """Return the table of all rules: what each asks, of how many rows, and what it refused."""
    words = {"error": "held back", "warning": "unusual", "note": "noted"}
    lines = []
    for rule in judgement.tally.sort(pl.col("failed") == 0, maintain_order=True).iter_rows(
        named=True
    ):
        kind = {"error": "bad", "warning": "warn"}.get(rule["severity"], "")
        if rule["failed"]:
            result = f'<td class="{kind}">{rule["failed"]:,} {words[rule["severity"]]}</td>'
        elif rule["checked"]:
            result = '<td class="good">met</td>'
        else:
            result = '<td class="note">not asked</td>'
        lines.append(
            f'<tr title="{html.escape(rule["reason"])}">'
            f"<td>{html.escape(rule['rule'].replace('_', ' '))}</td>"
            f"<td>{html.escape(rule['meaning'])}</td>"
            f'<td class="number">{rule["checked"]:,}</td>{result}</tr>'
        )
    head = (
        "<tr><th>Rule</th><th>What must hold</th>"
        '<th class="number">Rows asked</th><th>Result</th></tr>'
    )
    return f'<table class="cs-rules"><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table>'


def place_assets(docs_dir: Path) -> None:
    """Put the index page and the assets into `docs_dir` when they are not there or are older."""
    docs_dir.mkdir(parents=True, exist_ok=True)
    mark = docs_dir / "static" / "assets"
    stamp = _stamp()
    if mark.exists() and mark.read_text() == stamp:
        return
    shutil.copytree(_STATIC, docs_dir / "static", dirs_exist_ok=True)
    (docs_dir / "static" / "index.html").replace(docs_dir / "index.html")
    (docs_dir / "reports.js").touch()
    mark.write_text(stamp)


def _stamp() -> str:
    """Return what changes when an asset of the desk changes."""
    files = sorted(path for path in _STATIC.rglob("*") if path.is_file())
    return "\n".join(f"{path.relative_to(_STATIC)} {path.stat().st_size}" for path in files)


def list_report(docs_dir: Path, entry: Mapping[str, Any]) -> None:
    """Append one line to the list of reports: the cost does not grow with history."""
    line = f"(window.deskReports = window.deskReports || []).push({json.dumps(dict(entry))});\n"
    handle = os.open(docs_dir / "reports.js", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
