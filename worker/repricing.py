"""The same trade at today's price, or in a size that fits: a new proposal for an old one."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from assets.drafting import TICK, effects, loss_to_stop
from ledger import filed, proposals
from ledger.connection import new_id
from ledger.prices import price_now
from ledger.requests import Request
from trading.checks.fitting import judged
from trading.errors import NotAllowedError
from trading.proposals import Leg, Proposal, Risk, code_of, from_content
from trading.signatures import signatures_needed
from trading.wording import shares
from worker.desk import Desk
from worker.viewing import viewing


def reprice(desk: Desk, asked: Request) -> str:
    """Propose an open proposal's trade anew at the present price; return what to tell.

    Raises
    ------
    NotAllowedError
        If the proposal can no longer be replaced, or nobody quotes its symbol.
    """
    old = _proposal(desk, asked)
    with desk.engine.connect() as conn:
        price = price_now(conn, old.legs[0].symbol, limits=desk.limits)
    if len(old.legs) != 1 or price is None:
        raise NotAllowedError(
            "There is no quote to price it by, or its bid and ask are too far apart; ask again "
            "when the market trades."
        )
    new = _drafted(desk, old, _moved(old.legs[0], price))
    _replace(desk, old, new, asked)
    return f"Proposal {new.code} takes its place, priced at {price} USD."


def propose_fitting(desk: Desk, asked: Request) -> str:
    """Propose a denied trade anew with the quantity that would pass; return what to tell.

    The denied proposal keeps its bytes and its state; the new one says that it supersedes it.

    Raises
    ------
    NotAllowedError
        If it was replaced already, or its checks name no quantity that fits.
    """
    old = _proposal(desk, asked)
    fits = next((check.fits for check in old.checks if check.denies and check.fits), None)
    if len(old.legs) != 1 or fits is None:
        raise NotAllowedError(f"No quantity of proposal {old.code} would pass its checks.")
    if old.valid_until <= desk.market.now():
        raise NotAllowedError(f"The time of proposal {old.code} is over.")
    new = _drafted(desk, old, replace(old.legs[0], quantity=fits))
    _replace(desk, old, new, asked)
    said = f"Proposal {new.code} for {shares(fits)} {new.legs[0].symbol} takes its place"
    denied = next((check for check in new.checks if check.denies), None)
    if denied is not None:
        return f"{said}; it was denied too: {denied.sentence}"
    return f"{said} and waits to be decided."


def _proposal(desk: Desk, asked: Request) -> Proposal:
    with desk.engine.connect() as conn:
        return from_content(filed.content(conn, str(asked.payload["proposal_id"])))


def _replace(desk: Desk, old: Proposal, new: Proposal, asked: Request) -> None:
    with desk.engine.begin() as conn:
        made = proposals.supersede(
            conn,
            old.proposal_id,
            new,
            desk_at=desk.clock.now(),
            actor=asked.person_id or "operator",
        )
    if made is None:
        raise NotAllowedError(f"Proposal {old.code} was decided meanwhile; nothing was changed.")


def _drafted(desk: Desk, old: Proposal, leg: Leg) -> Proposal:
    """The old proposal's trade with another leg, judged by the desk as it is now."""
    with viewing(desk) as viewer:
        limits = viewer.limits
        picture = viewer.picture(
            [leg.symbol],
            session=old.session,
            strategy=old.strategy,
            model_version=old.model_version,
            instead_of=old.proposal_id,
        )
    proposal_id = new_id()
    equity = old.risk.equity if picture.account is None else picture.account.equity
    return replace(
        old,
        proposal_id=proposal_id,
        code=code_of(proposal_id),
        legs=(leg,),
        risk=Risk(
            equity=equity,
            loss_to_stop=loss_to_stop(leg),
            effects=effects(leg, picture, limits),
        ),
        checks=judged(picture, leg),
        signatures_needed=signatures_needed(
            notional=leg.notional, four_eyes_notional=old.four_eyes_notional
        ),
        created_market_at=desk.market.now(),
        supersedes=old.proposal_id,
    )


def _moved(leg: Leg, price: Decimal) -> Leg:
    """The leg with every price moved as the market moved, in no more shares for no more money."""
    factor = price / leg.reference_price

    def moved(was: Decimal | None) -> Decimal | None:
        return None if was is None else (was * factor).quantize(TICK, ROUND_HALF_UP)

    new = replace(
        leg,
        reference_price=price,
        limit_price=moved(leg.limit_price),
        stop_price=moved(leg.stop_price),
        take_profit_price=moved(leg.take_profit_price),
        stop_loss_price=moved(leg.stop_loss_price),
    )
    if leg.reduces or new.notional <= leg.notional:
        return new
    return replace(new, quantity=max(Decimal(1), leg.notional // new.worst_price))
