"""What is known of a session, and the proposal that a leg of it becomes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from assets.desk_time import decision_time, market_now
from assets.drafting import (
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
from assets.tactics import CURVE_SESSIONS, prior_curve, window, with_tactic
from config.universe import Universe
from ledger import market
from ledger.connection import new_id
from quality.calendar import exchange
from quant.features import DAILY
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


def why_not(known: Known, symbol: str, *, is_held: bool) -> tuple[str, str] | None:
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


def strength(known: Known, symbol: str) -> float:
    """Probability of a symbol; below all others where nothing is known."""
    return float(known.predictions.get(symbol, {"probability": -1.0})["probability"])


def facts_of(known: Known, symbol: str, held: Decimal) -> Facts:
    prediction = known.predictions[symbol]
    return Facts(
        symbol=symbol,
        close=price(known.closes[symbol]),
        average_true_range=price(known.ranges[symbol]),
        daily_volatility=daily_volatility(prediction["volatility"]),
        held=held,
    )


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
    leg = worked(viewer, session, facts, leg)
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


def _rationale(known: Known, prediction: dict[str, Any]) -> Rationale:
    assert known.version is not None
    return rationale(
        prediction,
        known.version,
        known.gates,
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


def known_of(warehouse: Warehouse, universe: Universe, session: date) -> Known:
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
    return Known(
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
