"""Who is looking: the operating-system user, a local person with a password, or OIDC."""

import getpass
from datetime import timedelta
from ipaddress import ip_address

import sqlalchemy as sa
import streamlit as st

from config.errors import SettingsError
from config.settings import Settings
from dashboard import data
from ledger import people
from ledger.people import Person

COOKIE = "countersign_session"
LASTS = timedelta(hours=12)
_TICKET_LASTS = timedelta(minutes=1)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def kind(settings: Settings) -> str:
    """How people sign in on this desk: ``os``, ``local`` or ``oidc``.

    Raises
    ------
    SettingsError
        If ``os`` is demanded where others could reach the page or real orders could go out.
    """
    safe = is_loopback(settings.dashboard.host) and settings.broker.kind == "venue"
    wanted = settings.dashboard.sign_in
    if wanted == "auto":
        return "os" if safe else "local"
    if wanted == "os" and not safe:
        raise SettingsError(
            "dashboard.sign_in = os needs the paper venue and a loopback address; "
            f"host is {settings.dashboard.host}, broker.kind is {settings.broker.kind}. "
            "Set dashboard.sign_in to local or oidc."
        )
    return wanted


def by_token(engine: sa.Engine, token: str | None) -> Person | None:
    """The person whose sign-in `token` is, if it still holds."""
    if not token:
        return None
    with engine.connect() as conn:
        return people.signed_in(conn, token=token, desk_at=data.now())


@st.cache_data(ttl=30, max_entries=200, show_spinner=False)
def _known(token: str) -> Person | None:
    return by_token(data.engine(), token)


def forget() -> None:
    """Ask the ledger again for everyone, as after signing out."""
    _known.clear()
    _machine_user.clear()


@st.cache_resource(ttl=60, max_entries=1, show_spinner=False)
def _machine_user() -> Person:
    login = getpass.getuser()
    with data.engine().begin() as conn:
        return people.ensure(
            conn,
            login=login,
            display_name=login,
            roles=people.ROLES,
            origin="os",
            desk_at=data.now(),
        )


def person() -> Person | None:
    """Who this browser's session belongs to; None when nobody is signed in."""
    token = st.context.cookies.get(COOKIE)
    found = _known(token) if isinstance(token, str) else None
    if found is not None:
        return found
    way = kind(data.settings())
    if way == "os":
        return _machine_user()
    if way == "oidc":
        _exchange()
    return None


def ask() -> None:
    """Offer the way to sign in."""
    st.title("Sign in")
    if kind(data.settings()) == "oidc":
        if st.button("Sign in with your organisation", type="primary"):
            st.login()
        return
    st.markdown("Signatures are personal, so the desk must know who you are.")
    st.link_button("Sign in", "/sign-in", type="primary")
    st.caption("An operator adds people with `./desk user add NAME --role signatory`.")


def described(who: Person) -> str:
    """A person with what they may do: ``Maria (signatory)``."""
    ranks = ("admin", "signatory", "steward", "analyst", "viewer")
    held = [role for role in ranks if role in who.roles]
    roles = "all roles" if len(held) == len(ranks) else ", ".join(held)
    return f"{who.display_name} ({roles})"


def _exchange() -> None:
    """Turn a fresh OIDC sign-in into the desk's own cookie, once, through the `/enter` route."""
    if not getattr(st.user, "is_logged_in", False):
        return
    login = str(st.user.get("email") or st.user.get("sub"))
    with data.engine().begin() as conn:
        who = people.ensure(
            conn,
            login=login,
            display_name=str(st.user.get("name") or login),
            roles=("viewer",),
            origin="oidc",
            desk_at=data.now(),
        )
        ticket = people.start_sign_in(
            conn, person_id=who.person_id, desk_at=data.now(), lasts=_TICKET_LASTS
        )
    st.html(
        f"<script>window.location.replace('/enter?ticket={ticket}')</script>",
        unsafe_allow_javascript=True,
    )
    st.stop()
