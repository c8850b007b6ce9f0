"""From a file's table to option quotes in the desk's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from adapters.market_data.files import columns, numbers, stamps, words
from adapters.market_data.files.delivery import (
    FILE_COLUMNS,
    LINE,
    PROBLEM,
    Delivery,
    FileKind,
    FileOptions,
    UnreadableFileError,
)
from adapters.market_data.files.reading import Reading
from adapters.market_data.files.text import Table

# The OCC's name of a contract: root, expiry, right, strike in thousandths.
_CONTRACT: Final = (
    r"^(?:O:)?(?P<root>[A-Z.]{1,6}?)\d?\s*(?P<expiry>\d{6})(?P<right>[CP])(?P<strike>\d{5,8})$"
)
_FIGURES: Final = (
    "strike", "bid", "ask", "last", "volume", "open_interest", "underlying_price",
    "implied_volatility",
)  # fmt: skip
_SPOT: Final = ("underlying_bid", "underlying_ask")
_RIGHTS: Final = {"c": "call", "call": "call", "calls": "call", "p": "put", "put": "put",
                  "puts": "put", "0": "put", "1": "call"}  # fmt: skip


def read(table: Table, *, kind: FileKind, options: FileOptions, name: str) -> Delivery:
    """Return the option quotes in a table.

    Raises
    ------
    UnreadableFileError
        If a quote cannot be told from its columns: day, expiry, strike, right, a price.
    """
    found = Reading(_call_by_put(table), kind, name, options, notes=list(table.notes))
    mapped = columns.declared(found.table, options, kind=kind, name=name)
    candidates = words.recognise(found.table.columns, kind=kind, declared=mapped)
    found.roles = {role: names[0] for role, names in candidates.items()}
    contract = _contract(found)
    _require(found, contract)
    frame = pl.DataFrame(
        {
            "symbol": _underlying(found, contract),
            "session": _day(found, "stamp"),
            "expiry": _day(found, "expiry") if "expiry" in found.roles else contract["expiry"],
            "right": _right(found, contract),
            **_figures(found, contract),
        }
    ).with_columns(found.table.frame[LINE], found.problem())
    ours = FILE_COLUMNS[kind]
    frame = frame.select(
        *(pl.col(column).cast(dtype, strict=False) for column, dtype in ours.items()), LINE, PROBLEM
    )
    recognised = {("session" if r == "stamp" else r): c for r, c in found.roles.items()}
    return Delivery(kind, frame, adjusted=False, recognised=recognised, notes=tuple(found.notes))


def _call_by_put(table: Table) -> Table:
    """Return a table with a row per contract where calls and puts stand side by side.

    As `C_BID`, `P_BID` beside one `STRIKE`.
    """
    sides: dict[str, dict[str, str]] = {"c": {}, "p": {}}
    for column in table.columns:
        bare = column.strip().strip("[]").strip().lower()
        side, sign, rest = bare.partition("_")
        if side in {"call", "put"}:
            side = side[0]
        if sign and side in sides and words.is_known(rest):
            sides[side][column] = rest
    if not (sides["c"] and sides["p"]):
        return table
    both = {**sides["c"], **sides["p"]}
    shared = [column for column in table.frame.columns if column not in both]
    parts = [
        table.frame.select(
            *shared,
            *(pl.col(column).alias(rest) for column, rest in named.items()),
            pl.lit(side).alias("right"),
        )
        for side, named in sides.items()
    ]
    frame = pl.concat(parts, how="diagonal").sort(LINE, maintain_order=True)
    order = [c for c in frame.columns if c not in {LINE, PROBLEM}]
    return replace(table, frame=frame.select(*order, LINE, PROBLEM))


def _contract(found: Reading) -> pl.DataFrame:
    """Return root, expiry, right and strike from the contracts' names; null without one."""
    column = found.column("contract")
    symbol = found.column("symbol")
    if column is None and symbol is not None and numbers.is_text(symbol):
        head = numbers.text(symbol.drop_nulls().head(100))
        column = symbol if numbers.share(head.str.contains(_CONTRACT)) > 0.5 else None
    if column is None:
        column = pl.repeat(None, found.table.frame.height, dtype=pl.String, eager=True)
    parts = numbers.text(column).str.extract_groups(_CONTRACT).struct.unnest()
    return parts.select(
        "root",
        pl.col("expiry").str.to_date("%y%m%d", strict=False),
        pl.col("right").replace_strict({"C": "call", "P": "put"}, default=None),
        (pl.col("strike").cast(pl.Float64) / 1000.0).round(3),
    )


