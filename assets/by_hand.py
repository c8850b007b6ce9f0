"""A trade that a person enters: judged like every other, and signed by somebody else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

import numpy as np
import polars as pl

from assets.desk_time import market_now
from assets.drafting import TICK, Facts, drift_bound, effects, loss_to_stop, valid_until
from assets.picture import Viewer
from ledger import market
from ledger.connection import new_id
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
_SIDES: Mapping[object, Literal["buy", "sell"]] = {"buy": "buy", "sell": "sell"}
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Ticket:
    """What a person wants to trade, and why. Prices in USD."""

    symbol: str
    side: Literal["buy", "sell"]
    quantity: Decimal
    limit_price: Decimal
    stop_loss_price: Decimal | None
    reason: str


def ticket_of(asked: Mapping[str, object]) -> Ticket:
    """Return the ticket that a request tells of.

    Raises
    ------
    NotAllowedError
        If the side, a number or the reason is none, or the stop is on the wrong side.
    """
    side, reason = _SIDES.get(asked.get("side")), str(asked.get("reason") or "").strip()
    if side is None:
        raise NotAllowedError(f"The side is buy or sell, was {asked.get('side')!r}.")
    if not reason:
        raise NotAllowedError("A trade entered by hand needs a reason: others sign it by that.")
    stop = asked.get("stop_loss_price")
    ticket = Ticket(
        symbol=str(asked.get("symbol")),
        side=side,
        quantity=_positive(asked.get("quantity"), "quantity"),
        limit_price=_price(asked.get("limit_price"), "limit price"),
        stop_loss_price=None if stop is None else _price(stop, "stop"),
        reason=reason,
    )
    if ticket.stop_loss_price is not None:
        _require_sense(ticket, ticket.stop_loss_price)
    return ticket


def hand_proposal(viewer: Viewer, ticket: Ticket, *, person_id: str) -> Proposal:
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
    proposal_id = new_id()
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


def _leg(ticket: Ticket, picture: Picture) -> Leg:
    price = picture.market_price(ticket.symbol)
    if price is None or price <= 0:
        raise NotAllowedError(f"Nobody quotes {ticket.symbol}; ask again when the market trades.")
    leg = Leg(
        leg_no=1,
        symbol=ticket.symbol,
        side=ticket.side,
        quantity=ticket.quantity,
        order_type="limit",
        # A stop must outlast the session, and lives as long as its entry may.
        time_in_force="day" if ticket.stop_loss_price is None else "gtc",
        reference_price=price,
        limit_price=ticket.limit_price,
        stop_loss_price=ticket.stop_loss_price,
    )
    return replace(leg, reduces=ticket.stop_loss_price is None and reduces(picture, leg))


def _terms(viewer: Viewer, picture: Picture, session: date, leg: Leg) -> tuple[datetime, Decimal]:
    """When it ends (market time), and how far the price may move against it (a fraction)."""
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


def _positive(told: object, what: str) -> Decimal:
    try:
        number = Decimal(str(told))
    except InvalidOperation as e:
        raise NotAllowedError(f"The {what} is a number above 0, was {told!r}.") from e
    if not number.is_finite() or number <= 0:
        raise NotAllowedError(f"The {what} is a number above 0, was {told!r}.")
    return number


def _price(told: object, what: str) -> Decimal:
    return _positive(told, what).quantize(TICK, ROUND_HALF_UP)


def _require_sense(ticket: Ticket, stop: Decimal) -> None:
    long = ticket.side == "buy"
    if (stop >= ticket.limit_price) if long else (stop <= ticket.limit_price):
        raise NotAllowedError(
            f"The stop {stop} must be {'below' if long else 'above'} the limit "
            f"{ticket.limit_price}: it ends a loss."
        )
