"""Who is looking: the operating-system user, a local person with a password, or OIDC."""

import getpass
import json
from datetime import timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
import streamlit as st

from config.addresses import is_loopback
from config.errors import SettingsError
from config.settings import Settings
from dashboard import data, formats, oidc
from ledger import people
from ledger.people import Person
from trading.errors import NotAllowedError

COOKIE = "countersign_session"
LASTS = timedelta(hours=12)
TICKETS = oidc.Tickets()

# Sends the ticket in a form of this page's own: an address would stay in the history and in logs,
# and could be given to somebody else to click on.
_ENTER = """<script>
const form = document.createElement("form");
form.method = "post";
form.action = "/enter";
const field = document.createElement("input");
field.type = "hidden";
field.name = "ticket";
field.value = %s;
form.append(field);
document.body.append(form);
form.submit();
</script>"""


def kind(settings: Settings) -> str:
    """How people sign in on this desk: ``os``, ``local`` or ``oidc``.

    Raises
    ------
    SettingsError
        If ``os`` is demanded where others could reach the page or real orders could go out.
    """
    told = settings.dashboard
    near = is_loopback(told.host) and is_loopback(urlsplit(told.origin).hostname or "")
    safe = near and settings.broker.kind == "venue"
    wanted = told.sign_in
    if wanted == "auto":
        return "os" if safe else "local"
    if wanted == "os" and not safe:
        raise SettingsError(
            "dashboard.sign_in = os needs the paper venue and a loopback address; "
            f"people reach this desk at {told.origin}, broker.kind is {settings.broker.kind}. "
            "Set dashboard.sign_in to local or oidc."
        )
    return wanted


def by_token(engine: sa.Engine, token: str | None) -> Person | None:
    """The person whose sign-in `token` is, if it still holds."""
    if not token:
        return None
    with engine.connect() as conn:
        return people.signed_in(conn, token=token, desk_at=data.now())


@st.cache_data(ttl=data.SLOW, max_entries=200, show_spinner=False)
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


def holds(person: Person) -> bool:
    """Whether a window's person is still signed in there, with the same rights."""
    token = st.context.cookies.get(COOKIE)
    found = _known(token) if isinstance(token, str) else None
    if found is not None:
        return found == person
    return person.origin == "os" and kind(data.settings()) == "os"


def link(label: str, path: str) -> str:
    """Markdown of a small link that stays in this window; Streamlit's own open another."""
    return f':small[<a href="{path}" target="_self">{label}</a>]'


def ask(problem: str = "") -> None:
    """Offer the way to sign in, after telling why the last try did not count."""
    st.title("Sign in")
    if problem:
        st.error(problem, icon=":material/error:")
    st.markdown("Signatures are personal, so the desk must know who you are.")
    if kind(data.settings()) == "oidc":
        _ask_organisation()
        return
    if st.button("Sign in", type="primary"):
        _go("/sign-in")
    st.caption("An operator adds people with `./desk user add NAME --role signatory`.")


def _ask_organisation() -> None:
    told = data.settings().dashboard
    if st.button("Sign in with your organisation", type="primary"):
        here = urlsplit(st.context.url or told.origin)
        trouble = oidc.trouble(told)
        if trouble:
            st.error(trouble, icon=":material/error:")
        elif f"{here.scheme}://{here.netloc}" != told.origin:
            # People come back to one address, and what this window keeps would not be there.
            _go(told.origin)
        else:
            st.login()
    st.markdown(link("Sign in with a password of this desk", "/sign-in"), unsafe_allow_html=True)


def _go(address: str) -> None:
    st.html(
        f"<script>window.location.assign({json.dumps(address)})</script>",
        unsafe_allow_javascript=True,
    )


def described(who: Person) -> str:
    """A person with what they may do: ``Maria (signatory)``."""
    ranks = ("admin", "signatory", "steward", "analyst", "viewer")
    held = [role for role in ranks if role in who.roles]
    roles = "all roles" if len(held) == len(ranks) else ", ".join(held)
    return f"{who.display_name} ({roles})"


def _exchange() -> None:
    """Turn a fresh sign-in at the provider into the desk's own cookie, once, through `/enter`."""
    if not getattr(st.user, "is_logged_in", False):
        return
    try:
        ticket = admit(oidc.identity(st.user.to_dict(), now=data.now()))
    except NotAllowedError as e:
        ask(str(e))
        st.stop()
    if ticket is not None:
        st.html(_ENTER % json.dumps(ticket), unsafe_allow_javascript=True)
        st.stop()


def admit(who: oidc.Identity) -> str | None:
    """A ticket for `/enter`; None when this answer of the provider has been used.

    Raises
    ------
    NotAllowedError
        If the login is somebody's who signs in another way, or is closed.
    """
    shown = formats.plain(who.login)
    with data.engine().begin() as conn:
        known = people.by_login(conn, who.login)
        if known is not None and known.origin != "oidc":
            raise NotAllowedError(
                f"The login {shown} belongs to a person of this desk who signs in another "
                "way, not through your organisation. If that is you, sign in with your password; "
                "otherwise ask an operator."
            )
        person = people.ensure(
            conn,
            login=who.login,
            display_name=who.display_name,
            roles=("viewer",),
            origin="oidc",
            desk_at=data.now(),
        )
    if not person.active:
        raise NotAllowedError(f"The login {shown} is closed on this desk. Ask an operator.")
    return TICKETS.give(person.person_id, answer=who.answer, now=data.now())
