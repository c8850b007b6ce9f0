"""Intraday signals while the market is open: none from a feed that is stale."""

from datetime import date, datetime, timedelta

import dagster as dg
import duckdb
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.material import EPOCH
from assets.strategies import probabilities_of
from config.settings import Settings
from config.universe import Universe
from ledger import feeds, market
from quality.calendar import exchange
from quant.features.minutes import MinutePanel
from quant.signals import REVERSION, strategy_name
from quant.strategies import ReversionRules, mean_reversion
from quant.typing import Int32Array
from trading.clock import DeskClock
from warehouse import Warehouse, intraday, minutes

_MINUTE = timedelta(minutes=1)
_MIDNIGHT_TO_OPEN = 570  # minutes of the exchange's clock: its sessions open at 09:30


def reversion_rules(settings: Settings) -> ReversionRules:
    """Return the rules as they are configured, sized as the model's policy sizes."""
    return ReversionRules(
        both_sides=settings.strategies.reversion_short,
        position=settings.strategy.gross / settings.strategy.k,
    )


def reversion_name(settings: Settings) -> str:
    """Return how the strategy is called as it is configured."""
    return strategy_name(REVERSION, filtered=settings.strategies.reversion_filter)


@dg.asset(
    deps=["minute_bars", "predictions"],
    group_name="decisions",
    kinds={"numba", "duckdb"},
    owners=["team:research"],
)
def intraday_signals(
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.MaterializeResult[None]:
    """What the mean reversion rules want after the newest minute; nothing while the feed is stale.

    Advice on the Predictions page: nobody could sign in time for what a minute decides.
    """
    if settings.strategies.reversion == "off":
        return _told("it is off (strategies.reversion)")
    with ledger.connect() as conn:
        stale = feeds.trouble(conn, desk_at=desk_clock.now())
        clock = market.latest_clock(conn)
    if stale is not None:
        return _told(stale)
    if clock is None or not clock.is_open or clock.session is None:
        return _told("the market is closed")
    frame = signals_at(warehouse, settings, universe, clock.session, clock.now)
    if frame.is_empty():
        return _told("no minute bar of the session has been stored")
    with warehouse.writer("portfolio.intraday_signals") as conn:
        rows = intraday.record(conn, frame)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": rows, "simulated": bool(frame["simulated"].any())}
    )


def signals_at(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date, now: datetime
) -> pl.DataFrame:
    """Return what the rules want of each symbol after its newest bar known at `now`.

    The session before is read as well: relative strength looks back over the night.
    """
    calendar = exchange()
    with warehouse.reader() as conn:
        told = pl.concat(
            regular_minutes(conn, universe, day, as_of=now)
            for day in (calendar.previous(session), session)
        ).filter(pl.col("bar_start") + _MINUTE <= now)
    told = with_the_session(told, session)
    if told.is_empty():
        return pl.DataFrame(schema=intraday.SCHEMA)
    panel = minute_panel(told)
    allowed = None
    if settings.strategies.reversion_filter:
        said = probabilities_of(warehouse, universe, calendar.previous(session))
        agreed = [name for name, chance in said.items() if chance >= settings.strategy.threshold]
        allowed = told["symbol"].is_in(agreed).to_numpy()
    done = mean_reversion(
        panel, closing_of(panel), rules=reversion_rules(settings), allowed=allowed
    )
    last = panel.offsets[1:] - 1
    newest: pl.DataFrame = told[last.tolist()]
    made_up = told.group_by("symbol", maintain_order=True).agg(pl.col("simulated").any())
    stops = pl.Series(done.stops[last], dtype=pl.Float64).fill_nan(None)
    return newest.select("session", "symbol", "bar_start", "close").with_columns(
        strategy=pl.lit(reversion_name(settings)),
        side=pl.Series(done.wanted[last].astype(np.int32)),
        stop=stops,
        simulated=made_up["simulated"],
        known_at=pl.lit(now, dtype=pl.Datetime("us", "UTC")),
    )  # fmt: skip


def regular_minutes(
    conn: duckdb.DuckDBPyConnection, universe: Universe, session: date, *, as_of: datetime
) -> pl.DataFrame:
    """Return a session's minutes within the exchange's hours, as known at `as_of`."""
    calendar = exchange()
    return minutes.marked(
        conn, universe.names, session,
        opens=calendar.open(session), closes=calendar.close(session), as_of=as_of,
    ).filter("regular")  # fmt: skip


def with_the_session(told: pl.DataFrame, session: date) -> pl.DataFrame:
    """Return the minutes of the symbols that have one in the session, by symbol and time."""
    current = told.filter(pl.col("session") == session)["symbol"].unique()
    return told.filter(pl.col("symbol").is_in(current.implode())).sort("symbol", "bar_start")


def closing_of(panel: MinutePanel) -> Int32Array:
    """Return when each bar's session closes, minutes after the exchange's midnight."""
    calendar = exchange()
    days, place = np.unique(panel.sessions, return_inverse=True)
    closes = [
        _MIDNIGHT_TO_OPEN + calendar.minutes(EPOCH + timedelta(days=int(day))) for day in days
    ]
    return np.array(closes, dtype=np.int32)[place]


def minute_panel(told: pl.DataFrame) -> MinutePanel:
    """Return regular minutes, sorted by symbol and start, as arrays."""
    lengths = told.group_by("symbol", maintain_order=True).len()
    prices = {
        name: told[name].cast(pl.Float64).to_numpy()
        for name in ("open", "high", "low", "close", "volume")
    }
    return MinutePanel(
        symbols=tuple(lengths["symbol"]),
        offsets=np.concatenate(([0], np.cumsum(lengths["len"].to_numpy()))).astype(np.int64),
        sessions=told["session"].to_physical().to_numpy().astype(np.int32),
        minutes=(told["minute"].to_numpy() + _MIDNIGHT_TO_OPEN).astype(np.int32),
        **prices,
    )


def _told(why: str) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"dagster/row_count": 0, "blocked": why})
