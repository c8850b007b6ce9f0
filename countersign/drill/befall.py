"""What each fault class does to the desk."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from countersign.drill import children, ledger_side
from countersign.drill.compare import Finding
from countersign.drill.desk import DISPATCHERS, WORKERS
from ledger import transact
from trading.proposals import Proposal
from trading.state import TradingState

if TYPE_CHECKING:
    from countersign.drill.conductor import Conductor

Befall = Callable[["Conductor"], None]

# Longer than a dispatcher waits for an answer, and than its grace before it sends again.
_LATE_SECONDS = 3.5
_SLOW_SECONDS = 1.0
_TO_VENUE: Mapping[str, Mapping[str, Any]] = {
    "late_accept": {"kind": "delay", "seconds": _LATE_SECONDS},
    "lost_reply": {"kind": "drop_reply"},
    "error_before": {"kind": "error_before", "status": 503},
    "error_after": {"kind": "error_after", "status": 502},
    "malformed": {"kind": "malformed"},
    "reset": {"kind": "reset"},
    "slow": {"kind": "delay", "seconds": _SLOW_SECONDS},
    "rate_limit": {"kind": "rate_limit"},
    "refused": {"kind": "error_before", "status": 403},
}
_READS: tuple[Mapping[str, Any], ...] = (
    {"kind": "error_before", "status": 503},
    {"kind": "error_before", "status": 500},
    {"kind": "rate_limit"},
    {"kind": "malformed"},
    {"kind": "reset"},
    {"kind": "drop_reply"},
    {"kind": "delay", "seconds": _LATE_SECONDS},
)
_READ_PATHS = (
    "^/v2/orders:by_client_order_id", "^/v2/orders$", "^/v2/orders/", "^/v2/positions",
    "^/v2/account$", "^/v2/account/activities", "^/v2/clock", "^/v2/stocks/", "^/v2/assets/",
)  # fmt: skip
_CANCELS: tuple[Mapping[str, Any], ...] = (
    {"kind": "error_before", "status": 503},
    {"kind": "error_after", "status": 502},
    {"kind": "drop_reply"},
)
_STREAM = ("duplicate_event", "reorder_events", "delay_event", "drop_event", "disconnect")
_POINTS = ("leased", "checked", "intended", "marked", "sent", "acknowledged")
# Little ahead delays by as much what was leased by a process that died; far ahead holds nothing.
_LEAPS_SECONDS = (-120, -30, -5, 0, 5, 12, 1_200, 86_400)
_LEAP_MINUTES = 15
_TOGETHER_SECONDS = 0.6
_HALT_TRIES = 12
_ALERT_SECONDS = 25.0
_FAR_BELOW = {  # nobody sells there
    "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "1.00",
}  # fmt: skip


def _to_venue(name: str) -> Befall:
    def strike(conductor: "Conductor") -> None:
        fault = {"path": "^/v2/orders$", "method": "POST", **_TO_VENUE[name]}
        conductor.desk.venue.arm(name, fault)

    return strike


def _reads(conductor: "Conductor") -> None:
    path = conductor.chance.choice(_READ_PATHS)
    fault = {"path": path, "method": "GET", **conductor.chance.choice(_READS)}
    conductor.desk.venue.arm("reads", fault)


def _cancels(conductor: "Conductor") -> None:
    fault = {"path": "^/v2/orders/", "method": "DELETE", **conductor.chance.choice(_CANCELS)}
    conductor.desk.venue.arm("cancels", fault)
    conductor.owed += 1


def _stream(conductor: "Conductor") -> None:
    kind = conductor.chance.choice(_STREAM)
    conductor.desk.venue.arm("stream", {"kind": kind, "path": "^trade_updates$", "events": 3})


def _laid(name: str, told: str = "") -> Befall:
    return lambda conductor: conductor.desk.charges.lay(name, name, told)


def _clock_desk(conductor: "Conductor") -> None:
    leap = conductor.chance.choice(_LEAPS_SECONDS)
    conductor.desk.charges.lay("clock_desk", "clock_desk", str(leap))


def _together(conductor: "Conductor") -> None:
    at = str(time.time() + _TOGETHER_SECONDS)
    for number, name in enumerate(DISPATCHERS):
        conductor.desk.charges.lay(f"together_{name}", "two_dispatchers" if not number else "", at)


def _kill_random(conductor: "Conductor") -> None:
    conductor.desk.kill(conductor.chance.choice((*WORKERS, *DISPATCHERS)))
    conductor.struck["kill_random"] += 1


def _kill_venue(conductor: "Conductor") -> None:
    conductor.desk.venue.count()  # what is armed dies with it
    conductor.desk.kill_server("venue")
    conductor.struck["kill_venue"] += 1
    time.sleep(conductor.chance.uniform(0.0, 1.0))
    conductor.desk.start_server("venue")
    conductor.desk.venue.count()  # arms it again


def _database_restart(conductor: "Conductor") -> None:
    conductor.desk.restart_database()
    conductor.struck["database_restart"] += 1


def _database_kill(conductor: "Conductor") -> None:
    conductor.desk.kill_server("postgres")
    conductor.struck["database_kill"] += 1
    conductor.desk.start_server("postgres")


def _clock_market(conductor: "Conductor") -> None:
    conductor.desk.control.step(_LEAP_MINUTES)
    conductor.struck["clock_market"] += 1


def _cancel(conductor: "Conductor") -> None:
    conductor.owed += 1


def ask_to_cancel(conductor: "Conductor") -> Callable[[], bool]:
    """Ask for the cancel of an order that works, if one does; else it stays owed.

    Returns whether there is nothing to wait for any more.
    """
    found = transact(conductor.desk.engine, ledger_side.working)
    if not found:
        return lambda: True
    answered = conductor.ask("cancel_order", {"client_order_id": conductor.chance.choice(found)})
    conductor.owed -= 1
    conductor.struck["cancel"] += 1
    return answered


def _halt(conductor: "Conductor") -> None:
    """Pull the kill switch, ask until nothing works at the venue, and let trading go on."""
    conductor.people.set_state(TradingState.HALTED, "drill")
    conductor.struck["halt"] += 1
    for _ in range(_HALT_TRIES):
        conductor.wait(conductor.ask("halt", {"reason": "drill"}))
        with conductor.desk.venue.sound():
            open_orders = conductor.desk.venue.open_orders()
        if not open_orders:
            break
        time.sleep(0.5)
    else:
        said = f"{len(open_orders)} orders work after {_HALT_TRIES} halts."
        conductor.findings.append(Finding("unexplained", "halt", said))
    conductor.people.set_state(TradingState.ACTIVE, "the drill goes on")


def _stranger(conductor: "Conductor") -> None:
    """Plant an order that nobody signed, and wait for the desk to raise an alert about it."""
    venue = conductor.desk.venue
    name = f"stranger-{conductor.struck['stranger'] + 1}"
    with venue.sound():
        sold = {told["symbol"] for told in venue.open_orders() if told["side"] == "sell"}
        free = [symbol for symbol in conductor.desk.symbols if symbol not in sold]
        if not free:  # the venue would refuse it as a wash trade
            return
        told = venue.submit(_FAR_BELOW | {"symbol": free[0], "client_order_id": name})
    conductor.struck["stranger"] += 1

    def noticed() -> bool:
        return name in transact(
            conductor.desk.engine, lambda conn: ledger_side.alerted(conn, "unknown_order")
        )

    if conductor.wait(noticed, seconds=_ALERT_SECONDS):
        conductor.strangers.add(name)
    with venue.sound():
        venue.cancel(told["id"])


def kill_signing(conductor: "Conductor", proposal: Proposal) -> None:
    """Have a signer die just before or just after the commit of its signature."""
    click = conductor.people.click(proposal, "maria")
    click["dies_after"] = conductor.chance.random() < 0.5
    process = children.signer(
        click, log=conductor.desk.home.logs / "signer.log",
        environment=conductor.desk.environment,
    )  # fmt: skip
    process.join()


BEFALLS: Mapping[str, Befall] = {
    **{name: _to_venue(name) for name in _TO_VENUE},
    "reads": _reads,
    "cancels": _cancels,
    "stream": _stream,
    **{f"kill_{point}": _laid(f"kill_{point}") for point in _POINTS},
    "kill_random": _kill_random,
    "kill_venue": _kill_venue,
    "ticks_lost": _laid("ticks_lost"),
    "ticks_repeated": _laid("ticks_repeated"),
    "two_dispatchers": _together,
    "database_restart": _database_restart,
    "database_kill": _database_kill,
    "clock_desk": _clock_desk,
    "clock_market": _clock_market,
    "cancel": _cancel,
    "halt": _halt,
    "stranger": _stranger,
}
"""All classes but those of the signature itself and the split overnight."""
