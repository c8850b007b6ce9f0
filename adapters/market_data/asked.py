"""Who was asked of the sources and had no bar: a silence that need not be asked for again.

A listing that begins later, a halt or a delisting leaves no row, and so no trace among the landed
objects. What was asked lies beside them, and nothing is lost with a process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from adapters.market_data.landing import landings
from adapters.object_store.protocol import ObjectStore, digest

_FOLDER: Final = "asked/equities/daily"

Answered = npt.NDArray[np.bool_]


def answered(store: ObjectStore, sessions: Sequence[date], symbols: Sequence[str]) -> Answered:
    """Return of which symbols nothing is left to ask in which sessions.

    A landing answers for the symbols it brought, in every session it brought of anybody: what it
    has no row of did not trade. What one person's file says of one symbol is no word on others.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    sessions : sequence of date
        Ascending.
    symbols : sequence of str
        The desk's own.

    Returns
    -------
    array of shape (n_sessions, n_symbols)
        True where a landing or a question put to the sources has settled it.
    """
    days = np.array(sessions, dtype="datetime64[D]")
    column = {symbol: at for at, symbol in enumerate(symbols)}
    settled: Answered = np.zeros((len(sessions), len(symbols)), dtype=np.bool_)
    for landing in landings(store, "daily"):
        told = {column[s] for o in landing.objects for s in o.symbols if s in column}
        if told:
            brought = np.zeros(len(sessions), dtype=np.bool_)
            for first, last in {(o.first, o.last) for o in landing.objects}:
                brought[_span(days, first, last)] = True
            settled[np.ix_(brought, np.array(sorted(told)))] = True
    for info in store.list(f"{_FOLDER}/"):
        for symbol, silent in _silences(store, info.key).items():
            if symbol in column:
                settled[np.isin(days, np.array(silent, "datetime64[D]")), column[symbol]] = True
    return settled


def record(
    store: ObjectStore, silent: Mapping[date, AbstractSet[str]], *, asked_at: datetime
) -> str:
    """Keep in which sessions symbols were asked for and no source had a row; return the key.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    silent : mapping of date to set of str
        At least one session.
    asked_at : datetime
        UTC wall time.
    """
    by_symbol: dict[str, list[str]] = {}
    for session in sorted(silent):
        for symbol in sorted(silent[session]):
            by_symbol.setdefault(symbol, []).append(session.isoformat())
    told = {"version": 1, "asked_at": asked_at.isoformat(), "without_a_bar": by_symbol}
    data = json.dumps(told, indent=1, sort_keys=True).encode()
    key = f"{_FOLDER}/{min(silent)}_{max(silent)}-{digest(data)[:8]}.json"
    store.put(key, data)
    return key


def _span(days: npt.NDArray[np.datetime64], first: date, last: date) -> slice:
    begin = np.searchsorted(days, np.datetime64(first), side="left")
    end = np.searchsorted(days, np.datetime64(last), side="right")
    return slice(int(begin), int(end))


@lru_cache(maxsize=10_000)
def _silences(store: ObjectStore, key: str) -> dict[str, tuple[date, ...]]:
    """Read a record; it never changes, so once is enough."""
    told = json.loads(store.get(key))["without_a_bar"]
    return {
        symbol: tuple(date.fromisoformat(day) for day in silent) for symbol, silent in told.items()
    }
