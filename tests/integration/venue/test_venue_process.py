"""The venue as a process: its clock, its memory, its faults, its arguments."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.integration.venue.served import HEADERS, ServedVenue, free_port, run

ORDER = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day", "qty": "1"}


def order(client_id: str, **more: Any) -> dict[str, Any]:
    return {**ORDER, "client_order_id": client_id, **more}


def test_the_clock_waits_for_the_daily_run_then_leaps_to_the_morning(
    start_venue: Callable[..., ServedVenue],
) -> None:
    served = start_venue("--pace", "600")
    status = served.get("/venue/status")
    assert (status["state"], status["hold"]["name"]) == ("held", "after_close")
    assert (status["session"], status["is_open"]) == ("2012-07-02", False)
    time.sleep(0.3)
    assert served.get("/venue/status")["now"] == "2012-07-02T20:00:00Z"

    for _ in range(2):  # idempotent
        served.post("/venue/sessions/2012-07-02/done")
    # Without orders or holds nothing stops it before the next close.
    status = served.until(
        lambda: (s := served.get("/venue/status"))["state"] == "held" and s, seconds=20
    )
    assert (status["session"], status["now"]) == ("2012-07-03", "2012-07-03T17:00:00Z")
    assert status["sessions_done"] == 1
    served.post("/venue/sessions/2012-07-05/done", status=409)
    served.post("/venue/sessions/2012-07-04/done", status=404)


def test_a_named_hold_and_a_working_order_stop_it_before_the_close(
    start_venue: Callable[..., ServedVenue],
) -> None:
    served = start_venue("--pace", "600")
    hold = {"at": "before_close", "reason": "2 proposals to decide"}
    served.put("/venue/holds/proposals", hold)
    served.post("/v2/orders", order("low", type="limit", limit_price="1"))
    served.post("/venue/sessions/2012-07-02/done")

    def held_by(name: str) -> Callable[[], Any]:
        return lambda: (served.get("/venue/status")["hold"] or {}).get("name") == name

    served.until(held_by("proposals"))
    status = served.get("/venue/status")
    assert status["now"] == "2012-07-03T16:55:00Z"
    assert status["hold"] == {"name": "proposals", "reason": "2 proposals to decide"}
    served.delete("/venue/holds/proposals")
    assert held_by("working_orders")()
    served.post("/venue/run")  # the operator overrides
    served.until(held_by("after_close"))
    assert served.get("/v2/orders:by_client_order_id?client_order_id=low")["status"] == "expired"


def test_while_the_clock_stands_nothing_fills(served: ServedVenue) -> None:
    served.post("/venue/jump", {"to": "next_open"})
    served.post("/v2/orders", order("a"))
    time.sleep(0.5)
    assert served.get("/v2/orders:by_client_order_id?client_order_id=a")["status"] == "new"
    served.post("/venue/step", {"minutes": 1})
    filled = served.get("/v2/orders:by_client_order_id?client_order_id=a")
    assert (filled["status"], filled["filled_at"]) == ("filled", "2012-07-03T13:31:00Z")


def test_jumps_go_forward_only_and_end_with_the_sample(served: ServedVenue) -> None:
    for to in ("2012-07-02", "2012-06-29", "2012-07-04", "2013-03-04", "tomorrow"):
        served.post("/venue/jump", {"to": to}, status=422)
    assert served.post("/venue/jump", {"to": "before_close"})["now"] == "2012-07-03T16:55:00Z"
    assert served.post("/venue/jump", {"to": "close"})["session"] == "2012-07-03"
    assert served.post("/venue/jump", {"to": "2012-07-09"})["sessions_done"] == 4
    served.post("/venue/pace", {"minutes_per_second": 0}, status=422)
    last = served.post("/venue/jump", {"to": "2013-03-01"})
    assert (last["state"], last["hold"]["name"]) == ("paused", "after_close")
    done = served.post("/venue/sessions/2013-03-01/done")
    assert (done["state"], done["hold"]) == ("ended", None)
    served.post("/v2/orders", order("late"), status=422)
    served.post("/venue/jump", {"to": "next_open"}, status=422)


def test_nothing_acknowledged_is_lost_by_kill_9(served: ServedVenue) -> None:
    served.post("/venue/jump", {"to": "next_open"})
    acknowledged: list[str] = []

    def send(n: int) -> None:
        try:
            reply = requests.post(
                f"{served.url}/v2/orders", json=order(f"k{n}"), headers=HEADERS, timeout=10
            )
        except requests.RequestException:
            return
        if reply.status_code == 200:
            acknowledged.append(f"k{n}")

    with ThreadPoolExecutor(8) as pool:
        for n in range(150):
            pool.submit(send, n)
        served.until(lambda: len(acknowledged) > 40)
        served.kill()
    served.restart()
    status = served.get("/venue/status")
    assert (status["state"], status["now"]) == ("paused", "2012-07-03T13:30:00Z")
    kept = {o["client_order_id"] for o in served.get("/v2/orders?status=all&limit=500")}
    assert kept >= set(acknowledged)
    served.post("/venue/step", {"minutes": 3})
    position = served.get("/v2/positions/AAPL")
    assert int(position["qty"]) == len(kept)
    account = served.get("/v2/account")
    spent = sum(float(a["price"]) * float(a["qty"]) for a in all_fills(served))
    assert float(account["cash"]) == pytest.approx(100_000 - spent)


def all_fills(served: ServedVenue) -> list[dict[str, Any]]:
    fills: list[dict[str, Any]] = []
    while page := served.get(
        "/v2/account/activities/FILL?direction=asc"
        + (f"&page_token={fills[-1]['id']}" if fills else "")
    ):
        fills += page
    return fills


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [
        ("error_before", False),
        ("rate_limit", False),
        ("error_after", True),
        ("malformed", True),
        ("drop_reply", True),
        ("reset", True),
        ("delay", True),
    ],
)
def test_each_fault_strikes_as_it_says(served: ServedVenue, kind: str, accepted: bool) -> None:
    fault = {"kind": kind, "count": 1, "path": "^/v2/orders$", "method": "POST", "seconds": 0.3}
    served.put("/venue/faults", {"faults": [fault]})
    started = time.monotonic()
    outcome: Any
    try:
        reply = requests.post(
            f"{served.url}/v2/orders", json=order("f"), headers=HEADERS, timeout=5
        )
        outcome = reply.status_code
        reply.json()
    except requests.exceptions.JSONDecodeError:
        outcome = "not JSON"
    except requests.RequestException:
        outcome = "no reply"
    expected = {
        "error_before": 503,
        "rate_limit": 429,
        "error_after": 503,
        "malformed": "not JSON",
        "drop_reply": "no reply",
        "reset": "no reply",
        "delay": 200,
    }
    assert outcome == expected[kind]
    if kind in {"delay", "drop_reply"}:
        assert time.monotonic() - started >= 0.3
    path = "/v2/orders:by_client_order_id?client_order_id=f"
    served.get(path, status=200 if accepted else 404)
    assert served.get("/venue/faults")["faults"][0]["struck"] == 1


def test_a_delayed_order_is_accepted_after_its_client_gave_up(served: ServedVenue) -> None:
    fault = {"kind": "delay", "path": "^/v2/orders$", "method": "POST", "seconds": 1.0}
    served.put("/venue/faults", {"faults": [fault]})
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{served.url}/v2/orders", json=order("f"), headers=HEADERS, timeout=0.2)

    path = "/v2/orders:by_client_order_id?client_order_id=f"
    served.get(path, status=404)  # not there yet: a desk that believed it would send again
    found = served.until(lambda: requests.get(served.url + path, headers=HEADERS, timeout=5).ok)
    assert found


def test_faults_and_events_are_off_unless_asked_for(
    start_venue: Callable[..., ServedVenue],
) -> None:
    served = start_venue()
    served.put("/venue/faults", {"faults": []}, status=404)
    gap = {"kind": "price_gap", "symbol": "AAPL", "fraction": 0.01}
    served.post("/venue/events", gap, status=404)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "0", "--start", "2012-07-02"], "port from 1 to 65535"),
        (["--port", "x", "--start", "2012-07-02"], "port from 1 to 65535"),
        (["--port", "18999", "--start", "2012-07-04"], "must be a session"),
        (["--port", "18999", "--start", "2020-01-02"], "2000-03-01 to 2013-03-01"),
        (["--port", "18999", "--start", "soon"], "YYYY-MM-DD"),
        (["--port", "18999", "--start", "2012-07-02", "--pace", "-1"], "number in"),
        (["--port", "18999"], "--start"),
    ],
)
def test_wrong_arguments_end_with_2_and_a_reason(
    tmp_path: Any, arguments: list[str], complaint: str
) -> None:
    done = run("--state", str(tmp_path), *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(served: ServedVenue, tmp_path: Any) -> None:
    state = tmp_path / "other"
    done = run("--state", str(state), "--port", str(served.port), "--start", "2012-07-02")
    assert done.returncode == 2
    assert f"127.0.0.1:{served.port}" in done.stderr
    assert not state.exists()


def test_a_state_belongs_to_one_process_and_one_replay(served: ServedVenue) -> None:
    same = ["--state", str(served.state), "--port", str(free_port())]
    second = run(*same, "--start", "2012-07-02")
    assert second.returncode == 2
    assert "in use by another venue" in second.stderr
    served.stop()
    other = run(*same, "--start", "2012-07-03")
    assert other.returncode == 2
    assert "belongs to the replay" in other.stderr
