"""A symbol of which no price has cents, in a file of prices that do: counted in cents, likely."""

from typing import Final

import polars as pl

from quality.rules.bar import PRICES
from quality.rules.model import Rule, Severity
from quality.rules.words import price

_LEAST_ROWS: Final = 20
_WHOLE: Final = 0.99  # of a symbol's prices
_BROKEN: Final = 0.5  # of the others' at most so many are whole
_LEAST_OTHERS: Final = 2
_MOSTLY: Final = 0.75  # of the other symbols
# Shares below five dollars in cents are priced as others are in dollars; those that truly have no
# cents trade at a hundred thousand dollars, or a few hundred a day.
_LEAST_PRICE: Final = 500.0
_MOST_PRICE: Final = 100_000.0
_LEAST_VOLUME: Final = 5_000.0

WHOLE: Final = Rule(
    name="prices_have_cents",
    severity=Severity.WARNING,
    meaning="No symbol has whole prices only where the others of its file have cents.",
    reason="Asked of a daily file with two other symbols and more: of twenty rows or more none has "
    "cents, so the symbol is likely counted in cents throughout. Nothing in it jumps.",
    fails=pl.lit(value=True),
    sentence=lambda row: (
        f"None of the {row['rows']:,} rows of {row['symbol']} has a price with cents, and those of "
        f"the other symbols do; its middle close is {price(row['close'])}. It looks counted in "
        "cents from end to end."
    ),
    figures=("rows", "close"),
)


def without_cents(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the symbols that have no cents where others do, with their first session.

    Columns: symbol, session, rows, close (the middle one).
    """
    prices = [
        pl.col(name).cast(pl.Float64, strict=False) for name in PRICES if name in bars.columns
    ]
    whole = pl.mean_horizontal((one == one.round(0)).cast(pl.Float64) for one in prices)
    symbols = (
        bars.lazy()
        .group_by("symbol")
        .agg(
            pl.col("session").min(),
            pl.len().alias("rows"),
            whole.mean().alias("whole"),
            pl.col("close").cast(pl.Float64, strict=False).median(),
            pl.col("volume").cast(pl.Float64, strict=False).median(),
        )
        .sort("symbol")
        .collect()
    )
    told = symbols.filter(pl.col("rows") >= _LEAST_ROWS)
    broken = told.filter(pl.col("whole") <= _BROKEN).height
    if broken < max(_LEAST_OTHERS, _MOSTLY * (told.height - 1)):
        return told.clear()
    return told.filter(
        pl.col("whole") >= _WHOLE,
        pl.col("close").is_between(_LEAST_PRICE, _MOST_PRICE),
        pl.col("volume") >= _LEAST_VOLUME,
    )
