"""Reading what an HTTP request asks for."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from starlette.requests import Request

from venue.errors import Refusal, invalid
from venue.paper import PaperVenue
from venue.sessions import NEW_YORK

_DATE_LENGTH = len("2012-07-02")


def venue_of(request: Request) -> PaperVenue:
    """The venue this application serves."""
    venue: PaperVenue = request.app.state.venue
    return venue


async def body_of(request: Request) -> Any:
    """The request's JSON body; an empty body is an empty object."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        return json.loads(raw)
    except ValueError:
        raise Refusal(400, 40010000, "request body format is invalid") from None


async def object_of(request: Request) -> dict[str, Any]:
    """The request's JSON body, which must be an object."""
    body = await body_of(request)
    if not isinstance(body, dict):
        raise invalid("request body must be a JSON object")
    return body


def flag(params: Mapping[str, str], name: str) -> bool:
    """Whether a query parameter says yes."""
    return params.get(name, "").lower() in {"true", "1"}


def count(params: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    """A positive whole number of the query, at most `most`."""
    text = params.get(name)
    if text in {None, ""}:
        return default
    try:
        number = int(str(text))
    except ValueError:
        raise invalid(f"{name} must be a whole number, was {text!r}") from None
    if not 1 <= number <= most:
        raise invalid(f"{name} must be between 1 and {most}, was {number}")
    return number


def word(params: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """One of the `allowed` words; the first when the query has none."""
    value = params.get(name) or allowed[0]
    if value not in allowed:
        raise invalid(f"{name} must be one of {', '.join(allowed)}, was {value!r}")
    return value


def symbols(params: Mapping[str, str], *, name: str = "symbols") -> list[str]:
    """Symbols separated by commas, without repetition; none when the query has none."""
    given = (s.strip().upper() for s in params.get(name, "").split(","))
    return list(dict.fromkeys(s for s in given if s))


def day(params: Mapping[str, str], name: str) -> date | None:
    """A date of the query, in the form YYYY-MM-DD (a time after it is ignored)."""
    text = params.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise invalid(f"{name} must be a date YYYY-MM-DD, was {text!r}") from None


def instant(params: Mapping[str, str], name: str, *, end_of_day: bool = False) -> datetime | None:
    """An instant of the query: RFC 3339, a date, or none.

    A date means its first moment in New York, or with `end_of_day` its last.
    """
    text = params.get(name)
    if not text:
        return None
    if len(text) == _DATE_LENGTH:
        begins = datetime.combine(day(params, name) or date.min, time.min, NEW_YORK)
        length = timedelta(days=1, microseconds=-1) if end_of_day else timedelta(0)
        return (begins + length).astimezone(UTC)
    try:
        # A plus sign that was not encoded arrives as a space.
        parsed = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise invalid(f"{name} must be a time in RFC 3339 form, was {text!r}") from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
