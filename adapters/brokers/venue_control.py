"""The controls of the embedded venue: its replay clock, holds and demonstrations."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import httpx

from trading.errors import AskError, BrokerUnavailableError

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)


class VenueRefusedError(AskError):
    """The venue understood the request and said no; the message is its own."""


@dataclass(frozen=True)
class ReplayStatus:
    """How the replay stands."""

    state: str  # running | paused | held | ended
    hold_reason: str | None
    now: datetime  # market time, UTC
    session: date  # current or latest session
    is_open: bool
    next_open: datetime | None
    next_close: datetime | None
    pace: Decimal  # market minutes per second
    first_session: date
    last_session: date
    sessions_done: int


class VenueControl:
    """What the desk may ask of the replay. The venue keeps no secrets from its broker clients.

    Parameters
    ----------
    url : str
        Address of the venue, without a path.
    key_id, secret_key : str
        The keys its trading API takes.
    """

    def __init__(self, url: str, *, key_id: str, secret_key: str) -> None:
        self._client = httpx.Client(
            base_url=url,
            timeout=_TIMEOUT,
            trust_env=False,  # a proxy of the machine is no way to the desk's own venue
            headers={"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret_key},
        )

    def status(self) -> ReplayStatus:
        """Return how the replay stands."""
        told = self._ask("GET", "/venue/status")
        hold = told["hold"]
        return ReplayStatus(
            state=told["state"],
            hold_reason=hold["reason"] if hold else None,
            now=_instant(told["now"]),
            session=date.fromisoformat(told["session"]),
            is_open=told["is_open"],
            next_open=_instant_or_none(told["next_open"]),
            next_close=_instant_or_none(told["next_close"]),
            pace=Decimal(str(told["pace"])),
            first_session=date.fromisoformat(told["first_session"]),
            last_session=date.fromisoformat(told["last_session"]),
            sessions_done=int(told["sessions_done"]),
        )

    def run(self) -> None:
        """Let the replay run, over a hold if it stands at one."""
        self._ask("POST", "/venue/run")

    def pause(self) -> None:
        """Stop the replay."""
        self._ask("POST", "/venue/pause")

    def step(self, minutes: int) -> None:
        """Move the replay by some market minutes."""
        self._ask("POST", "/venue/step", {"minutes": minutes})

    def jump(self, to: str) -> None:
        """Move the replay to `next_open`, `before_close`, `close` or a date's close."""
        self._ask("POST", "/venue/jump", {"to": to})

    def pace(self, minutes_per_second: Decimal) -> None:
        """Set how many market minutes pass in a second."""
        self._ask("POST", "/venue/pace", {"minutes_per_second": float(minutes_per_second)})

    def hold(self, name: str, *, reason: str) -> None:
        """Ask the replay to wait before the close."""
        self._ask("PUT", f"/venue/holds/{name}", {"at": "before_close", "reason": reason})

    def release(self, name: str) -> None:
        """Withdraw a hold; one that is not there is no error."""
        self._ask("DELETE", f"/venue/holds/{name}")

    def session_done(self, session: date) -> None:
        """Say that the daily run of `session` is done, so that the replay may go on."""
        self._ask("POST", f"/venue/sessions/{session.isoformat()}/done")

    def plant(self, event: dict[str, object]) -> None:
        """Plant a demonstration event."""
        self._ask("POST", "/venue/events", event)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        try:
            reply = self._client.request(method, path, json=body)
        except httpx.HTTPError as e:
            raise BrokerUnavailableError(
                f"The venue at {self._client.base_url} did not answer {method} {path}: {e}."
            ) from e
        if reply.status_code == httpx.codes.NOT_FOUND and method == "DELETE":
            return None
        if reply.is_server_error:
            raise BrokerUnavailableError(f"The venue answered {reply.status_code} to {path}.")
        if reply.is_error:
            raise VenueRefusedError(f"The venue refused {method} {path}: {_said(reply)}")
        return reply.json() if reply.content else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _said(reply: httpx.Response) -> str:
    """Return the message of an error body, or the body when it has none."""
    try:
        return str(reply.json()["message"])
    except (ValueError, KeyError, TypeError):
        return reply.text
