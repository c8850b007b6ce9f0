"""File a trained model: its trials, its walk-forward record, its gates, and then its version."""

import json
import math
from dataclasses import asdict
from datetime import date, timedelta

import numpy as np
import polars as pl

from assets.desk_time import decision_time
from assets.material import EPOCH, Material
from assets.searching import Plan, Trial, configuration_of, walked_configurations
from assets.training import Trained, settings_of
from config.settings import Settings
from config.universe import Universe
from quant.features import DAILY
from quant.gates import GateVerdict
from quant.models import Dataset, FittedModel
from quant.samples import volatility_daily
from warehouse import Warehouse, models, predictions


def store_trials(
    warehouse: Warehouse,
    material: Material,
    universe: Universe,
    plan: Plan,
    trials: tuple[Trial, ...],
) -> None:
    """Count what was tried, whatever becomes of the model; repeating it adds nothing.

    What walk-forward windows choose among is known before they do, and counts from the first trial.
    """
    rows = _trial_rows(material, universe, plan, trials)
    warehouse.write(lambda c: models.record_trials(c, rows), "models.trials")


def store(
    warehouse: Warehouse,
    trained: Trained,
    dataset: Dataset,
    material: Material,
    universe: Universe,
    settings: Settings,
    version: tuple[str, str],
    session: date,
) -> None:
    """Store what belongs to a version; repeating it adds nothing."""
    model_version, run_id = version
    walked = _walked_rows(trained, dataset, material, model_version)
    row = _version_row(trained, dataset, material, universe, settings, session) | {
        "model_version": model_version,
        "run_id": run_id,
    }
    gates = [{"model_version": model_version} | _gate_row(v) for v in trained.verdicts]
    warehouse.write(lambda c: predictions.record(c, walked), "models.predictions")
    came = _walked_outcomes(trained, dataset, material, model_version)
    warehouse.write(lambda c: predictions.record_outcomes(c, came), "models.outcomes")
    warehouse.write(
        lambda c: models.record_gates(c, pl.DataFrame(gates, schema=models.GATE_SCHEMA)),
        "models.gates",
    )
    # The version comes last: whoever finds it finds everything that belongs to it.
    warehouse.write(
        lambda c: models.record_version(c, pl.DataFrame([row], schema=models.VERSION_SCHEMA)),
        "models.versions",
    )


def learnt_sessions(dataset: Dataset, material: Material) -> tuple[date, date]:
    """Return the first and the last session with a row that a model could learn from."""
    used = dataset.sessions[dataset.labelled(np.arange(dataset.n_rows))]
    days = material.panel.index_sessions[[used.min(), used.max()]]
    first, last = (EPOCH + timedelta(days=int(day)) for day in days)
    return first, last


def _version_row(
    trained: Trained,
    dataset: Dataset,
    material: Material,
    universe: Universe,
    settings: Settings,
    session: date,
) -> dict[str, object]:
    first, last = learnt_sessions(dataset, material)
    return {
        "feature_version": DAILY.version,
        "snapshot_id": material.snapshot,
        "programme": universe.programme,
        "first_session": first,
        "last_session": last,
        "rows": int(dataset.labelled(np.arange(dataset.n_rows)).size),
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
    material: Material, universe: Universe, plan: Plan, trials: tuple[Trial, ...]
) -> pl.DataFrame:
    shared: dict[str, object] = {"programme": universe.programme, "study": plan.subject}
    searched: list[dict[str, object]] = [
        shared
        | {
            "trial_id": "/".join(
                [plan.subject, str(material.snapshot), trial.configuration_hash, trial.state]
            ),
            "number": trial.number,
            "configuration": json.dumps(configuration_of(plan, trial.configuration)),
            "configuration_hash": trial.configuration_hash,
            "state": trial.state,
            "score": trial.score,
            "first_session": _day(material, trial.first_session),
            "returns": trial.returns.astype(np.float32).tolist(),
            "hand_made": False,
        }
        for trial in trials
    ]
    # Made by hand and tried in every window: they have no returns of their own.
    walked: list[dict[str, object]] = [
        shared
        | {
            "trial_id": f"{plan.subject}/walked/{told}",
            "number": -1,
            "configuration": json.dumps(configuration),
            "configuration_hash": told,
            "state": "walked",
            "score": None,
            "first_session": None,
            "returns": None,
            "hand_made": True,
        }
        for told, configuration in walked_configurations(plan).items()
    ]
    return pl.DataFrame([*searched, *walked], schema=models.TRIAL_SCHEMA)


def _day(material: Material, ordinal: int | None) -> date | None:
    if ordinal is None:
        return None
    return EPOCH + timedelta(days=int(material.panel.index_sessions[ordinal]))


def _walked_rows(
    trained: Trained, dataset: Dataset, material: Material, model_version: str
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
            "margin": walked.margin[rows],
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


def _walked_outcomes(
    trained: Trained, dataset: Dataset, material: Material, model_version: str
) -> pl.DataFrame:
    """What became of the walk-forward forecasts: what live ones are measured against."""
    rows = dataset.labelled(trained.predictions.rows)
    days = material.panel.index_sessions
    unit = 1.0 if dataset.scale is None else dataset.scale[rows]
    told = pl.DataFrame(
        {
            "symbol": np.array(material.panel.symbols)[dataset.symbols[rows]],
            "session": pl.Series(days[dataset.sessions[rows]]).cast(pl.Date),
            "model_version": model_version,
            "kind": "walk_forward",
            "excess_return": dataset.labels[rows] * unit,
            "matured_session": pl.Series(days[dataset.label_end[rows]]).cast(pl.Date),
        }
    )
    known = {day: decision_time(day) for day in told["matured_session"].unique()}
    return told.with_columns(
        outperformed=pl.col("excess_return") > 0,
        known_at=pl.col("matured_session").replace_strict(
            known, return_dtype=pl.Datetime("us", "UTC")
        ),
    )
