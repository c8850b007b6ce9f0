"""From target weights to proposals a person can sign, and a word on every symbol without one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl
from sqlalchemy import Engine

from assets.desk_time import decision_time, market_now, require_closed
from assets.drafting import (
    Facts,
    allowed_entry,
    daily_volatility,
    drift_bound,
    effects,
    leaving,
    loss_to_stop,
    price,
    rationale,
    sizing,
    valid_until,
)
from assets.eligibility import eligibility_asset
from assets.partitions import SESSIONS, as_session
from assets.picture import Viewer, limits_now
from assets.signals import signals_asset
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger import daily_runs, filed, market
from ledger import proposals as ledger_proposals
from ledger.connection import new_id
from quant.features import DAILY
from trading.broker import Broker
from trading.canonical import figure
from trading.checks.exposure import drawdown
from trading.checks.fitting import judged
from trading.clock import DeskClock
from trading.errors import RetryError
from trading.picture import Picture
from trading.proposals import (
    DataVerdict,
    GateLine,
    Leg,
    Proposal,
    Rationale,
    Risk,
    code_of,
    from_content,
)
from trading.signatures import signatures_needed
from trading.wording import percent
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


class AccountUnknownError(RetryError):
    """Nothing can be sized before the broker has told the account's equity."""


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
class _Known:
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


@dg.asset(
    deps=[signals_asset, eligibility_asset],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="decisions",
    kinds={"postgres"},
    owners=["team:desk"],
    name="proposals",
)
def proposals_asset(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    broker: dg.ResourceParam[Broker],
    settings: dg.ResourceParam[Settings],
    limits: dg.ResourceParam[Limits],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.MaterializeResult[None]:
    """Sized and checked orders that wait for a signature; every other symbol says why not."""
    limits = limits_now(limits, ledger, desk_at=desk_clock.now())
    viewer = Viewer(settings, limits, universe, ledger, warehouse, broker, desk_clock)
    sessions = [as_session(key) for key in context.partition_keys]
    require_closed(sessions, ledger)
    made, decisions = 0, []
    for session in sessions:
        with ledger.begin() as conn:
            begun = daily_runs.start(conn, session=session, desk_at=desk_clock.now())
        late = market_now(ledger) >= valid_until(session, settings, limits)
        if late and not begun:
            context.log.info(f"{session} was decided in its time; what was decided stands")
            continue
        decisions = _decide(viewer, session, late=late)
        _store_decisions(warehouse, session, decisions)
        made = sum(decision.outcome == "proposed" for decision in decisions)
        with ledger.begin() as conn:
            daily_runs.finish(conn, session=session, proposals=made, desk_at=desk_clock.now())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": made,
            "decisions": dg.MetadataValue.md(_decisions_table(decisions)),
        }
    )


def _decide(viewer: Viewer, session: date, *, late: bool) -> list[Decision]:
    known = _known(viewer.warehouse, viewer.universe, session)
    with viewer.ledger.connect() as conn:
        account = market.latest_account(conn)
        held = {s: p.quantity for s, p in market.latest_positions(conn).items()}
    if account is None:
        raise AccountUnknownError(
            "The account at the broker has not been heard of yet: the worker `watch` writes it to "
            "the ledger. See ./desk status; the run is tried again."
        )
    decisions = []
    # Room and money go to the strongest first; each proposal is judged beside those before it.
    for symbol in sorted(viewer.universe.names, key=lambda name: -_strength(known, name)):
        reason = _why_not(known, symbol, is_held=bool(held.get(symbol)))
        if late:
            reason = ("too_late", f"The session after {session} is over.")
        if reason is not None:
            decisions.append(Decision(symbol, "none", *reason, figures={}))
            continue
        facts = _facts(known, symbol, held.get(symbol, _ZERO))
        decisions.append(_propose(viewer, known, session, facts, account))
    return decisions


def _why_not(known: _Known, symbol: str, *, is_held: bool) -> tuple[str, str] | None:
    """Return why nothing can be decided about a symbol, or None; leaving is never barred."""
    if symbol in known.held_back:
        return "data_held_back", f"Its data is held back: {known.held_back[symbol]}"
    if symbol not in known.closes:
        return "no_bar", "No bar arrived for this session."
    if not is_held and symbol in known.barred:
        return "not_eligible", known.barred[symbol]
    if symbol not in known.predictions:
        return "no_prediction", "The model made no prediction: a feature it needs is missing."
    return None


