"""Which column plays which part, when neither name nor person says so."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

import polars as pl

from adapters.market_data.files import numbers, stamps, words
from adapters.market_data.files.delivery import FileKind, FileOptions, UnreadableFileError
from adapters.market_data.files.text import Table

# From 930 to 931, from 959 to 1000; the same with seconds; five minutes.
_MINUTE_STEPS: Final = (1.0, 41.0, 100.0, 4_100.0, 5.0, 45.0)
_LOOKED_AT: Final = 2_000  # rows
# Rows of several symbols share their times, and symbol and time together tell nearly all apart.
_SHARED: Final = 0.7
_APART: Final = 0.95
_CLOCK: Final = r"^\d{1,2}:\d{2}(:\d{2})?([.,]\d+)?(\s*[AaPp][Mm])?$"
_TICKER: Final = r"^[A-Za-z^$.][A-Za-z0-9.\-/^=_: ]{0,19}$"
_OTHER_WORDS: Final = """
15min 1d 1day 1m 1min 1minute 5min 60min adj adjsplit adjsplitdiv adjusted all alpaca amex bad
bar bars clean csv d daily data day delivery download eod equities equity export file firstrate
full good h historical history intraday kibot list m min minute minutes nasdaq nyse ohlc ohlcv
part polygon price prices quandl quote quotes raw sample stock stocks stooq table test tiingo
trades txt unadjusted us usd vendor wiki xnas xnys yahoo
"""
_NOT_A_SYMBOL: Final = frozenset(_OTHER_WORDS.split())


def declared(table: Table, options: FileOptions, *, kind: FileKind, name: str) -> dict[str, str]:
    """Return the person's mapping as role to column of the file.

    Raises
    ------
    UnreadableFileError
        If it names a column that the desk or the file does not have.
    """
    found: dict[str, str] = {}
    by_key = {words.key(column): column for column in table.columns}
    for ours, theirs in options.columns.items():
        role = words.role_of(ours)
        if role not in words.ROLES[kind]:
            raise UnreadableFileError(
                f"{ours!r} is no column of {kind} data that can be mapped; those are "
                f"{', '.join(words.ROLES[kind])}."
            )
        column = theirs if theirs in table.columns else by_key.get(words.key(theirs))
        if column is None:
            raise UnreadableFileError(
                f"The file {name} has no column {theirs!r} to map {ours} to; it has "
                f"{words.named(table.columns)}."
            )
        found[role] = column
    return found


def without_names(table: Table, mapped: Mapping[str, str]) -> dict[str, str]:
    """Return the parts that the columns of a file without a heading play, by what is in them.

    Dates first, then times, then words as symbols; the figures are open, high, low, close and
    volume in the order in which the high is the highest and the low the lowest.
    """
    head = table.frame.head(_LOOKED_AT)
    left = [column for column in table.columns if column not in mapped.values()]
    found = dict(mapped)
    for role, holds in (("symbol", _are_symbols), ("stamp", _are_dates), ("time", _are_times)):
        fitting = [column for column in left if holds(head[column])]
        if role not in found and fitting:
            found[role] = fitting[0]
            left.remove(fitting[0])
    # The first figure column may be a time written as 930.
    values = [column for column in left if _are_numbers(head[column])]
    if not any(role in found for role in words.PRICES) and len(values) >= 5:
        found |= _bars(head, values, found.get("stamp"))
    return found


def dates_without_name(table: Table, taken: Sequence[str]) -> str | None:
    """Return the first column that holds dates although it is not called so."""
    head = table.frame.head(_LOOKED_AT)
    return next(
        (
            column
            for column in table.columns
            if column not in taken and not words.is_known(column) and _are_dates(head[column])
        ),
        None,
    )


def symbols_without_name(
    table: Table, taken: Sequence[str], *, stamped: Sequence[str]
) -> str | None:
    """Return the column of words that tells rows of the same time apart; None where none does.

    `stamped` are the columns that tell the time.
    """
    frame = table.frame
    if not stamped or frame.select(stamped).n_unique() > _SHARED * frame.height:
        return None
    for column in table.columns:
        is_free = column not in taken and not words.is_known(column)
        if (
            is_free
            and _are_symbols(frame[column].head(_LOOKED_AT))
            and frame.select(*stamped, column).n_unique() > _APART * frame.height
        ):
            return column
    return None


def are_dates(column: pl.Series) -> bool:
    """Whether the first rows of a column hold dates."""
    return _are_dates(column.head(_LOOKED_AT))


def symbol_of(name: str) -> str | None:
    """Return the symbol in a file's name or folder: AAPL for table_aapl.csv, symbol=AAPL/1."""
    path = PurePosixPath(name.replace("\\", "/"))
    for folder in reversed(path.parts[:-1]):
        if match := re.fullmatch(r"(?i)(?:symbol|ticker)=(.+)", folder):
            return match[1]
    stem = re.sub(r"(\.[A-Za-z]{2,8})+$", "", path.name) or path.stem
    if path.name.lower().endswith((".us.txt", ".us.csv")):
        stem = path.name[:-7]
    tokens = [t for t in re.split(r"[_\s()+,=]+|-(?=\d)|(?<=\d)-", stem) if t]
    kept = [
        t
        for t in tokens
        if t.lower() not in _NOT_A_SYMBOL and re.fullmatch(r"[A-Za-z^$][A-Za-z0-9.\-^]{0,9}", t)
    ]
    return kept[0].upper() if kept else None


