"""Carries out what people asked for, and writes the outcome back."""

import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ledger import requests, state
from trading.errors import DeskError, RetryError
from trading.state import TradingState
from trading.stopping import cancel_order, halt
from worker.by_hand import propose_by_hand
from worker.correcting import correct_positions
from worker.desk import Desk
from worker.flattening import FlattenSender, flatten
from worker.heart import heartbeat
from worker.loop import Task
from worker.parts import send_parts
from worker.protecting import protect
from worker.repricing import propose_fitting, reprice
from worker.stewardship import decide_row

log = logging.getLogger(__name__)

_SECONDS = 0.5
_PARTS_SECONDS = 1.0
_STOPS_SECONDS = 2.0
_OWNER = "executor"


def tasks(desk: Desk) -> list[Task]:
    """Return what the executor does."""
    pace = desk.settings.broker.look_seconds
    return [
        Task("requests", lambda: carry_out_next(desk), _SECONDS),
        Task("flatten", FlattenSender(desk).step, _SECONDS),
        Task("parts", lambda: send_parts(desk), max(_PARTS_SECONDS, pace)),
        Task("stops", lambda: protect(desk), max(_STOPS_SECONDS, pace)),
        heartbeat(desk, _OWNER),
    ]


def carry_out_next(desk: Desk) -> None:
    """Take the oldest waiting request, a halt before all others; do it, say what came of it."""
    with desk.engine.begin() as conn:
        taken = requests.take(conn, kinds=requests.KINDS, owner=_OWNER, desk_at=desk.clock.now())
    if taken is None:
        return
    try:
        state_after, sentence = "done", _DEEDS[taken.kind](desk, taken)
    except RetryError as e:
        state_after, sentence = "refused", f"Not done: {e} Ask again."
    except DeskError as e:
        state_after, sentence = "refused", str(e)
    log.info("%s: %s", taken.kind, sentence)
    with desk.engine.begin() as conn:
        _finish(conn, desk, taken, state_after, sentence)


def _finish(
    conn: sa.Connection, desk: Desk, taken: requests.Request, state_after: str, sentence: str
) -> None:
    requests.finish(
        conn,
        request_id=taken.request_id,
        state=state_after,
        outcome={"sentence": sentence},
        desk_at=desk.clock.now(),
    )


def _venue(
    deed: Callable[[Any, Mapping[str, Any]], str],
) -> Callable[[Desk, requests.Request], str]:
    def act(desk: Desk, asked: requests.Request) -> str:
        if desk.venue is None:
            return "There is no replay: this desk follows a real market."
        return deed(desk.venue, asked.payload)

    return act


def _run(venue: Any, _payload: Mapping[str, Any]) -> str:
    venue.run()
    return "The replay runs."


def _pause(venue: Any, _payload: Mapping[str, Any]) -> str:
    venue.pause()
    return "The replay stands."


def _step(venue: Any, payload: Mapping[str, Any]) -> str:
    minutes = int(payload.get("minutes", 1))
    venue.step(minutes)
    return f"The replay moved by {minutes} minutes."


def _jump(venue: Any, payload: Mapping[str, Any]) -> str:
    target = str(payload["to"])
    venue.jump(target)
    return f"The replay jumped to {target.replace('_', ' ')}."


def _pace(venue: Any, payload: Mapping[str, Any]) -> str:
    pace = Decimal(str(payload["minutes_per_second"]))
    venue.pace(pace)
    return f"{pace} market minutes pass in a second."


def _halt(desk: Desk, asked: requests.Request) -> str:
    report = halt(
        desk.ledger,
        desk.broker,
        reason=str(asked.payload.get("reason") or ""),
        person_id=asked.person_id,
        desk=desk.clock,
        market=desk.market,
        request_id=asked.request_id,
    )
    return report.sentence


def _change(to: TradingState) -> Callable[[Desk, requests.Request], str]:
    def act(desk: Desk, asked: requests.Request) -> str:
        with desk.engine.begin() as conn:
            now = state.change(
                conn,
                to=to,
                reason=str(asked.payload.get("reason") or ""),
                person_id=asked.person_id or "",
                desk_at=desk.clock.now(),
                request_id=asked.request_id,
            )
            sentence = f"The desk is {now.state}."
            _finish(conn, desk, asked, "done", sentence)
        return sentence

    return act


def _cancel(desk: Desk, asked: requests.Request) -> str:
    return cancel_order(
        desk.ledger,
        desk.broker,
        client_order_id=str(asked.payload["client_order_id"]),
        desk=desk.clock,
        market=desk.market,
    ).sentence


_DEEDS: Mapping[str, Callable[[Desk, requests.Request], str]] = {
    "venue_run": _venue(_run),
    "venue_pause": _venue(_pause),
    "venue_step": _venue(_step),
    "venue_jump": _venue(_jump),
    "venue_pace": _venue(_pace),
    "halt": _halt,
    "reduce": _change(TradingState.REDUCING),
    "resume": _change(TradingState.ACTIVE),
    "cancel_order": _cancel,
    "flatten": flatten,
    "reprice": reprice,
    "propose_fitting": propose_fitting,
    "propose_by_hand": propose_by_hand,
    "release_row": lambda desk, asked: decide_row(desk, asked, status="released"),
    "correct_positions": correct_positions,
    "confirm_row": lambda desk, asked: decide_row(desk, asked, status="confirmed"),
}