def _propose(
    viewer: Viewer, known: _Known, session: date, facts: Facts, account: market.Account
) -> Decision:
    signal = known.signals.get(facts.symbol, {})
    weight = figure(signal.get("target_weight") or 0.0)
    probability = float(known.predictions[facts.symbol]["probability"])
    said = f"{probability * 100:.1f} % to beat the index"
    if weight == 0 and facts.held == 0:
        return Decision(
            facts.symbol, "none", "no_signal",
            f"{said}: {_not_chosen(viewer.settings, probability)}.",
            {"probability": probability},
        )  # fmt: skip
    if weight > 0 and facts.held > 0:
        return Decision(
            facts.symbol, "none", "already_held", f"{said}; {facts.held} shares are held.",
            {"probability": probability},
        )  # fmt: skip
    picture = _picture(viewer, known, session, facts.symbol)
    if facts.held == 0 and sizing(picture) == 0:
        return Decision(
            facts.symbol, "none", "drawdown", f"{said}; {_paused(picture)}",
            {"probability": probability},
        )  # fmt: skip
    if facts.held > 0:
        leg: Leg | None = leaving(facts, limits=viewer.limits)
    else:
        leg = allowed_entry(facts, weight=weight, equity=account.equity, picture=picture)
    if leg is None:
        return Decision(
            facts.symbol, "none", "too_small", f"{said}; not even one share fits the limits.",
            {"probability": probability},
        )  # fmt: skip
    return _submitted(viewer, known, session, facts, leg, account, picture)


def _strength(known: _Known, symbol: str) -> float:
    """Probability of a symbol; below all others where nothing is known."""
    return float(known.predictions.get(symbol, {"probability": -1.0})["probability"])


def _paused(picture: Picture) -> str:
    fallen, limit = drawdown(picture.account), picture.limits.drawdown_reduce
    if fallen is None:
        return "nothing is opened while it is not known how far equity is below its peak."
    return (
        f"equity is {percent(fallen)} below its peak; from {percent(limit)} on nothing is opened."
    )


def _picture(viewer: Viewer, known: _Known, session: date, symbol: str) -> Picture:
    assert known.version is not None
    return viewer.picture(
        [symbol],
        session=session,
        strategy=viewer.settings.strategy.name,
        model_version=known.version["model_version"],
    )


def _not_chosen(settings: Settings, probability: float) -> str:
    """Return why a symbol with a forecast has no target weight."""
    if probability < settings.strategy.threshold:
        return f"{settings.strategy.threshold * 100:.1f} % are needed to buy"
    return f"not among the {settings.strategy.k} strongest"


def _submitted(
    viewer: Viewer,
    known: _Known,
    session: date,
    facts: Facts,
    leg: Leg,
    account: market.Account,
    picture: Picture,
) -> Decision:
    proposal = _proposal(viewer, known, session, facts, leg, account, picture)
    with viewer.ledger.begin() as conn:
        kept = ledger_proposals.record(conn, proposal, desk_at=viewer.clock.now())
        content = filed.content(conn, kept)
    if kept != proposal.proposal_id:  # a repeated run: the first one's proposal stands
        first = from_content(content)
        return _told(first, first.legs[0])
    return _told(proposal, leg)


