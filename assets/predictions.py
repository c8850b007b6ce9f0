"""What the model says after each close, and what became of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.demotion import demote
from assets.desk_time import decision_time, market_now
from assets.features import daily_features
from assets.market import daily_bars, index_bars
from assets.models import trained_model
from assets.partitions import SESSIONS, as_session
from assets.serving import UnservableModelError, require_served, served_version
from assets.sources import ModelRegistry
from config.universe import Universe
from ledger import alerts
from quality.calendar import exchange
from quant.features import DAILY, DailyPanel
from quant.labels import excess_to_last_close, forward_excess
from quant.models import TOLD_REASONS, FittedModel, Reason
from quant.models.conformal import missed_by_session
from quant.samples import VOLATILITY_FEATURE, session_ordinals, volatility_daily
from quant.typing import BoolArray, Float32Array, FloatArray, Int32Array
from trading.clock import DeskClock
from trading.errors import AskError
from warehouse import (
    Warehouse,
    actions,
    adjustment,
    bars,
    features,
    identity,
    index,
    models,
    predictions,
)  # fmt: skip

_YEAR = 252
# A symbol without a bar for so many sessions is gone, announced or not: trading in a share is
# suspended for ten business days at most (Securities Exchange Act, section 12(k)).
GONE_AFTER = 21


class NoModelError(AskError):
    """No model of the universe had been trained by the session asked for."""


@dg.asset(
    deps=[daily_features, trained_model],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="models",
    kinds={"xgboost", "duckdb"},
    owners=["team:research"],
    name="predictions",
)
def predictions_asset(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    registry: dg.ResourceParam[ModelRegistry],
    universe: dg.ResourceParam[Universe],
    ledger: dg.ResourceParam[Engine],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.MaterializeResult[None]:
    """Probability to beat the index, expected excess return and its 80 % range, per symbol.

    Only by a model that was trained by then; symbols with too little history have no row. A model
    whose features are no longer computed says nothing and is an alert: the decisions after it
    tell what of that holds for each symbol.
    """
    rows = 0
    for key in context.partition_keys:
        try:
            frame = _predicted(warehouse, registry, universe, as_session(key))
        except UnservableModelError as silent:
            context.log.warning(str(silent))
            _alert(silent, ledger, desk_clock)
            continue
        rows += frame.height
        if frame.height:
            warehouse.write(partial(_record, frame), "models.predictions")
    return dg.MaterializeResult(
        metadata={"dagster/row_count": rows, "last_session": context.partition_keys[-1]}
    )


def _alert(silent: UnservableModelError, ledger: Engine, desk_clock: DeskClock) -> None:
    market_at = market_now(ledger)
    with ledger.begin() as conn:
        alerts.raise_once(
            conn,
            severity="warning",
            kind="model_unservable",
            subject=silent.model_version,
            message=str(silent),
            desk_at=desk_clock.now(),
            market_at=market_at,
        )


def _record(frame: pl.DataFrame, conn: duckdb.DuckDBPyConnection) -> int:
    return predictions.record(conn, frame)


def _predicted(
    warehouse: Warehouse, registry: ModelRegistry, universe: Universe, session: date
) -> pl.DataFrame:
    as_of = decision_time(session)
    with warehouse.reader() as conn:
        version = models.serving(conn, universe.programme, as_of=as_of)
        if version.is_empty():
            raise NoModelError(
                f"No model of {universe.programme} had been trained by {session}. Materialise "
                "`trained_model` first, or choose sessions from its training on."
            )
        told = version.row(0, named=True)
        served = served_version(conn, told)
        rows, values = features.matrix(conn, served, universe.names, session, session, as_of=as_of)
        if rows.is_empty():
            require_served(served, told)
        stored = features.names(conn, served)
        seen = adjustment.session_counts(
            conn, universe.names, exchange().days[0], session, as_of=as_of
        )
        snapshot = warehouse.snapshot()
        missed = _missed(conn, told["model_version"], session)
    enough = rows["symbol"].replace_strict(seen, default=0) >= universe.minimum_history
    known = enough.to_numpy() & np.isfinite(values[:, stored.index(VOLATILITY_FEATURE)])
    rows, values = rows.filter(known), values[known]
    if rows.is_empty():
        return rows
    model = FittedModel.from_bytes(registry.model(told["run_id"])).adapted(missed)
    values = values[:, [stored.index(name) for name in model.names]]
    return _rows(model, rows, values, told | {"feature_version": served}, snapshot)


def _missed(conn: duckdb.DuckDBPyConnection, model_version: str, session: date) -> FloatArray:
    """Share of live outcomes outside their range, by session, as the session before knew them.

    The session's own are scored after it has been predicted: with them a second run would differ.
    """
    as_of = decision_time(exchange().previous(session))
    told = predictions.matured(conn, as_of=as_of, model_version=model_version)
    low, high, came = (told[name].to_numpy() for name in ("low", "high", "excess_return"))
    return missed_by_session(low, high, came, told["matured_session"].to_physical().to_numpy())


def _rows(
    model: FittedModel,
    rows: pl.DataFrame,
    values: Float32Array,
    version: Mapping[str, Any],
    snapshot: int,
) -> pl.DataFrame:
    daily = volatility_daily(values, model.names)
    forecast = model.predict(values, model.names, scale=daily * np.sqrt(model.horizon))
    return rows.select("symbol", "session", "simulated", "known_at").with_columns(
        pl.Series("model_version", [version["model_version"]] * rows.height),
        pl.lit("live").alias("kind"),
        pl.Series("probability", forecast.probability),
        pl.Series("margin", forecast.margin),
        pl.Series("expected_return", forecast.expected_return),
        pl.Series("low", forecast.low),
        pl.Series("high", forecast.high),
        pl.lit(model.horizon).alias("horizon"),
        pl.Series("volatility", daily * np.sqrt(_YEAR)),
        pl.Series(
            "contributions", [_told(reasons) for reasons in model.reasons(values, top=TOLD_REASONS)]
        ),
        pl.lit(version["feature_version"]).alias("feature_version"),
        pl.lit(snapshot).alias("snapshot_id"),
    )


def _told(reasons: Sequence[Reason]) -> str:
    return json.dumps(
        [
            {
                "feature": reason.name,
                "meaning": DAILY[reason.name].meaning,
                "value": reason.value,
                "points": reason.points,
            }
            for reason in reasons
            if np.isfinite(reason.value) and reason.points != 0.0
        ]
    )


@dg.asset(
    deps=[predictions_asset, daily_bars, index_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="models",
    kinds={"duckdb"},
    owners=["team:research"],
)
def outcomes(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """What happened to each live prediction whose horizon had passed by the session.

    A firm is followed to its present ticker; of one that is gone what it was worth at its last
    close counts. What still has no outcome a month after its horizon is counted as unscorable. A
    model that no longer keeps its word is demoted here.
    """
    session = as_session(context.partition_keys[-1])
    as_of = decision_time(session)
    scored = _score(warehouse, universe, session, as_of)
    fallen = demote(warehouse, universe.programme, as_of=as_of)
    if fallen is not None:
        context.log.warning(fallen.sentence)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": scored.rows,
            "unscorable": scored.unscorable,
            "demoted": fallen.model_version if fallen else "",
        }
    )


@dataclass(frozen=True)
class Scored:
    """How many predictions got their outcome, and how many of the others never will."""

    rows: int
    unscorable: int


def _score(warehouse: Warehouse, universe: Universe, session: date, as_of: datetime) -> Scored:
    with warehouse.reader() as conn:
        waiting = _as_listed_now(
            predictions.unscored(conn, as_of=as_of), identity.known(conn, session, as_of=as_of)
        )
        if waiting.is_empty():
            return Scored(0, 0)
        first = min(waiting["session"])
        # Not those of the universe: who has left it since is measured as well.
        symbols = waiting["listed"].unique().sort().to_list()
        panel = adjustment.panel(conn, symbols, first, session, as_of=as_of, index=universe.index)
        points = index.bars(conn, universe.index, first, session, as_of=as_of)
        events = actions.known(conn, symbols, first, session, as_of=as_of)
        traded = bars.closes(conn, symbols, first, session, as_of=as_of, judged=False)
    ended = events.filter(kind="delisting").group_by("symbol").agg(pl.max("ex_date"))
    # Of others no bar is asked for any more: that they have none says nothing.
    asked = waiting.filter(pl.any_horizontal(pl.col("symbol", "listed").is_in(universe.names)))
    newest = dict(traded.group_by("symbol").agg(pl.max("session")).iter_rows())
    heard = {symbol: newest[symbol] for symbol in asked["listed"] if symbol in newest}
    gone = _delisted(panel, dict(ended.iter_rows()), newest) | _silent(panel, heard)
    scored = _scored(waiting, panel, points.select("open", "close").to_numpy(), gone, as_of)
    if scored.height:
        warehouse.write(lambda c: predictions.record_outcomes(c, scored), "models.outcomes")
    left = waiting.join(scored, on=["symbol", "session", "model_version"], how="anti")
    return Scored(scored.height, _overdue(left, session))


def _as_listed_now(waiting: pl.DataFrame, known: identity.Identities | None) -> pl.DataFrame:
    """Return the predictions with `listed`, the present ticker of the firm each was made of."""
    made_of = waiting.select("symbol", "session").iter_rows()
    listed = [symbol if known is None else known.present(symbol, day) for symbol, day in made_of]
    return waiting.with_columns(listed=pl.Series(listed, dtype=pl.String))


def _overdue(waiting: pl.DataFrame, session: date) -> int:
    """Return how many predictions had their horizon, and `GONE_AFTER` sessions more, by now."""
    if waiting.is_empty():
        return 0
    days = exchange().sessions(min(waiting["session"]), session)
    since = {day: len(days) - 1 - place for place, day in enumerate(days)}
    age = waiting["session"].replace_strict(since, return_dtype=pl.Int64)
    return int((age >= waiting["horizon"] + 1 + GONE_AFTER).sum())


def _scored(
    waiting: pl.DataFrame,
    panel: DailyPanel,
    benchmark: FloatArray,
    gone: BoolArray,
    known_at: datetime,
) -> pl.DataFrame:
    """Excess returns of the predictions that have matured, or whose symbol is gone.

    `benchmark` has the opens and closes of the index, `gone` says which symbols of the panel are.
    """
    frames = []
    for (horizon,), asked in waiting.group_by("horizon"):
        excess, until = _excess(panel, benchmark, gone, horizon=int(horizon))
        happened = pl.DataFrame(
            {
                "listed": np.repeat(np.array(panel.symbols), np.diff(panel.offsets)),
                "session": pl.Series(panel.sessions).cast(pl.Date),
                "excess_return": excess,
                "matured_session": _days(panel, until),
            }
        ).filter(pl.col("excess_return").is_finite())
        frames.append(
            asked.select("symbol", "listed", "session", "model_version")
            .join(happened, on=["listed", "session"])
            .drop("listed")
        )
    return pl.concat(frames).with_columns(
        kind=pl.lit("live"),
        outperformed=pl.col("excess_return") > 0,
        known_at=pl.lit(known_at, dtype=pl.Datetime("us", "UTC")),
    )


def _excess(
    panel: DailyPanel, benchmark: FloatArray, gone: BoolArray, *, horizon: int
) -> tuple[FloatArray, Int32Array]:
    """Return each row's excess return and last session; of who is gone to the last close."""
    ordinals = session_ordinals(panel)
    factor = panel.return_factor
    labels = forward_excess(
        panel.open * factor, benchmark[:, 0], panel.offsets, ordinals, horizon=horizon
    )
    prices = np.column_stack((panel.open * factor, panel.close * factor))
    cashed, last = excess_to_last_close(prices, benchmark, panel.offsets, ordinals, horizon=horizon)
    is_cashed = np.repeat(gone, np.diff(panel.offsets)) & np.isfinite(cashed)
    excess = np.where(is_cashed, cashed, labels.excess)
    return excess, np.where(is_cashed, last, labels.end_session)


