"""Models, their predictions, and what became of them."""

import json
import math
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.desk_time import decision_time, market_now
from assets.evidence import gates_table, told
from assets.features import daily_features
from assets.judging import Market
from assets.market import daily_bars, index_bars
from assets.probing import train_and_serve
from assets.sources import ModelRegistry
from assets.training import History, Plan, Trained, settings_of, train
from config.gates import Gates
from config.settings import Settings
from config.universe import Universe
from quality.calendar import exchange
from quant.features import CORE, DAILY, DailyPanel
from quant.gates import GateVerdict
from quant.models import Dataset, FittedModel
from quant.samples import samples, volatility_daily
from quant.signals import Policy
from quant.typing import Float32Array, Float64Array, FloatArray
from warehouse import Warehouse, adjustment, features, index, models, predictions

_EPOCH = date(1970, 1, 1)
# Who started the run, where a person did: nobody signs for a model of their own.
_PERSON_TAG = "countersign/person"


@dataclass(frozen=True)
class _Material:
    """What a training run learns from."""

    panel: DailyPanel
    index_open: Float64Array
    matrix: Float32Array
    snapshot: int
    simulated: bool  # whether any row of it is


def programme(universe: Universe) -> str:
    """Return the research programme all trials of a universe are counted under."""
    return f"{universe.name}/equities/daily"


def policy(settings: Settings) -> Policy:
    """Return how forecasts become weights."""
    told = settings.strategy
    return Policy(
        kind=told.kind, k=told.k, threshold=told.threshold, gross=told.gross,
        position=told.gross / told.k,
    )  # fmt: skip


@dg.asset(
    deps=[daily_features, daily_bars, index_bars],
    group_name="models",
    kinds={"xgboost", "optuna", "mlflow"},
    owners=["team:research"],
)
def trained_model(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    registry: dg.ResourceParam[ModelRegistry],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    gates: dg.ResourceParam[Gates],
) -> dg.MaterializeResult[None]:
    """A model from all sessions closed by now, judged by every gate.

    It is registered whatever the gates say; unless all hold it stays a challenger, and what it
    proposes is advisory.
    """
    session = exchange().last_closed(market_now(ledger))
    material = _material(warehouse, settings, universe, session)
    dataset = samples(
        material.panel,
        material.matrix,
        CORE.names,
        material.index_open,
        horizon=settings.training.horizon,
        minimum_history=universe.minimum_history,
    )
    trained = train(
        dataset,
        _market(material.panel),
        _plan(settings, universe, gates, session, simulated=material.simulated),
        _history(warehouse, universe),
        served=train_and_serve(
            warehouse, universe, _probed_sessions(material.panel), trained_to=session
        ),
        progress=lambda what, done, of: _report(context, what, done, of),
    )
    trainer = context.run.tags.get(_PERSON_TAG, "desk")
    version = _registered(registry, trained, settings, universe, material, trainer)
    _store(warehouse, trained, dataset, material, universe, settings, version, session)
    met = sum(verdict.passed for verdict in trained.verdicts)
    return dg.MaterializeResult(
        metadata={
            "model_version": version[0],
            "gates_met": f"{met} of {len(trained.verdicts)}",
            "gates": dg.MetadataValue.md(gates_table(trained)),
            "trained_to": str(session),
            "dagster/row_count": dataset.n_rows,
        }
    )


def _material(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date
) -> _Material:
    first = settings.training.first_session or settings.history.first_session
    as_of = decision_time(session)
    with warehouse.reader() as conn:
        panel = adjustment.panel(
            conn, universe.names, first, session, as_of=as_of, index=universe.index
        )
        rows, values = features.matrix(
            conn, DAILY.version, universe.names, first, session, as_of=as_of
        )
        bars = index.bars(conn, universe.index, first, session, as_of=as_of)
        snapshot = warehouse.snapshot()
    return _Material(
        panel=panel,
        index_open=bars["open"].to_numpy(),
        matrix=aligned(panel, rows, values[:, [DAILY.names.index(name) for name in CORE.names]]),
        snapshot=snapshot,
        simulated=bool(rows["simulated"].any()),
    )


