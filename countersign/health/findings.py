"""One thing that was looked at."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it."""

    subject: str
    state: State
    found: str
    advice: str = ""


def ok(subject: str, found: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(subject, "ok", found)


def note(subject: str, found: str, advice: str = "") -> Finding:
    """Return a finding that a person may want to know."""
    return Finding(subject, "note", found, advice)


def wrong(subject: str, found: str, advice: str = "") -> Finding:
    """Return a finding that keeps the desk from working."""
    return Finding(subject, "wrong", found, advice)
