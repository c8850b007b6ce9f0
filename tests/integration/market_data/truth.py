"""Generated markets whose truth is known, loaded without any judgement, and who works it out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from adapters.market_data import generated, load
from adapters.market_data.landing import Kind, land
from adapters.object_store import FolderStore
from quality.calendar import exchange
from warehouse import Warehouse, actions, adjustment, bars

SESSIONS = exchange().sessions(date(2011, 9, 1), date(2012, 3, 30))
FIRST, LAST = SESSIONS[0], SESSIONS[-1]
WALL = datetime(2026, 1, 2, tzinfo=UTC)
EVENTFUL = generated.Events(
    listed_late=0.6, delisted=1.5, renamed=1.5, reused=1.0, idle=4, distressed=0.4,
    split_above=55.0, reverse_below=9.0, boards_meet=20,
)  # fmt: skip


def market(seed: int, *, prefix: str, firms: int = 10) -> generated.GeneratedMarket:
    """A half-year in which much happens; `prefix` in place of the G of every ticker."""
    made = generated.market(SESSIONS, symbols=firms, seed=seed, events=EVENTFUL)

    def own(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
        return frame.with_columns(pl.col(columns).str.replace("G", prefix, literal=True))

    return replace(
        made,
        daily=own(made.daily, "symbol"),
        actions=own(made.actions, "symbol", "detail"),
        firms=own(made.firms, "symbol"),
    )


@dataclass
class Loaded:
    """A lake and a warehouse; what lands is loaded at once, whatever it was."""

    warehouse: Warehouse
    store: FolderStore
    landings: int = 0

    @classmethod
    def at(cls, warehouse: Warehouse, folder: Path) -> "Loaded":
        return cls(warehouse, FolderStore(folder))

    def take(self, frame: pl.DataFrame, kind: Kind, market_at: datetime) -> None:
        """Land a delivery and load the sessions it may touch."""
        self.landings += 1
        land(
            self.store, frame, kind=kind, source="file", market_at=market_at,
            landed_at=WALL + timedelta(seconds=self.landings),
        )  # fmt: skip
        if kind == "actions":
            told = load.action_versions(self.store, FIRST, LAST)
            key = ["symbol", "ex_date", "kind", "learned_at"]
            rows = told.unique(key, keep="last", maintain_order=True)
            self.warehouse.write(
                lambda conn: actions.append(conn, rows), "market.corporate_actions"
            )
        else:
            rows = load.versions(self.store, FIRST, LAST)
            self.warehouse.write(lambda conn: bars.append_bars(conn, rows), "market.daily_bars")

    def stored(self, prefix: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Every row of bars and actions, whenever it was known."""
        with self.warehouse.reader() as conn:
            daily = conn.execute(
                "select symbol, session, open, high, low, close, volume, known_at, assumed "
                "from market.daily_bars where starts_with(symbol, $p) order by all",
                {"p": prefix},
            ).pl()
            acts = conn.execute(
                "select symbol, ex_date, kind, ratio, amount, detail, known_at "
                "from market.corporate_actions where starts_with(symbol, $p) order by all",
                {"p": prefix},
            ).pl()
        return daily, acts

    def adjusted(self, symbols: list[str], last: date, as_of: datetime) -> pl.DataFrame:
        """What research is told of the closes up to `last`."""
        with self.warehouse.reader() as conn:
            return adjustment.adjusted_closes(
                conn, symbols, FIRST, last, as_of=as_of, judged=False
            ).sort("symbol", "session")


@dataclass(frozen=True)
class Close:
    """One adjusted close as it ought to be, with how far rounding may carry it."""

    symbol: str
    session: date
    split_adjusted: float
    adjusted: float


def worked_out(
    made: generated.GeneratedMarket, daily: pl.DataFrame, acts: pl.DataFrame
) -> Iterator[Close]:
    """Adjusted closes of every ticker from the truth behind it, one bar after another.

    A ticker stands for the firm that had it last, with all that firm's earlier tickers. Walking
    forward, a split multiplies what one first share has become by its ratio, and a dividend is
    reinvested at the last close less itself.
    """
    for symbol in sorted(set(made.firms["symbol"])):
        spell = made.firms.filter(symbol=symbol).sort("first").row(-1, named=True)
        held = made.firms.filter(pl.col("firm") == spell["firm"], pl.col("last") <= spell["last"])
        spans = [(s, a, b) for s, a, b in held.sort("first")["symbol", "first", "last"].rows()]
        closes = [
            (day, close)
            for ticker, begins, ends in spans
            for day, close in daily.filter(
                pl.col("symbol") == ticker, pl.col("session").is_between(begins, ends)
            )
            .sort("session")["session", "close"]
            .rows()
        ]
        told = [
            (day, kind, ratio, amount)
            for ticker, begins, ends in spans
            for day, kind, ratio, amount in acts.filter(
                pl.col("symbol") == ticker, pl.col("session").is_between(begins, ends)
            )["session", "kind", "ratio", "amount"].rows()
        ]
        yield from _walked(symbol, closes, told)


def _walked(
    symbol: str,
    closes: list[tuple[date, float]],
    told: list[tuple[date, str, float | None, float | None]],
) -> Iterator[Close]:
    shares = worth = 1.0  # of one first share: by splits alone, and with dividends reinvested
    before, found = None, []
    for day, close in closes:
        split = paid = None
        for ex_date, kind, ratio, amount in told:
            if ex_date == day and kind == "split":
                split = ratio
            if ex_date == day and kind == "cash_dividend":
                paid = amount
        if split:
            shares, worth = shares * split, worth * split
        if paid:
            assert before is not None
            price = before / (split or 1.0)
            worth *= price / (price - paid)
        found.append((day, close, shares, worth))
        before = close
    for day, close, by_splits, by_all in found:
        yield Close(symbol, day, close * by_splits / shares, close * by_all / worth)
