"""From a file's table to corporate actions in the desk's columns."""

from __future__ import annotations

from typing import Final

import polars as pl

from adapters.market_data.files import columns, numbers, stamps, words
from adapters.market_data.files.bars import symbols
from adapters.market_data.files.delivery import (
    FILE_COLUMNS,
    LINE,
    Delivery,
    FileKind,
    FileOptions,
    UnreadableFileError,
)
from adapters.market_data.files.reading import Reading
from adapters.market_data.files.text import Table

_KINDS: Final = (
    ("reverse_split", r"reverse|consolidation"),
    ("split", r"split|stock dividend|bonus|subdivision|forward"),
    ("dividend", r"div|cash|distribution"),
    ("symbol_change", r"symbol|ticker|name|rename"),
    ("delisting", r"delist|bankrupt|liquidat|removed"),
    ("merger", r"merger|acqui|takeover"),
    ("spinoff", r"spin"),
)
_SPLITS: Final = "split|consolidation|subdivision"
_RATIO: Final = r"(\d+(?:\.\d+)?)\s*(?::|-?\s*for\s*-?|/|to|-)\s*(\d+(?:\.\d+)?)"


def read(table: Table, *, kind: FileKind, options: FileOptions, name: str) -> Delivery:
    """Return the corporate actions in a table; a row without any is left out of wide files.

    Raises
    ------
    UnreadableFileError
        If it has no date, or neither ratio nor amount.
    """
    found = Reading(table, kind, name, options, notes=list(table.notes))
    mapped = columns.declared(table, options, kind=kind, name=name)
    if not table.has_names:
        raise UnreadableFileError(
            f"{name} names no columns. Put a heading above them: symbol, ex_date, kind, ratio, "
            "amount."
        )
    candidates = words.recognise(table.columns, kind=kind, declared=mapped)
    found.roles = {role: names[0] for role, names in candidates.items()}
    _require(found)
    at = stamps.stamps(table.frame[found.roles["stamp"]])
    found.blame("stamp", at.bad, "no date")
    found.blame("stamp", at.written.is_null() & ~at.bad, "missing")
    found.notes.extend(at.notes)
    ratio, amount = _figures(found)
    frame = pl.DataFrame(
        {
            "symbol": symbols(found),
            "session": at.written.dt.date(),
            "kind": _kinds(found, ratio, amount),
            "ratio": ratio,
            "amount": amount,
            "implied": pl.repeat(value=False, n=ratio.len(), eager=True),
            **_announced(found),
            **_renamed(found),
        }
    ).with_columns(table.frame[LINE], found.problem())
    ours = FILE_COLUMNS[kind]
    frame = frame.select(
        *(pl.col(column).cast(dtype) for column, dtype in ours.items()),
        *(c for c in frame.columns if c not in ours),
    )
    recognised = {("session" if r == "stamp" else r): c for r, c in found.roles.items()}
    kept = _events(found, frame)
    return Delivery(kind, kept, adjusted=False, recognised=recognised, notes=tuple(found.notes))


def _require(found: Reading) -> None:
    roles = found.roles
    if "stamp" not in roles:
        unnamed = columns.dates_without_name(found.table, list(roles.values()))
        if unnamed is not None:
            roles["stamp"] = unnamed
    told = {"ratio", "ratio_to", "shares_added", "amount", "kind", "new_symbol"} & set(roles)
    if "stamp" in roles and told:
        return
    missing = "the ex-date" if "stamp" not in roles else "the ratio or the amount"
    raise UnreadableFileError(
        f"{found.name} has no column for {missing} of corporate actions. Found: "
        f"{words.named(found.table.columns)}. Name each by --map, as in --map session=THEIRS."
    )


def _figure(found: Reading, role: str) -> pl.Series:
    column = found.column(role)
    if column is None:
        return pl.repeat(None, found.table.frame.height, dtype=pl.Float64, eager=True)
    style = numbers.style_of([column], separator=found.table.separator)
    values, bad = numbers.numbers(column, style)
    found.blame(role, bad, "no number")
    return values