def _proposal(
    viewer: Viewer,
    known: _Known,
    session: date,
    facts: Facts,
    leg: Leg,
    account: market.Account,
    picture: Picture,
) -> Proposal:
    assert known.version is not None
    proposal_id = new_id()
    prediction = known.predictions[leg.symbol]
    return Proposal(
        proposal_id=proposal_id,
        code=code_of(proposal_id),
        session=session,
        environment=viewer.environment,
        account_id=account.account_id,
        strategy=viewer.settings.strategy.name,
        model_version=known.version["model_version"],
        advisory=known.version["status"] != "champion",
        legs=(leg,),
        rationale=_rationale(known, prediction),
        risk=Risk(
            equity=account.equity,
            loss_to_stop=loss_to_stop(leg),
            effects=effects(leg, picture, viewer.limits),
        ),
        checks=judged(picture, leg),
        data=(_data_verdict(known, session, leg.symbol),),
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


def _rationale(known: _Known, prediction: dict[str, Any]) -> Rationale:
    assert known.version is not None
    return rationale(
        prediction,
        known.version,
        known.gates,
        json.loads(prediction["contributions"]),
        json.loads(known.version["calibration"]),
    )


def _data_verdict(known: _Known, session: date, symbol: str) -> DataVerdict:
    told = known.verdicts[symbol]
    return DataVerdict(
        session=session,
        status=told["status"],
        checks=int(told["checks"]),
        checks_passed=int(told["checks_passed"]),
        report=told["report"],
    )


def _told(proposal: Proposal, leg: Leg) -> Decision:
    if proposal.is_denied:
        first = next(check for check in proposal.checks if check.denies)
        return Decision(leg.symbol, "denied", first.code, first.sentence, {}, proposal.proposal_id)
    verb = "Buy" if leg.side == "buy" else "Sell"
    price_words = "or less" if leg.side == "buy" else "or more"
    sentence = f"{verb} {leg.quantity} at {leg.limit_price} USD {price_words}."
    return Decision(leg.symbol, "proposed", "signal", sentence, {}, proposal.proposal_id)


def _facts(known: _Known, symbol: str, held: Decimal) -> Facts:
    prediction = known.predictions[symbol]
    return Facts(
        symbol=symbol,
        close=price(known.closes[symbol]),
        average_true_range=price(known.ranges[symbol]),
        daily_volatility=daily_volatility(prediction["volatility"]),
        held=held,
    )


def _known(warehouse: Warehouse, universe: Universe, session: date) -> _Known:
    as_of = decision_time(session)
    names = universe.names
    with warehouse.reader() as conn:
        last = bars.ohlcv(conn, names, session, session, as_of=as_of)
        said = predictions.known(conn, session, session, as_of=as_of)
        judged = verdicts.status(conn, names, session, as_of=as_of)
        counted = verdicts.latest(conn, [session])
        wanted = portfolio.signals(conn, session, session, as_of=as_of)
        version = models.serving(conn, as_of=as_of)
        rows, values = features.matrix(conn, DAILY.version, names, session, session, as_of=as_of)
        places = eligibility.known(conn, universe.name, session, session, as_of=as_of)
        serving = version.row(0, named=True) if version.height else None
        gates = models.latest_gates(conn, serving["model_version"]) if serving else pl.DataFrame()
        snapshot = warehouse.snapshot()
    if serving:
        said = said.filter(pl.col("model_version") == serving["model_version"])
    closes = dict(last.select("symbol", "close").iter_rows())
    relative = values[:, DAILY.names.index("atr_14")]
    return _Known(
        closes=closes,
        barred=_barred(names, places),
        ranges={
            symbol: closes[symbol] * float(share)
            for symbol, share in zip(rows["symbol"], relative, strict=True)
            if symbol in closes
        },
        signals={row["symbol"]: row for row in wanted.iter_rows(named=True)},
        predictions={row["symbol"]: row for row in said.iter_rows(named=True)},
        verdicts={row["symbol"]: row for row in counted.iter_rows(named=True)},
        held_back={
            row["symbol"]: str(row["message"] or "its checks did not pass")
            for row in judged.iter_rows(named=True)
            if not row["usable"]
        },
        version=serving,
        gates=tuple(
            GateLine(gate=row["gate"], passed=row["passed"], sentence=row["sentence"])
            for row in gates.iter_rows(named=True)
        ),
        snapshot=snapshot,
    )


def _barred(names: Sequence[str], places: pl.DataFrame) -> dict[str, str]:
    """Return why symbols may not be bought; one that was not judged may not."""
    told = dict.fromkeys(names, "Whether it may be bought was not judged for this session.")
    for symbol, eligible, reasons in places.select("symbol", "eligible", "reasons").iter_rows():
        told[symbol] = "" if eligible else " ".join(json.loads(reasons))
    return {symbol: reason for symbol, reason in told.items() if reason}


def _store_decisions(warehouse: Warehouse, session: date, decisions: Sequence[Decision]) -> None:
    frame = pl.DataFrame(
        [
            {
                "session": session,
                "symbol": d.symbol,
                "outcome": d.outcome,
                "reason_code": d.reason_code,
                "sentence": d.sentence,
                "figures": json.dumps(d.figures),
                "proposal_id": d.proposal_id,
                "known_at": decision_time(session),
            }
            for d in decisions
        ],
        schema_overrides={"proposal_id": pl.String, "known_at": pl.Datetime("us", "UTC")},
    )
    with warehouse.writer("portfolio.decisions") as conn:
        portfolio.record_decisions(conn, frame)


def _decisions_table(decisions: Sequence[Decision]) -> str:
    lines = [f"| {d.symbol} | {d.outcome} | {d.sentence} |" for d in decisions]
    return "\n".join(["| symbol | outcome | |", "|---|---|---|", *lines])
