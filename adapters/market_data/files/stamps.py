"""Dates and times as people and vendors write them, and the instants they mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any, Final, Literal

import polars as pl

from adapters.market_data.files import numbers

Order = Literal["day first", "month first", "year first"]

MIDNIGHT: Final = time(0)
_NAIVE: Final = pl.Datetime("us")
_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "oct": 10, "nov": 11, "dec": 12, "mai": 5, "okt": 10, "dez": 12,
}  # fmt: skip
# Seconds east of Greenwich, or the zone whose clock it is.
_OFFSETS: Final = {
    "Z": 0, "UTC": 0, "GMT": 0, "EST": -18_000, "EDT": -14_400, "CST": -21_600, "CDT": -18_000,
    "MST": -25_200, "MDT": -21_600, "PST": -28_800, "PDT": -25_200,
}  # fmt: skip

_TIME: Final = (
    r"(?:[T ,_;]*(?P<hour>\d{1,2}):?(?P<minute>\d{2})"
    r"(?::?(?P<second>\d{2})(?:[.,:](?P<part>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_ZONE: Final = r"\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2}|[+-]\d{2}|[A-Z]{2,4})?(?:\[.*\])?$"
_DAY: Final = r"^(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_NAME: Final = r"(?P<name>[A-Za-z]{3})[a-z]*\.?"
_YEAR: Final = r"(?P<year>\d{4}|'?\d{2})"
_NTH: Final = r"(?P<a>\d{1,2})(?:st|nd|rd|th)?"
_FORMS: Final = {
    form: day + _TIME + _ZONE
    for form, day in {
        "year first": _DAY + r"(?P<year>\d{4})[-/.](?P<b>\d{1,2})[-/.](?P<a>\d{1,2})",
        "digits": r"^(?P<year>\d{4})(?P<b>\d{2})(?P<a>\d{2})",
        "figures": _DAY + r"(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2})[-/. ](?P<year>\d{4}|\d{2})",
        "day and name": _DAY + _NTH + r"[-/. ]?" + _NAME + r"[-/., ]*" + _YEAR,
        "name and day": _DAY + _NAME + r"[-/ ]+" + _NTH + r"[-/, ]+" + _YEAR,
    }.items()
}
_PARTS: Final = ("year", "a", "b", "name", "hour", "minute", "second", "part", "half", "zone")


@dataclass(frozen=True)
class Stamps:
    """What a column says about time, row by row.

    Attributes
    ----------
    written : column of naive datetimes
        As written; UTC for seconds since 1970.
    offset : column of int
        Seconds east of Greenwich, null where the stamp names no zone.
    bad : column of bool
        Rows that hold something that is no date.
    notes : tuple of str
        What was assumed.
    """

    written: pl.Series
    offset: pl.Series
    bad: pl.Series
    notes: tuple[str, ...] = ()

    @property
    def instant(self) -> pl.Series:
        """The instants (UTC), null where no zone is named."""
        frame = pl.DataFrame({"at": self.written, "offset": self.offset})
        return frame.select(
            (pl.col("at") - pl.duration(seconds="offset")).dt.replace_time_zone("UTC")
        ).to_series()

    def has_times(self) -> bool:
        """Whether most stamps tell a time of day."""
        at = self.written.drop_nulls()
        return at.len() > 0 and int((at.dt.time() != MIDNIGHT).sum()) > 0.5 * at.len()


def stamps(column: pl.Series) -> Stamps:
    """Return what a column of any type says about time."""
    if column.dtype == pl.Date:
        return _dates(column)
    if isinstance(column.dtype, pl.Datetime):
        return _datetimes(column)
    if numbers.is_text(column):
        return _strings(numbers.text(column))
    if column.dtype.is_numeric():
        return _figures(column)
    return _none(column)


def times(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return a column of times of day as durations since midnight, and which rows hold none."""
    if column.dtype == pl.Time:
        return column.cast(pl.Duration("us")), column.is_null()
    if isinstance(column.dtype, pl.Duration):
        return column.cast(pl.Duration("us")), column.is_null()
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.time().cast(pl.Duration("us")), column.is_null()
    words = numbers.text(column).str.replace(r"\.0$", "")
    unique = words.unique().drop_nulls()
    if unique.str.contains(r"^\d+$").all():
        clock = _clock_of_figures(unique.cast(pl.Int64, strict=False))
    else:
        clock = _clock_of_words(unique)
    found = _looked_up(words, pl.DataFrame({"word": unique, "clock": clock}))["clock"]
    return found, found.is_null()