def _figures(found: Reading) -> tuple[pl.Series, pl.Series]:
    """Return each action's ratio and amount; one column may hold both, as the kind says."""
    roles = found.roles
    ratios = {"ratio", "ratio_to", "shares_added"}
    shared = {"amount", "kind"} <= roles.keys() and not ratios & roles.keys()
    if not shared or not numbers.is_text(found.table.frame[roles["amount"]]):
        return _ratio(found), _figure(found, "amount")
    column = found.table.frame[roles["amount"]]
    word = numbers.text(found.table.frame[roles["kind"]].cast(pl.String)).str.to_lowercase()
    splits = word.str.contains(_SPLITS).fill_null(value=False)
    style = numbers.style_of([column.filter(~splits)], separator=found.table.separator)
    amounts, bad = numbers.numbers(column, style)
    parts = _parts(column)
    found.blame("amount", bad & ~(splits & parts.is_not_null()), "no number")
    told = amounts.zip_with(amounts.is_not_null(), parts)
    return told.set(~splits, None), amounts.set(splits, None)


def _parts(column: pl.Series) -> pl.Series:
    """Return what is written as 2:1 or 2-for-1, null for what is not."""
    return (
        pl.DataFrame({"text": numbers.text(column)})
        .select(
            pl.col("text").str.extract(_RATIO, 1).cast(pl.Float64)
            / pl.col("text").str.extract(_RATIO, 2).cast(pl.Float64)
        )
        .to_series()
    )


def _ratio(found: Reading) -> pl.Series:
    """Return new shares per old one: 2.0 for 2-for-1, 2:1, or 2 and 1 in two columns."""
    if "ratio_to" in found.roles and "ratio_from" in found.roles:
        pair = pl.DataFrame({"to": _figure(found, "ratio_to"), "of": _figure(found, "ratio_from")})
        return pair.select((pl.col("to") / pl.col("of")).fill_nan(None)).to_series()
    if "shares_added" in found.roles:  # CRSP tells the new shares beside each old one
        added = pl.DataFrame({"added": _figure(found, "shares_added")})
        one = 1.0 + pl.col("added")
        return added.select(pl.when((pl.col("added") != 0) & (one > 0)).then(one)).to_series()
    column = found.column("ratio")
    if column is None or not numbers.is_text(column):
        return _figure(found, "ratio")
    parts = _parts(column)
    style = numbers.style_of([column], separator=found.table.separator)
    plain, bad = numbers.numbers(column, style)
    found.blame("ratio", bad & parts.is_null(), "no ratio")
    return plain.zip_with(plain.is_not_null(), parts)


def _kinds(found: Reading, ratio: pl.Series, amount: pl.Series) -> pl.Series:
    """Return the kind of each action, by its word or else by its figures."""
    frame = pl.DataFrame({"ratio": ratio, "amount": amount})
    by_figures = (
        pl.when(_is_split(pl.col("ratio"))).then(pl.lit("split"))
        .when(pl.col("amount").fill_null(0) != 0).then(pl.lit("dividend"))
    )  # fmt: skip
    column = found.column("kind")
    if column is None:
        return frame.select(by_figures).to_series()
    frame = frame.with_columns(word=numbers.text(column.cast(pl.String)).str.to_lowercase())
    by_word = pl.coalesce(
        pl.when(pl.col("word").str.contains(pattern)).then(pl.lit(kind)) for kind, pattern in _KINDS
    )
    return frame.select(pl.coalesce(by_word, by_figures, pl.col("word"))).to_series()


def _is_split(ratio: pl.Expr) -> pl.Expr:
    return ratio.is_not_null() & (ratio != 0) & (ratio != 1)


def _announced(found: Reading) -> dict[str, pl.Series]:
    column = found.column("announced")
    if column is None:
        return {}
    at = stamps.stamps(column)
    return {"known_at": at.written.dt.replace_time_zone("UTC")}


def _renamed(found: Reading) -> dict[str, pl.Series]:
    column = found.column("new_symbol")
    if column is None:
        return {}
    names = numbers.text(column.cast(pl.String))
    return {"detail": names.set(numbers.is_no_value(names), None)}


def _events(found: Reading, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with an action: a file of bars has one per day, mostly without."""
    if "kind" in found.roles:
        return frame
    is_event = pl.col("kind").is_not_null() | pl.col("problem").is_not_null()
    kept = frame.filter(is_event)
    if kept.height < frame.height:
        found.notes.append(
            f"{frame.height - kept.height:,} rows tell no action (ratio 1, nothing paid) and were "
            "left out."
        )
    if kept.is_empty():
        raise UnreadableFileError(
            f"{found.name} has {frame.height:,} rows, and none of them is a corporate action."
        )
    return kept
