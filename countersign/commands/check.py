"""`./desk check FILE --kind …`: judge a file before it is landed."""

import datetime as dt
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import polars as pl
import typer

from adapters.market_data.files import FileKind, FileOptions, UnreadableFileError, read_place
from countersign.console import errors
from countersign.inspected import document, report, show
from quality.calendar import exchange
from quality.context import Context
from quality.inspection import inspect
from quality.rules.model import UnreadableDeliveryError

app = typer.Typer(add_completion=False)

_KINDS: dict[str, FileKind] = {
    "daily": "daily",
    "minute": "minute",
    "corporate-actions": "actions",
    "options": "options",
}
_CLEAN, _FOUND, _UNREADABLE = 0, 1, 2


@app.command(epilog="Ends with 0 when nothing but notes was found, 1 with findings, 2 unreadable.")
def check(
    place: Annotated[
        str, typer.Argument(metavar="FILE", help="A file, a folder, or s3://bucket/key.")
    ],
    *,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(_KINDS)}.")],
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Name a column; as often as needed."),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Of stamps that name none.")] = "",
    adjusted: Annotated[
        bool | None, typer.Option("--adjusted/--raw", help="Whether prices hold splits already.")
    ] = None,
    symbol: Annotated[str, typer.Option(help="Of a file that names none.")] = "",
    actions: Annotated[str, typer.Option(metavar="FILE", help="Splits and dividends.")] = "",
    index: Annotated[str, typer.Option(metavar="FILE", help="The market index, daily.")] = "",
    daily: Annotated[
        str, typer.Option(metavar="FILE", help="Daily bars beside minutes, actions or options.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the report as a page.")
    ] = None,
) -> None:
    """Judge a file by the rules that judge what is landed; no running desk is needed."""
    began = time.monotonic()
    try:
        options = FileOptions(_mapped(map_ or ()), timezone or None, adjusted, symbol or None)
        delivery = read_place(place, kind=_kind(kind), options=options)
        context = Context(
            calendar=exchange(),
            actions=_beside(actions, "actions"),
            index=_beside(index, "index"),
            daily=_beside(daily, "daily"),
            now=dt.datetime.now(dt.UTC),
        )
        with errors.status(f"Judging {delivery.frame.height:,} rows …"):
            found = inspect(delivery, context=context, keep=html is not None)
    except (UnreadableFileError, UnreadableDeliveryError) as e:
        _refuse(str(e), as_json=as_json)
    page = None if html is None else report(found, place, html)
    seconds = time.monotonic() - began
    if as_json:
        sys.stdout.write(json.dumps(document(found, delivery, place, seconds, page)) + "\n")
    else:
        show(found, delivery, place, seconds, page)
    raise typer.Exit(_CLEAN if found.is_clean else _FOUND)


def _mapped(pairs: Sequence[str]) -> dict[str, str]:
    mapped = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition("=")
        if not (ours.strip() and sign and theirs.strip()):
            raise UnreadableFileError(f"--map must be OURS=THEIRS, was {pair!r}.")
        mapped[ours.strip()] = theirs.strip()
    return mapped


def _kind(word: str) -> FileKind:
    if word not in _KINDS:
        raise UnreadableFileError(f"--kind must be one of {', '.join(_KINDS)}, was {word!r}.")
    return _KINDS[word]


def _beside(place: str, kind: FileKind) -> pl.DataFrame | None:
    """Return the readable rows of a file given beside the one that is judged."""
    if not place:
        return None
    frame = read_place(place, kind=kind, options=FileOptions()).frame
    return frame.filter(pl.col("problem").is_null())


def _refuse(sentence: str, *, as_json: bool) -> NoReturn:
    """Say why nothing could be judged and end."""
    sys.stderr.write(f"{sentence}\n")
    if as_json:
        nothing: dict[str, object] = {"findings": [], "summary": None, "error": sentence}
        sys.stdout.write(json.dumps(nothing) + "\n")
    raise typer.Exit(_UNREADABLE)
