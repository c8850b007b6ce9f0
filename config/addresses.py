"""Ports and addresses as a person may write them, and what a wrong one is told."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

_ENDPOINT = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _as_endpoint(text: str) -> str:
    """Return `host:port` as it is; anything more (a scheme, a path, a user) is refused."""
    if text and not _ENDPOINT.fullmatch(text):
        raise ValueError(
            "host:port alone, like 127.0.0.1:9000, without http://, user or path; "
            "lake.secure = true means https"
        )
    return text


def _as_bucket(text: str) -> str:
    if text and not _BUCKET.fullmatch(text):
        raise ValueError("3 to 63 lower-case letters, digits, dots and hyphens")
    return text


def _as_dsn(text: str) -> str:
    wanted = ValueError("an address like postgresql://user:password@host:5432/desk")
    try:
        parts = urlsplit(text)
        complete = parts.scheme in {"postgresql", "postgres"} and len(parts.path) > 1
        _ = parts.port  # raises when it is no number
    except ValueError:
        raise wanted from None
    if text and not complete:
        raise wanted
    return text


Port = Annotated[int, Field(ge=1, le=65535)]
Endpoint = Annotated[str, AfterValidator(_as_endpoint)]
Bucket = Annotated[str, AfterValidator(_as_bucket)]
Dsn = Annotated[str, AfterValidator(_as_dsn)]
