"""Faults to order: what may go wrong between a client and its broker."""

import random
import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from venue.errors import invalid
from venue.streams import Hub
from venue.updates import CHANNEL

HTTP_KINDS = frozenset(
    {
        "delay",  # wait `seconds`, then answer as usual
        "drop_reply",  # do it, wait `seconds`, close the connection without a byte
        "error_before",  # answer `status` and do nothing
        "error_after",  # do it, answer `status`
        "malformed",  # do it, answer 200 with half of the body
        "reset",  # do it, cut the connection in the middle of the body
        "rate_limit",  # answer 429 and do nothing
    }
)
STREAM_KINDS = frozenset(
    {
        "duplicate_event",  # send it twice
        "reorder_events",  # send it after the next message of its channel
        "delay_event",  # send it after `events` more messages of its channel
        "late_trades",  # send a bar without its last trades; after `events` more, the whole one
        "drop_event",  # do not send it
        "disconnect",  # close every connection that hears the channel, and do not send it there
    }
)

_KEYS = {"kind", "count", "path", "method", "status", "seconds", "probability", "events"}
_EVENTS = 25
_EVERY_UPDATE = f"^{CHANNEL}$"


@dataclass
class Fault:
    """One kind of fault: where it strikes and how often still."""

    kind: str
    left: int = 1
    path: str = ".*"
    method: str | None = None
    status: int = 503
    seconds: float = 0.0
    probability: float = 1.0
    events: int = _EVENTS
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether it could strike this request."""
        ours = self.method in {None, method} and re.search(self.path, path) is not None
        return self.left > 0 and ours


@dataclass
class FaultInjection:
    """The faults that are armed; each strike uses one up."""

    faults: list[Fault] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  drills repeat

    def arm(self, faults: list[Fault], seed: int) -> None:
        """Replace everything that is armed."""
        self.faults, self.chance = faults, random.Random(seed)  # noqa: S311  drills repeat

    def http(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, used up by one."""
        return self._strike(HTTP_KINDS, method, path)

    def stream(self, channel: str) -> Fault | None:
        """The fault that strikes this message of a stream's channel, used up by one."""
        return self._strike(STREAM_KINDS, "STREAM", channel)

    def _strike(self, kinds: frozenset[str], method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.kind not in kinds or not fault.strikes(method, path):
                continue
            if self.chance.random() < fault.probability:
                fault.left -= 1
                fault.struck += 1
                return fault
        return None


class FaultyHub(Hub):
    """A hub that loses, doubles, swaps or delays messages, or cuts connections, when told to."""

    def __init__(self, injection: FaultInjection) -> None:
        super().__init__()
        self._injection = injection
        self._held: dict[str, deque[dict[str, Any]]] = {}
        self._told: Counter[str] = Counter()
        # Of each channel: what goes out once so many of its messages were told.
        self._delayed: dict[str, list[tuple[int, str, dict[str, Any]]]] = {}

    def publish(self, channel: str, message: dict[str, Any]) -> None:
        """Queue a message, or do to it what the struck fault says."""
        fault = self._injection.stream(channel)
        kind = fault.kind if fault else None
        self._told[channel] += 1
        held = self._held.setdefault(channel, deque())
        if fault and kind == "delay_event":
            self._later(fault, channel, channel, message)
        elif fault and kind == "late_trades" and message.get("T") == "b":
            super().publish(channel, before_late_trades(message))
            self._later(fault, channel, "updatedBars", {**message, "T": "u"})
        elif kind == "reorder_events":
            held.append(message)
            return
        else:
            self._publish(kind, channel, message)
        while held:
            super().publish(channel, held.popleft())
        self._tell_delayed(channel)

    def _publish(self, kind: str | None, channel: str, message: dict[str, Any]) -> None:
        if kind == "disconnect":
            self.cut(channel)
        if kind != "drop_event":
            super().publish(channel, message)
        if kind == "duplicate_event":
            super().publish(channel, message)

    def _later(self, fault: Fault, channel: str, to: str, message: dict[str, Any]) -> None:
        due = self._told[channel] + fault.events
        self._delayed.setdefault(channel, []).append((due, to, message))

    def _tell_delayed(self, channel: str) -> None:
        waiting = self._delayed.get(channel, [])
        due = [told for told in waiting if told[0] <= self._told[channel]]
        self._delayed[channel] = [told for told in waiting if told[0] > self._told[channel]]
        for _, to, message in due:
            if to == channel:
                super().publish(to, message)
            else:
                self.publish(to, message)


def before_late_trades(bar: Mapping[str, Any]) -> dict[str, Any]:
    """A bar as it was told before a fifth of its trades had come in."""
    fewer = {"c": bar["o"], "v": bar["v"] * 4 // 5, "n": max(1, bar["n"] * 4 // 5)}
    return {**bar, **fewer}


def faults_of(body: Mapping[str, Any]) -> list[Fault]:
    """Read `{"faults": [{"kind", "count", "path", "method", ...}]}`."""
    given = body.get("faults")
    if not isinstance(given, list):
        raise invalid("faults must be a list of objects; an empty list disarms everything")
    return [_fault(item) for item in given]


def _fault(item: Any) -> Fault:
    if not isinstance(item, dict) or item.get("kind") not in HTTP_KINDS | STREAM_KINDS:
        kinds = ", ".join(sorted(HTTP_KINDS | STREAM_KINDS))
        raise invalid(f"a fault is an object whose kind is one of {kinds}; this is {item!r}")
    unknown = set(item) - _KEYS
    if unknown:
        raise invalid(f"unknown keys of a fault: {', '.join(sorted(unknown))}")
    try:
        re.compile(item.get("path", ".*"))
        return Fault(
            kind=item["kind"],
            left=int(item.get("count", 1)),
            path=item.get("path", _EVERY_UPDATE if item["kind"] in STREAM_KINDS else ".*"),
            method=item["method"].upper() if item.get("method") else None,
            status=int(item.get("status", 503)),
            seconds=float(item.get("seconds", 0.0)),
            probability=float(item.get("probability", 1.0)),
            events=int(item.get("events", _EVENTS)),
        )
    except (TypeError, ValueError, AttributeError, re.error) as e:
        raise invalid(f"a fault's values are wrong: {e}; it is {item!r}") from e