def zone_offset(at: pl.Series, zone: str) -> pl.Series:
    """Return the instants (UTC) of naive stamps read on the clock of `zone`."""
    unique = at.unique().drop_nulls()
    placed = unique.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    frame = pl.DataFrame({"word": unique, "at": placed.dt.convert_time_zone("UTC")})
    return _looked_up(at, frame)["at"]


def _looked_up(words: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """Return the row of `table` for each of `words` (null for null)."""
    return (
        pl.DataFrame({"word": words})
        .join(table, on="word", how="left", maintain_order="left")
        .drop("word")
    )


def _dates(column: pl.Series) -> Stamps:
    return Stamps(column.cast(_NAIVE), _empty(column, pl.Int64), _all_false(column))


def _datetimes(column: pl.Series) -> Stamps:
    zone = getattr(column.dtype, "time_zone", None)
    if zone is None:
        return Stamps(column.cast(_NAIVE), _empty(column, pl.Int64), _all_false(column))
    written = column.dt.replace_time_zone(None).cast(_NAIVE)
    utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(_NAIVE)
    return Stamps(written, (written - utc).dt.total_seconds(), _all_false(column))


def _none(column: pl.Series) -> Stamps:
    bad = column.is_not_null()
    return Stamps(_empty(column, _NAIVE), _empty(column, pl.Int64), bad)


def _empty(column: pl.Series, dtype: Any) -> pl.Series:
    return pl.Series(values=[None], dtype=dtype).new_from_index(0, column.len())


def _all_false(column: pl.Series) -> pl.Series:
    return pl.repeat(value=False, n=column.len(), eager=True)


def _figures(column: pl.Series) -> Stamps:
    """Return stamps written as one figure: 20120702, seconds since 1970, days since 1900."""
    unique = column.unique().drop_nulls()
    table = _of_figures(unique).with_columns(unique.alias("word"))
    found = _looked_up(column, table)
    bad = found["written"].is_null() & column.is_not_null()
    return Stamps(found["written"], found["offset"], bad)


def _of_figures(values: pl.Series) -> pl.DataFrame:
    """Return `written` and `offset` of figures, each by its own size."""
    whole = values.cast(pl.Int64, strict=False)
    frame = pl.DataFrame({"n": whole, "x": values.cast(pl.Float64, strict=False)})
    n, digits = pl.col("n"), pl.col("n").cast(pl.String)
    calendar = pl.coalesce(
        pl.when(n.is_between(low, high)).then(digits.str.to_datetime(form, strict=False))
        for form, low, high in (
            ("%Y%m%d", 17_000_101, 22_001_231),
            ("%Y%m%d%H%M", 195_001_010_000, 210_012_312_359),
            ("%Y%m%d%H%M%S", 19_500_101_000_000, 21_001_231_235_959),
            ("%Y%m%d%H%M%S%3f", 19_500_101_000_000_000, 21_001_231_235_959_999),
        )
    ).dt.cast_time_unit("us")
    micros = (
        pl.when(n.is_between(100_000_000, 4_200_000_000)).then(n * 1_000_000)
        .when(n.is_between(100_000_000_000, 4_200_000_000_000)).then(n * 1_000)
        .when(n.is_between(100_000_000_000_000, 4_200_000_000_000_000)).then(n)
        .when(n >= 100_000_000_000_000_000).then(n // 1_000)
    )  # fmt: skip
    # Spreadsheets count days from the last day but one of 1899.
    serial = pl.when(pl.col("x").is_between(10_000, 80_000)).then(
        ((pl.col("x") - 25_569.0) * 86_400.0).round().cast(pl.Int64) * 1_000_000
    )
    short = pl.when(n.is_between(100_000, 991_231)).then(
        digits.str.to_datetime("%y%m%d", strict=False)
    )
    return frame.select(
        pl.coalesce(
            calendar, micros.cast(_NAIVE), serial.cast(_NAIVE), short.dt.cast_time_unit("us")
        ).alias("written"),
        pl.when(calendar.is_null() & micros.is_not_null())
        .then(pl.lit(0, dtype=pl.Int64))
        .alias("offset"),
    )


def _strings(words: pl.Series) -> Stamps:
    unique = words.unique().drop_nulls()
    unique = unique.filter(~numbers.is_no_value(unique))
    plain = unique.str.contains(r"^\d+(\.0+)?$")
    powers = unique.str.contains(r"^\d(\.\d+)?[eE]\+?\d+$")  # 1.3989024E+12, as Excel saves it
    figures = pl.concat([unique.filter(plain), unique.filter(powers)])
    plain = plain | powers
    tables = []
    if figures.len():
        whole = figures.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
        whole = whole.zip_with(whole.is_not_null(), _powers(figures))
        tables.append(_of_figures(whole).with_columns(figures.alias("word")))
    table, notes = _of_words(unique.filter(~plain))
    found = _looked_up(words, pl.concat([*tables, table], how="diagonal"))
    bad = found["written"].is_null() & ~numbers.is_no_value(words)
    return Stamps(found["written"], found["offset"], bad, notes)


def _powers(figures: pl.Series) -> pl.Series:
    return figures.cast(pl.Float64, strict=False).round().cast(pl.Int64, strict=False)


def _of_words(unique: pl.Series) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return `word`, `written`, `offset` of stamps with signs or names in them."""
    order, notes = _order(unique)
    left, read = unique, []
    for form, pattern in _FORMS.items():
        if left.is_empty():
            break
        parts = left.str.extract_groups(pattern).struct.unnest()
        missing = [pl.lit(None, dtype=pl.String).alias(p) for p in _PARTS if p not in parts.columns]
        parts = parts.with_columns(left.alias("word"), *missing)
        done = parts.filter(pl.col("year").is_not_null())
        if form == "figures":
            done = _ordered(done, order)
        read.append(_joined(done))
        left = parts.filter(pl.col("year").is_null())["word"]
    none = pl.DataFrame(schema={"word": pl.String, "written": _NAIVE, "offset": pl.Int64})
    return pl.concat([none, *read]), notes


def _order(unique: pl.Series) -> tuple[Order, tuple[str, ...]]:
    """Return whether 07/02/2012 is a day in July or in February, from the whole column."""
    parts = unique.str.extract_groups(_FORMS["figures"]).struct.unnest()
    if "year" not in parts.columns:
        return "month first", ()
    seen = parts.select(
        pl.col("a").cast(pl.Int64), pl.col("b").cast(pl.Int64), "year", word=unique
    ).filter(pl.col("year").is_not_null())
    if seen.is_empty():
        return "month first", ()
    if _year_leads(seen):
        return "year first", ()
    # What is no date in any order says nothing of the others.
    seen = seen.filter(pl.max_horizontal("a", "b") <= 31)
    if seen.is_empty():
        return "month first", ()
    days_first = seen.select((pl.col("a") > 12).sum()).item()
    months_first = seen.select((pl.col("b") > 12).sum()).item()
    if days_first != months_first:
        return ("day first" if days_first > months_first else "month first"), ()
    order = _likelier_order(seen)
    example = seen["word"][0]
    return order, (
        f"Dates like {example} were read with the {order.split()[0]} first: nothing in the file "
        "says which it is.",
    )


def _year_leads(seen: pl.DataFrame) -> bool:
    """Whether 99/07/02 and its like make more true dates with the year first than with it last."""
    day = pl.col("year").str.strip_chars("'").cast(pl.Int64)
    first = pl.col("b").is_between(1, 12) & day.is_between(1, 31)
    last = (pl.max_horizontal("a", "b") <= 31) & (pl.min_horizontal("a", "b") <= 12)
    leads, trails = seen.select(first.sum(), last.sum().alias("last")).row(0)
    return bool(seen["a"].max() > 31 and leads > trails)  # type: ignore[operator]  # whole numbers


def _likelier_order(seen: pl.DataFrame) -> Order:
    """Return the order that puts more dates on weekdays, then the one of the shorter span."""
    scores = []
    orders: tuple[Order, Order] = ("month first", "day first")
    for order in orders:
        at = _joined(
            _ordered(
                seen.select(
                    "word", "year", pl.col("a", "b").cast(pl.String),
                    *(pl.lit(None, dtype=pl.String).alias(p) for p in _PARTS[3:]),
                ),
                order,
            )
        )["written"].drop_nulls()  # fmt: skip
        days = at.dt.date()
        weekdays = numbers.share(days.dt.weekday() < 6)
        span = days.to_physical().sort().diff().sum() or 0
        scores.append((round(weekdays, 3), -span))
    dotted = "." in seen["word"][0] or "-" in seen["word"][0]
    if scores[0] == scores[1]:
        return "day first" if dotted else "month first"
    return "month first" if scores[0] > scores[1] else "day first"


def _ordered(parts: pl.DataFrame, order: Order) -> pl.DataFrame:
    """Return the parts with `a` as the day and `b` as the month."""
    if order == "month first":
        return parts.with_columns(pl.col("b").alias("a"), pl.col("a").alias("b"))
    if order == "year first":
        return parts.with_columns(pl.col("year").alias("a"), pl.col("a").alias("year"))
    return parts


def _joined(parts: pl.DataFrame) -> pl.DataFrame:
    """Return `word`, `written`, `offset` of the parts of stamps; null for no true date."""
    year = pl.col("year").str.strip_chars("'").cast(pl.Int64)
    year = pl.when(year >= 100).then(year).when(year < 70).then(year + 2000).otherwise(year + 1900)
    month = pl.coalesce(
        pl.col("b").cast(pl.Int64),
        pl.col("name").str.to_lowercase().replace_strict(
            _MONTHS, default=None, return_dtype=pl.Int64
        ),
    )  # fmt: skip
    hour = pl.col("hour").cast(pl.Int64).fill_null(0)
    is_late = pl.col("half").str.to_lowercase().str.starts_with("p")
    hour = pl.when(pl.col("half").is_null()).then(hour).otherwise(
        hour % 12 + pl.when(is_late).then(12).otherwise(0)
    )  # fmt: skip
    date = pl.format(
        "{}-{}-{}", year, month.cast(pl.String).str.zfill(2), pl.col("a").str.zfill(2)
    ).str.to_date("%Y-%m-%d", strict=False)
    minute, second = (pl.col(p).cast(pl.Int64).fill_null(0) for p in ("minute", "second"))
    part = pl.col("part").str.pad_end(9, "0").cast(pl.Int64).fill_null(0) // 1_000
    true = (hour <= 24) & (minute < 60) & (second < 60)
    clock = pl.duration(hours=hour, minutes=minute, seconds=second, microseconds=part)
    offset = _offset()
    return parts.select(
        "word",
        pl.when(true).then(date.cast(_NAIVE) + clock).alias("written"),
        offset.alias("offset"),
    )


def _offset() -> pl.Expr:
    """Return the seconds east of Greenwich that the column `zone` names."""
    zone = pl.col("zone").str.to_uppercase()
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    hours = zone.str.extract(r"^[+-](\d{2})").cast(pl.Int64)
    minutes = zone.str.extract(r"^[+-]\d{2}:?(\d{2})$").cast(pl.Int64).fill_null(0)
    named = zone.replace_strict(_OFFSETS, default=None, return_dtype=pl.Int64)
    return pl.coalesce(sign * (hours * 3600 + minutes * 60), named)


def _clock_of_figures(values: pl.Series) -> pl.Series:
    """Return times written as 930, 93000, or milliseconds since midnight."""
    largest = values.sort()[-1] if values.len() else 0
    frame = pl.DataFrame({"n": values})
    n = pl.col("n")
    if largest <= 2400:
        seconds, true = n // 100 * 3600 + n % 100 * 60, n % 100 < 60
    elif largest <= 240_000:
        seconds = n // 10_000 * 3600 + n // 100 % 100 * 60 + n % 100
        true = (n % 100 < 60) & (n // 100 % 100 < 60)
    else:
        seconds, true = n // 1000, n < 86_400_000
    return frame.select(pl.when(true).then(pl.duration(seconds=seconds))).to_series()


def _clock_of_words(unique: pl.Series) -> pl.Series:
    parts = unique.str.extract_groups(
        r"^(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,]\d+)?)?"
        r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?$"
    ).struct.unnest()
    hour, minute, second = (pl.col(name).cast(pl.Int64) for name in ("hour", "minute", "second"))
    is_late = pl.col("half").str.to_lowercase().str.starts_with("p")
    hour = pl.when(pl.col("half").is_null()).then(hour).otherwise(
        hour % 12 + pl.when(is_late).then(12).otherwise(0)
    )  # fmt: skip
    true = (hour <= 24) & (minute < 60)
    return parts.select(
        pl.when(true).then(pl.duration(hours=hour, minutes=minute, seconds=second.fill_null(0)))
    ).to_series()
