"""The sentences that findings speak in."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

Row = Mapping[str, Any]


def price(value: float | None) -> str:
    """Return a price as a card shows it: 592.52."""
    if value is None or not math.isfinite(value):
        return "nothing"
    return f"{value:,.4f}" if 0 < abs(value) < 1 else f"{value:,.2f}"


def percent(fraction: float) -> str:
    """Return an unsigned percentage: 89.9 %."""
    size = abs(fraction) * 100
    return f"{size:,.0f} %" if size >= 1_000 else f"{size:.1f} %"


def day(value: date) -> str:
    """Return a session as a card shows it: Tue 3 Jul."""
    return f"{value:%a} {value.day} {value:%b}"


def shares(value: float | None) -> str:
    """Return a volume in shares."""
    return "nothing" if value is None else f"{value:,.0f} shares"


def ratio(factor: float) -> str:
    """Return a factor in words: 2-for-1, or 1-for-10 for less than one."""
    return f"{factor:g}-for-1" if factor >= 1 else f"1-for-{1 / factor:g}"


def ago(row: Row) -> str:
    """Return how a reference close is dated: the session before, or its day."""
    apart = row["step_no"] - row["reference_no"]
    if abs(apart) <= 1:
        return "the session after" if apart < 0 else "the session before"
    reference = row["reference_session"]
    year = "" if reference.year == row["session"].year else f" {reference.year}"
    return f"on {day(reference)}{year}, the {'first' if apart < 0 else 'last'} trusted close"


def arrival(row: Row) -> str:
    """Return the sentence that states a close beside its reference."""
    change = row["close"] / row["reference"] - 1
    if change == 0:
        beside = "unchanged from"
    else:
        beside = f"{percent(change)} {'below' if change < 0 else 'above'}"
    return (
        f"The close of {day(row['session'])} arrived as {price(row['close'])}, {beside} "
        f"{price(row['reference'])} {ago(row)}."
    )


def market(row: Row) -> str:
    """Return what the index did meanwhile."""
    move = row["index_move"]
    if move is None:
        return "The index of that session is not known."
    change = math.expm1(move)
    verb = "rose" if change >= 0 else "fell"
    return f"The index {verb} {percent(change)}."


def no_split(row: Row) -> str:
    """Return whether a split is on file, and what the index did."""
    index = market(row)
    on_file = "No split is on file"
    if abs(row["split"] or 0) > 1e-9:
        on_file = f"A split of {ratio(math.exp(row['split']))} is on file and does not explain it"
    joined = index[0].lower() + index[1:] if row["index_move"] is not None else ""
    return f"{on_file} and {joined}" if joined else f"{on_file}. {index}"


def turnover(row: Row) -> str:
    """Return how the volume compares with its typical value."""
    return f"Volume was {row['volume_ratio']:.1f} times its usual."


def unit(row: Row) -> str:
    """Return what a price at fault by a power of ten looks like."""
    factor = row["factor"]
    power = round(factor if factor >= 1 else 1 / factor)
    words = {10: "factor-of-ten", 100: "factor-of-a-hundred", 1_000: "factor-of-a-thousand"}
    return f"It looks like a {words.get(power, f'factor-of-{power:,}')} error."