def _delisted(
    panel: DailyPanel, ended: Mapping[str, date], traded: Mapping[str, date]
) -> BoolArray:
    """Whether each symbol was delisted and has had no bar since the day it ended.

    `traded` has the last session with a bar, held back or not. What is held back behind the last
    close may say what was left of it: it is waited for, as long as for a bar.
    """
    since = _long_ago(panel)
    return np.array(
        [
            last <= ended.get(symbol, date.min) and traded.get(symbol, last) <= max(last, since)
            for symbol, last in zip(panel.symbols, _lasts(panel), strict=True)
        ],
        dtype=np.bool_,
    )


def _silent(panel: DailyPanel, traded: Mapping[str, date]) -> BoolArray:
    """Whether each symbol has had no bar for `GONE_AFTER` sessions, as in `quant.backtest`.

    `traded` has the last session with a bar, held back or not, of those that are asked for.
    """
    since = _long_ago(panel)
    lasts = zip(panel.symbols, _lasts(panel), strict=True)
    return np.array(
        [max(last, traded.get(symbol, date.max)) <= since for symbol, last in lasts], dtype=np.bool_
    )


def _long_ago(panel: DailyPanel) -> date:
    """Return the session that `GONE_AFTER` others have followed; before all where there is none."""
    days = pl.Series(panel.index_sessions).cast(pl.Date).to_list()
    return days[-GONE_AFTER - 1] if len(days) > GONE_AFTER else date.min


def _lasts(panel: DailyPanel) -> list[date]:
    """Return the last session of each symbol."""
    return pl.Series(panel.sessions[panel.offsets[1:] - 1]).cast(pl.Date).to_list()


def _days(panel: DailyPanel, ordinals: Int32Array) -> pl.Series:
    inside = np.minimum(ordinals, panel.index_sessions.size - 1)
    return pl.Series(panel.index_sessions[inside]).cast(pl.Date)
