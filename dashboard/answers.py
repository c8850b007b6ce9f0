"""The provider's answers that sign nobody in: told on a page, not dropped on the start page."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import oidc

REFUSED = "/not-signed-in"

# Of the provider's words only the code is shown: a link to the page could carry any other text.
_CODE = re.compile(r"[a-z_]{1,40}")
_DENIED, _UNKNOWN, _MISTRUSTED = "denied", "unknown", "mistrusted"


class ToldRefusals:
    """Leads from Streamlit's callback to the page that says why nobody was signed in.

    Streamlit sends every answer of the provider on to the start page; whether it believed it
    shows only in the cookies that it sets.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, but for a callback that signed nobody in."""
        if scope["type"] != "http" or scope["path"] != oidc.CALLBACK:
            await self._app(scope, receive, send)
            return
        asked = Request(scope).query_params

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                why = _why(asked, headers.getlist("set-cookie"))
                if why:
                    headers["location"] = f"{REFUSED}?{urlencode(why)}"
            await send(message)

        await self._app(scope, receive, told)


def sentence(why: Mapping[str, str]) -> str:
    """What a person is told of a refusal."""
    reason = why.get("why")
    if reason == _DENIED:
        said = why.get("said", "")
        code = said if _CODE.fullmatch(said) else "without a reason"
        return f"Your organisation's provider said no: {code}. ./desk logs dashboard tells more."
    if reason == _MISTRUSTED:
        return (
            "The provider's answer could not be made good: it refused the desk's client id or "
            "secret, or what it sent is not trustworthy. An operator looks at "
            "dashboard.oidc_client_id, at COUNTERSIGN_DASHBOARD__OIDC_CLIENT_SECRET and at "
            "./desk logs dashboard."
        )
    return "This answer belongs to no sign-in that was begun in this browser. Please begin again."


def _why(asked: Mapping[str, str], cookies: list[str]) -> dict[str, str]:
    """What to tell, empty when the answer signed somebody in."""
    told = [cookie for cookie in cookies if cookie.startswith(f"{oidc.STREAMLIT_COOKIE}=")]
    deleted = [cookie for cookie in told if "max-age=0" in cookie.lower()]
    if len(told) > len(deleted):
        return {}
    if error := asked.get("error"):
        return {"why": _DENIED, "said": error}
    return {"why": _MISTRUSTED if deleted else _UNKNOWN}
