"""From a file's table to daily or minute bars in the desk's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from adapters.market_data.calendar import NEW_YORK
from adapters.market_data.files import columns, conventions, figures, numbers, stamps, words, zones
from adapters.market_data.files.delivery import (
    FILE_COLUMNS,
    LINE,
    Delivery,
    FileKind,
    FileOptions,
    UnreadableFileError,
)
from adapters.market_data.files.reading import Reading
from adapters.market_data.files.stamps import MIDNIGHT, Stamps
from adapters.market_data.files.text import Table

_EVENING: Final = 22  # o'clock in Greenwich, from which midnight is less than this far
_TO_MIDNIGHT: Final = "2h"


def read(table: Table, *, kind: FileKind, options: FileOptions, name: str) -> Delivery:
    """Return the bars in a table.

    Raises
    ------
    UnreadableFileError
        If a column is missing, or the rows are bars of another kind.
    """
    table = conventions.with_whole_dates(table)
    found = Reading(table, kind, name, options, notes=list(table.notes))
    _choose(found)
    when, session = _times(found)
    frame = pl.DataFrame({"symbol": symbols(found)}).with_columns(session, *when)
    frame = frame.with_columns(figures.values(found))
    frame = frame.with_columns(figures.extras(found, frame["close"]))
    frame = frame.with_columns(table.frame[LINE], found.problem())
    ours = FILE_COLUMNS[kind]
    frame = frame.select(
        *(pl.col(column).cast(dtype) for column, dtype in ours.items()),
        *(c for c in frame.columns if c not in ours),
    )
    return Delivery(kind, frame, _adjusted(found), _told(found), tuple(found.notes))


def _choose(found: Reading) -> None:
    """Settle which column plays which part; say so when one is missing."""
    table = found.table
    mapped = columns.declared(table, found.options, kind=found.kind, name=found.name)
    if not table.has_names:
        found.roles = columns.without_names(table, mapped)
        said = ", ".join(f"{column} as {role}" for role, column in found.roles.items())
        if said:
            found.notes.append(f"The file names no columns; by what is in them: {said}.")
        _require(found)
        return
    candidates = words.recognise(table.columns, kind=found.kind, declared=mapped)
    found.roles = {role: names[0] for role, names in candidates.items()}
    _settle_prices(found)
    _settle_stamps(found, candidates)
    _settle_symbol(found)
    _require(found)


def _settle_prices(found: Reading) -> None:
    """Take raw prices where the file has them beside adjusted ones, else the adjusted."""
    roles = found.roles
    if all(f"adjusted_{p}" in roles for p in words.PRICES):
        if all(p in roles for p in words.PRICES):
            found.notes.append("The file has raw and adjusted prices; the raw ones were read.")
        else:
            for part in (*words.PRICES, "volume"):
                if f"adjusted_{part}" in roles:
                    roles[part] = roles[f"adjusted_{part}"]
            found.notes.append("The file has adjusted prices only; those were read.")
    if "close" not in roles and "adjusted_close" in roles:
        roles["close"] = roles.pop("adjusted_close")
        found.notes.append(f"The only close is {roles['close']}; it was read.")
    if "tick_volume" in roles:
        volume = found.column("volume")
        if volume is None or not (volume.cast(pl.Float64, strict=False).fill_null(0) > 0).any():
            roles["volume"] = roles["tick_volume"]
            found.notes.append("The file counts price changes, not shares; they stand as volume.")


def _settle_stamps(found: Reading, candidates: Mapping[str, Sequence[str]]) -> None:
    """Settle which columns tell date and time."""
    roles = found.roles
    dated = [c for c in candidates.get("stamp", ()) if columns.are_dates(found.table.frame[c])]
    if dated:
        roles["stamp"] = dated[0]
    if "stamp" not in roles and "time" in roles:
        roles["stamp"] = roles.pop("time")
    if "stamp" not in roles:
        unnamed = columns.dates_without_name(found.table, list(roles.values()))
        if unnamed is not None:
            roles["stamp"] = unnamed
    declared = any(words.role_of(ours) == "stamp" for ours in found.options.columns)
    if found.kind == "minute" and not declared:
        _settle_hours(found, dated)


def _settle_symbol(found: Reading) -> None:
    """Take what tells rows of one time apart as the symbol, where no column is called so."""
    if "symbol" in found.roles or found.options.symbol:
        return
    stamped = [found.roles[role] for role in ("stamp", "time") if role in found.roles]
    unnamed = columns.symbols_without_name(found.table, list(found.roles.values()), stamped=stamped)
    if unnamed is not None:
        found.roles["symbol"] = unnamed
        found.notes.append(f"No column is called a symbol; {unnamed} was read as that.")


def _settle_hours(found: Reading, candidates: Sequence[str]) -> None:
    """Take the column that tells the hour as the stamp, and a day beside it as the session."""
    for column in candidates:
        if stamps.stamps(found.table.frame[column].head(1_000)).has_times():
            found.roles["stamp"] = column
            found.roles.pop("time", None)
            break
    others = [c for c in candidates if c != found.roles.get("stamp")]
    days = [c for c in others if words.key(c) in {"session", "sessiondate", "tradingday"}]
    if days:
        found.roles["session"] = days[0]


def _require(found: Reading) -> None:
    """Raise for what no bar can do without; say what the file looks like instead."""
    wanted = ("stamp", "close") if found.kind == "index" else ("stamp", *figures.VALUES)
    needed = [role for role in wanted if role not in found.roles]
    if not needed:
        return
    have = words.named(found.table.columns)
    if not found.table.has_names:
        have = f"{have}, which nothing names (the file has no heading)"
    called = ["session" if role == "stamp" else role for role in needed]
    other = _other_kind(found)
    raise UnreadableFileError(
        f"{found.name} has no column for {', '.join(called)}. Found: {have}. "
        + (other or f"Name each by --map, as in --map {called[0]}=THEIRS.")
    )


def _other_kind(found: Reading) -> str:
    keys = {words.key(column) for column in found.table.columns}
    if keys & set(words.ROLES["options"]["strike"]):
        return "It looks like option quotes: use --kind options."
    events = {"exdate", "exdividenddate", "executiondate", "splitratio", "stocksplits", "dividends",
              "dividend", "splitfrom", "amount", "ratio", "action"}  # fmt: skip
    if keys & events:
        return "It looks like corporate actions: use --kind corporate-actions."
    return ""


def symbols(found: Reading) -> pl.Series:
    """Return each row's symbol: its column's, the person's, or the one in the file's name."""
    column = found.column("symbol")
    if column is not None:
        if numbers.is_text(column):
            text = numbers.text(column).str.strip_chars('"')
            named = pl.DataFrame({"symbol": text}).select(
                pl.when(pl.col("symbol") != "").then("symbol")
            )["symbol"]
        else:
            named = column.cast(pl.String)
        found.blame("symbol", named.is_null(), "missing")
        return _large(found, named).alias("symbol")
    symbol = found.options.symbol or found.table.symbol or columns.symbol_of(found.name)
    if symbol is None:
        raise UnreadableFileError(
            f"{found.name} has no column for the symbol, and its name tells none. Found: "
            f"{words.named(found.table.columns)}. Say --symbol, or --map symbol=THEIRS."
        )
    if not found.options.symbol:
        found.notes.append(f"The rows name no symbol; all were read as {symbol}.")
    return pl.repeat(symbol, found.table.frame.height, dtype=pl.String, eager=True).alias("symbol")


def _large(found: Reading, named: pl.Series) -> pl.Series:
    """Return symbols of a file that has no capital as the exchange writes them."""
    if named.str.contains("[A-Z]").any() or not named.str.contains("[a-z]").any():
        return named
    found.notes.append("The symbols are written small; they were read as capitals.")
    return named.str.to_uppercase()


def _times(found: Reading) -> tuple[list[pl.Series], pl.Series]:
    """Return the column bar_start, for minutes, and the session."""
    column = found.column("stamp")
    assert column is not None
    at = stamps.stamps(column)
    found.blame("stamp", at.bad, "no date")
    found.blame("stamp", at.written.is_null() & ~at.bad, "missing")
    found.notes.extend(at.notes)
    if at.written.null_count() == at.written.len():
        raise UnreadableFileError(
            f"{found.name}: nothing in its column {found.roles['stamp']} is a date; it begins with "
            f"{column.drop_nulls().head(1).to_list()}. Map another by --map session=THEIRS."
        )
    if found.kind == "minute":
        return _minutes(found, at)
    _refuse_intraday(found, at)
    session = _sessions(at).alias("session")
    _refuse_longer(found, session)
    return [], session


def _sessions(at: Stamps) -> pl.Series:
    """Return the day each daily bar is of."""
    if at.offset.null_count() == at.offset.len():
        return at.written.dt.date()
    instant = at.instant.drop_nulls()
    # Daily bars are stamped at midnight, in Greenwich or at home; else at the open or the close.
    if numbers.share(instant.dt.time() == MIDNIGHT) >= 0.5:
        days = at.instant.dt.date()
    elif numbers.share(at.written.dt.time() == MIDNIGHT) >= 0.5:
        days = at.written.dt.date()
    else:
        here = at.instant.dt.convert_time_zone(NEW_YORK.key).dt.date()
        # Midnight in Europe or further east, told in Greenwich's hours, is of the day that begins:
        # then Mondays look like Sundays.
        begins = at.instant.dt.offset_by(_TO_MIDNIGHT).dt.date()
        late = numbers.share(instant.dt.hour() >= _EVENING) >= 0.5
        days = begins if late and _weekends(begins) < _weekends(here) else here
    return days.zip_with(days.is_not_null(), at.written.dt.date())


def _weekends(days: pl.Series) -> int:
    return int((days.dt.weekday() > 5).sum())


def _refuse_intraday(found: Reading, at: Stamps) -> None:
    """Raise when daily bars are asked for and most days have many times."""
    clock = found.column("time")
    if not at.has_times() and clock is None:
        return
    symbol = found.column("symbol")
    frame = pl.DataFrame({"at": at.written, "time": clock if clock is not None else at.written})
    if symbol is not None:
        frame = frame.with_columns(symbol=symbol.cast(pl.String))
    keys = [pl.col("at").dt.date().alias("day"), *(["symbol"] if symbol is not None else [])]
    days = frame.group_by(keys).agg(pl.col("at").n_unique(), pl.col("time").n_unique())
    per_day = days.select(pl.max_horizontal("at", "time").median()).item()
    if per_day is not None and per_day > 3:
        raise UnreadableFileError(
            f"{found.name} holds about {per_day:,.0f} bars for each symbol and day, not daily "
            "bars: use --kind minute."
        )


def _refuse_longer(found: Reading, session: pl.Series) -> None:
    """Raise when the bars of nearly every symbol are a week or more apart."""
    symbol = found.column("symbol")
    frame = pl.DataFrame({"day": session})
    text = pl.lit("") if symbol is None else symbol.cast(pl.String)
    apart = (
        frame.with_columns(text.alias("symbol"))
        .drop_nulls()
        .unique()
        .sort("symbol", "day")
        .with_columns(pl.col("day").diff().dt.total_days().over("symbol").alias("days"))["days"]
        .drop_nulls()
    )
    usual = apart.median()
    if apart.len() >= 20 and isinstance(usual, float) and numbers.share(apart >= 6) > 0.9:
        length = "weekly" if usual < 15 else "monthly or longer"
        raise UnreadableFileError(
            f"{found.name} holds {length} bars (usually {usual:g} days apart), not daily ones."
        )


def _minutes(found: Reading, at: Stamps) -> tuple[list[pl.Series], pl.Series]:
    """Return bar_start (UTC) and the session of minute bars."""
    at = _with_clock(found, at)
    if not at.has_times():
        raise UnreadableFileError(
            f"{found.name} tells no time of day in {found.roles['stamp']}: its bars look like "
            "daily ones: use --kind daily, or --map time=THEIRS."
        )
    start = at.instant
    naive = at.offset.is_null() & at.written.is_not_null()
    if naive.any():
        zone = found.options.timezone
        if zone is None:
            zone, note = zones.likeliest(at.written.filter(naive))
            found.notes.append(note)
        start = start.zip_with(~naive, _placed(at.written, zone, found.name))
        gone = start.is_null() & naive
        found.blame("stamp", gone, f"no time on the clock of {zone}")
    start = start.alias("bar_start")
    symbol = found.column("symbol")
    text = symbol.cast(pl.String) if symbol is not None else pl.repeat("", start.len(), eager=True)
    _require_minutes(found, start, text)
    if zones.mark_ends(start, text):
        start = (start - timedelta(minutes=1)).alias("bar_start")
        found.notes.append(
            "The stamps mark the end of each minute (16:00 is there, 09:30 is not); bars were "
            "moved to the start of theirs."
        )
    session = start.dt.convert_time_zone(NEW_YORK.key).dt.date()
    own = found.column("session")
    if own is not None:
        told = stamps.stamps(own)
        found.blame("session", told.bad, "no date")
        session = told.written.dt.date().zip_with(told.written.is_not_null(), session)
    return [start], session.alias("session")


def _with_clock(found: Reading, at: Stamps) -> Stamps:
    """Return stamps with the time of a column of its own put to the date."""
    clock = found.column("time")
    if clock is None or at.has_times():
        return at
    of_day, bad = stamps.times(clock)
    found.blame("time", bad, "no time of day")
    day = at.written.dt.truncate("1d")
    return Stamps(day + of_day, pl.repeat(None, day.len(), dtype=pl.Int64, eager=True), at.bad)


def _placed(written: pl.Series, zone: str, name: str) -> pl.Series:
    try:
        return stamps.zone_offset(written, zone)
    except pl.exceptions.PolarsError as e:
        raise UnreadableFileError(
            f"{zone!r} is no time zone to read {name} in. Name one like America/New_York or UTC."
        ) from e


def _require_minutes(found: Reading, start: pl.Series, symbol: pl.Series) -> None:
    """Raise when most bars are longer or shorter than a minute."""
    head = pl.DataFrame({"at": start, "symbol": symbol}).head(200_000).sort("symbol", "at")
    step = head.select(pl.col("at").diff().dt.total_seconds().over("symbol").alias("step")).filter(
        pl.col("step") > 0
    )["step"]
    if step.len() < 10:
        return
    usual = step.mode().min()
    often = numbers.share(step == usual)
    if usual != 60 and often > 0.6 and isinstance(usual, int):
        said = f"{usual // 60}-minute" if usual % 60 == 0 else f"{usual}-second"
        raise UnreadableFileError(
            f"{found.name} holds {said} bars; --kind minute needs bars of one minute."
        )


def _adjusted(found: Reading) -> bool:
    """Whether the prices read are adjusted for splits, as far as names tell."""
    if found.options.adjusted is not None:
        return found.options.adjusted
    name = found.name.lower()
    adjusted_only = found.roles.get("open") == found.roles.get("adjusted_open", "")
    says = "adj" in name and "unadj" not in name and "adjusted_close" not in found.roles
    if "unadjusted_close" in found.roles or adjusted_only or says:
        if says and not adjusted_only:
            found.notes.append("The file's name says that prices are adjusted for splits.")
        return True
    return False


def _told(found: Reading) -> dict[str, str]:
    """Return the mapping in the desk's words for the two columns of time."""
    stamp = "bar_start" if found.kind == "minute" else "session"
    return {(stamp if role == "stamp" else role): column for role, column in found.roles.items()}
