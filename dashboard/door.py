"""The small pages at the door: sign in with a password, sign out, refused by the provider."""

import html
import re
from pathlib import Path

from starlette.responses import HTMLResponse

from dashboard import palette

_FRAME = (Path(__file__).parent / "door.html").read_text(encoding="utf-8")
_PLACE = re.compile(r"\{\{([a-z.]+)\}\}")
_ROLES = ("page", "panel", "text", "muted", "line", "action", "down")
_FIELDS = """<label for="login">Login</label>
<input id="login" name="login" autocomplete="username" autofocus required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
"""


def sign_in(*, problem: str = "", status: int = 200) -> HTMLResponse:
    """The form for login and password."""
    return _page(
        title="Sign in",
        lead="Signatures are personal, so the desk must know who you are.",
        problem=problem,
        action="/sign-in",
        fields=_FIELDS,
        status=status,
    )


def sign_out() -> HTMLResponse:
    """The question before signing out."""
    return _page(
        title="Sign out",
        lead="You will have to sign in again to decide anything.",
        action="/sign-out",
    )


def refused(why: str) -> HTMLResponse:
    """The end of a sign-in that the provider or the desk did not accept."""
    return _page(
        title="Not signed in",
        lead="You are not signed in.",
        problem=why,
        method="get",
        action="/",
        button="Back to the sign-in",
        status=403,
    )


def _page(
    *,
    title: str,
    lead: str,
    action: str,
    problem: str = "",
    method: str = "post",
    fields: str = "",
    button: str = "",
    status: int = 200,
) -> HTMLResponse:
    shown = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
    told = {
        "title": title,
        "lead": lead,
        "method": method,
        "action": action,
        "fields": fields,
        "button": button or title,
        "problem": shown,
    }
    for theme in ("light", "dark"):
        told |= {f"{theme}.{role}": getattr(palette.of(theme), role) for role in _ROLES}
    return HTMLResponse(
        _PLACE.sub(lambda place: told[place[1]], _FRAME),
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "form-action 'self'; frame-ancestors 'none'",
        },
    )
