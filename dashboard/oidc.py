"""Signing in with an organisation's OpenID provider: what Streamlit is told, who came back."""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from config.dashboard import DashboardSettings
from trading.errors import NotAllowedError

CALLBACK = "/oauth2callback"
"""Where the provider sends people back to; the path is Streamlit's."""

STREAMLIT_COOKIE = "_streamlit_user"
"""The first letters of every cookie in which Streamlit keeps the provider's answer."""

FRESH = timedelta(minutes=5)
_TICKET_LASTS = timedelta(minutes=1)
_LONGEST_NAME = 100
_TOLD = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Identity:
    """A person as the provider vouches for."""

    login: str
    display_name: str
    answer: str  # names this one sign-in at the provider


def for_streamlit(told: DashboardSettings) -> dict[str, Any]:
    """What ``st.login`` needs, handed over inside the process; empty for the other ways.

    Streamlit's own cookie serves for the moment between the provider's answer and the desk's
    cookie, so its secret is made anew at each start and written nowhere.
    """
    if told.sign_in != "oidc":
        return {}
    return {
        "auth": {
            "redirect_uri": told.origin + CALLBACK,
            "cookie_secret": secrets.token_urlsafe(32),
            "client_id": told.oidc_client_id,
            "client_secret": told.oidc_client_secret,
            "server_metadata_url": told.oidc_metadata,
        }
    }


def trouble(told: DashboardSettings) -> str:
    """Why the provider cannot be asked now, as a sentence; empty when it can."""
    address = told.oidc_metadata
    try:
        reply = httpx.get(address, timeout=5)
    except httpx.HTTPError as e:
        return (
            f"The provider does not answer at {address} ({e}). An operator looks at the network "
            "and at `dashboard.oidc_provider`."
        )
    try:
        lacks = [key for key in _TOLD if not reply.json().get(key)]
    except (ValueError, AttributeError):
        lacks = list(_TOLD)
    if reply.status_code != httpx.codes.OK or lacks:
        return (
            f"{address} does not describe an OpenID provider (HTTP {reply.status_code}, without "
            f"{', '.join(lacks) or 'a good status'}). An operator corrects "
            "`dashboard.oidc_provider`: the address that stands before /.well-known."
        )
    return ""


def identity(claims: Mapping[str, object], *, now: datetime) -> Identity:
    """Who the provider says has just signed in.

    The login is the e-mail address where the provider vouches for it, in small letters, so that
    one person does not become two who could sign for each other. Any other address may be chosen
    freely at many providers: then it is the provider's own number for the person.

    Raises
    ------
    NotAllowedError
        If the answer is not a fresh one.
    """
    age = now - _issued_at(claims)
    if abs(age) > FRESH:
        raise NotAllowedError(
            f"The provider's answer is dated {abs(age).total_seconds() / 60:.0f} minutes "
            f"{'ago' if age > timedelta(0) else 'ahead'}, and only a fresh one counts. Sign in "
            "again; if this stays, the clock of the desk's machine is wrong."
        )
    email, subject = str(claims.get("email") or "").strip(), str(claims["sub"])
    vouched = str(claims.get("email_verified")).lower() == "true"  # some providers send a text
    login = email.lower() if email and vouched else f"sub:{subject}"
    name = " ".join(str(claims.get("name") or login).split())[:_LONGEST_NAME]
    return Identity(login, name, answer=str(claims.get("nonce") or claims.get("iat")))


def _issued_at(claims: Mapping[str, object]) -> datetime:
    told = claims.get("iat")
    seconds = told if isinstance(told, int | float) else 0
    return datetime.fromtimestamp(seconds, tz=UTC)


class Tickets:
    """From a page to the `/enter` route: who came back, once for each answer of the provider.

    A page cannot set a cookie that scripts cannot read; a route can. An answer whose ticket was
    taken is worth nothing any more, so that whoever signs out stays signed out.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, str, datetime]] = {}
        self._spent: dict[str, datetime] = {}
        self._alone = threading.Lock()

    def give(self, person_id: str, *, answer: str, now: datetime) -> str | None:
        """A ticket for a person; None when this answer has let somebody in already."""
        with self._alone:
            self._forget(now)
            if answer in self._spent:
                return None
            ticket = secrets.token_urlsafe(32)
            self._waiting[ticket] = (person_id, answer, now)
            return ticket

    def take(self, ticket: str, *, now: datetime) -> str | None:
        """The person a ticket stands for; None when it is unknown, used or too old."""
        with self._alone:
            self._forget(now)
            found = self._waiting.pop(ticket, None)
            if found is None or found[1] in self._spent:
                return None
            self._spent[found[1]] = now
            return found[0]

    def _forget(self, now: datetime) -> None:
        self._waiting = {
            ticket: told for ticket, told in self._waiting.items() if now - told[2] <= _TICKET_LASTS
        }
        # Answers are refused for their age before they are forgotten here.
        self._spent = {answer: at for answer, at in self._spent.items() if now - at <= 3 * FRESH}
