"""Prices adjusted for corporate actions, and the arrays that features are computed from.

Factors run forward from 1: adjusted = raw * factor, so that a later action changes no earlier
value. A split multiplies both factors by its ratio from its ex-date on. A cash dividend multiplies
the return factor by close / (close - amount), with the last close before the ex-date, in shares of
the ex-date: the price at which a holder could have reinvested before the market knew the new one.
"""

# ruff: noqa: S608 - one constant statement is set into others, values are bound

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

import duckdb
import numpy as np
import polars as pl

from quant.features import DailyPanel
from quant.typing import BoolArray
from warehouse import actions, identity, universe
from warehouse import index as indices
from warehouse.bars import ACCEPTED_BARS, asked
from warehouse.frames import selected
from warehouse.identity import Identities

_FIRST_DAY = date(1900, 1, 1)
_BARS = f"""
with {ACCEPTED_BARS}
select symbol, session, open, high, low, close, volume::double as volume
from accepted
order by symbol, session
"""
_LAST_CLOSES = f"""
with {ACCEPTED_BARS}
select e.symbol, e.ex_date, b.session as previous_session, b.close as previous_close
from events e asof join accepted b on e.symbol = b.symbol and b.session < e.ex_date
"""


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
        and symbol.

    Raises
    ------
    ValueError
        If `first` lies after `last`, `as_of` has no time zone, or a dividend exceeds the price.
    """
    unit = basis or last
    look = _Look(conn, tuple(symbols), first, max(last, unit), as_of, judged)
    bars = look.bars()
    events = _events(look, bars)
    at_unit = _at(events, pl.DataFrame({"symbol": sorted(set(symbols))}), unit)
    rows = _with_factors(bars.select("symbol", "session", "close"), events).join(
        at_unit, on="symbol", how="left"
    )
    scale = {name: pl.col(name) / pl.col(f"unit_{name}") for name in _FACTORS}
    return (
        rows.filter(pl.col("session").is_between(first, last))
        .select(
            "session",
            "symbol",
            "close",
            split_adjusted_close=pl.col("close") * scale["split_factor"],
            adjusted_close=pl.col("close") * scale["return_factor"],
        )
        .sort("session", "symbol")
    )


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
        List in `market.universe`: says which rows are members. Without it, or when nothing is
        known of the list, every row is.

    Raises
    ------
    ValueError
        If `first` lies after `last`, `as_of` has no time zone, or a dividend exceeds the price.
    """
    look = _Look(conn, tuple(symbols), first, last, as_of, judged)
    bars = look.bars()
    rows = _with_factors(bars, _events(look, bars))
    lengths = rows.group_by("symbol", maintain_order=True).len()
    series = indices.bars(conn, index, first, last, as_of=as_of)
    return DailyPanel(
        symbols=tuple(lengths["symbol"]),
        offsets=np.concatenate([[0], np.cumsum(lengths["len"].to_numpy())]).astype(np.int64),
        sessions=rows["session"].to_physical().to_numpy(),
        **{name: rows[name].to_numpy() for name in _ROWS},
        index_sessions=series["session"].to_physical().to_numpy(),
        index_close=series["close"].to_numpy(),
        member=None if members_of is None else _member(look, members_of, rows),
    )


def _member(look: _Look, name: str, rows: pl.DataFrame) -> BoolArray | None:
    """Whether each row's symbol belonged to the list in that session; None when none is known."""
    known = universe.members(look.conn, name, look.first, look.last, as_of=look.as_of)
    if known.is_empty():
        return None
    inside = (
        rows.select("symbol", "session")
        .with_row_index("row")
        .join(known.select("symbol", "from_session", "to_session"), on="symbol")
        .filter(
            (pl.col("session") >= pl.col("from_session"))
            & (pl.col("session") <= pl.col("to_session")).fill_null(value=True)
        )
    )
    member: BoolArray = np.zeros(rows.height, dtype=np.bool_)
    member[inside["row"].to_numpy()] = True
    return member


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

    @cached_property
    def identities(self) -> Identities | None:
        return identity.known(self.conn, self.last, as_of=self.as_of)

    @property
    def tickers(self) -> Sequence[str]:
        return self.symbols if self.identities is None else self.identities.tickers(self.symbols)

    @cached_property
    def stored(self) -> pl.DataFrame:
        """Accepted bars by ticker and session."""
        wanted = asked(self.tickers, self.first, self.last, self.as_of, self.judged)
        return selected(self.conn, _BARS, wanted)

    @cached_property
    def spans(self) -> pl.DataFrame | None:
        known = self.identities
        return None if known is None else known.spans(self.symbols, self.stored)

    def bars(self) -> pl.DataFrame:
        """Return accepted bars by symbol and session."""
        return self._renamed(self.stored, "session").with_columns(pl.col("symbol").set_sorted())

    def actions(self) -> pl.DataFrame:
        """Return every action up to the last session."""
        found = actions.known(self.conn, self.tickers, _FIRST_DAY, self.last, as_of=self.as_of)
        return self._renamed(found, "ex_date")

    def before(self, symbols: Sequence[str]) -> _Look:
        """Return the question about all that lies before this one's first session."""
        return replace(
            self, symbols=tuple(symbols), first=_FIRST_DAY, last=self.first - timedelta(days=1)
        )

    def _renamed(self, rows: pl.DataFrame, day: str) -> pl.DataFrame:
        return rows if self.spans is None else identity.renamed(rows, self.spans, day=day)


