"""Numbers as people and vendors write them: 592.52, 592,52, 1'234, "$5.10", 12.3M, N/A."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

NO_VALUE: Final = (
    "", "-", "--", "—", "–", ".", "?", "*", "nan", "n/a", "na", "n.a.", "n.a", "nd", "nil", "null",
    "none", "\\n", "<na>", "nat", "missing", "void", "undefined", "#n/a", "#na", "#n/a n/a",
    "#value!",
)  # fmt: skip
_POWERS: Final = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_AROUND: Final = r"(?i)usd|eur|gbp|[\s\u00a0\u202f'’_$€£¥\"]"
_TEXTS: Final = (pl.String, pl.Categorical, pl.Enum, pl.Binary, pl.Object)


@dataclass(frozen=True)
class Style:
    """How a file writes its numbers."""

    decimal: str = "."

    @property
    def thousands(self) -> str:
        """What may stand between groups of three digits."""
        return "," if self.decimal == "." else "."


def share(flags: pl.Series) -> float:
    """Return the fraction of rows that hold; nulls do not, and of no rows none does."""
    return int(flags.sum()) / flags.len() if flags.len() else 0.0


def is_text(column: pl.Series) -> bool:
    """Whether a column holds words that numbers must be read from."""
    return isinstance(column.dtype, _TEXTS)


def text(column: pl.Series) -> pl.Series:
    """Return a column as stripped strings; the words for no value stay."""
    if column.dtype == pl.Binary:
        return column.cast(pl.String, strict=False).str.strip_chars()
    return column.cast(pl.String).str.strip_chars()


def is_no_value(words: pl.Series) -> pl.Series:
    """Whether each string says that there is no value."""
    return words.str.to_lowercase().is_in(NO_VALUE).fill_null(value=True)


def style_of(columns: Sequence[pl.Series], *, separator: str) -> Style:
    """Return how these columns of strings write their numbers.

    A comma is the decimal sign where it stands last, once and not before groups of three digits;
    where all have three digits behind it the file's separator decides.
    """
    samples = [column.drop_nulls().head(5_000) for column in columns if is_text(column)]
    if not samples:
        return Style()
    seen = pl.concat([text(sample) for sample in samples])
    with_comma = seen.filter(seen.str.contains(",", literal=True))
    if with_comma.is_empty():
        return Style()
    decimal = with_comma.str.contains(r"^[^,]*,\d{1,2}$|^[^,]*,\d{4,}$|\.\d{3}.*,").sum()
    thousands = with_comma.str.contains(r",\d{3},|,\d{3}\.|,\d{3}[KMBkmb]?$").sum()
    # A few commas among many points are faults of their rows, not the file's way of writing.
    if seen.str.contains(r"^[^,.]*\.(\d{1,2}|\d{4,})$").sum() > decimal:
        return Style()
    if decimal != thousands:
        return Style("," if decimal > thousands else ".")
    return Style("." if separator == "," else ",")


def numbers(column: pl.Series, style: Style) -> tuple[pl.Series, pl.Series]:
    """Return a column as floats, and which of its rows hold something that is no number.

    What says "no value" becomes null and is no fault.
    """
    if not is_text(column):
        try:
            values = column.cast(pl.Float64)
        except pl.exceptions.PolarsError:
            return _nothing(column), pl.repeat(value=True, n=column.len(), eager=True)
        return values.fill_nan(None), pl.repeat(value=False, n=column.len(), eager=True)
    words = text(column)
    if style.decimal == ".":
        values = words.cast(pl.Float64, strict=False)
        left = values.is_null() & words.is_not_null()
        if not left.any():
            return values.fill_nan(None), left
    else:
        values, left = _nothing(column), words.is_not_null()
    at = left.arg_true()
    odd = words.gather(at)
    read = _written(odd, style)
    bad = read.is_null() & ~is_no_value(odd)
    values = values.scatter(at, read)
    faulty = pl.repeat(value=False, n=column.len(), eager=True)
    return values.fill_nan(None), faulty.scatter(at, bad)


def _nothing(column: pl.Series) -> pl.Series:
    return pl.repeat(None, column.len(), dtype=pl.Float64, eager=True)


def _written(odd: pl.Series, style: Style) -> pl.Series:
    """Return strings with signs of thousands, currencies or powers as floats; null for others."""
    group = "," if style.thousands == "," else r"\."
    point = r"\." if style.decimal == "." else ","
    shape = rf"^[-+]?(\d{{1,3}}({group}\d{{3}})+|\d*)({point}\d*)?([eE][-+]?\d+)?[KMBTkmbt]?%?$"
    bare = odd.str.replace_all(_AROUND, "").str.replace_all("−", "-", literal=True)
    bare = bare.str.replace(r"^\((.*)\)$", "-$1")
    frame = pl.DataFrame({"bare": bare}).select(
        pl.when(pl.col("bare").str.contains(shape)).then("bare").alias("bare")
    )
    power = pl.col("bare").str.extract(r"([KMBTkmbt])%?$").str.to_uppercase()
    digits = pl.col("bare").str.strip_chars("KMBTkmbt%").str.replace_all(group, "")
    if style.decimal == ",":
        digits = digits.str.replace(",", ".", literal=True)
    return frame.select(
        digits.cast(pl.Float64, strict=False)
        * power.replace_strict(_POWERS, default=1.0, return_dtype=pl.Float64)
    ).to_series()
