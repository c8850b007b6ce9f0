"""What the operator and the desk say to the clock, and the cases a demo plants."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from venue import VERSION
from venue.api.requests import object_of, venue_of
from venue.errors import Refusal, invalid, missing
from venue.events import planted_case
from venue.paper import PaperVenue
from venue.rendering import stamp
from venue.replay import Mover

_FASTEST = 100_000.0


def status_json(venue: PaperVenue) -> dict[str, Any]:
    """Where the clock stands, and why."""
    hold = venue.hold()
    return {
        "state": venue.replay.state(venue.clock, hold),
        "hold": {"name": hold.name, "reason": hold.reason} if hold else None,
        "holds": dict(venue.clock.holds),
        "now": stamp(venue.now),
        "session": str(venue.calendar.latest(venue.now).date),
        "next_open": stamp(venue.calendar.opening_after(venue.now).open),
        "next_close": stamp(venue.calendar.closing_after(venue.now).close),
        "is_open": venue.is_open,
        "pace": venue.clock.pace,
        "first_session": str(venue.config.start),
        "last_session": str(venue.replay.last),
        "sessions_done": venue.clock.sessions_done,
        "seed": venue.config.seed,
        "version": VERSION,
    }


async def status(request: Request) -> Response:
    """`GET /venue/status`."""
    return _status(request)


async def run(request: Request) -> Response:
    """`POST /venue/run`: let the clock run, past the hold before this close."""
    _mover(request).resume()
    return _status(request)


async def pause(request: Request) -> Response:
    """`POST /venue/pause`: stop the clock."""
    venue = venue_of(request)
    with venue.change():
        venue.clock = replace(venue.clock, running=False)
    return _status(request)


async def step(request: Request) -> Response:
    """`POST /venue/step`: so many minutes, also while paused."""
    minutes = (await object_of(request)).get("minutes", 1)
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 1:
        raise invalid(f"minutes must be a whole number of at least 1, was {minutes!r}")
    await _mover(request).step(minutes)
    return _status(request)


async def jump(request: Request) -> Response:
    """`POST /venue/jump`: forward to a named instant or to a session's close."""
    mover = _mover(request)
    to = (await object_of(request)).get("to")
    await mover.jump(mover.landing(str(to)))
    return _status(request)


async def pace(request: Request) -> Response:
    """`POST /venue/pace`: market minutes per wall second."""
    venue = venue_of(request)
    value = (await object_of(request)).get("minutes_per_second")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _FASTEST:
        raise invalid(f"minutes_per_second must lie in (0, {_FASTEST:g}], was {value!r}")
    with venue.change():
        venue.clock = replace(venue.clock, pace=float(value))
    return _status(request)


async def put_hold(request: Request) -> Response:
    """`PUT /venue/holds/{name}`: stop before each close until it is taken away."""
    venue = venue_of(request)
    body = await object_of(request)
    if body.get("at", "before_close") != "before_close":
        raise invalid(f"at must be before_close, was {body.get('at')!r}")
    holds = {**venue.clock.holds, request.path_params["name"]: str(body.get("reason") or "")}
    with venue.change():
        venue.clock = replace(venue.clock, holds=holds)
    return _status(request)


async def delete_hold(request: Request) -> Response:
    """`DELETE /venue/holds/{name}`: take a hold away; none there is as good."""
    venue = venue_of(request)
    name = request.path_params["name"]
    holds = {n: reason for n, reason in venue.clock.holds.items() if n != name}
    with venue.change():
        venue.clock = replace(venue.clock, holds=holds)
    return _status(request)


async def session_done(request: Request) -> Response:
    """`POST /venue/sessions/{date}/done`: the daily run of a closed session is done."""
    venue = venue_of(request)
    text = request.path_params["date"]
    try:
        session = venue.calendar.on(date.fromisoformat(text))
    except ValueError:
        session = None
    if session is None:
        raise missing(f"{text} is not a session")
    if session.close > venue.now:
        raise Refusal(409, 40910000, f"the session {text} has not closed yet: it is {venue.now}")
    with venue.change():
        venue.clock = venue.clock.with_done(session.date)
    return _status(request)


async def plant(request: Request) -> Response:
    """`POST /venue/events`: put a labelled case into the market (demo and drills)."""
    venue = venue_of(request)
    if not (venue.config.demo or venue.config.faults):
        raise missing("planting is off: start the venue with --demo or --faults")
    case = planted_case(venue, await object_of(request))
    with venue.change():
        venue.plant(case)
    told = {"kind": case.kind, "symbol": case.symbol, "session": str(case.session)}
    return JSONResponse({**told, "factor": case.factor, "at": stamp(case.at)}, status_code=201)


def _status(request: Request) -> Response:
    return JSONResponse(status_json(venue_of(request)))


def _mover(request: Request) -> Mover:
    mover: Mover = request.app.state.mover
    return mover


Handler = Callable[[Request], Awaitable[Response]]


def _post(path: str, handler: Handler) -> Route:
    return Route(f"/venue/{path}", handler, methods=["POST"])


ROUTES = [
    Route("/venue/status", status),
    _post("run", run),
    _post("pause", pause),
    _post("step", step),
    _post("jump", jump),
    _post("pace", pace),
    _post("sessions/{date}/done", session_done),
    _post("events", plant),
    Route("/venue/holds/{name}", put_hold, methods=["PUT"]),
    Route("/venue/holds/{name}", delete_hold, methods=["DELETE"]),
]
