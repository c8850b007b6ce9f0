"""Prices, volumes and what stands beside them, as numbers in dollars and shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from adapters.market_data.files import conventions, numbers, words
from adapters.market_data.files.reading import Reading

VALUES: Final = (*words.PRICES, "volume")
_EXTRAS: Final = ("adjusted_close", "split_ratio", "dividend")
_FIXED_POINT: Final = 1e9  # Databento writes prices in billionths of a dollar
_MOST: Final = 2**53  # beyond it a volume is no longer exact, and no volume


def values(found: Reading) -> list[pl.Series]:
    """Return the four prices and the volume as numbers."""
    present = {role: found.column(role) for role in VALUES if role in found.roles}
    raw = [column for column in present.values() if column is not None]
    style = numbers.style_of(raw, separator=found.table.separator)
    if style.decimal == ",":
        found.notes.append("Numbers are written with a decimal comma.")
    read: dict[str, pl.Series] = {}
    for role, column in present.items():
        assert column is not None
        figures, bad = numbers.numbers(column, style)
        found.blame(role, bad, "no number")
        read[role] = figures.alias(role)
    read["close"], said = conventions.without_minus(found.table, found.roles, read["close"])
    if said:
        found.notes.append(said)
    # Of an index often nothing but the close is told, and nothing is traded.
    for role in words.PRICES:
        read.setdefault(role, read["close"].alias(role))
    read.setdefault("volume", pl.repeat(0.0, read["close"].len(), eager=True).alias("volume"))
    return [*_dollars(found, read), _counted(found, read["volume"])]


def _dollars(found: Reading, read: Mapping[str, pl.Series]) -> list[pl.Series]:
    """Return the prices, billionths of a dollar brought to dollars."""
    prices = [read[role] for role in words.PRICES]
    keys = {words.key(column) for column in found.table.columns}
    middle = prices[3].median()
    if {"rtype", "instrumentid"} & keys and isinstance(middle, float) and middle > 1e7:
        found.notes.append("Prices are written in billionths of a dollar; they were converted.")
        # Nine digits are all there are: rounding takes back what the division adds.
        return [(price / _FIXED_POINT).round(9) for price in prices]
    return prices


def _counted(found: Reading, volume: pl.Series) -> pl.Series:
    """Return the volume in whole shares; what no file can count becomes null."""
    beyond = (volume.abs() > _MOST).fill_null(value=False)
    if "volume" in found.roles:
        found.blame("volume", beyond, "too large for a count of shares")
    kept = pl.DataFrame({"volume": volume, "beyond": beyond})
    return kept.select(
        pl.when(~pl.col("beyond")).then(pl.col("volume").round()).cast(pl.Int64).alias("volume")
    ).to_series()


def extras(found: Reading, close: pl.Series) -> list[pl.Series]:
    """Return adjusted close, split ratio and dividend where the file has them.

    CRSP and Compustat tell the adjusted close by what the raw one is to be divided by.
    """
    told = []
    divisor = found.column("price_divisor")
    if divisor is not None and "adjusted_close" not in found.roles:
        style = numbers.style_of([divisor], separator=found.table.separator)
        by = numbers.numbers(divisor, style)[0]
        told.append((close / by.set(by <= 0, None)).alias("adjusted_close"))
    for role in _EXTRAS:
        column = found.column(role)
        if column is None or found.roles[role] == found.roles.get("close"):
            continue
        style = numbers.style_of([column], separator=found.table.separator)
        told.append(numbers.numbers(column, style)[0].alias(role))
    return told
