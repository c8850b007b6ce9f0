"""Prices adjusted for corporate actions, and the arrays that features are computed from.

Factors run forward from 1: adjusted = raw * factor, so that a later action changes no earlier
value. A split multiplies both factors by its ratio from its ex-date on. A cash dividend multiplies
the return factor by close / (close - amount), with the last close before the ex-date, in shares of
the ex-date: the price at which a holder could have reinvested before the market knew the new one.

A dividend that is not below that close cannot be true, and what it did to the price nobody knows.
Prices on its two sides have no common basis: of that symbol only the rows on the side of the basis
asked about are returned, until the dividend is corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

import duckdb
import numpy as np
import polars as pl

from quant.features import DailyPanel
from quant.typing import BoolArray, Int32Array
from warehouse import actions, identity, universe
from warehouse import index as indices
from warehouse.bars import accepted, asked
from warehouse.frames import in_order, numbered, numbered_symbol
from warehouse.identity import Identities

_FIRST_DAY = date(1900, 1, 1)
_CLOSES = ("symbol", "session", "close")
_BARS = ("symbol", "session", "open", "high", "low", "close", "volume")


def adjusted_closes(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
    basis: date | None = None,
    judged: bool = True,
) -> pl.DataFrame:
    """Closes adjusted for the corporate actions known at `as_of`.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        As listed then.
    first, last : date
        Sessions, both included.
    as_of : datetime
        Aware UTC market time; bars and actions learned later are left out.
    basis : date, optional
        Session whose share is the unit; `last` when None. Its adjusted close is its raw close.
    judged : bool
        Whether only rows whose verdict (as known then) is passed or released are returned.

    Returns
    -------
    polars.DataFrame
        session, symbol, close (USD per share as quoted), split_adjusted_close (splits only) and
        adjusted_close (splits and cash dividends), USD per share of `basis`; sorted by session
        and symbol. Rows that an `unpayable` dividend parts from the basis are left out.

    Raises
    ------
    ValueError
        If `first` lies after `last`, or `as_of` has no time zone.
    """
    unit = basis or last
    look = _Look(conn, tuple(symbols), first, max(last, unit), as_of, judged, _CLOSES)
    bars = look.bars()
    # What came before them all is in every factor alike, and leaves their ratios as they are.
    events = _events(look, bars, after=min(first, unit))
    asked_for = bars.filter(pl.col("session").is_between(first, last))
    rows = _with_factors(_on_basis(asked_for, events, unit), events)
    each = rows["symbol"].rle_id()  # rows are sorted by symbol
    symbols_once = rows.select("symbol").unique(maintain_order=True)
    at_unit = _with_factors(symbols_once.with_columns(session=pl.lit(unit)), events)[each]
    # The ratio first: at the unit's own session it is exactly 1, and the close as quoted.
    scale = {name: rows[name] / at_unit[name] for name in _FACTORS}
    found = rows.select(
        "session",
        "symbol",
        "close",
        split_adjusted_close=pl.col("close") * scale["split_factor"],
        adjusted_close=pl.col("close") * scale["return_factor"],
    )
    return in_order(found, ("session", "symbol")).cast({"symbol": pl.String})


def panel(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
    index: str = "SPX",
    judged: bool = True,
    members_of: str | None = None,
) -> DailyPanel:
    """Bars, factors and index closes as arrays for `quant.features`.

    The factors count every action up to a row's session, those before `first` too, so that a
    panel that begins later has the same factors. A firm that changed its symbol has its rows
    under the symbol asked; a ticker that was given to another firm has those of the last one.
    Rows before an `unpayable` dividend are left out: the last session is the basis.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        Symbols wanted; those without a row are left out.
    first, last : date
        Sessions, both included.
    as_of : datetime
        Aware UTC market time; what was learned later is left out.
    index : str
        Index in `market.index_bars`; its series is empty when it has no rows.
    judged : bool
        Whether only rows whose verdict (as known then) is passed or released are returned.
    members_of : str, optional
        List in `market.universe`: says which rows are members, and of which sector. Without it,
        or when nothing is known of the list, every row is, and no sector is known.

    Raises
    ------
    ValueError
        If `first` lies after `last`, or `as_of` has no time zone.
    """
    look = _Look(conn, tuple(symbols), first, last, as_of, judged, _BARS)
    bars = look.bars().with_columns(pl.col("volume").cast(pl.Float64))
    events = _events(look, bars, after=_FIRST_DAY)
    rows = _with_factors(_on_basis(bars, events, last), events)
    lengths = rows.group_by("symbol", maintain_order=True).len()
    series = indices.bars(conn, index, first, last, as_of=as_of)
    member, sector = (None, None) if members_of is None else _membership(look, members_of, rows)
    return DailyPanel(
        symbols=tuple(lengths["symbol"]),
        offsets=np.concatenate([[0], np.cumsum(lengths["len"].to_numpy())]).astype(np.int64),
        sessions=rows["session"].to_physical().to_numpy(),
        **{name: rows[name].to_numpy() for name in _ROWS},
        index_sessions=series["session"].to_physical().to_numpy(),
        index_close=series["close"].to_numpy(),
        member=member,
        sector=sector,
    )


def session_counts(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> dict[str, int]:
    """Rows that `panel` has of each symbol, as known at `as_of`; 0 for none.

    The sessions of a firm count under every symbol it has had, those of another firm under the
    same ticker do not.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        As listed at `last`.
    first, last : date
        Sessions, both included.
    as_of : datetime
        Aware UTC market time; what was learned later is left out.
    """
    look = _Look(conn, tuple(symbols), first, last, as_of, judged=True, columns=_CLOSES)
    bars = look.bars()
    rows = _on_basis(bars, _events(look, bars, after=first), last)
    found = dict(rows.group_by(pl.col("symbol").cast(pl.String)).len().iter_rows())
    return {symbol: int(found.get(symbol, 0)) for symbol in symbols}


def unpayable(
    conn: duckdb.DuckDBPyConnection,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    as_of: datetime,
) -> pl.DataFrame:
    """Dividends that are not below the close before them, as known at `as_of`.

    No price before such a dividend can be adjusted to a later basis.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    symbols : sequence of str
        As listed at `last`.
    first, last : date
        Ex-dates, both included.
    as_of : datetime
        Aware UTC market time; bars and actions learned later are left out.

    Returns
    -------
    polars.DataFrame
        symbol, ex_date, known_at, amount and price (the last close before it), both USD per share
        of the ex-date; sorted by symbol and ex-date.
    """
    look = _Look(conn, tuple(symbols), first, last, as_of, judged=True, columns=_CLOSES)
    events = _events(look, look.bars(), after=first - timedelta(days=1))
    found = events.filter("is_unpayable").select("symbol", "ex_date", "known_at", "amount", "price")
    return found.cast({"symbol": pl.String})


def _membership(
    look: _Look, name: str, rows: pl.DataFrame
) -> tuple[BoolArray | None, Int32Array | None]:
    """Whether each row's symbol belonged to the list in that session, and the sector's number.

    None when nothing is known of the list. What has no sector shares the number 0.
    """
    known = universe.members(look.conn, name, look.first, look.last, as_of=look.as_of)
    if known.is_empty():
        return None, None
    inside = (
        rows.select(pl.col("symbol").cast(pl.String), "session")
        .with_row_index("row")
        .join(known.select("symbol", "from_session", "to_session", "sector"), on="symbol")
        .filter(
            (pl.col("session") >= pl.col("from_session"))
            & (pl.col("session") <= pl.col("to_session")).fill_null(value=True)
        )
        .with_columns(number=pl.col("sector").rank("dense").fill_null(0))
    )
    member: BoolArray = np.zeros(rows.height, dtype=np.bool_)
    member[inside["row"].to_numpy()] = True
    sector: Int32Array = np.zeros(rows.height, dtype=np.int32)
    sector[inside["row"].to_numpy()] = inside["number"].to_numpy()
    return member, sector


_FACTORS = ("split_factor", "return_factor")
_ROWS = ("open", "high", "low", "close", "volume", *_FACTORS)


@dataclass(frozen=True)
class _Look:
    """One question to the warehouse, in the words of `panel`."""

    conn: duckdb.DuckDBPyConnection
    symbols: tuple[str, ...]
    first: date
    last: date
    as_of: datetime
    judged: bool
    columns: tuple[str, ...]

    @cached_property
    def identities(self) -> Identities | None:
        return identity.known(self.conn, self.last, as_of=self.as_of)

    @property
    def tickers(self) -> Sequence[str]:
        return self.symbols if self.identities is None else self.identities.tickers(self.symbols)

    @cached_property
    def stored(self) -> pl.DataFrame:
        """Accepted bars of all tickers, sorted unless some have yet to get their firm's symbol.

        The symbols are of one `Enum`, which is joined and sorted faster than words are.
        """
        wanted = asked(self.tickers, self.first, self.last, self.as_of)
        by = ("symbol", "session") if self.identities is None else None
        found = accepted(self.conn, self.columns, wanted, judged=self.judged, by=by)
        return found.cast({"symbol": pl.Enum(sorted(set(self.tickers)))})

    @cached_property
    def spans(self) -> pl.DataFrame | None:
        known = self.identities
        return None if known is None else known.spans(self.symbols, self.stored)

    def bars(self) -> pl.DataFrame:
        """Return accepted bars by symbol and session."""
        return self._renamed(self.stored, "session").with_columns(pl.col("symbol").set_sorted())

    def actions(self, after: date) -> pl.DataFrame:
        """Return every action after a date and up to the last session."""
        since = min(after + timedelta(days=1), self.last)
        found = actions.known(self.conn, self.tickers, since, self.last, as_of=self.as_of)
        return self._renamed(found, "ex_date").filter(pl.col("ex_date") > after)

    def before(self, symbols: Sequence[str]) -> _Look:
        """Return the question about the closes that lie before this one's first session."""
        return replace(
            self,
            symbols=tuple(symbols),
            first=_FIRST_DAY,
            last=self.first - timedelta(days=1),
            columns=_CLOSES,
        )

    def _renamed(self, rows: pl.DataFrame, day: str) -> pl.DataFrame:
        return rows if self.spans is None else identity.renamed(rows, self.spans, day=day)


