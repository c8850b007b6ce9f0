"""Features of each symbol and session."""

from datetime import date, datetime

import dagster as dg
import numpy as np
import polars as pl

from assets import unpayable
from assets.blocks import blocks, in_chunks, late
from assets.desk_time import decision_time
from assets.market import daily_bars
from assets.partitions import SESSIONS, as_session
from config.universe import Universe
from quant.features import DAILY, DailyPanel
from quant.features import daily_features as computed_features
from quant.typing import BoolArray
from warehouse import Warehouse, adjustment, bars, features
from warehouse import late as lateness

_EPOCH = date(1970, 1, 1)


@dg.asset(
    deps=[daily_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="features",
    kinds={"numba", "duckdb"},
    owners=["team:research"],
)
def daily_features(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """One row per symbol and session: the registry's features, known after that close."""
    sessions = [as_session(key) for key in context.partition_keys]
    rows = 0
    for chunk in in_chunks(sessions):
        for block in blocks(chunk, _learned_late(warehouse, universe, chunk)):
            frame = computed_rows(warehouse, universe, block)
            rows += _store(warehouse, frame)
        with warehouse.reader() as conn:
            for reason in unpayable.reasons(conn, universe.names, chunk[0], chunk[-1]).values():
                context.log.warning(reason)
        context.log.info(f"{chunk[0]} to {chunk[-1]}: features of {rows} rows so far")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "features": len(DAILY),
            "version": DAILY.version,
            "first_session": str(sessions[0]),
            "last_session": str(sessions[-1]),
        }
    )


def _learned_late(warehouse: Warehouse, universe: Universe, chunk: list[date]) -> list[datetime]:
    """Return when something was learned that sessions of the chunk did not know at their close.

    Also when a dividend that no price can have paid parts a symbol's prices: on each side of it
    features are computed from that side alone.
    """
    with warehouse.reader() as conn:
        learned = lateness.learned(
            conn,
            universe.names,
            _begin(chunk),
            chunk[-1],
            after=decision_time(chunk[0]),
            as_of=decision_time(chunk[-1]),
            index=universe.index,
            universe=universe.name,
        )
        cuts = late(learned)
        parted = [
            adjustment.unpayable(
                conn, universe.names, block[0], block[-1], as_of=decision_time(block[-1])
            )
            for block in blocks(chunk, cuts)
            if len(block) > 1
        ]
    ex_dates = [frame.select("ex_date", "known_at", reaches_back=True) for frame in parted]
    return sorted({*cuts, *(cut for frame in ex_dates for cut in late(frame))})


def _begin(chunk: list[date]) -> date:
    """Return a day before which no feature of the chunk looks."""
    return chunk[0] - unpayable.LOOK_BACK


def computed_rows(warehouse: Warehouse, universe: Universe, chunk: list[date]) -> pl.DataFrame:
    """Features of the chunk's sessions, from what was known after the close of its last one."""
    as_of = decision_time(chunk[-1])
    begin = _begin(chunk)
    with warehouse.reader() as conn:
        panel = adjustment.panel(
            conn,
            universe.names,
            begin,
            chunk[-1],
            as_of=as_of,
            index=universe.index,
            members_of=universe.name,
        )
        bars_known = bars.ohlcv(conn, universe.names, begin, chunk[-1], as_of=as_of)
    made_up = bars_known.filter("simulated").group_by("symbol").agg(pl.min("session"))
    start = (chunk[0] - _EPOCH).days
    values = computed_features(panel, from_session=start)
    wanted = panel.sessions >= start
    symbols = np.repeat(np.array(panel.symbols), np.diff(panel.offsets))[wanted]
    days = pl.Series(panel.sessions[wanted]).cast(pl.Date)
    known = {session: decision_time(session) for session in chunk}
    return (
        pl.DataFrame(
            {
                "symbol": symbols,
                "session": days,
                "simulated": _simulated(panel, made_up)[wanted],
                "values": list(values),
            },
            # Without a usable bar there is no row to tell types from.
            schema={
                "symbol": pl.String,
                "session": pl.Date,
                "simulated": pl.Boolean,
                "values": pl.List(pl.Float32),
            },
        )
        .filter(pl.col("session").is_in(chunk))
        .with_columns(
            version=pl.lit(DAILY.version),
            known_at=pl.col("session").replace_strict(known, return_dtype=pl.Datetime("us", "UTC")),
        )
    )


def _simulated(panel: DailyPanel, made_up: pl.DataFrame) -> BoolArray:
    """Whether simulated data goes into each row: from a symbol's first simulated bar on."""
    begins = {symbol: (first - _EPOCH).days for symbol, first in made_up.iter_rows()}
    never = int(panel.sessions.max(initial=0)) + 1
    first = np.array([begins.get(symbol, never) for symbol in panel.symbols])
    marked: BoolArray = panel.sessions >= np.repeat(first, np.diff(panel.offsets))
    return marked


def _store(warehouse: Warehouse, frame: pl.DataFrame) -> int:
    with warehouse.writer("features.versions") as conn:
        features.register(conn, DAILY.version, DAILY.names)
    warehouse.write(lambda conn: features.record(conn, frame), "features.daily")
    return frame.height
