"""How matured forecasts of a model did: in whole, by symbol, by regime, and as time went by."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta

import dagster as dg
import numpy as np
import polars as pl

from assets.demotion import outcomes_of
from assets.desk_time import decision_time
from assets.judging import market_of
from assets.material import EPOCH
from assets.partitions import SESSIONS, as_session
from assets.predictions import outcomes
from config.settings import Settings
from config.universe import Universe
from quant.gates import regimes
from quant.models import calibration_table
from quant.models.record import Outcomes, Range, Record, record_of
from quant.typing import BoolArray
from warehouse import Warehouse, adjustment, evidence, models, predictions

KINDS = ("live", "walk_forward")
# Draws of the bootstrap cost a moment each: of a wide universe those that were asked most often.
_MOST_SYMBOLS = 50
_WINDOW, _STEP = 126, 63  # sessions of a rolling record, and between two of them


@dg.asset(
    deps=[outcomes],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="models",
    kinds={"duckdb"},
    owners=["team:research"],
)
def forecast_records(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Hit rate, rank correlation, Brier score, coverage and calibration, live and walked forward.

    Of the version that serves and of every one that has a matured live forecast. The walk-forward
    record of a version never changes, and is made once.
    """
    session = as_session(context.partition_keys[-1])
    as_of = decision_time(session)
    market: dict[str, BoolArray] | None = None
    rows = 0
    for version, kind in _wanted(warehouse, universe, as_of):
        with warehouse.reader() as conn:
            told = predictions.matured(conn, as_of=as_of, kind=kind, model_version=version)
        if told.is_empty():
            continue
        if market is None:
            market, days = _regimes(warehouse, settings, universe, session, as_of)
        made = [
            record_row(version, kind, part, name, chosen)
            for part, name, chosen in parts(told, market, days)
        ]
        frame = pl.DataFrame(made, schema=evidence.RECORD_SCHEMA)
        with warehouse.writer("models.records") as conn:
            rows += evidence.store_records(conn, frame)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


def _wanted(warehouse: Warehouse, universe: Universe, as_of: datetime) -> list[tuple[str, str]]:
    """Versions and kinds whose record may be new."""
    with warehouse.reader() as conn:
        version = models.serving(conn, universe.programme, as_of=as_of)
        serving = version["model_version"].to_list()
        live = predictions.matured(conn, as_of=as_of)["model_version"].unique().sort().to_list()
        made = [version for version in serving if _walked(evidence.records(conn, version))]
    return [
        *((version, "live") for version in live),
        *((version, "walk_forward") for version in serving if version not in made),
    ]


def _walked(told: pl.DataFrame) -> bool:
    """Whether the walk-forward record is made; older code did not know luck."""
    return not told.filter(
        pl.col("kind") == "walk_forward", pl.col("luck").is_not_null()
    ).is_empty()


def _regimes(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date, as_of: datetime
) -> tuple[dict[str, BoolArray], np.ndarray]:
    """Sessions of each regime of the universe's equal-weight holding, and the sessions."""
    with warehouse.reader() as conn:
        panel = adjustment.panel(
            conn, universe.names, settings.history.first_session, session, as_of=as_of,
            index=universe.index, members_of=universe.name,
        )  # fmt: skip
    return dict(regimes(market_of(panel).held(slice(None)))), panel.index_sessions


def parts(
    told: pl.DataFrame, market: dict[str, BoolArray], days: np.ndarray
) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Each part of the matured forecasts that is scored, with its name."""
    yield "all", "", told
    often = told["symbol"].value_counts(sort=True)["symbol"].head(_MOST_SYMBOLS).sort()
    for symbol in often:
        yield "symbol", symbol, told.filter(pl.col("symbol") == symbol)
    at = np.searchsorted(days, told["session"].to_physical().to_numpy())
    for name, sessions in market.items():
        chosen = told.filter(pl.Series(sessions[np.minimum(at, days.size - 1)]))
        if chosen.height:
            yield "regime", name, chosen
    decided = told["session"].unique().sort()
    for last in range(_WINDOW, decided.len() + 1, _STEP):
        span = decided[last - _WINDOW : last]
        yield "rolling", str(span[-1]), told.filter(pl.col("session").is_between(span[0], span[-1]))


def record_row(
    version: str, kind: str, part: str, name: str, told: pl.DataFrame
) -> dict[str, object]:
    """Return a row of `models.records` for the matured forecasts of a part; at least one."""
    came = outcomes_of(told)
    record = record_of(came)
    return {
        "model_version": version,
        "kind": kind,
        "part": part,
        "name": name,
        "last_session": EPOCH + timedelta(days=int(came.sessions.max())),
        "calibration": json.dumps(_calibration(came, float(told["horizon"].to_numpy().max()))),
        **_figures(record),
    }


def _figures(record: Record) -> dict[str, object]:
    ranges = {"hit": record.hit_rate, "brier": record.brier, "coverage": record.coverage}
    values = {"hit": "hit_rate"}
    told: dict[str, object] = {"cases": record.n, "sessions": record.sessions}
    for name, one in ranges.items():
        told |= {values.get(name, name): one.value} | _ends(name, one)
    return told | {
        "ic": None if record.ic is None else record.ic.value,
        **_ends("ic", record.ic),
        "icir": record.icir,
        "luck": record.luck,
        "lucky": record.lucky,
    }


def _ends(name: str, told: Range | None) -> dict[str, object]:
    low, high = (None, None) if told is None else (told.low, told.high)
    return {f"{name}_low": low, f"{name}_high": high}


def _calibration(came: Outcomes, horizon: float) -> list[dict[str, object]]:
    """Bins of probability with what became of them, and how sure that is."""
    # Labels of a session move together and overlap over the horizon: as many cases are
    # independent as horizons fit into the sessions, at most.
    effective = np.unique(came.sessions).size / max(1.0, horizon)
    weights = np.full(came.sessions.size, effective / came.sessions.size)
    won = (came.excess > 0.0).astype(np.float64)
    return [asdict(told) for told in calibration_table(came.probability, won, weights) if told.n]