def _require(found: Reading, contract: pl.DataFrame) -> None:
    roles = set(found.roles)
    named = contract["expiry"].null_count() < contract.height
    needed = [] if named else [r for r in ("expiry", "strike", "right") if r not in roles]
    if "stamp" not in roles:
        needed.insert(0, "session")
    if not roles & {"bid", "ask", "last"}:
        needed.append("bid and ask")
    if needed:
        raise UnreadableFileError(
            f"{found.name} has no column for {', '.join(needed)} of option quotes. Found: "
            f"{words.named(found.table.columns)}. Name each by --map, as in --map "
            f"{needed[0].split()[0]}=THEIRS."
        )


def _underlying(found: Reading, contract: pl.DataFrame) -> pl.Series:
    column = found.column("symbol")
    if column is not None:
        text = numbers.text(column.cast(pl.String))
        is_contract = text.str.contains(_CONTRACT)
        symbols = contract["root"].zip_with(is_contract.fill_null(value=False), text)
    elif contract["root"].null_count() < contract.height:
        symbols = contract["root"]
    else:
        symbol = found.options.symbol or found.table.symbol or columns.symbol_of(found.name)
        if symbol is None:
            raise UnreadableFileError(
                f"{found.name} names no underlying share. Say --symbol, or --map symbol=THEIRS."
            )
        symbols = pl.repeat(symbol, contract.height, dtype=pl.String, eager=True)
    if "symbol" in found.roles:
        found.blame("symbol", symbols.is_null(), "missing")
    return symbols


def _day(found: Reading, role: str) -> pl.Series:
    column = found.column(role)
    assert column is not None
    at = stamps.stamps(column)
    found.blame(role, at.bad, "no date")
    found.blame(role, at.written.is_null() & ~at.bad, "missing")
    found.notes.extend(note for note in at.notes if note not in found.notes)
    return at.written.dt.date()


def _right(found: Reading, contract: pl.DataFrame) -> pl.Series:
    column = found.column("right")
    if column is None:
        return contract["right"]
    text = numbers.text(column.cast(pl.String)).str.to_lowercase()
    rights = text.replace_strict(_RIGHTS, default=None, return_dtype=pl.String)
    found.blame("right", rights.is_null(), "neither call nor put")
    return rights


def _figures(found: Reading, contract: pl.DataFrame) -> Mapping[str, pl.Series]:
    told = (*_FIGURES, *_SPOT)
    present = {role: found.table.frame[found.roles[role]] for role in told if role in found.roles}
    style = numbers.style_of(list(present.values()), separator=found.table.separator)
    read: dict[str, pl.Series] = {}
    for role in told:
        if role in present:
            read[role], bad = numbers.numbers(present[role], style)
            found.blame(role, bad, "no number")
        else:
            read[role] = pl.repeat(None, contract.height, dtype=pl.Float64, eager=True)
    if "underlying_price" not in present:
        read["underlying_price"] = _middle(*(read.pop(role) for role in _SPOT))
    if "strike" not in present:
        read["strike"] = contract["strike"]
    elif _in_thousandths(found, read):
        found.notes.append("Strikes are written in thousandths of a dollar; they were converted.")
        read["strike"] = (read["strike"] / 1000.0).round(3)
    return {role: read[role].alias(role) for role in _FIGURES}


def _middle(bid: pl.Series, ask: pl.Series) -> pl.Series:
    """Return the price between the share's own bid and ask; null where one is missing."""
    return ((bid + ask) / 2.0).set(~((bid > 0) & (ask > 0)), None)


def _in_thousandths(found: Reading, read: Mapping[str, pl.Series]) -> bool:
    """Whether strikes are a thousand times the price of the share, or all whole thousandths."""
    strike, spot = read["strike"].median(), read["underlying_price"].median()
    if not isinstance(strike, float):
        return False
    if isinstance(spot, float) and spot > 0:
        return strike / spot > 100
    named = words.key(found.roles["strike"]) == "strikeprice"
    return named and strike > 5_000 and numbers.share(read["strike"] % 500 == 0) > 0.99
