"""One sequence of bytes for one content, so that a hash means what was shown."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

import rfc8785

# What a content may hold. Floats are refused: a figure is a Decimal, written as text.
Content: TypeAlias = (
    bool | int | str | Decimal | date | Sequence["Content"] | Mapping[str, "Content"] | None
)
_Json: TypeAlias = bool | int | str | float | list["_Json"] | dict[str, "_Json"] | None

_LARGEST_EXACT = 2**53 - 1  # RFC 8785 writes numbers as IEEE 754 doubles


def canonical_bytes(content: Mapping[str, Content]) -> bytes:
    """Return `content` as canonical JSON.

    Parameters
    ----------
    content : mapping
        Text, whole numbers, booleans, null, decimals, aware instants, dates, lists, objects.

    Returns
    -------
    bytes
        UTF-8 JSON after RFC 8785; decimals as plain text without exponent or trailing
        zeros, instants in UTC with ``Z``, dates as ISO text.

    Raises
    ------
    TypeError
        On a float or any other kind of value.
    ValueError
        On a decimal that is not finite, an instant without time zone, or a whole number
        that a double cannot hold.

    References
    ----------
    Rundgren, Jordan & Erdtman (2020), RFC 8785, "JSON Canonicalization Scheme".
    """
    return rfc8785.dumps(_plain(content, at="content"))


def content_hash(content: bytes) -> str:
    """Return the SHA-256 of canonical bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def decimal_text(value: Decimal) -> str:
    """Return a finite decimal as plain text: no exponent, no trailing zeros, no ``-0``.

    Raises
    ------
    ValueError
        If `value` is infinite or not a number.
    """
    if not value.is_finite():
        raise ValueError(f"A figure must be finite to be written down, was {value}.")
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def utc_text(instant: datetime) -> str:
    """Return an aware instant in UTC, ending in ``Z``, with microseconds only if it has any.

    Raises
    ------
    ValueError
        If `instant` has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"An instant needs a time zone, {instant.isoformat()} has none.")
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: object, *, at: str) -> _Json:
    plain: _Json
    match value:
        case None | bool() | str():
            plain = value
        case int():
            plain = _whole(value, at)
        case Decimal():
            plain = decimal_text(value)
        case datetime():
            plain = utc_text(value)
        case date():
            plain = value.isoformat()
        case Mapping():
            plain = {str(key): _plain(item, at=f"{at}.{key}") for key, item in value.items()}
        case list() | tuple():
            plain = [_plain(item, at=f"{at}[{n}]") for n, item in enumerate(value)]
        case _:
            raise TypeError(
                f"`{at}` is a {type(value).__name__}; only text, whole numbers, booleans, null, "
                "decimals, instants, dates, lists and objects can be signed. "
                "Make figures Decimals."
            )
    return plain


def _whole(value: int, at: str) -> int:
    if not -_LARGEST_EXACT <= value <= _LARGEST_EXACT:
        raise ValueError(f"`{at}` = {value} is beyond ±(2**53 − 1); write it as text.")
    return value


def figure(value: float, *, digits: int = 8) -> Decimal:
    """Return a float as a Decimal rounded to `digits` places, to go into a content.

    Raises
    ------
    ValueError
        If `value` is infinite or not a number.
    """
    if not math.isfinite(value):
        raise ValueError(f"A figure must be finite to be written down, was {value}.")
    return Decimal(repr(round(value, digits)))