def _events(look: _Look, bars: pl.DataFrame) -> pl.DataFrame:
    """Return per symbol and ex-date the factors that hold from then on."""
    known = look.actions()
    is_split = pl.col("kind") == "split"
    is_paid = (pl.col("kind") == "cash_dividend") & (pl.col("amount") > 0)
    events = (
        known.filter(is_split | is_paid)
        .group_by("symbol", "ex_date")
        .agg(
            ratio=pl.col("ratio").filter(is_split).product(),
            amount=pl.col("amount").filter(is_paid).sum(),
        )
        .sort("symbol", "ex_date")
        .with_columns(split_factor=pl.col("ratio").cum_prod().over("symbol"))
    )
    closes = _previous_closes(look, bars, events)
    paid = events.join(closes, on=["symbol", "ex_date"], how="left", maintain_order="left")
    before = _with_factor_at(paid, events, "previous_session")
    # The last close, in shares of the ex-date.
    price = pl.col("previous_close") * pl.col("factor_then") / pl.col("split_factor")
    growth = pl.when(pl.col("amount") > 0).then(price / (price - pl.col("amount"))).fill_null(1.0)
    dated = before.with_columns(price=price, growth=growth)
    _require_payable(dated)
    return dated.sort("symbol", "ex_date").select(
        "symbol",
        "ex_date",
        "split_factor",
        return_factor=(pl.col("ratio") * pl.col("growth")).cum_prod().over("symbol"),
    )


def _previous_closes(look: _Look, bars: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the last accepted close before each dividend: from `bars`, else from before them."""
    paid = events.filter(pl.col("amount") > 0).select("symbol", "ex_date")
    within = _last_close(paid, bars)
    early = within.filter(pl.col("previous_close").is_null()).select("symbol", "ex_date")
    if early.is_empty():
        return within
    earlier = look.before(early["symbol"].unique().sort().to_list())
    if look.identities is not None:
        found = _last_close(early, earlier.bars())
    else:
        look.conn.register("events", early.to_arrow())
        wanted = asked(earlier.symbols, earlier.first, earlier.last, look.as_of, look.judged)
        found = selected(look.conn, _LAST_CLOSES, wanted)
        look.conn.unregister("events")
    return pl.concat([within.filter(pl.col("previous_close").is_not_null()), found])


def _last_close(paid: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Return `paid` with previous_session and previous_close, the last bar before each ex-date."""
    return (
        paid.sort("ex_date")
        .join_asof(
            bars.select("symbol", pl.col("session").alias("previous_session"), "close").sort(
                "previous_session"
            ),
            left_on="ex_date",
            right_on="previous_session",
            by="symbol",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,  # sorted above
        )
        .rename({"close": "previous_close"})
    )


def _with_factor_at(rows: pl.DataFrame, events: pl.DataFrame, day: str) -> pl.DataFrame:
    """Return `rows` with factor_then, the split factor that held on the date in `day`."""
    undated = rows.filter(pl.col(day).is_null())
    dated = rows.filter(pl.col(day).is_not_null()).sort(day)
    then = events.select("symbol", pl.col("ex_date").alias("since"), factor_then="split_factor")
    joined = dated.join_asof(
        then.sort("since"),
        left_on=day,
        right_on="since",
        by="symbol",
        strategy="backward",
        check_sortedness=False,  # sorted above
    ).drop("since")
    return pl.concat(
        [joined.with_columns(pl.col("factor_then").fill_null(1.0)), undated], how="diagonal"
    )


def _with_factors(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` (by symbol and session) with the factors that hold in their sessions."""
    if events.is_empty():
        return rows.with_columns(pl.lit(1.0).alias(name) for name in _FACTORS)
    joined = rows.sort("session").join_asof(
        events.sort("ex_date"),
        left_on="session",
        right_on="ex_date",
        by="symbol",
        strategy="backward",
        check_sortedness=False,  # sorted above
    )
    return (
        joined.with_columns(pl.col(_FACTORS).fill_null(1.0))
        .drop("ex_date")
        .sort("symbol", "session")
    )


def _at(events: pl.DataFrame, symbols: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the factors of each symbol on a date, as unit_split_factor and unit_return_factor."""
    rows = _with_factors(symbols.with_columns(session=pl.lit(day)), events)
    return rows.select("symbol", *(pl.col(name).alias(f"unit_{name}") for name in _FACTORS))


def _require_payable(events: pl.DataFrame) -> None:
    bad = events.filter(pl.col("amount") >= pl.col("price"))
    if bad.height:
        symbol, ex_date, amount, price = bad.select("symbol", "ex_date", "amount", "price").row(0)
        raise ValueError(
            f"The dividend of {symbol} on {ex_date}, {amount} USD, is not below the close before "
            f"it, {price:.4f} USD. Correct or cancel it in market.corporate_actions (amount 0)."
        )
