"""The alert rules about closes, data and risk, looked at once a session."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
import duckdb
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.desk_time import decision_time, market_now
from assets.market import daily_bars
from assets.partitions import SESSIONS, as_session
from assets.risk import risk_figures
from config import alerts as alerts_file
from config.universe import Universe
from ledger import alert_rules, alerts
from quality.calendar import exchange
from quant.indicators import relative_strength
from quant.typing import FloatArray
from trading.alerting import MEASURES, Figure, holding
from trading.clock import DeskClock
from warehouse import Warehouse, adjustment, risk, verdicts

_DAYS = timedelta(days=380)  # so that Wilder's average has forgotten where it began
_AVERAGE, _VOLATILITY, _RSI = 50, 20, 14
_YEAR = 252.0
_ACTOR = "alerts of the close"


@dg.asset(
    deps=[daily_bars, risk_figures],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="risk",
    kinds={"postgres"},
    owners=["team:risk"],
)
def alerts_of_close(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.MaterializeResult[None]:
    """Rules about prices, indicators, data and risk at the close; only of the newest session."""
    session = as_session(context.partition_keys[-1])
    now = market_now(ledger)
    if session != exchange().last_closed(now):
        return dg.MaterializeResult(metadata={"raised": 0, "looked_at": 0})
    with warehouse.reader() as conn:
        figures = close_figures(conn, universe.names, session)
    with ledger.begin() as conn:
        rules = [
            rule
            for rule in [*alert_rules.built_in(alerts_file.load()), *alert_rules.active(conn)]
            if MEASURES[rule.measure].source == "close"
        ]
        raised = alerts.watch(
            conn,
            holding(rules, figures),
            looked_at=figures,
            rules=rules,
            desk_at=desk_clock.now(),
            market_at=now,
            actor=_ACTOR,
        )
    return dg.MaterializeResult(metadata={"raised": len(raised), "looked_at": len(figures)})


def close_figures(
    conn: duckdb.DuckDBPyConnection, symbols: Sequence[str], session: date
) -> list[Figure]:
    """Return what the rules may watch at a close, as known then.

    A symbol whose bar of the session is missing or held back has no figure.
    """
    as_of = decision_time(session)
    closes = adjustment.adjusted_closes(conn, symbols, session - _DAYS, session, as_of=as_of)
    found = []
    for (symbol,), rows in closes.group_by("symbol", maintain_order=True):
        if rows["session"][-1] == session:
            found += _of_symbol(str(symbol), rows["adjusted_close"].to_numpy())
    held = verdicts.held_back(conn, [session])
    said = risk.figures(conn, session, session, as_of=as_of, portfolio="total").filter(
        (pl.col("measure") == "value_at_risk")
        & (pl.col("method") == "historical")
        & (pl.col("level") == 0.99)
        & (pl.col("horizon") == 1)
    )
    return [
        *found,
        Figure("held_back", "", Decimal(held.height)),
        *(Figure("value_at_risk", "", _exact(value)) for value in said["value"].to_list()[:1]),
    ]


def _of_symbol(symbol: str, closes: FloatArray) -> list[Figure]:
    told: dict[str, float] = {}
    if closes.size > 1:
        told["day_return"] = float(closes[-1] / closes[-2] - 1.0)
    if closes.size > _RSI:
        told["rsi_14"] = float(relative_strength(closes, periods=_RSI)[-1])
    if closes.size > _VOLATILITY:
        moves = np.diff(np.log(closes[-_VOLATILITY - 1 :]))
        told["volatility_20"] = float(moves.std(ddof=1) * np.sqrt(_YEAR))
    if closes.size >= _AVERAGE:
        told["above_average_50"] = float(closes[-1] / closes[-_AVERAGE:].mean() - 1.0)
    return [
        Figure(measure, symbol, _exact(value))
        for measure, value in told.items()
        if np.isfinite(value)
    ]


def _exact(value: float) -> Decimal:
    return Decimal(str(round(value, 8)))