def _events(look: _Look, bars: pl.DataFrame, *, after: date) -> pl.DataFrame:
    """Return per symbol and ex-date later than `after` the factors that hold from then on.

    An unpayable dividend leaves the return factor as it is.
    """
    known = look.actions(after)
    is_split = pl.col("kind") == "split"
    is_paid = (pl.col("kind") == "cash_dividend") & (pl.col("amount") > 0)
    events = (
        known.filter(is_split | is_paid)
        .group_by("symbol", "ex_date")
        .agg(
            pl.max("known_at"),
            ratio=pl.col("ratio").filter(is_split).product(),
            amount=pl.col("amount").filter(is_paid).sum(),
        )
        .sort("symbol", "ex_date")
        .with_columns(split_factor=pl.col("ratio").cum_prod().over("symbol"))
    )
    closes = _previous_closes(look, bars, events)
    paid = events.join(closes, on=["symbol", "ex_date"], how="left", maintain_order="left")
    then = _last(paid, "previous_session", events, "ex_date", before=False)
    before = paid.with_columns(factor_then=events["split_factor"].gather(then).fill_null(1.0))
    # The last close, in shares of the ex-date; null where nothing is paid.
    price = pl.col("previous_close") * pl.col("factor_then") / pl.col("split_factor")
    dated = before.with_columns(price=price).with_columns(
        is_unpayable=(pl.col("amount") >= pl.col("price")).fill_null(value=False)
    )
    growth = pl.when(~pl.col("is_unpayable")).then(
        pl.col("price") / (pl.col("price") - pl.col("amount"))
    )
    return dated.with_columns(
        return_factor=(pl.col("ratio") * growth.fill_null(1.0)).cum_prod().over("symbol")
    )


