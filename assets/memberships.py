"""Who belongs to the configured universe when, the ended ones included."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date, datetime

import duckdb
import polars as pl

from assets.desk_time import decision_time
from config.universe import Listing, Universe
from quality.calendar import exchange
from warehouse import actions, bars
from warehouse import universe as memberships

_FIRST_DAY = date(1900, 1, 1)
_ENDS = ("delisting", "symbol_change")
_ROW = (
    "universe", "symbol", "from_session", "to_session", "sector", "point_in_time", "known_at",
)  # fmt: skip


def known(
    conn: duckdb.DuckDBPyConnection,
    universe: Universe,
    firsts: Mapping[str, date],
    *,
    as_of: datetime,
) -> pl.DataFrame:
    """Return the rows of `market.universe` that the configuration and the actions on file imply.

    A symbol belongs from the session its listing names, else from its first landed one, until
    the session its listing names or the last one before it was delisted or renamed. A ticker that
    trades again after that belongs anew, from its first stored bar on: it is another firm's. A
    membership counts as known from the close of its first session, its end from the close of its
    last one or from the announcement, if that came later.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    universe : Universe
        The configured list.
    firsts : mapping
        First landed session of each symbol.
    as_of : datetime
        Aware UTC market time; ends announced later are left out.
    """
    # After its last close a firm is known to be gone, not first when the next session is loaded.
    last = exchange().next(exchange().last_closed(as_of))
    stored = memberships.members(conn, universe.name, _FIRST_DAY, last, as_of=as_of)
    found = actions.known(conn, universe.names, _FIRST_DAY, last, as_of=as_of).filter(
        pl.col("kind").is_in(_ENDS)
    )
    begun: dict[str, set[date]] = {}
    for symbol, begins in stored.select("symbol", "from_session").iter_rows():
        begun.setdefault(symbol, set()).add(begins)
    ends = {
        (symbol, ex_date): known_at
        for symbol, ex_date, known_at in found.select("symbol", "ex_date", "known_at").iter_rows()
    }
    for symbol, begins in _again(conn, sorted(ends), last, as_of=as_of):
        begun.setdefault(symbol, set()).add(begins)
    rows = [
        (universe.name, listing.symbol, begins, ended, listing.sector, universe.point_in_time, at)
        for listing in universe.symbols
        for begins, ended, at in _spells(
            listing,
            begun.get(listing.symbol, set()),
            firsts.get(listing.symbol),
            [(day, at) for (symbol, day), at in ends.items() if symbol == listing.symbol],
        )
    ]
    return pl.DataFrame(
        rows, schema=dict(zip(_ROW, memberships.SCHEMA.values(), strict=True)), orient="row"
    )


def _again(
    conn: duckdb.DuckDBPyConnection,
    ends: list[tuple[str, date]],
    last: date,
    *,
    as_of: datetime,
) -> Iterator[tuple[str, date]]:
    """Yield the first session that a ticker traded in after each of its ends, where it did."""
    if not ends:
        return
    after = min(day for _, day in ends)
    names = sorted({symbol for symbol, _ in ends})
    rows = bars.closes(conn, names, min(after, last), last, as_of=as_of, judged=False)
    traded = {str(symbol): sorted(part["session"]) for (symbol,), part in rows.group_by("symbol")}
    for symbol, day in ends:
        sessions = traded.get(symbol, [])
        at = bisect_left(sessions, day)
        if at < len(sessions):
            yield symbol, sessions[at]


def _spells(
    listing: Listing,
    begun: set[date],
    landed: date | None,
    ended: list[tuple[date, datetime]],
) -> Iterator[tuple[date, date | None, datetime]]:
    """Yield from_session, to_session and known_at of a listing's memberships."""
    first = listing.from_session or landed
    if first is None:
        return
    first = _session_from(first)
    earlier = any(begins <= first for begins in begun)
    starts = begun if earlier else begun | {first}
    for begins in sorted(starts):
        yield begins, None, decision_time(begins)
        for last, at in _ends_after(listing, begins, ended):
            yield begins, last, max(at, decision_time(last))
            break


def _ends_after(
    listing: Listing, begins: date, ended: list[tuple[date, datetime]]
) -> Iterator[tuple[date, datetime]]:
    """Yield the last session of a membership and when its end was known, the nearest first."""
    if listing.to_session is not None and listing.to_session >= begins:
        last = _session_until(listing.to_session)
        yield last, decision_time(last)
    for day, at in sorted(ended):
        if day > begins:
            yield exchange().previous(day), at


def _session_from(day: date) -> date:
    return day if exchange().is_session(day) else exchange().next(day)


def _session_until(day: date) -> date:
    return day if exchange().is_session(day) else exchange().previous(day)
