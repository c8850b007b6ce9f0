"""What the dashboard's server answers besides pages: health, signing in and out, Data Docs."""

import asyncio
import html
from collections import OrderedDict
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from config import settings as settings_file
from dashboard import data, palette, signin
from ledger import people

_HERE = Path(__file__).parent
_PAGE = (_HERE / "sign_in.html").read_text(encoding="utf-8")
_LEAVE = (_HERE / "sign_out.html").read_text(encoding="utf-8")
_LONGEST_DELAY = 8.0  # seconds
_MOST_LOGINS = 1_000


def all_routes() -> list[BaseRoute]:
    """The routes beside Streamlit's own."""
    return [
        Route("/healthz", _health),
        Route("/today", _to_today, methods=["GET"]),
        Route("/sign-in", _form, methods=["GET"]),
        Route("/sign-in", _sign_in, methods=["POST"]),
        Route("/sign-out", _leave, methods=["GET"]),
        Route("/sign-out", _sign_out, methods=["POST"]),
        Route("/enter", _enter, methods=["GET"]),
        Route("/data-docs", _to_folder, methods=["GET"]),
        Route("/data-docs/{path:path}", _docs, methods=["GET"]),
    ]


def all_middleware() -> list[Middleware]:
    """On a loopback address only its own names are answered, so that no web site can pose as us."""
    if signin.is_loopback(settings_file.load().dashboard.host):
        names = ["127.0.0.1", "localhost", "[::1]", "testserver"]
        return [Middleware(TrustedHostMiddleware, allowed_hosts=names)]
    return []


class _Delays:
    """Seconds to wait after wrong passwords, per login, doubling up to a limit."""

    def __init__(self) -> None:
        self._misses: OrderedDict[str, int] = OrderedDict()

    def missed(self, login: str) -> float:
        misses = self._misses.pop(login, 0) + 1
        self._misses[login] = misses
        while len(self._misses) > _MOST_LOGINS:
            self._misses.popitem(last=False)
        return min(_LONGEST_DELAY, 0.5 * 2.0 ** min(misses, 10))

    def forget(self, login: str) -> None:
        self._misses.pop(login, None)


_delays = _Delays()


async def _health(request: Request) -> Response:
    try:
        await run_in_threadpool(_ask_ledger)
    except Exception as e:  # noqa: BLE001 - whatever is wrong, the answer is "not healthy"
        return PlainTextResponse(f"ledger: {type(e).__name__}", status_code=503)
    return PlainTextResponse("ok")


async def _to_today(request: Request) -> Response:
    """The first page lives at the root; its name as an address leads there."""
    return RedirectResponse("/")


def _ask_ledger() -> None:
    with data.asked() as conn:
        conn.execute(sa.text("SELECT 1"))


async def _form(request: Request) -> Response:
    return _page(_PAGE)


async def _leave(request: Request) -> Response:
    return _page(_LEAVE)


async def _sign_in(request: Request) -> Response:
    _require_own_page(request)
    form = await request.form()
    login, password = str(form.get("login", ""))[:200], str(form.get("password", ""))[:1_000]
    token = await run_in_threadpool(_token_for, login, password)
    if token is None:
        await asyncio.sleep(_delays.missed(login))
        return _page(_PAGE, problem="This login and password do not belong together.", status=401)
    _delays.forget(login)
    return _with_cookie(RedirectResponse("/", status_code=303), token, request)


def _token_for(login: str, password: str) -> str | None:
    with data.engine().begin() as conn:
        who = people.verified(conn, login=login, password=password)
        if who is None:
            return None
        return people.start_sign_in(
            conn, person_id=who.person_id, desk_at=data.now(), lasts=signin.LASTS
        )


async def _sign_out(request: Request) -> Response:
    _require_own_page(request)
    token = request.cookies.get(signin.COOKIE)
    if token:
        await run_in_threadpool(_end, token)
    answer = RedirectResponse("/", status_code=303)
    answer.delete_cookie(signin.COOKIE, httponly=True, samesite="strict")
    return answer


def _end(token: str) -> None:
    with data.engine().begin() as conn:
        people.end_sign_in(conn, token=token)
    signin.forget()


async def _enter(request: Request) -> Response:
    ticket = request.query_params.get("ticket", "")
    token = await run_in_threadpool(_exchanged, ticket)
    if token is None:
        return RedirectResponse("/", status_code=303)
    return _with_cookie(RedirectResponse("/", status_code=303), token, request)


def _exchanged(ticket: str) -> str | None:
    with data.engine().begin() as conn:
        who = people.signed_in(conn, token=ticket, desk_at=data.now())
        if who is None:
            return None
        people.end_sign_in(conn, token=ticket)
        return people.start_sign_in(
            conn, person_id=who.person_id, desk_at=data.now(), lasts=signin.LASTS
        )


async def _to_folder(request: Request) -> Response:
    return RedirectResponse("/data-docs/", status_code=307)


async def _docs(request: Request) -> Response:
    allowed = await run_in_threadpool(_may_read, request.cookies.get(signin.COOKIE))
    if not allowed:
        return RedirectResponse("/sign-in", status_code=303)
    folder = settings_file.load().home / "data_docs"
    if not folder.is_dir():
        return PlainTextResponse(
            "No quality report has been written yet. The first one comes with the first "
            "materialisation of daily_bars.",
            status_code=404,
        )
    return _File(StaticFiles(directory=folder, html=True), request.path_params["path"])


def _may_read(token: str | None) -> bool:
    if signin.kind(settings_file.load()) == "os":
        return True
    return signin.by_token(data.engine(), token) is not None


class _File(Response):
    """One file of a folder, served by Starlette's own static files."""

    def __init__(self, files: StaticFiles, path: str) -> None:
        self._files = files
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = dict(scope, path=f"/{self._path}", root_path="")
        try:
            await self._files(inner, receive, send)
        except HTTPException as e:
            missing = PlainTextResponse("No such page in the reports.", status_code=e.status_code)
            await missing(scope, receive, send)


def _with_cookie(answer: Response, token: str, request: Request) -> Response:
    answer.set_cookie(
        signin.COOKIE,
        token,
        max_age=int(signin.LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _require_own_page(request: Request) -> None:
    """Refuse a form that another site posted."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "This form must be sent from the desk's own page.")


def _page(text: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    for name in ("light", "dark"):
        colours = palette.of(name)
        for role in ("page", "panel", "text", "muted", "line", "action", "down"):
            text = text.replace(f"{{{{{name}.{role}}}}}", getattr(colours, role))
    shown = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
    return HTMLResponse(
        text.replace("{{problem}}", shown),
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "form-action 'self'; frame-ancestors 'none'",
        },
    )
