"""Faults to order on the stream of bars, as those who listen see them."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from starlette.websockets import WebSocket

from venue.faults import FaultInjection, FaultyHub, faults_of
from venue.streams import Connection

OPEN = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)


def bar(minute: int) -> dict[str, Any]:
    start = OPEN + timedelta(minutes=minute)
    prices = {"o": 10.0, "h": 12.0, "l": 9.0, "c": 11.0}
    return {"T": "b", "S": "IBM", "t": start, **prices, "v": 1000, "n": 10}


def heard(minutes: int, *armed: dict[str, Any]) -> list[dict[str, Any]]:
    """What one listener hears of so many minutes."""
    injection = FaultInjection()
    injection.arm(faults_of({"faults": [{"path": "^bars$"} | fault for fault in armed]}), seed=1)
    hub = FaultyHub(injection)
    listener = Connection(cast("WebSocket", None), packed=True)
    listener.topics = {"bars": {"IBM"}, "updatedBars": {"IBM"}}
    hub.join(listener)
    for minute in range(minutes):
        hub.publish("bars", bar(minute))
    found: list[dict[str, Any]] = []
    while not listener.waiting.empty():
        found += listener.waiting.get_nowait() or []
    return found


def minutes_of(messages: list[dict[str, Any]]) -> list[int]:
    return [int((m["t"] - OPEN).total_seconds() // 60) for m in messages]


def test_a_delayed_bar_comes_after_as_many_others_as_was_ordered() -> None:
    assert minutes_of(heard(5, {"kind": "delay_event", "events": 2})) == [1, 2, 0, 3, 4]


def test_a_bar_without_its_late_trades_is_followed_by_the_whole_one() -> None:
    messages = heard(3, {"kind": "late_trades", "events": 1})

    assert [(m["T"], m["v"], m["n"]) for m in messages] == [
        ("b", 800, 8), ("b", 1000, 10), ("u", 1000, 10), ("b", 1000, 10),
    ]  # fmt: skip
    first, _, whole, _ = messages
    assert first["l"] <= min(first["o"], first["c"]) <= max(first["o"], first["c"]) <= first["h"]
    assert {**whole, "T": "b"} == bar(0)


def test_an_update_may_be_lost_as_well() -> None:
    lost = {"kind": "drop_event", "path": "^updatedBars$"}

    messages = heard(3, {"kind": "late_trades", "events": 1}, lost)

    assert [m["T"] for m in messages] == ["b", "b", "b"]


def test_what_is_delayed_beyond_the_last_bar_is_never_heard() -> None:
    assert minutes_of(heard(3, {"kind": "delay_event", "events": 25})) == [1, 2]
