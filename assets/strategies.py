"""Classical strategies beside the model's policy: their signals, and what the gates say of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.absolute import cash_rates
from assets.beside_gates import counted_trials, of_weights
from assets.desk_time import decision_time, market_now
from assets.entry_filter import SecondModel, said_without_future, second_model
from assets.judging import market_of
from assets.market import daily_bars, index_bars
from assets.material import EPOCH
from assets.models import history_of, trained_model
from assets.rule_gates import Judged, judged_swing, unjudged
from config.gates import Gates
from config.settings import Settings
from config.universe import Universe
from quality.calendar import exchange
from quant.features import DailyPanel
from quant.gates import GateVerdict
from quant.signals import SWING, strategy_name
from quant.strategies import Bars, SwingRules, bars_of, members_of, swing
from quant.typing import BoolArray
from warehouse import Warehouse, adjustment, bars, evidence, models, predictions


@dataclass(frozen=True)
class Told:
    """What the rules are told of the past, as known after a close."""

    panel: DailyPanel
    bars: Bars
    simulated: bool  # whether any bar of it is
    filtered: bool  # whether the model is asked
    allowed: BoolArray | None  # by the model's word, to members; None where neither is known
    model_version: str | None
    probability: Mapping[str, float]  # of the newest session


def swing_rules(settings: Settings) -> SwingRules:
    """Return the rules, with room and size as the model's policy has them."""
    told = settings.strategy
    return SwingRules(gross=told.gross, position=told.gross / told.k)


def swing_name(settings: Settings) -> str:
    """Return how the swing strategy is called as it is configured."""
    return strategy_name(SWING, filtered=settings.strategies.swing_filter)


def proposing(settings: Settings) -> tuple[str, ...]:
    """Return the strategies whose signals become proposals; the model's policy comes first."""
    classical = (swing_name(settings),) if settings.strategies.swing == "proposed" else ()
    return (settings.strategy.name, *classical)


@dg.asset(
    deps=[trained_model, daily_bars, index_bars],
    group_name="models",
    kinds={"numba", "duckdb"},
    owners=["team:research"],
)
def strategy_gates(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    gates: dg.ResourceParam[Gates],
) -> dg.MaterializeResult[None]:
    """What every gate says of the classical strategies that are on; their trials count too."""
    if settings.strategies.swing == "off":
        return dg.MaterializeResult(metadata={"strategies": "none is on"})
    session = exchange().last_closed(market_now(ledger))
    told, second = swing_told(warehouse, settings, universe, session)
    judged = _judged(warehouse, settings, universe, gates, told, second)
    name = swing_name(settings)
    store_judged(warehouse, universe, told, judged, name)
    beside: dict[str, object] = {
        "trials": counted_trials(warehouse, universe, told.panel.index_sessions)
    }
    if judged.trials:
        rates = cash_rates(warehouse, told.panel.index_sessions)
        beside |= of_weights(market_of(told.panel), judged.span, judged.weights, rates)
    if second is not None:
        beside["filter"] = second.told()
    warehouse.write(lambda conn: evidence.store(conn, name, beside), "models.evidence")
    met = sum(verdict.passed for verdict in judged.verdicts)
    context.log.info(f"{swing_name(settings)}: {met} of {len(judged.verdicts)} gates met")
    return dg.MaterializeResult(
        metadata={
            "strategies": swing_name(settings),
            "gates_met": f"{met} of {len(judged.verdicts)}",
            "trials": len(judged.trials),
            "judged_to": str(session),
            **({} if second is None else {"filter": second.sentence}),
        }
    )


def _judged(
    warehouse: Warehouse,
    settings: Settings,
    universe: Universe,
    gates: Gates,
    told: Told,
    second: SecondModel | None,
) -> Judged:
    """Judge the rules as they are filtered; a filter that says nothing leaves nothing to judge."""
    subject = f"{universe.programme}/{swing_name(settings)}"
    thresholds = {name: float(gate.threshold) for name, gate in gates.gates.items()}
    real_data = not told.simulated
    if second is not None and second.word.is_silent:
        return unjudged(
            subject,
            told.bars,
            thresholds,
            point_in_time=universe.point_in_time,
            real_data=real_data,
        )
    return judged_swing(
        told.bars,
        market_of(told.panel),
        swing_rules(settings),
        told.allowed,
        subject=subject,
        history=history_of(warehouse, universe),
        thresholds=thresholds,
        least_variance=float(gates.deflation.least_variance),
        clean_model=_filter_is_clean(warehouse, universe, told, second),
        point_in_time=universe.point_in_time,
        real_data=real_data,
        asked=asked_of(settings) if second is None else second.configuration,
    )


