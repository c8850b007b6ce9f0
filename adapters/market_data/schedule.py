"""The hours of an exchange, session by session, kept beside the package that knows them."""

import contextlib
import importlib.util
import os
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FIRST_DAY: Final = date(1952, 9, 29)  # from here on no session falls on a Saturday
"""Vendors' files of daily bars go back no further; the desk's own history starts later."""

_PACKAGE = "exchange_calendars"
_YEAR = timedelta(days=365)
ROW = np.dtype(
    [("session", "M8[D]"), ("opens", "M8[us]"), ("closes", "M8[us]"), ("early", np.bool_)]
)


@dataclass(frozen=True)
class Schedule:
    """Sessions in order with their opening and closing instants (UTC, without zone).

    Attributes
    ----------
    sessions : datetime64[D] array of shape (n_sessions,)
    opens, closes : datetime64[us] arrays of the same shape
    early : bool array of the same shape
        Sessions that closed before the usual hour.
    """

    sessions: npt.NDArray[np.datetime64]
    opens: npt.NDArray[np.datetime64]
    closes: npt.NDArray[np.datetime64]
    early: npt.NDArray[np.bool_]


@lru_cache(maxsize=4)
def schedule(name: str = "XNYS") -> Schedule:
    """Sessions of an exchange (by its ISO 10383 code) from `FIRST_DAY` to a year from now.

    The package that knows them takes two seconds to say so, and every process of a desk asks:
    what it says on one day is kept beside it and read by the others.
    """
    last = date.today() + _YEAR  # noqa: DTZ011  a day more or less a year ahead tells nobody anything
    kept = _place(name, last)
    rows = read(kept)
    if rows is None:
        rows = _asked(name, last)
        keep(kept, rows)
    return Schedule(rows["session"], rows["opens"], rows["closes"], rows["early"])


def _asked(name: str, last: date) -> npt.NDArray[np.void]:
    # pandas and the calendar cost seconds: only the first of a day pays.
    import exchange_calendars  # noqa: PLC0415

    known = exchange_calendars.get_calendar(name, start=FIRST_DAY.isoformat(), end=last.isoformat())
    rows = np.empty(len(known.sessions), dtype=ROW)
    rows["session"] = known.sessions.to_numpy()
    rows["opens"] = _naive(known.schedule["open"])
    rows["closes"] = _naive(known.schedule["close"])
    rows["early"] = known.sessions.isin(known.early_closes)
    return rows


def _naive(column: Any) -> Any:
    """Return a pandas column of UTC instants without its zone."""
    return column.dt.tz_convert(None).to_numpy()


def _place(name: str, last: date) -> Path | None:
    """Where the schedule is kept: with the byte code of the package, for its version."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    told = f"{name}-{metadata.version(_PACKAGE)}-{last}.npy"
    return Path(found.origin).parent / "__pycache__" / told


def read(kept: Path | None) -> npt.NDArray[np.void] | None:
    """What was kept; None where nothing was, or no whole file of it."""
    if kept is None or not kept.exists():
        return None
    try:
        rows = np.load(kept, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return rows if rows.dtype == ROW and rows.size else None


def keep(kept: Path | None, rows: npt.NDArray[np.void]) -> None:
    """Keep it for others, in one step; where nothing can be written everyone asks anew."""
    if kept is None:
        return
    written = kept.with_suffix(f".{os.getpid()}")
    try:
        kept.parent.mkdir(exist_ok=True)
        with written.open("wb") as file:
            np.save(file, rows)
        written.replace(kept)
        for old in kept.parent.glob(f"{kept.name.partition('-')[0]}-*.npy"):
            if old != kept:  # of another day
                old.unlink(missing_ok=True)
    except OSError:
        with contextlib.suppress(OSError):
            written.unlink(missing_ok=True)
