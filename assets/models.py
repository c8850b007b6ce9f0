"""Models, their predictions, and what became of them."""

import getpass
import json
from collections.abc import Mapping
from datetime import date
from functools import partial

import dagster as dg
import duckdb
import numpy as np
from sqlalchemy import Engine

from assets import absolute, beside_gates, plots
from assets.desk_time import market_now
from assets.evidence import card, gates_table, told
from assets.features import daily_features
from assets.filing import learnt_sessions, store, store_trials
from assets.judging import market_of
from assets.market import daily_bars, index_bars
from assets.material import Material, material_of, subject_of
from assets.policies import policy
from assets.probing import absent, probed_sessions, train_and_serve
from assets.searching import Plan
from assets.sources import ModelRegistry
from assets.training import (
    History,
    Trained,
    ratio_of,
    settings_of,
    train,
)
from config.gates import Gates
from config.settings import Settings
from config.universe import Universe
from quality.calendar import exchange
from quant.features import DAILY
from quant.models import Dataset
from quant.samples import samples
from warehouse import Warehouse, evidence, models

# Who started the run, where a person did: nobody signs for a model of their own.
_PERSON_TAG = "countersign/person"
_AUTOMATIC = frozenset({"dagster/sensor_name", "dagster/schedule_name"})


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
    material = material_of(warehouse, settings, universe, session)
    plan = _plan(settings, universe, gates, session, material)
    dataset = samples(
        material.panel,
        material.matrix,
        material.names,
        material.index_open,
        horizon=settings.training.horizon,
        minimum_history=universe.minimum_history,
        time_decay=settings.training.time_decay,
    )
    market = market_of(material.panel)
    trained = train(
        dataset,
        market,
        plan,
        history_of(warehouse, universe),
        served=train_and_serve(
            warehouse,
            universe,
            probed_sessions(warehouse, universe, material.panel.sessions, trained_to=session),
            trained_to=session,
            names=material.names,
        ),
        absent=absent(warehouse, universe, material.panel, trained_to=session),
        keep=partial(store_trials, warehouse, material, universe, plan),
        progress=lambda what, done, of: _report(context, what, done, of),
    )
    trials = beside_gates.counted_trials(warehouse, universe, material.panel.index_sessions)
    rates = absolute.cash_rates(warehouse, material.panel.index_sessions)
    beside = beside_gates.of_model(dataset, market, plan, trained, trials, rates)
    trainer = launcher(context.run.tags)
    version = _registered(
        registry, trained, dataset, settings, universe, material, plan, trainer, beside
    )
    warehouse.write(partial(_store_beside, version[0], beside), "models.evidence")
    store(warehouse, trained, dataset, material, universe, settings, version, session)
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


def launcher(tags: Mapping[str, str]) -> str:
    """Return who is behind a run: the person it names, the desk, or the system's user.

    Dagster's pages know no people: what is started there is its doing whose desk it is.
    """
    if person := tags.get(_PERSON_TAG, ""):
        return person
    if not _AUTOMATIC.isdisjoint(tags):
        return "desk"
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""  # nobody knows, and what nobody knows is not promoted


def _plan(
    settings: Settings, universe: Universe, gates: Gates, session: date, material: Material
) -> Plan:
    return Plan(
        study=f"{subject_of(settings, universe, material.names)}@{session}",
        trials=settings.training.trials,
        seed=settings.training.seed,
        device=settings.training.device,
        policy=policy(settings),
        thresholds={name: float(gate.threshold) for name, gate in gates.gates.items()},
        point_in_time=universe.point_in_time,
        real_data=not material.simulated,
        family=settings.training.model,
        storage=settings.database.url("optuna"),
        groups={feature.name: feature.group for feature in DAILY},
        least_variance=float(gates.deflation.least_variance),
        anchored=settings.training.anchored,
    )


def history_of(warehouse: Warehouse, universe: Universe) -> History:
    """Return every configuration ever scored in the programme, and its ratio per session."""
    with warehouse.reader() as conn:
        earlier = models.configurations(conn, universe.programme)
    traded = zip(earlier["configuration_hash"], earlier["returns"].to_list(), strict=True)
    return History(
        configurations=frozenset(earlier["configuration_hash"]),
        sharpes={told: ratio_of(np.asarray(returns)) for told, returns in traded if returns},
    )


def _report(context: dg.AssetExecutionContext, what: str, done: int, of: int) -> None:
    if done == of or done % max(1, of // 5) == 0:
        context.log.info(f"{done} of {of} {what}")


def _store_beside(
    model_version: str, beside: dict[str, object], conn: duckdb.DuckDBPyConnection
) -> int:
    return evidence.store(conn, model_version, beside)


def _registered(
    registry: ModelRegistry,
    trained: Trained,
    dataset: Dataset,
    settings: Settings,
    universe: Universe,
    material: Material,
    plan: Plan,
    trainer: str,
    beside: dict[str, object],
) -> tuple[str, str]:
    """Return the model's version and the registry's run."""
    name = f"{universe.name}-daily"
    first, last = learnt_sessions(dataset, material)
    began = int(dataset.sessions[trained.predictions.rows].min())
    days = material.panel.index_sessions[began : began + trained.returns.size]
    run_id, number = registry.register(
        name,
        trained.model.to_bytes(),
        booster=getattr(trained.model.learned, "booster", None),
        parameters=settings_of(trained)
        | {
            "horizon": settings.training.horizon,
            "trials": len(trained.trials),
            "configurations_ever": trained.n_configurations,
            "feature_version": DAILY.version,
            "snapshot": material.snapshot,
            "first_session": str(first),
            "last_session": str(last),
        },
        metrics={
            v.name: v.value
            for v in trained.verdicts
            if v.value is not None and np.isfinite(v.value)
        }
        | absolute.metrics(beside),
        tags={"universe": universe.name, "status": "challenger", "trainer": trainer},
        inputs=trained.model.names,
        reports={
            "gates.md": gates_table(trained),
            "evidence.md": told(trained),
            "pictures.html": plots.page(trained, days, name=name),
            "capacity.md": beside_gates.capacity_report(beside),
            "beside-gates.json": json.dumps(beside),
            "model-card.md": card(trained, universe, plan.policy, simulated=material.simulated),
        },
    )
    return f"{name}/{number}", run_id
