"""From predictions to target weights."""

from datetime import date

import dagster as dg
import numpy as np
import polars as pl

from assets.desk_time import decision_time
from assets.partitions import SESSIONS, as_session
from assets.policies import policy
from assets.predictions import predictions_asset
from assets.strategies import swing_signals
from config.settings import Settings
from config.universe import Universe
from quant.signals import target_weights
from warehouse import Warehouse, models, portfolio, predictions


@dg.asset(
    deps=[predictions_asset],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="decisions",
    kinds={"duckdb"},
    owners=["team:research"],
    name="signals",
)
def signals_asset(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """The share of equity each symbol should have, by the policy and each strategy that is on."""
    rows = 0
    for key in context.partition_keys:
        session = as_session(key)
        told = [model_signals(warehouse, settings, universe, session)]
        if settings.strategies.swing != "off":
            told.append(swing_signals(warehouse, settings, universe, session))
        for frame in told:
            if frame.height:
                with warehouse.writer("portfolio.signals") as conn:
                    rows += portfolio.record_signals(conn, frame)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


def model_signals(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date
) -> pl.DataFrame:
    """Target weights by what the serving model said of a session; empty where it said nothing."""
    as_of = decision_time(session)
    with warehouse.reader() as conn:
        said = predictions.known(conn, session, session, as_of=as_of)
        serving = models.serving(conn, universe.programme, as_of=as_of)
    newest = said.filter(pl.col("model_version").is_in(serving["model_version"].implode()))
    if newest.is_empty():
        return newest
    weights = target_weights(
        newest["probability"].to_numpy(),
        policy=policy(settings),
        rank_by=newest["margin"].to_numpy(),
    )
    return newest.select(
        "session", "symbol", "model_version", "probability", "known_at"
    ).with_columns(
        strategy=pl.lit(settings.strategy.name),
        target_weight=pl.Series(np.asarray(weights, dtype=np.float64)),
    )
