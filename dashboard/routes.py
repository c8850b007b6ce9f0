"""What the dashboard's server answers besides pages: health, signing in and out, Data Docs."""

import asyncio
from collections import OrderedDict
from urllib.parse import urlsplit

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from config import settings as settings_file
from config.addresses import is_loopback
from dashboard import answers, data, door, oidc, signin
from ledger import people

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
        Route("/enter", _enter, methods=["POST"]),
        Route(answers.REFUSED, _refused, methods=["GET"]),
        Route("/data-docs", _to_folder, methods=["GET"]),
        Route("/data-docs/{path:path}", _docs, methods=["GET"]),
    ]


def all_middleware() -> list[Middleware]:
    """On a loopback address only the desk's names are answered: no web site can pose as us."""
    told = settings_file.load().dashboard
    around = [Middleware(answers.ToldRefusals)] if told.sign_in == "oidc" else []
    if is_loopback(told.host):
        names = ["127.0.0.1", "localhost", "[::1]", "testserver"]
        public = urlsplit(told.address).hostname
        hosts = [*names, public] if public else names
        around.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=hosts))
    return around


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
    return door.sign_in()


async def _leave(request: Request) -> Response:
    return door.sign_out()


async def _sign_in(request: Request) -> Response:
    _require_own_page(request)
    form = await request.form()
    login, password = str(form.get("login", ""))[:200], str(form.get("password", ""))[:1_000]
    token = await run_in_threadpool(_token_for, login, password)
    if token is None:
        await asyncio.sleep(_delays.missed(login))
        problem = "This login and password do not belong together."
        return door.sign_in(problem=problem, status=401)
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
    answer = _without_provider(RedirectResponse("/", status_code=303), request)
    answer.delete_cookie(signin.COOKIE, httponly=True, samesite="strict")
    return answer


def _end(token: str) -> None:
    with data.engine().begin() as conn:
        people.end_sign_in(conn, token=token)
    signin.forget()


async def _enter(request: Request) -> Response:
    """Give the desk's cookie for a ticket; the provider's answer has done its work then."""
    _require_own_page(request)
    form = await request.form()
    token = await run_in_threadpool(_exchanged, str(form.get("ticket", ""))[:200])
    answer = _without_provider(RedirectResponse("/", status_code=303), request)
    return answer if token is None else _with_cookie(answer, token, request)


def _exchanged(ticket: str) -> str | None:
    person_id = signin.TICKETS.take(ticket, now=data.now())
    if person_id is None:
        return None
    with data.engine().begin() as conn:
        return people.start_sign_in(
            conn, person_id=person_id, desk_at=data.now(), lasts=signin.LASTS
        )


async def _refused(request: Request) -> Response:
    return door.refused(answers.sentence(request.query_params))


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
        secure=request.url.scheme == "https" or _is_https(),
    )
    return answer


def _is_https() -> bool:
    """Whether people reach the desk by https, where a proxy in front of it speaks that."""
    return settings_file.load().dashboard.origin.startswith("https:")


def _without_provider(answer: Response, request: Request) -> Response:
    """Forget the provider's answer, which Streamlit would keep for a month and believe again."""
    for name in request.cookies:
        if name.startswith(oidc.STREAMLIT_COOKIE):
            answer.delete_cookie(name, httponly=True, samesite="lax")
    return answer


def _require_own_page(request: Request) -> None:
    """Refuse a form that another site posted."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "This form must be sent from the desk's own page.")
