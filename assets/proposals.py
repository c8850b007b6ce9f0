"""From target weights to proposals a person can sign, and a word on every symbol without one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import dagster as dg
import polars as pl
from sqlalchemy import Engine

from assets.book import rebalanced
from assets.desk_time import decision_time, market_now, require_closed
from assets.drafting import (
    Facts,
    allowed_entry,
    leaving,
    sizing,
    valid_until,
)
from assets.eligibility import eligibility_asset
from assets.partitions import SESSIONS, as_session
from assets.picture import Viewer, limits_now
from assets.policies import research_only
from assets.proposing import (
    Decision,
    Known,
    facts_of,
    known_of,
    not_chosen,
    proposal_for,
    strength,
    why_not,
)
from assets.signals import signals_asset
from assets.strategies import proposing
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger import daily_runs, filed, market
from ledger import proposals as ledger_proposals
from trading.broker import Broker
from trading.canonical import figure
from trading.checks.exposure import drawdown
from trading.clock import DeskClock
from trading.errors import RetryError
from trading.picture import Picture
from trading.pretrade import gravest
from trading.proposals import (
    Leg,
    Proposal,
    from_content,
)
from trading.wording import percent
from warehouse import (
    Warehouse,
    portfolio,
)  # fmt: skip

_ZERO = Decimal(0)


class AccountUnknownError(RetryError):
    """Nothing can be sized before the broker has told the account's equity."""


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
    known = known_of(
        viewer.warehouse,
        viewer.universe,
        session,
        proposing(viewer.settings),
        settings=viewer.settings,
        at=market_now(viewer.ledger),
    )
    with viewer.ledger.connect() as conn:
        account = market.latest_account(conn)
        held = {s: p.quantity for s, p in market.latest_positions(conn).items()}
    if account is None:
        raise AccountUnknownError(
            "The account at the broker has not been heard of yet: the worker `watch` writes it to "
            "the ledger. See ./desk status; the run is tried again."
        )
    if viewer.settings.strategy.portfolio != "none" and not late:
        return rebalanced(viewer, known, session, held, account)
    decisions = []
    # Room and money go to the strongest first; each proposal is judged beside those before it.
    for symbol in sorted(
        viewer.universe.names, key=lambda name: strength(known, name), reverse=True
    ):
        reason = why_not(known, symbol, is_held=bool(held.get(symbol)))
        if late:
            reason = ("too_late", f"The session after {session} is over.")
        if reason is not None:
            decisions.append(Decision(symbol, "none", *reason, figures={}))
            continue
        facts = facts_of(known, symbol, held.get(symbol, _ZERO))
        decisions.append(_propose(viewer, known, session, facts, account))
    return decisions


def _propose(
    viewer: Viewer, known: Known, session: date, facts: Facts, account: market.Account
) -> Decision:
    signal = known.signals.get(facts.symbol, {})
    weight = figure(signal.get("target_weight") or 0.0)
    probability = float(known.predictions[facts.symbol]["probability"])
    said = f"{probability * 100:.1f} % to beat the index"
    if weight == 0 and facts.held == 0:
        return Decision(
            facts.symbol, "none", "no_signal",
            f"{said}: {not_chosen(known, viewer.settings.strategy, facts.symbol)}.",
            {"probability": probability},
        )  # fmt: skip
    strategy = known.strategy_of(facts.symbol, viewer.settings.strategy.name)
    if facts.held <= 0 and (opens_not := research_only(viewer.settings, strategy, weight)):
        return Decision(
            facts.symbol, "none", "research_only",
            f"{said}, which asks for {percent(weight)} of equity; {opens_not}.",
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


def _paused(picture: Picture) -> str:
    fallen, limit = drawdown(picture.account), picture.limits.drawdown_reduce
    if fallen is None:
        return "nothing is opened while it is not known how far equity is below its peak."
    return (
        f"equity is {percent(fallen)} below its peak; from {percent(limit)} on nothing is opened."
    )


def _picture(viewer: Viewer, known: Known, session: date, symbol: str) -> Picture:
    assert known.version is not None
    strategy = known.strategy_of(symbol, viewer.settings.strategy.name)
    picture = viewer.picture(
        [symbol],
        session=session,
        strategy=strategy,
        model_version=known.version["model_version"],
    )
    if picture.model is None or picture.model.status != "champion":
        return picture
    # A champion's standing is not lent to rules that have none of their own.
    status = "challenger" if known.is_advisory(strategy) else "champion"
    return replace(picture, model=replace(picture.model, status=status))


def _submitted(
    viewer: Viewer,
    known: Known,
    session: date,
    facts: Facts,
    leg: Leg,
    account: market.Account,
    picture: Picture,
) -> Decision:
    proposal = proposal_for(viewer, known, session, facts, leg, account, picture)
    with viewer.ledger.begin() as conn:
        kept = ledger_proposals.record(conn, proposal, desk_at=viewer.clock.now())
        content = filed.content(conn, kept)
    if kept != proposal.proposal_id:  # a repeated run: the first one's proposal stands
        first = from_content(content)
        return _told(first, first.legs[0])
    return _told(proposal, leg)


def _told(proposal: Proposal, leg: Leg) -> Decision:
    if proposal.is_denied:
        why = gravest(proposal.checks)
        said = " ".join(check.sentence for check in why)
        return Decision(leg.symbol, "denied", why[0].code, said, {}, proposal.proposal_id)
    verb = "Buy" if leg.side == "buy" else "Sell"
    price_words = "or less" if leg.side == "buy" else "or more"
    sentence = f"{verb} {leg.quantity} at {leg.limit_price} USD {price_words}."
    return Decision(leg.symbol, "proposed", "signal", sentence, {}, proposal.proposal_id)


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
