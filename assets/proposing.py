"""What is known of a session, and the proposal that a leg of it becomes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from assets import unpayable
from assets.desk_time import decision_time, market_now
from assets.drafting import (
    STOP_RANGES,
    Facts,
    daily_volatility,
    drift_bound,
    effects,
    loss_to_stop,
    price,
    rationale,
    valid_until,
)
from assets.picture import Viewer
from assets.serving import UnservableModelError, require_served, served_version
from assets.standing import standing_now
from assets.tactics import CURVE_SESSIONS, prior_curve, window, with_tactic
from config.settings import Settings
from config.strategies import StrategySettings
from config.universe import Universe
from ledger import market
from ledger.connection import new_id
from quality.calendar import exchange
from quant.features import DAILY
from quant.strategies import SwingRules
from trading.canonical import figure
from trading.checks.fitting import judged
from trading.picture import Picture
from trading.proposals import (
    DataVerdict,
    GateLine,
    Leg,
    Proposal,
    Rationale,
    Risk,
    code_of,
)
from trading.signatures import signatures_needed
from warehouse import (
    Warehouse,
    bars,
    eligibility,
    features,
    models,
    portfolio,
    predictions,
    verdicts,
)  # fmt: skip

_ZERO = Decimal(0)
_HELD_STAYS = (
    " Nothing is proposed to leave what is held: its stop stays at the broker, and it can be sold "
    "by hand (Approvals) or by a flatten."
)


@dataclass(frozen=True)
class Decision:
    """What the desk decided about a symbol, in words."""

    symbol: str
    outcome: str  # proposed | denied | none
    reason_code: str
    sentence: str
    figures: dict[str, Any]
    proposal_id: str | None = None


@dataclass(frozen=True)
class Known:
    """What research says of a session."""

    closes: dict[str, float]
    barred: dict[str, str]  # why no position may be opened
    ranges: dict[str, float]  # average true range, USD
    signals: dict[str, dict[str, Any]]
    predictions: dict[str, dict[str, Any]]
    verdicts: dict[str, dict[str, Any]]
    held_back: dict[str, str]
    version: dict[str, Any] | None
    gates: tuple[GateLine, ...]
    snapshot: int
    # Of classical strategies; the model's own policy has the model's gates.
    strategy_gates: Mapping[str, tuple[GateLine, ...]] = field(default_factory=dict)
    silence: str = ""  # why the model says nothing of any symbol

    def strategy_of(self, symbol: str, otherwise: str) -> str:
        """Return the strategy whose signal decides about a symbol."""
        return str(self.signals.get(symbol, {}).get("strategy", otherwise))

    def is_advisory(self, strategy: str) -> bool:
        """Whether the model, or the rules of the strategy, have not met all their gates."""
        gates = self.strategy_gates.get(strategy)
        unmet = gates is not None and not (gates and all(gate.passed for gate in gates))
        return unmet or self.version is None or self.version["status"] != "champion"


def why_not(known: Known, symbol: str, *, is_held: bool) -> tuple[str, str] | None:
    """Return why nothing can be decided about a symbol, or None; leaving is never barred."""
    if symbol in known.held_back:
        return "data_held_back", f"Its data is held back: {known.held_back[symbol]}"
    if symbol not in known.closes:
        return "no_bar", "No bar arrived for this session."
    if not is_held and symbol in known.barred:
        return "not_eligible", known.barred[symbol]
    if symbol not in known.predictions:
        why = known.silence or "The model made no prediction: a feature it needs is missing."
        return "no_prediction", why + (_HELD_STAYS if is_held else "")
    return None


def not_chosen(known: Known, policy: StrategySettings, symbol: str) -> str:
    """Return why a symbol with a forecast has no target weight."""
    mine = strength(known, symbol)
    if mine[0] < policy.threshold:
        return f"{policy.threshold * 100:.1f} % are needed to buy"
    ranks = [strength(known, other) for other in known.predictions]
    better, alike = sum(rank > mine for rank in ranks), ranks.count(mine)
    if better < policy.k < better + alike:
        return (
            f"the model does not tell {alike} symbols apart, {policy.k - better} of the "
            f"{policy.k} places are left for them, and none is chosen by its name"
        )
    level = sum(rank[0] == mine[0] for rank in ranks if rank > mine)
    if not level:
        return f"not among the {policy.k} strongest"
    others = "one other has" if level == 1 else f"{level} others have"
    return (
        f"not among the {policy.k} strongest; {others} the same probability, and a larger margin "
        "before it was calibrated"
    )


def strength(known: Known, symbol: str) -> tuple[float, float]:
    """Probability and margin of a symbol, as its signal is ranked; unknown is below all others."""
    said = known.predictions.get(symbol)
    return (float(said["probability"]), float(said["margin"] or 0.0)) if said else (-1.0, 0.0)


def facts_of(known: Known, symbol: str, held: Decimal) -> Facts:
    prediction = known.predictions[symbol]
    return Facts(
        symbol=symbol,
        close=price(known.closes[symbol]),
        average_true_range=price(known.ranges[symbol]),
        daily_volatility=daily_volatility(prediction["volatility"]),
        held=held,
        stop_ranges=_stop_ranges(known, symbol),
    )


def _stop_ranges(known: Known, symbol: str) -> Decimal:
    """Average true ranges to the stop: a classical strategy has its own."""
    if known.strategy_of(symbol, "") in known.strategy_gates:
        return figure(SwingRules().stop_ranges)
    return STOP_RANGES


def proposal_for(
    viewer: Viewer,
    known: Known,
    session: date,
    facts: Facts,
    leg: Leg,
    account: market.Account,
    picture: Picture,
) -> Proposal:
    assert known.version is not None
    proposal_id = new_id()
    prediction = known.predictions[leg.symbol]
    strategy = known.strategy_of(leg.symbol, viewer.settings.strategy.name)
    leg = worked(viewer, session, facts, leg)
    return Proposal(
        proposal_id=proposal_id,
        code=code_of(proposal_id),
        session=session,
        environment=viewer.environment,
        account_id=account.account_id,
        strategy=strategy,
        model_version=known.version["model_version"],
        advisory=known.is_advisory(strategy),
        legs=(leg,),
        rationale=_rationale(known, prediction, known.strategy_gates.get(strategy, known.gates)),
        risk=Risk(
            equity=account.equity,
            loss_to_stop=loss_to_stop(leg),
            effects=effects(leg, picture, viewer.limits),
        ),
        checks=judged(picture, leg),
        data=(data_verdict(known, session, leg.symbol),),
        valid_from=decision_time(session),
        valid_until=valid_until(session, viewer.settings, viewer.limits),
        drift_bound=drift_bound(facts, viewer.limits),
        drift_direction="adverse",
        signatures_needed=signatures_needed(
            notional=leg.notional, four_eyes_notional=viewer.limits.four_eyes_notional
        ),
        four_eyes_notional=viewer.limits.four_eyes_notional,
        snapshot_id=known.snapshot,
        created_market_at=market_now(viewer.ledger),
    )


def _rationale(known: Known, prediction: dict[str, Any], gates: tuple[GateLine, ...]) -> Rationale:
    assert known.version is not None
    return rationale(
        prediction,
        known.version,
        gates,
        json.loads(prediction["contributions"]),
        json.loads(known.version["calibration"]),
    )


def data_verdict(known: Known, session: date, symbol: str) -> DataVerdict:
    told = known.verdicts[symbol]
    return DataVerdict(
        session=session,
        status=told["status"],
        checks=int(told["checks"]),
        checks_passed=int(told["checks_passed"]),
        report=told["report"],
    )


def worked(viewer: Viewer, session: date, facts: Facts, leg: Leg) -> Leg:
    """The leg with the configured tactic, for the session after `session`."""
    kind = viewer.settings.strategy.tactic
    if kind == "none":
        return leg
    following = exchange().next(session)
    opens, closes = exchange().open(following), exchange().close(following)
    curve: tuple[Decimal, ...] = ()
    if kind == "vwap":
        prior = exchange().sessions(session - timedelta(days=3 * CURVE_SESSIONS), session)
        curve = prior_curve(
            viewer.warehouse,
            leg.symbol,
            prior[-CURVE_SESSIONS:],
            as_of=decision_time(session),
        )
    return with_tactic(
        leg,
        kind,
        time=window(
            opens, closes, valid_until=valid_until(session, viewer.settings, viewer.limits)
        ),
        limits=viewer.limits,
        daily_volatility=facts.daily_volatility,
        curve=curve,
    )


def known_of(
    warehouse: Warehouse,
    universe: Universe,
    session: date,
    strategies: Sequence[str],
    *,
    settings: Settings,
    at: datetime,
) -> Known:
    """What research says of a session; of the signals those of `strategies` that make proposals.

    The first of them is the model's policy. The state of the model is what it counts for `at` a
    market time on a desk of these `settings`.
    """
    as_of = decision_time(session)
    names = universe.names
    with warehouse.reader() as conn:
        last = bars.ohlcv(conn, names, session, session, as_of=as_of)
        said = predictions.known(conn, session, session, as_of=as_of)
        judged = verdicts.status(conn, names, session, as_of=as_of)
        counted = verdicts.latest(conn, [session])
        wanted = portfolio.signals(conn, session, session, as_of=as_of)
        serving = _as_it_counts(
            conn, models.serving(conn, universe.programme, as_of=as_of), settings, at=at
        )
        rows, values = features.matrix(conn, DAILY.version, names, session, session, as_of=as_of)
        places = eligibility.known(conn, universe.name, session, session, as_of=as_of)
        gates = models.latest_gates(conn, serving["model_version"]) if serving else pl.DataFrame()
        classical = {name: models.latest_gates(conn, name) for name in strategies[1:]}
        snapshot = warehouse.snapshot()
        if serving:
            said = said.filter(pl.col("model_version") == serving["model_version"])
        silent = sorted(set(names) - set(said["symbol"]))
        silence = _silence(conn, serving) if serving and said.is_empty() else ""
        begun_anew = unpayable.reasons(conn, silent, session, session)
    closes = dict(last.select("symbol", "close").iter_rows())
    relative = values[:, DAILY.names.index("atr_14")]
    return Known(
        closes=closes,
        barred=_barred(names, places),
        ranges={
            symbol: closes[symbol] * float(share)
            for symbol, share in zip(rows["symbol"], relative, strict=True)
            if symbol in closes
        },
        signals=_deciding(wanted, strategies),
        predictions={row["symbol"]: row for row in said.iter_rows(named=True)},
        verdicts={row["symbol"]: row for row in counted.iter_rows(named=True)},
        held_back=begun_anew
        | {
            row["symbol"]: str(row["message"] or "its checks did not pass")
            for row in judged.iter_rows(named=True)
            if not row["usable"]
        },
        version=serving,
        gates=_lines(gates),
        snapshot=snapshot,
        strategy_gates={name: _lines(told) for name, told in classical.items()},
        silence=silence,
    )


def _silence(conn: duckdb.DuckDBPyConnection, model: Mapping[str, Any]) -> str:
    """Return why a model can say nothing of any symbol; empty where it could."""
    try:
        require_served(served_version(conn, model), model)
    except UnservableModelError as silent:
        return str(silent)
    return ""


def _as_it_counts(
    conn: duckdb.DuckDBPyConnection, version: pl.DataFrame, settings: Settings, *, at: datetime
) -> dict[str, Any] | None:
    """The version that serves, its status being what that counts for."""
    if version.is_empty():
        return None
    told = version.row(0, named=True)
    return told | {"status": standing_now(conn, told, settings, at=at).status}


def _lines(gates: pl.DataFrame) -> tuple[GateLine, ...]:
    return tuple(
        GateLine(gate=row["gate"], passed=row["passed"], sentence=row["sentence"])
        for row in gates.iter_rows(named=True)
    )


def _deciding(wanted: pl.DataFrame, strategies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Of each symbol the signal that decides: it is held while one of the strategies wants it.

    Where several do, or none does, the first of them speaks.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for strategy in reversed(strategies):
        for row in wanted.filter(pl.col("strategy") == strategy).iter_rows(named=True):
            before = chosen.get(row["symbol"])
            if before is None or row["target_weight"] > 0 or before["target_weight"] <= 0:
                chosen[row["symbol"]] = row
    return chosen


def _barred(names: Sequence[str], places: pl.DataFrame) -> dict[str, str]:
    """Return why symbols may not be bought; one that was not judged may not."""
    told = dict.fromkeys(names, "Whether it may be bought was not judged for this session.")
    for symbol, eligible, reasons in places.select("symbol", "eligible", "reasons").iter_rows():
        told[symbol] = "" if eligible else " ".join(json.loads(reasons))
    return {symbol: reason for symbol, reason in told.items() if reason}