def _previous_closes(look: _Look, bars: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the last accepted close before each dividend: from `bars`, else from before them."""
    paid = events.filter(pl.col("amount") > 0).select("symbol", "ex_date")
    within = _last_close(paid, bars)
    early = within.filter(pl.col("previous_close").is_null()).select("symbol", "ex_date")
    if early.is_empty():
        return within
    earlier = look.before(early["symbol"].unique().sort().to_list())
    found = _last_close(early, earlier.bars())
    return pl.concat([within.filter(pl.col("previous_close").is_not_null()), found])


def _last_close(paid: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Return `paid` with previous_session and previous_close, the last bar before each ex-date."""
    at = _last(paid, "ex_date", bars, "session", before=True)
    return paid.with_columns(
        previous_session=bars["session"].gather(at), previous_close=bars["close"].gather(at)
    )


def _with_factors(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` with the factors that hold in their sessions."""
    at = _last(rows, "session", events, "ex_date", before=False)
    return rows.with_columns(
        events[name].gather(at).fill_null(1.0).alias(name) for name in _FACTORS
    )


def _on_basis(rows: pl.DataFrame, events: pl.DataFrame, unit: date) -> pl.DataFrame:
    """Return the rows that no unpayable dividend parts from the share of the session `unit`."""
    broken = events.filter("is_unpayable")
    if broken.is_empty():
        return rows
    own = _last(rows, "session", broken, "ex_date", before=False)
    units = rows.with_columns(session=pl.lit(unit))
    return rows.filter(own.eq_missing(_last(units, "session", broken, "ex_date", before=False)))


def _last(
    rows: pl.DataFrame, day: str, among: pl.DataFrame, other_day: str, *, before: bool
) -> pl.Series:
    """Return where in `among` the last row of the same symbol lies; null where there is none.

    `among` is sorted by symbol and day. Its rows on the same day count unless `before` is true.
    Symbol and day are searched as one number: far faster than a join on words and ranges.
    """
    names = among["symbol"].unique().sort()
    sought, there = numbered(rows, day, names=names), numbered(among, other_day, names=names)
    at = there.search_sorted(sought, side="left" if before else "right").cast(pl.Int64) - 1
    at = at.set(at < 0, None)
    is_other = numbered_symbol(there.gather(at)) != numbered_symbol(sought)
    return at.set(is_other.fill_null(value=True), None)