def asked_of(settings: Settings) -> dict[str, object] | None:
    """Return what belongs to the configuration of swing rules that ask the model; else None."""
    return model_asked(settings) if settings.strategies.swing_filter is True else None


def model_asked(settings: Settings) -> dict[str, object]:
    """Return what makes the word of the model, as the settings have it, another word.

    Not its fit: a training that is repeated as it was is no new trial. Nothing is said of windows
    that roll: what was tried before there was a choice is the same configuration.
    """
    learnt = settings.training.model_dump(
        mode="json", include={"model", "features", "horizon", "time_decay"}
    )
    windows = {"anchored": True} if settings.training.anchored else {}
    return {"threshold": settings.strategy.threshold, **learnt, **windows}


def swing_told(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date
) -> tuple[Told, SecondModel | None]:
    """Return all bars up to a session and where a position may begin, by whoever is asked."""
    asked = settings.strategies.swing_filter
    told = told_of(warehouse, settings, universe, session, filtered=asked is True)
    if asked != "meta":
        return told, None
    rules = swing_rules(settings)
    second = second_model(warehouse, settings, universe, told.panel, rules, session)
    return replace(
        told, allowed=to_members(told.panel, second.word.allowed(second.threshold))
    ), second


def told_of(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date, *, filtered: bool
) -> Told:
    """Return all bars up to a session, and where the model had no objection."""
    as_of = decision_time(session)
    first = settings.history.first_session
    with warehouse.reader() as conn:
        panel = adjustment.panel(
            conn, universe.names, first, session, as_of=as_of, index=universe.index,
            members_of=universe.name,
        )  # fmt: skip
        simulated = bars.any_simulated(conn, universe.names, first, session, as_of=as_of)
        serving = models.serving(conn, universe.programme, as_of=as_of)
        version = str(serving["model_version"][0]) if serving.height else None
        said = {
            kind: predictions.known(
                conn, first, session, as_of=as_of, kind=kind,
                model_version=version if kind == "walk_forward" else None,
            )
            for kind in ("walk_forward", "live")
        }  # fmt: skip
        mine = models.known_versions(conn, as_of=as_of).filter(programme=universe.programme)
    live = said["live"].filter(pl.col("model_version").is_in(mine["model_version"].implode()))
    table = _probabilities(panel, said["walk_forward"], live)
    last = dict(zip(panel.symbols, table[-1].tolist(), strict=True)) if table.size else {}
    return Told(
        panel=panel,
        bars=bars_of(panel),
        simulated=simulated,
        filtered=filtered,
        allowed=to_members(panel, table >= settings.strategy.threshold if filtered else None),
        model_version=version if filtered else None,
        probability={symbol: chance for symbol, chance in last.items() if np.isfinite(chance)},
    )


def to_members(panel: DailyPanel, allowed: BoolArray | None) -> BoolArray | None:
    """Return where a position may be begun, which is nowhere outside the universe."""
    members = members_of(panel)
    if members is None:
        return allowed
    return members if allowed is None else allowed & members


def swing_signals(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date
) -> pl.DataFrame:
    """Return the rows of `portfolio.signals` the swing strategy has after a session's close.

    Of the symbols that have a bar in it. A wanted position has its whole weight every day: what
    is held already is not bought again.
    """
    told, _ = swing_told(warehouse, settings, universe, session)
    newest = (session - EPOCH).days
    if told.panel.index_sessions.size == 0 or told.panel.index_sessions[-1] != newest:
        return pl.DataFrame()
    rules = swing_rules(settings)
    wanted = swing(told.bars, rules=rules, allowed=told.allowed).held[-1]
    rows = [
        {
            "session": session,
            "symbol": symbol,
            "strategy": swing_name(settings),
            "model_version": told.model_version,
            "probability": told.probability.get(symbol),
            "target_weight": rules.position if held else 0.0,
            "known_at": decision_time(session),
        }
        for symbol, held, close in zip(
            told.panel.symbols, wanted.tolist(), told.bars.closes[-1].tolist(), strict=True
        )
        if np.isfinite(close)
    ]
    types = {"model_version": pl.String, "probability": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types).with_columns(
        pl.col("known_at").cast(pl.Datetime("us", "UTC"))
    )


