"""All symbols decided at once: one proposal with a leg for each position that changes."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from assets import rebalancing
from assets.drafting import (
    Facts,
    drift_bound,
)
from assets.picture import Viewer
from assets.proposing import (
    Decision,
    Known,
    data_verdict,
    facts_of,
    proposal_for,
    strength,
    why_not,
    worked,
)
from ledger import filed, market
from ledger import proposals as ledger_proposals
from trading.canonical import figure
from trading.checks.exposure import position_cap
from trading.picture import Picture
from trading.pretrade import judge
from trading.proposals import (
    Leg,
    Proposal,
    Risk,
    from_content,
)
from trading.signatures import signatures_needed
from trading.wording import percent

_ZERO = Decimal(0)


def rebalanced(
    viewer: Viewer,
    known: Known,
    session: date,
    held: Mapping[str, Decimal],
    account: market.Account,
) -> list[Decision]:
    """Decide about all symbols at once: one proposal with a leg for each that changes."""
    assert known.version is not None
    why = {s: why_not(known, s, is_held=bool(held.get(s))) for s in viewer.universe.names}
    free = [symbol for symbol in viewer.universe.names if why[symbol] is None]
    told = [Decision(s, "none", *no, figures={}) for s, no in why.items() if no is not None]
    if not free:
        return told
    picture = viewer.picture(
        free,
        session=session,
        strategy=viewer.settings.strategy.name,
        model_version=known.version["model_version"],
    )
    facts = {symbol: facts_of(known, symbol, held.get(symbol, _ZERO)) for symbol in free}
    try:
        wanted, note = _weights(viewer, known, session, facts, picture, account), ""
    except ValueError as e:
        # No book is better than another: what is wanted stays, what is not wanted is sold.
        wanted = {s: facts[s].held * facts[s].close / account.equity for s in _chosen(known, facts)}
        note = f" Nothing is rebalanced: {e}"
    # Room goes to the strongest first, as it does where each symbol is proposed alone.
    targets = [
        rebalancing.Target(facts[symbol], wanted.get(symbol, _ZERO))
        for symbol in sorted(free, key=lambda name: strength(known, name), reverse=True)
    ]
    legs = rebalancing.legs_for(
        targets,
        equity=account.equity,
        picture=picture,
        least=figure(viewer.settings.strategy.least_trade),
    )
    fit = rebalancing.fitted(
        [worked(viewer, session, facts[leg.symbol], leg) for leg in legs], picture
    )
    proposal = None
    if fit.legs:
        drafted = _book_proposal(viewer, known, session, facts, fit.legs, account, picture)
        with viewer.ledger.begin() as conn:
            kept = ledger_proposals.record(conn, drafted, desk_at=viewer.clock.now())
            proposal = from_content(filed.content(conn, kept))
    return told + [_of_book(target, fit, proposal, note=note) for target in targets]


def _chosen(known: Known, facts: Mapping[str, Facts]) -> list[str]:
    """Return the symbols that the signals want."""
    return [s for s in facts if (known.signals.get(s, {}).get("target_weight") or 0.0) > 0]


def _weights(
    viewer: Viewer,
    known: Known,
    session: date,
    facts: Mapping[str, Facts],
    picture: Picture,
    account: market.Account,
) -> dict[str, Decimal]:
    """Return what each symbol should have of equity; what cannot be decided about keeps its own."""
    strategy, equity = viewer.settings.strategy, float(account.equity)
    chosen = _chosen(known, facts)
    others = sum(
        abs(holding.quantity) * holding.price
        for symbol, holding in (picture.positions or {}).items()
        if symbol not in facts
    )
    return rebalancing.weights(
        strategy,
        chosen,
        returns=viewer.returns(chosen, session) if chosen else {},
        held={s: float(facts[s].held * facts[s].close) / equity for s in chosen},
        cap=float(position_cap(picture)),
        room=max(strategy.gross - float(others) / equity, 0.0),
    )


def _of_book(
    target: rebalancing.Target,
    fit: rebalancing.Fitted,
    proposal: Proposal | None,
    *,
    note: str,
) -> Decision:
    symbol = target.facts.symbol
    mine = [leg for leg in (proposal.legs if proposal else ()) if leg.symbol == symbol]
    said = f"Target {percent(target.weight)} of equity; {target.facts.held} shares are held.{note}"
    if proposal is not None and mine:
        no = fit.cut.get(symbol)
        cut = "" if no is None else f" Fewer than wanted fit the limits: {no.sentence}"
        return Decision(
            symbol, "proposed", "signal", f"{said} Leg {mine[0].leg_no} of {proposal.code}.{cut}",
            {}, proposal.proposal_id,
        )  # fmt: skip
    if symbol in fit.denied:
        no = fit.denied[symbol]
        return Decision(symbol, "denied", no.code, f"{said} {no.sentence}", {})
    return Decision(symbol, "none", "no_change", said, {})


def _book_proposal(
    viewer: Viewer,
    known: Known,
    session: date,
    facts: Mapping[str, Facts],
    legs: tuple[Leg, ...],
    account: market.Account,
    picture: Picture,
) -> Proposal:
    first = proposal_for(viewer, known, session, facts[legs[0].symbol], legs[0], account, picture)
    by_trade: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for leg in legs:
        by_trade[leg.symbol, leg.side] += leg.notional
    symbols = sorted({leg.symbol for leg in legs})
    return replace(
        first,
        legs=legs,
        rationale=None,
        risk=Risk(
            equity=account.equity,
            loss_to_stop=rebalancing.loss_to_stops(legs),
            effects=rebalancing.book_effects(legs, picture, viewer.limits),
        ),
        checks=judge(picture, legs),
        data=tuple(data_verdict(known, session, symbol) for symbol in symbols),
        # Each leg's own limit is nearer; the bound of the whole is that of the most nervous one.
        drift_bound=max(drift_bound(facts[symbol], viewer.limits) for symbol in symbols),
        signatures_needed=max(
            signatures_needed(
                notional=notional, four_eyes_notional=viewer.limits.four_eyes_notional
            )
            for notional in by_trade.values()
        ),
    )
