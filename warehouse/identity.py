"""Which ticker a firm had when: symbols change, end, and are given to somebody else.

A `symbol_change` of OLD on a date, with the new symbol in `detail`, carries OLD's history over to
NEW. After a `symbol_change` or a `delisting` a ticker may come back as another firm, whose rows
are never joined to the first one's. A delisting is dated by the last trade or by the day after it:
a bar of that very day is still the firm's own. What trades later is another firm, which may have
taken the ticker over at once.
"""

# ruff: noqa: S608 - constant statements are set into others, values are bound

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import duckdb
import polars as pl

from warehouse.frames import in_order, require_aware, selected

_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9999, 12, 31)
_EVENTS = """
select symbol, ex_date, kind, detail
from (
    select symbol, ex_date, kind, detail
    from market.corporate_actions
    where kind in ('symbol_change', 'delisting') and ex_date <= $last and known_at <= $as_of
    qualify row_number() over (partition by symbol, ex_date, kind order by known_at desc) = 1
)
order by ex_date, symbol
"""
_LAST_TRADES = f"""
select distinct b.symbol, b.session
from market.daily_bars b join ({_EVENTS}) e on b.symbol = e.symbol and b.session = e.ex_date
where e.kind = 'delisting' and b.known_at <= $as_of
"""


@dataclass(frozen=True)
class Span:
    """A ticker that stood for the firm asked about, from one date until before another."""

    symbol: str  # as asked
    ticker: str  # as listed then
    begins: date
    ends: date  # the first day it no longer stood for the firm


@dataclass(frozen=True)
class Identities:
    """What is known of changed and ended symbols; without any, a symbol is its own ticker."""

    ended: Mapping[str, tuple[date, ...]]  # ticker to the days it ended, ascending
    before: Mapping[tuple[str, date], str]  # new ticker and the day it began to the old one

    def tickers(self, symbols: Sequence[str]) -> list[str]:
        """Return every ticker whose rows may belong to one of the symbols."""
        found, waiting = set(symbols), list(symbols)
        while waiting:
            symbol = waiting.pop()
            for (new, _), old in self.before.items():
                if new == symbol and old not in found:
                    found.add(old)
                    waiting.append(old)
        return sorted(found)

    def present(self, ticker: str, session: date) -> str:
        """Return the ticker that the firm has now which had `ticker` in a session.

        Of a firm that is gone it is the last one it had.
        """
        while later := [end for end in self.ended.get(ticker, ()) if end > session]:
            session = min(later)
            if (ticker, session) not in self._after:
                break
            ticker = self._after[ticker, session]
        return ticker

    @cached_property
    def _after(self) -> Mapping[tuple[str, date], str]:
        """Old ticker and the day it ended to the new one."""
        return {(old, day): new for (new, day), old in self.before.items()}

    def spans(self, symbols: Sequence[str], bars: pl.DataFrame) -> pl.DataFrame:
        """Return which tickers' rows belong to each symbol: asked, symbol, begins, ends.

        A ticker that has ended still means who had it last, unless `bars` (symbol, session) shows
        it traded again. `ends` is the first day that no longer counts.
        """
        newest = dict(bars.group_by("symbol").agg(pl.max("session")).iter_rows())
        found = [
            span for symbol in symbols for span in self._of(symbol, newest.get(symbol, _FIRST_DAY))
        ]
        return pl.DataFrame(
            [(s.symbol, s.ticker, s.begins, s.ends) for s in found],
            schema={"asked": pl.String, "symbol": pl.String, "begins": pl.Date, "ends": pl.Date},
            orient="row",
        )

    def _of(self, symbol: str, newest: date) -> list[Span]:
        ends = [_FIRST_DAY, *self.ended.get(symbol, ()), _LAST_DAY]
        at = max(n for n, end in enumerate(ends) if end <= newest)
        return self._back(symbol, symbol, ends[at], ends[at + 1])

    def _back(self, asked: str, ticker: str, begins: date, ends: date) -> list[Span]:
        """Return the span of a ticker, and before it those of the tickers it took over from."""
        taken = [
            (day, old)
            for (new, day), old in self.before.items()
            if new == ticker and begins <= day < ends
        ]
        if not taken:
            return [Span(asked, ticker, begins, ends)]
        day, old = max(taken)
        earlier = max((end for end in self.ended.get(old, ()) if end < day), default=_FIRST_DAY)
        return [*self._back(asked, old, earlier, day), Span(asked, ticker, day, ends)]


def renamed(rows: pl.DataFrame, spans: pl.DataFrame, *, day: str) -> pl.DataFrame:
    """Return rows by ticker as rows by the symbol asked, each firm's own and no other's."""
    kind = rows.schema["symbol"]  # a word, or of an `Enum` that holds every ticker
    spans = spans.cast({"symbol": kind, "asked": kind})
    found = (
        rows.join(spans, on="symbol", how="inner", maintain_order="left")
        .filter((pl.col(day) >= pl.col("begins")) & (pl.col(day) < pl.col("ends")))
        .with_columns(symbol="asked")
        .select(rows.columns)
    )
    return in_order(found, ("symbol", day))


def known(conn: duckdb.DuckDBPyConnection, last: date, *, as_of: datetime) -> Identities | None:
    """Return the changes and ends of symbols up to `last` as known at `as_of`; None without any.

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    last : date
        Newest date of a change that counts.
    as_of : datetime
        Aware UTC market time.
    """
    asked = {"last": last, "as_of": require_aware(as_of, name="as_of")}
    events = selected(conn, _EVENTS, asked)
    if events.is_empty():
        return None
    traded = _last_trades(conn, asked) if "delisting" in events["kind"] else set()
    ended: dict[str, list[date]] = {}
    before: dict[tuple[str, date], str] = {}
    for symbol, day, kind, detail in events.iter_rows():
        end = first_without(kind, day, traded=(symbol, day) in traded)
        ended.setdefault(symbol, []).append(end)
        if kind == "symbol_change" and detail:
            before[detail, day] = symbol
    return Identities({symbol: tuple(sorted(days)) for symbol, days in ended.items()}, before)


def first_without(kind: str, day: date, *, traded: bool) -> date:
    """Return the first day that a ticker no longer stands for its firm, by the day of its end.

    `traded` says whether it has a bar of that day: of a delisting it is the last one.
    """
    return day + timedelta(days=1) if kind == "delisting" and traded else day


def _last_trades(
    conn: duckdb.DuckDBPyConnection, asked: Mapping[str, object]
) -> set[tuple[str, date]]:
    """Return the tickers with a bar of the day that their delisting is dated, and that day."""
    return set(selected(conn, _LAST_TRADES, asked).iter_rows())