def probabilities_of(warehouse: Warehouse, universe: Universe, session: date) -> dict[str, float]:
    """Return the serving model's live probability of each symbol after a session's close."""
    with warehouse.reader() as conn:
        said = predictions.known(conn, session, session, as_of=decision_time(session))
        serving = models.serving(conn, universe.programme, as_of=decision_time(session))
    if serving.is_empty():
        return {}
    mine = said.filter(
        pl.col("model_version") == serving["model_version"][0],
        pl.col("symbol").is_in(list(universe.names)),
    )
    return dict(mine.select("symbol", "probability").iter_rows())


def _probabilities(panel: DailyPanel, *said: pl.DataFrame) -> np.ndarray:
    """Probability by session and symbol; what was said live stands before what is walked."""
    table = np.full((panel.index_sessions.size, len(panel.symbols)), np.nan)
    column = {symbol: at for at, symbol in enumerate(panel.symbols)}
    for frame in said:
        known = frame.filter(pl.col("symbol").is_in(list(panel.symbols)))
        days = known["session"].to_physical().to_numpy()
        rows = np.searchsorted(panel.index_sessions, days)
        columns = known["symbol"].replace_strict(column, return_dtype=pl.Int64).to_numpy()
        table[rows, columns] = known["probability"].to_numpy()
    return table


def model_is_clean(warehouse: Warehouse, told: Told) -> bool | None:
    """Return whether the model that filters is free of leaks; True where none is asked."""
    if not told.filtered:
        return True
    return _passed_probes(warehouse, told.model_version)


def _filter_is_clean(
    warehouse: Warehouse, universe: Universe, told: Told, second: SecondModel | None
) -> bool | None:
    """Return whether what filters the swing rules is free of leaks.

    A second model learns from the features that the serving model learns from, whose probes
    vouch for them; its own windows and labels are put to the cut.
    """
    if second is None:
        return model_is_clean(warehouse, told)
    if not said_without_future(second):
        return False
    newest = EPOCH + timedelta(days=int(told.panel.index_sessions[-1]))
    with warehouse.reader() as conn:
        serving = models.serving(conn, universe.programme, as_of=decision_time(newest))
    return _passed_probes(warehouse, serving["model_version"][0] if serving.height else None)


def _passed_probes(warehouse: Warehouse, version: str | None) -> bool | None:
    """Return whether a model version passed the probes for leaks; None where nobody knows."""
    if version is None:
        return None
    with warehouse.reader() as conn:
        gates = models.latest_gates(conn, version)
    found = gates.filter(pl.col("gate") == "leakage_probes")["passed"].to_list()
    return bool(found[0]) if found else None


def store_judged(
    warehouse: Warehouse, universe: Universe, told: Told, judged: Judged, name: str
) -> None:
    """Count the trials of rules, and keep what the gates said of them; repeating adds nothing."""
    days = told.panel.index_sessions
    first = EPOCH + timedelta(days=int(days[judged.first_row])) if judged.trials else None
    rows = [
        {
            "trial_id": f"{judged.subject}/{trial.configuration_hash}",
            "programme": universe.programme,
            "study": judged.subject,
            "number": number,
            "configuration": trial.configuration,
            "configuration_hash": trial.configuration_hash,
            "state": "complete",
            "score": trial.score,
            "first_session": first,
            "returns": trial.returns.astype(np.float32).tolist(),
            "hand_made": True,
        }
        for number, trial in enumerate(judged.trials)
    ]
    trials = pl.DataFrame(rows, schema=models.TRIAL_SCHEMA)
    gates = pl.DataFrame(
        [{"model_version": name} | _gate_row(verdict) for verdict in judged.verdicts],
        schema=models.GATE_SCHEMA,
    )
    warehouse.write(lambda conn: models.record_trials(conn, trials), "models.trials")
    warehouse.write(lambda conn: models.record_gates(conn, gates), "models.gates")


def _gate_row(verdict: GateVerdict) -> dict[str, object]:
    told = asdict(verdict)
    if verdict.threshold is None:
        told["threshold"] = float("inf")
    return {"gate": told.pop("name")} | told
