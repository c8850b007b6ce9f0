"""The end-of-day report as text and as a page that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = (
    "body{font:15px/1.5 'Source Sans 3',sans-serif;color:#18202B;background:#FFF;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:26px}h2{font-size:19px;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{padding:4px 8px;border-bottom:1px solid #D4DAE1;text-align:left}"
    "td.figure,th.figure{text-align:right;font-variant-numeric:tabular-nums}"
    "p.note{color:#5A6572}"
)


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, and a table; a column whose heading ends in a space holds figures."""

    title: str
    lead: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def markdown(title: str, sections: Sequence[Section], *, note: str) -> str:
    """Return the report as Markdown."""
    parts = [f"# {title}", ""]
    for section in sections:
        parts += [f"## {section.title}", "", _plain(section.lead), ""]
        if section.rows:
            parts.append("| " + " | ".join(_plain(name) for name in section.columns) + " |")
            parts.append(
                "|" + "|".join("---:" if name.endswith(" ") else ":---" for name in section.columns)
                + "|"
            )  # fmt: skip
            parts += [
                "| " + " | ".join(_plain(cell) for cell in row) + " |" for row in section.rows
            ]
            parts.append("")
    return "\n".join([*parts, f"*{_plain(note)}*", ""])


def page(title: str, sections: Sequence[Section], *, note: str) -> str:
    """Return the report as one HTML file without a reference to any other."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
    ]
    for section in sections:
        parts.append(f"<h2>{escape(section.title)}</h2><p>{escape(section.lead)}</p>")
        if section.rows:
            parts.append(_table(section))
    parts.append(f'<p class="note">{escape(note)}</p></body></html>')
    return "\n".join(parts)


def _table(section: Section) -> str:
    look = [' class="figure"' if name.endswith(" ") else "" for name in section.columns]
    head = "".join(
        f"<th{how}>{escape(name.strip())}</th>"
        for name, how in zip(section.columns, look, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{how}>{escape(cell)}</td>" for cell, how in zip(row, look, strict=True))
        + "</tr>"
        for row in section.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _plain(text: str) -> str:
    """Words of people and of the broker may not draw tables or links."""
    kept = " ".join(text.split())
    for sign in "\\|*_`[]<>#$":
        kept = kept.replace(sign, f"\\{sign}")
    return kept
