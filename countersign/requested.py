"""Waiting for what the desk makes of a request."""

import time

import sqlalchemy as sa

from ledger import requests

_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.3


def waited_for(engine: sa.Engine, asked: requests.Request) -> requests.Request:
    """Return the request as it is once it was carried out or refused, or after half a minute."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while asked.state in {"waiting", "running"} and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        with engine.connect() as conn:
            asked = requests.by_id(conn, asked.request_id) or asked
    return asked