def _filled(column: pl.Series) -> pl.Series:
    if numbers.is_text(column):
        column = numbers.text(column)
        return column.filter(~numbers.is_no_value(column))
    return column.drop_nulls()


def _are_symbols(column: pl.Series) -> bool:
    filled = _filled(column)
    return (
        filled.len() > 0
        and numbers.is_text(filled)
        and numbers.share(filled.str.contains(_TICKER)) > 0.95
        and not _are_dates(filled)
        and not _are_times(filled)
    )


def _are_dates(column: pl.Series) -> bool:
    filled = _filled(column)
    if filled.is_empty() or filled.dtype in {pl.Boolean, pl.Time}:
        return False
    found = stamps.stamps(filled)
    at = found.written.drop_nulls()
    if at.len() < 0.9 * filled.len():
        return False
    # A price may pass for a spreadsheet's day and a volume for seconds: dates come in a row of
    # years, and more than one of them is later than 1960.
    years = at.dt.year()
    plausible = numbers.share(years.is_between(1960, 2100))
    is_figure = not numbers.is_text(column) or bool(filled.str.contains(r"^\d+(\.\d+)?$").all())
    whole = not is_figure or _is_calendar(filled)
    return plausible > 0.9 and whole


def _is_calendar(filled: pl.Series) -> bool:
    """Whether figures are 20120702 or seconds since 1970, not some volume."""
    figures = filled.cast(pl.Float64, strict=False)
    days = numbers.share(figures.is_between(19_000_101, 22_001_231))
    instants = numbers.share(figures >= 3e8)
    ordered = figures.drop_nulls().sort()
    spread = ordered[-1] / max(ordered[0], 1.0) if ordered.len() else 0.0
    return days > 0.9 or (instants > 0.9 and spread < 10)


def _are_times(column: pl.Series) -> bool:
    filled = _filled(column)
    if filled.is_empty():
        return False
    if filled.dtype in {pl.Time, pl.Duration}:
        return True
    if numbers.is_text(filled) and numbers.share(filled.str.contains(_CLOCK)) > 0.9:
        return True
    return _are_figures_of_times(filled)


def _are_figures_of_times(filled: pl.Series) -> bool:
    """Whether whole numbers climb like the minutes of a day: 930, 931, … 959, 1000."""
    figures = filled.cast(pl.Float64, strict=False)
    if figures.null_count() or not bool((figures == figures.floor()).all()):
        return False
    unique, steps = figures.unique().sort(), figures.diff().drop_nulls()
    inside = unique.is_between(0, 2_359).all() or unique.is_between(40_000, 235_959).all()
    return bool(
        unique.len() >= 3
        and inside
        and ((figures % 100) < 60).all()
        and numbers.share(steps > 0) > 0.9
        and numbers.share(steps.is_in(_MINUTE_STEPS)) > 0.8
    )


def _are_numbers(column: pl.Series) -> bool:
    values, bad = numbers.numbers(column, numbers.style_of([column], separator=";"))
    return values.len() > values.null_count() and numbers.share(bad) < 0.2


def _bars(head: pl.DataFrame, values: Sequence[str], stamp: str | None) -> dict[str, str]:
    """Return which of the columns of figures are the four prices and the volume.

    High and low are the highest and the lowest; of the other two the open is the one nearer to
    the close before it.
    """
    style = numbers.style_of([head[column] for column in values], separator=";")
    read = pl.DataFrame({c: numbers.numbers(head[c], style)[0] for c in values[:6]})
    if read[values[0]].max() == 0:  # the time of a daily bar
        values = values[1:]
    if len(values) < 5:
        return {}
    if stamp is not None:
        at = stamps.stamps(head[stamp]).written
        read = read.with_columns(at.alias("at")).sort("at", maintain_order=True)
    layouts = [
        dict(zip(words.PRICES, (values[n] for n in order), strict=True))
        for order in itertools.permutations(range(4))
    ]
    fitting = [layout for layout in layouts if _is_bar(read, layout)]
    if not fitting:
        return {}
    gaps = [_gap(read, layout) for layout in fitting]
    nearest = min(range(len(fitting)), key=lambda n: gaps[n])
    if fitting[0] == layouts[0] and gaps[nearest] > 0.5 * gaps[0]:
        nearest = 0  # the usual order, and nothing speaks against it
    return fitting[nearest] | {"volume": values[4]}


def _gap(read: pl.DataFrame, layout: Mapping[str, str]) -> float:
    """Return the usual distance of an open from the close before it."""
    apart = (pl.col(layout["open"]) - pl.col(layout["close"]).shift(1)).abs()
    return float(read.select(apart.median()).item() or 0.0)


def _is_bar(read: pl.DataFrame, chosen: Mapping[str, str]) -> bool:
    four = list(chosen.values())
    share = read.select(
        (
            (pl.col(chosen["high"]) >= pl.max_horizontal(four) * 0.999_9)
            & (pl.col(chosen["low"]) <= pl.min_horizontal(four) * 1.000_1)
        ).mean()
    ).item()
    return float(share or 0.0) > 0.85