def aligned(panel: DailyPanel, rows: pl.DataFrame, values: Float32Array) -> Float32Array:
    """Feature values in the order of the panel's rows; NaN where none are stored."""
    wanted = pl.DataFrame(
        {
            "symbol": np.repeat(np.array(panel.symbols), np.diff(panel.offsets)),
            "session": pl.Series(panel.sessions).cast(pl.Date),
        }
    )
    stored = rows.select("symbol", "session").with_row_index("place")
    places = wanted.join(stored, on=["symbol", "session"], how="left", maintain_order="left")[
        "place"
    ]
    matrix = np.full((panel.n_rows, values.shape[1]), np.nan, dtype=np.float32)
    found = places.is_not_null().to_numpy()
    matrix[found] = values[places.drop_nulls().to_numpy()]
    return matrix


def _market(panel: DailyPanel) -> Market:
    shape = (panel.index_sessions.size, len(panel.symbols))
    rows = np.searchsorted(panel.index_sessions, panel.sessions)
    columns = np.repeat(np.arange(len(panel.symbols)), np.diff(panel.offsets))

    def grid(values: FloatArray) -> FloatArray:
        table = np.full(shape, np.nan)
        table[rows, columns] = values
        return table

    return Market(
        opens=grid(panel.open * panel.return_factor),
        closes=grid(panel.close * panel.return_factor),
        volumes=grid(panel.volume / panel.split_factor),
        first_ordinal=0,
    )


