"""What a drill does, in which order: everything that chance decides, decided by the seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from countersign.drill.classes import FAULTS
from quality.calendar import exchange

# A session lets no symbol have more than ten orders; some of them are needed for what is sold.
_SESSION_LEGS = 34
# From the first, all five symbols have the past that the value at risk needs; after the last, the
# sample has 19 more sessions for a long drill.
_FIRST, _LAST = date(2012, 10, 22), date(2013, 2, 1)
MOST_ORDERS = 2_500
"""So many legs fit before the end of the sample, with a session for a split."""

_KINDS = {
    "stop": 24, "bracket": 13, "passive": 8, "market": 12, "sell": 24, "protect": 12, "oversize": 3,
}  # fmt: skip
_AFTER_SPLIT = 12  # one proposal in so many comes after the split
_MOST_AFTER_SPLIT = 10
_BEFORE_END = 0.85  # a fault that waits for the next order needs one to come
_PAIRS = 0.08  # of the proposals have two legs


@dataclass(frozen=True)
class PlannedLeg:
    """A leg to be proposed; what it costs follows from the market's price then."""

    kind: str  # one of stop | bracket | passive | market | sell | protect | oversize
    symbol: str
    dollars: int


@dataclass(frozen=True)
class Step:
    """Either a fault, or a proposal of one or two legs."""

    fault: str | None = None
    legs: tuple[PlannedLeg, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The sessions of a drill, each with its steps; `start` is the session before the first."""

    seed: int
    orders: int
    start: date
    sessions: tuple[tuple[Step, ...], ...]
    splits: bool  # overnight, before the last session


def planned(*, seed: int, orders: int, faults: Sequence[str], symbols: Sequence[str]) -> Plan:
    """Return the plan of a drill; the same arguments give the same plan.

    Parameters
    ----------
    orders : int
        Signed legs, from 1 to `MOST_ORDERS`.
    faults : sequence of str
        Classes of `FAULTS`; each strikes at least once.
    symbols : sequence of str
        What is traded.
    """
    chance = random.Random(seed)  # noqa: S311  drills repeat
    proposals = _proposals(chance, orders, symbols)
    splits = "split" in faults
    count = ceil(orders / _SESSION_LEGS) + splits
    befalls = _befalls(chance, len(proposals), [name for name in faults if name != "split"])
    sessions: list[list[Step]] = [[] for _ in range(count)]
    for number, legs in enumerate(proposals):
        session = sessions[_session(number, len(proposals), count, splits=splits)]
        session += [Step(fault=name) for name in befalls[number]]
        session.append(Step(legs=legs))
    days = exchange().sessions(_FIRST, _LAST)
    return Plan(
        seed=seed,
        orders=orders,
        start=days[chance.randrange(max(len(days) - count, 1))],
        sessions=tuple(tuple(steps) for steps in sessions),
        splits=splits,
    )


def _session(number: int, proposals: int, count: int, *, splits: bool) -> int:
    """In which session a proposal is made; after a split only a few, for openings then wait."""
    if not splits:
        return number * count // proposals
    before = proposals - min(max(proposals // _AFTER_SPLIT, 1), _MOST_AFTER_SPLIT)
    return min(number * (count - 1) // max(before, 1), count - 1)


def _proposals(
    chance: random.Random, orders: int, symbols: Sequence[str]
) -> list[tuple[PlannedLeg, ...]]:
    """Proposals whose legs are `orders` in all, the symbols in turn so that none is worn out."""
    turns: list[str] = []
    made: list[tuple[PlannedLeg, ...]] = []
    left = orders
    while left:
        size = 2 if left > 1 and chance.random() < _PAIRS else 1
        while len(turns) < size:
            turns += chance.sample(list(symbols), len(symbols))
        taken, turns = turns[:size], turns[size:]
        if size == 2 and taken[0] == taken[1]:
            size, turns = 1, [taken[1], *turns]
        made.append(tuple(_leg(chance, symbol, paired=size == 2) for symbol in taken[:size]))
        left -= size
    return made


def _leg(chance: random.Random, symbol: str, *, paired: bool) -> PlannedLeg:
    kind = "stop" if paired else chance.choices(list(_KINDS), list(_KINDS.values()))[0]
    return PlannedLeg(kind=kind, symbol=symbol, dollars=chance.randrange(3_000, 9_000))


def _befalls(chance: random.Random, steps: int, names: Sequence[str]) -> list[list[str]]:
    """Which faults strike just before each proposal; each class is spread over the whole."""
    befalls: list[list[str]] = [[] for _ in range(steps)]
    for name in names:
        times = 1 + steps // FAULTS[name].every
        for turn in range(times):
            befalls[int((turn + chance.random()) / times * steps * _BEFORE_END)].append(name)
    for together in befalls:
        chance.shuffle(together)
    return befalls
