"""A trade that a person enters: judged like every other, and signed by somebody else."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from assets.desk_time import market_now
from assets.drafting import Facts, drift_bound, effects, loss_to_stop, valid_until
from assets.hand_tickets import Ticket
from assets.picture import Viewer
from assets.protecting import Protection, protecting_leg
from ledger import market
from quality.calendar import exchange
from trading.canonical import figure
from trading.checks.fitting import judged
from trading.checks.permission import reduces
from trading.errors import NotAllowedError
from trading.picture import Picture
from trading.proposals import DataVerdict, Leg, Proposal, Risk, code_of
from trading.signatures import signatures_needed
from warehouse import verdicts

STRATEGY = "by hand"
_VOLATILITY_SESSIONS = 63
_ZERO = Decimal(0)


def hand_proposal(
    viewer: Viewer, ticket: Ticket | Protection, *, proposal_id: str, person_id: str
) -> Proposal:
    """Return the proposal of a ticket, judged by the desk as it is now.

    While the market is open it is of this session: it ends after `intraday_validity_minutes`
    (in the replay with the session), and lapses beyond `intraday_drift`. Otherwise it is for the
    next session, on the terms of what is proposed after a close.

    Raises
    ------
    NotAllowedError
        If the symbol is not of the universe, nobody quotes it, or the account is unknown.
    """
    if ticket.symbol not in viewer.universe.names:
        raise NotAllowedError(f"{ticket.symbol} is not of the universe {viewer.universe.name}.")
    now = market_now(viewer.ledger)
    session = exchange().last_closed(now)
    picture = viewer.picture(
        [ticket.symbol], session=session, strategy=STRATEGY, model_version=None
    )
    account = _account(viewer)
    leg = _leg(ticket, picture)
    ends, drift = _terms(viewer, picture, session, leg)
    return Proposal(
        proposal_id=proposal_id,
        code=code_of(proposal_id),
        session=session,
        environment=viewer.environment,
        account_id=account.account_id,
        strategy=STRATEGY,
        model_version=None,
        advisory=False,
        legs=(leg,),
        rationale=None,
        risk=Risk(
            equity=account.equity,
            loss_to_stop=loss_to_stop(leg),
            effects=effects(leg, picture, viewer.limits),
        ),
        checks=judged(picture, leg),
        data=_verdict(viewer, session, leg.symbol),
        valid_from=now,
        valid_until=ends,
        drift_bound=drift,
        drift_direction="adverse",
        signatures_needed=signatures_needed(
            notional=leg.notional, four_eyes_notional=viewer.limits.four_eyes_notional
        ),
        four_eyes_notional=viewer.limits.four_eyes_notional,
        snapshot_id=None,
        created_market_at=now,
        entered_by=person_id,
        reason=ticket.reason,
    )


def _account(viewer: Viewer) -> market.Account:
    with viewer.ledger.connect() as conn:
        account = market.latest_account(conn)
    if account is None:
        raise NotAllowedError("The broker has not told of an account yet; ask again in a moment.")
    return account


def _leg(ticket: Ticket | Protection, picture: Picture) -> Leg:
    price = picture.market_price(ticket.symbol)
    if price is None or price <= 0:
        raise NotAllowedError(f"Nobody quotes {ticket.symbol}; ask again when the market trades.")
    if isinstance(ticket, Protection):
        return protecting_leg(ticket, picture, price)
    leg = Leg(
        leg_no=1,
        symbol=ticket.symbol,
        side=ticket.side,
        quantity=ticket.quantity,
        order_type="limit",
        # A stop or target must outlast the session, and lives as long as its entry may.
        time_in_force="gtc" if ticket.has_exit else "day",
        reference_price=price,
        limit_price=ticket.limit_price,
        take_profit_price=ticket.take_profit_price,
        stop_loss_price=ticket.stop_loss_price,
    )
    return replace(leg, reduces=not ticket.has_exit and reduces(picture, leg))


def _terms(viewer: Viewer, picture: Picture, session: date, leg: Leg) -> tuple[datetime, Decimal]:
    """When it ends (market time), and how far the price may move against it (a fraction).

    A price that comes near its stop is no reason to leave a position without one.
    """
    ends, drift = _usual_terms(viewer, picture, session, leg)
    return ends, max(drift, viewer.limits.collar) if leg.protects else drift


def _usual_terms(
    viewer: Viewer, picture: Picture, session: date, leg: Leg
) -> tuple[datetime, Decimal]:
    limits, now = viewer.limits, picture.market
    if now is None or not now.is_open or now.next_close is None:
        facts = Facts(
            leg.symbol, leg.reference_price, _ZERO, _volatility(viewer, session, leg), _ZERO
        )
        return valid_until(session, viewer.settings, limits), drift_bound(facts, limits)
    ends = now.now + timedelta(minutes=limits.intraday_validity_minutes)
    if viewer.settings.mode == "embedded":  # the replay waits for people before its close
        ends = now.next_close
    return min(ends, now.next_close), limits.intraday_drift


def _volatility(viewer: Viewer, session: date, leg: Leg) -> Decimal:
    """Of one session, by the last three months; 0 with too short a past, which widens nothing."""
    past = viewer.returns([leg.symbol], session).get(leg.symbol)
    return _ZERO if past is None else figure(float(np.std(past[-_VOLATILITY_SESSIONS:], ddof=1)))


def _verdict(viewer: Viewer, session: date, symbol: str) -> tuple[DataVerdict, ...]:
    with viewer.warehouse.reader() as conn:
        told = verdicts.latest(conn, [session]).filter(pl.col("symbol") == symbol)
    return tuple(
        DataVerdict(
            session=session,
            status=row["status"],
            checks=int(row["checks"]),
            checks_passed=int(row["checks_passed"]),
            report=row["report"],
        )
        for row in told.iter_rows(named=True)
    )