def _probed_sessions(panel: DailyPanel) -> list[date]:
    """The newest session, and two from the thirds of history before it."""
    days = np.unique(panel.sessions)
    return [_EPOCH + timedelta(days=int(days[(days.size - 1) * n // 3])) for n in (1, 2, 3)]


def _plan(
    settings: Settings, universe: Universe, gates: Gates, session: date, *, simulated: bool
) -> Plan:
    # The study's name says what is searched and on which data; the same again resumes it.
    subject = f"{programme(universe)}/{DAILY.version}/h{settings.training.horizon}"
    return Plan(
        study=f"{subject}@{session}",
        trials=settings.training.trials,
        seed=settings.training.seed,
        device=settings.training.device,
        policy=policy(settings),
        thresholds={name: float(gate.threshold) for name, gate in gates.gates.items()},
        point_in_time=universe.point_in_time,
        real_data=not simulated,
    )


def _history(warehouse: Warehouse, universe: Universe) -> History:
    with warehouse.reader() as conn:
        earlier = models.trials(conn, programme(universe)).unique("configuration_hash")
    returns = [np.asarray(r) for r in earlier["returns"].to_list() if r]
    return History(
        configurations=frozenset(earlier["configuration_hash"]),
        sharpes=tuple(float(r.mean() / r.std(ddof=1)) for r in returns if r.size > 1 and r.std()),
    )


def _report(context: dg.AssetExecutionContext, what: str, done: int, of: int) -> None:
    if done == of or done % max(1, of // 5) == 0:
        context.log.info(f"{done} of {of} {what}")


def _registered(
    registry: ModelRegistry,
    trained: Trained,
    settings: Settings,
    universe: Universe,
    material: _Material,
    trainer: str,
) -> tuple[str, str]:
    """Return the model's version and the registry's run."""
    name = f"{universe.name}-daily"
    run_id, number = registry.register(
        name,
        trained.model.to_bytes(),
        booster=trained.model.booster,
        parameters=settings_of(trained)
        | {
            "horizon": settings.training.horizon,
            "trials": len(trained.trials),
            "configurations_ever": trained.n_configurations,
            "feature_version": DAILY.version,
            "snapshot": material.snapshot,
        },
        metrics={
            v.name: v.value
            for v in trained.verdicts
            if v.value is not None and np.isfinite(v.value)
        },
        tags={"universe": universe.name, "status": "challenger", "trainer": trainer},
        reports={"gates.md": gates_table(trained), "evidence.md": told(trained)},
    )
    return f"{name}/{number}", run_id


def _store(
    warehouse: Warehouse,
    trained: Trained,
    dataset: Dataset,
    material: _Material,
    universe: Universe,
    settings: Settings,
    version: tuple[str, str],
    session: date,
) -> None:
    model_version, run_id = version
    walked = _walked_rows(trained, dataset, material, model_version)
    row = _version_row(trained, dataset, material, universe, settings, session) | {
        "model_version": model_version,
        "run_id": run_id,
    }
    trials = _trial_rows(trained, material, universe, dataset)
    gates = [{"model_version": model_version} | _gate_row(v) for v in trained.verdicts]
    warehouse.write(lambda c: models.record_trials(c, trials), "models.trials")
    warehouse.write(lambda c: predictions.record(c, walked), "models.predictions")
    warehouse.write(
        lambda c: models.record_gates(c, pl.DataFrame(gates, schema=models.GATE_SCHEMA)),
        "models.gates",
    )
    # The version comes last: whoever finds it finds everything that belongs to it.
    warehouse.write(
        lambda c: models.record_version(c, pl.DataFrame([row], schema=models.VERSION_SCHEMA)),
        "models.versions",
    )


def _version_row(
    trained: Trained,
    dataset: Dataset,
    material: _Material,
    universe: Universe,
    settings: Settings,
    session: date,
) -> dict[str, object]:
    used = dataset.sessions[dataset.labelled(np.arange(dataset.n_rows))]
    days = material.panel.index_sessions
    return {
        "feature_version": DAILY.version,
        "snapshot_id": material.snapshot,
        "programme": programme(universe),
        "first_session": _EPOCH + timedelta(days=int(days[used.min()])),
        "last_session": _EPOCH + timedelta(days=int(days[used.max()])),
        "rows": int(used.size),
        "horizon": settings.training.horizon,
        "hyperparameters": json.dumps(settings_of(trained)),
        "base_rate": trained.model.base_rate,
        "calibration": json.dumps([asdict(b) for b in trained.model.calibration_table]),
        "importance": json.dumps(_importance(trained.model, dataset)),
        "simulated": material.simulated,
        "status": "challenger",
        "trained_at": decision_time(session),
    }


def _importance(model: FittedModel, dataset: Dataset) -> list[dict[str, object]]:
    """Mean absolute contribution (log-odds) over the last thousand rows, largest first."""
    newest = np.argsort(dataset.sessions, kind="stable")[-1000:]
    weight = np.abs(model.contributions(dataset.features[newest])[:, :-1]).mean(axis=0)
    order = np.argsort(-weight)
    return [
        {
            "feature": model.names[i],
            "meaning": DAILY[model.names[i]].meaning,
            "value": float(weight[i]),
        }
        for i in order
        if weight[i] > 0
    ]


def _gate_row(verdict: GateVerdict) -> dict[str, object]:
    told = asdict(verdict)
    if verdict.threshold is None:  # no track record is long enough to tell a loss from luck
        told["threshold"] = math.inf
    return {"gate": told.pop("name")} | told


def _trial_rows(
    trained: Trained, material: _Material, universe: Universe, dataset: Dataset
) -> pl.DataFrame:
    subject = f"{programme(universe)}/{DAILY.version}/h{dataset.horizon}"
    first = _EPOCH + timedelta(days=int(material.panel.index_sessions[dataset.sessions.min()]))
    return pl.DataFrame(
        [
            {
                "trial_id": f"{subject}/{material.snapshot}/{trial.number}",
                "programme": programme(universe),
                "study": subject,
                "number": trial.number,
                "configuration": json.dumps(trial.configuration),
                "configuration_hash": trial.configuration_hash,
                "state": trial.state,
                "score": trial.score,
                "first_session": first,
                "returns": trial.returns.astype(np.float32).tolist(),
                "hand_made": False,
            }
            for trial in trained.trials
        ],
        schema=models.TRIAL_SCHEMA,
    )


def _walked_rows(
    trained: Trained, dataset: Dataset, material: _Material, model_version: str
) -> pl.DataFrame:
    rows = trained.predictions.rows
    days = material.panel.index_sessions[dataset.sessions[rows]]
    sessions = pl.Series(days).cast(pl.Date)
    volatility = volatility_daily(dataset.features[rows], dataset.names)
    known = {day: decision_time(day) for day in sessions.unique()}
    walked = trained.predictions
    return pl.DataFrame(
        {
            "symbol": np.array(material.panel.symbols)[dataset.symbols[rows]],
            "session": sessions,
            "model_version": model_version,
            "kind": "walk_forward",
            "probability": walked.probability[rows],
            "expected_return": walked.expected_return[rows],
            "low": walked.low[rows],
            "high": walked.high[rows],
            "horizon": dataset.horizon,
            "volatility": volatility * np.sqrt(252.0),
            "contributions": "[]",
            "feature_version": DAILY.version,
            "snapshot_id": material.snapshot,
            "simulated": material.simulated,
        }
    ).with_columns(
        known_at=pl.col("session").replace_strict(known, return_dtype=pl.Datetime("us", "UTC"))
    )
