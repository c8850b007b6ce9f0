"""Refusals in Alpaca's words: a status, a code, a message."""

from typing import Any


class Refusal(Exception):  # noqa: N818  it is an answer, not a fault of the venue
    """What the venue answers instead of doing what was asked."""

    def __init__(self, status: int, code: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message, **details}


def invalid(message: str) -> Refusal:
    """The request cannot be understood or is not allowed in this form."""
    return Refusal(422, 40010001, message)


def unprocessable(message: str) -> Refusal:
    """The request is well formed, but the state of things forbids it."""
    return Refusal(422, 42210000, message)


def forbidden(message: str, **details: Any) -> Refusal:
    """The account may not do this."""
    return Refusal(403, 40310000, message, **details)


def missing(message: str) -> Refusal:
    """There is no such thing."""
    return Refusal(404, 40410000, message)
