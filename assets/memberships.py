"""Who belongs to the configured universe when, the ended ones included."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

import duckdb
import polars as pl

from assets.desk_time import decision_time
from config.universe import Listing, Universe
from quality.calendar import exchange
from warehouse import actions, bars, identity
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
    the session its listing names or its last one before it was delisted or renamed (a delisting may
    be dated by the last trade itself). A ticker that trades again after that belongs anew, from its
    first stored bar on: it is another firm's. A membership counts as known from the close of its
    first session, its end from the close of its last one or from the announcement, if that came
    later.

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
    gone: dict[str, list[tuple[date, datetime]]] = {}
    for symbol, free, known_at, again in _ended(conn, found, last, as_of=as_of):
        gone.setdefault(symbol, []).append((free, known_at))
        if again is not None:
            begun.setdefault(symbol, set()).add(again)
    rows = [
        (universe.name, listing.symbol, begins, ended, listing.sector, universe.point_in_time, at)
        for listing in universe.symbols
        for begins, ended, at in _spells(
            listing,
            begun.get(listing.symbol, set()),
            firsts.get(listing.symbol),
            gone.get(listing.symbol, []),
        )
    ]
    return pl.DataFrame(
        rows, schema=dict(zip(_ROW, memberships.SCHEMA.values(), strict=True)), orient="row"
    )


def _ended(
    conn: duckdb.DuckDBPyConnection, ends: pl.DataFrame, last: date, *, as_of: datetime
) -> Iterator[tuple[str, date, datetime, date | None]]:
    """Yield ticker, first day without its firm, when its end was known, and the next session.

    That is the first one the ticker traded in again, None where it did not.
    """
    if ends.is_empty():
        return
    names = ends["symbol"].unique().sort().to_list()
    first = min(*ends["ex_date"], last)
    rows = bars.closes(conn, names, first, last, as_of=as_of, judged=False)
    traded = {str(symbol): sorted(part["session"]) for (symbol,), part in rows.group_by("symbol")}
    told = ends.sort("symbol", "ex_date").select("symbol", "ex_date", "kind", "known_at")
    for symbol, day, kind, known_at in told.iter_rows():
        sessions = traded.get(symbol, [])
        free = identity.first_without(kind, day, traded=day in sessions)
        yield symbol, free, known_at, next((one for one in sessions if one >= free), None)


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
