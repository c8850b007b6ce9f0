"""Ports and addresses as a person may write them, and what a wrong one is told."""

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

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


def _as_origin(text: str) -> str:
    """Return `https://host[:port]`; where others could listen in, http is refused."""
    parts = _web(text, "an address like https://desk.example.com, without path")
    if text and parts.path.strip("/"):
        raise ValueError("scheme, host and port alone, like https://desk.example.com")
    return text.rstrip("/")


def _as_provider(text: str) -> str:
    _web(text, "the https:// address of the provider, like https://accounts.google.com")
    return text.rstrip("/")


def _web(text: str, wanted: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no number
    except ValueError:
        raise ValueError(wanted) from None
    plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if text and not (parts.hostname and (plain or parts.scheme == "https")):
        raise ValueError(f"{wanted}; http:// only on this machine itself")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(wanted)
    return parts


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


Port = Annotated[int, Field(ge=1, le=65535)]
Endpoint = Annotated[str, AfterValidator(_as_endpoint)]
Bucket = Annotated[str, AfterValidator(_as_bucket)]
Dsn = Annotated[str, AfterValidator(_as_dsn)]
Origin = Annotated[str, AfterValidator(_as_origin)]
ProviderAddress = Annotated[str, AfterValidator(_as_provider)]
