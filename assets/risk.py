"""What the portfolio may lose, figured after each close, and whether past figures held."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import dagster as dg
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.desk_time import decision_time
from assets.market import daily_bars, index_bars
from assets.partitions import SESSIONS, as_session
from config import scenarios
from config.universe import Universe
from ledger import market
from quality.calendar import exchange
from quant import risk as measures
from quant.risk.sheet import LEVELS
from quant.typing import FloatArray
from warehouse import Warehouse, adjustment, bars, index, risk

_FIRST = date(1990, 1, 1)  # of all history that there may be
_VOLUME_DAYS = timedelta(days=28)  # about twenty sessions
_OWN = "own, historical"  # the account's losses against the figure said before them


@dg.asset(
    deps=[daily_bars, index_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="risk",
    kinds={"duckdb"},
    owners=["team:risk"],
)
def risk_figures(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Tails, components, liquidity, stress and back-tests of what is held now."""
    session = as_session(context.partition_keys[-1])
    holdings = _holdings(warehouse, ledger, universe, session)
    if holdings is None:
        return dg.MaterializeResult(metadata={"dagster/row_count": 0})
    # A session's figures draw the same however often they are made.
    rng = np.random.default_rng(session.toordinal())
    sheet = measures.risk_sheet(holdings, scenarios.load().scenarios, rng=rng)
    for level in LEVELS:
        sheet.take(f"own record at {level:.0%}", _own, warehouse, ledger, session, level)
    frame = pl.DataFrame(
        [vars(figure) for figure in sheet.figures], infer_schema_length=None
    ).with_columns(
        session=pl.lit(session),
        known_at=pl.lit(decision_time(session), dtype=pl.Datetime("us", "UTC")),
    )
    with warehouse.writer("risk.figures") as conn:
        risk.record(conn, frame)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": frame.height, "left_out": sheet.left_out}
    )


def _holdings(
    warehouse: Warehouse, ledger: Engine, universe: Universe, session: date
) -> measures.Holdings | None:
    with ledger.connect() as conn:
        account = market.latest_account(conn)
        held = {s: p for s, p in market.latest_positions(conn).items() if p.quantity}
    if account is None or account.equity <= 0:
        return None
    names, as_of = sorted(held), decision_time(session)
    with warehouse.reader() as conn:
        closes = adjustment.adjusted_closes(conn, names, _FIRST, session, as_of=as_of)
        traded = bars.ohlcv(conn, names, session - _VOLUME_DAYS, session, as_of=as_of)
        benchmark = index.bars(conn, universe.index, _FIRST, session, as_of=as_of)
    if benchmark.height < 2:
        return None
    prices = _prices(closes, benchmark, names)
    volumes = dict(traded.group_by("symbol").agg(pl.col("volume").mean()).iter_rows())
    return measures.Holdings(
        symbols=tuple(names),
        sectors=tuple(universe.sectors.get(name, "") for name in names),
        weights=_figures({n: (held[n].market_value or 0) / account.equity for n in names}),
        quantities=_figures({n: held[n].quantity for n in names}),
        volumes=_figures({n: volumes.get(n) for n in names}),
        sessions=benchmark.sort("session")["session"].to_numpy()[1:],
        returns=prices[1:, 1:] / prices[:-1, 1:] - 1.0,
        index=prices[1:, 0] / prices[:-1, 0] - 1.0,
    )


def _prices(closes: pl.DataFrame, benchmark: pl.DataFrame, names: list[str]) -> FloatArray:
    """The index and every symbol, in this order, on the index's sessions; NaN without a price."""
    table = benchmark.select("session", pl.col("close").alias(""))
    if not closes.is_empty():
        wide = closes.pivot("symbol", index="session", values="adjusted_close")
        table = table.join(wide, on="session", how="left")
    ordered = table.sort("session").select(
        pl.col(name) if name in table.columns else pl.lit(None, dtype=pl.Float64).alias(name)
        for name in ["", *names]
    )
    return ordered.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _figures(told: Mapping[str, Decimal | float | None]) -> FloatArray:
    return np.array([np.nan if v is None else float(v) for v in told.values()], dtype=np.float64)


def _own(
    warehouse: Warehouse, ledger: Engine, session: date, level: float
) -> list[measures.Figure]:
    """How the desk's own figures held: each against the account's return of the session after."""
    with ledger.connect() as conn:
        account = market.latest_account(conn)
        curve = [] if account is None else market.equity_curve(
            conn, environment=account.environment, account_id=account.account_id
        )  # fmt: skip
    with warehouse.reader() as conn:
        said = risk.figures(
            conn, _FIRST, session, as_of=decision_time(session), portfolio="total"
        ).filter(measure="value_at_risk", method="historical", level=level, horizon=1)
    known = dict(said.select("session", "value").iter_rows())
    points = [point for point in curve if point.session <= session and point.equity > 0]
    # What was lost over several closes that nobody looked at is no loss of one session.
    pairs = [
        (earned, known[before.session])
        for (before, now), earned in zip(pairwise(points), market.returns(points), strict=True)
        if before.session in known and now.session == exchange().next(before.session)
    ]
    if len(pairs) < 2:
        raise ValueError(f"two sessions with a figure before them are needed, are {len(pairs)}.")
    returns, figures = np.array(pairs).T
    record = measures.coverage_record(returns, figures, level=level)
    return measures.record_figures(record, level=level, method=_OWN)
