"""The ledger as sending and reconciling see it: each method is one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import sqlalchemy as sa

from ledger import (
    alerts,
    audit,
    bookings,
    fills,
    following,
    intents,
    legs,
    orders,
    position_corrections,
    proposals,
    reconciliations,
    situation,
    state,
    stop_risk,
    stops,
    views,
)
from ledger.connection import transact
from trading.broker import BrokerBooking, BrokerFill, BrokerOrder
from trading.errors import IllegalTransitionError
from trading.ledger import Book, BrokerView, DeskNow, Difference, Scope, SignedLeg, Stamp, Unsettled
from trading.orders import (
    BY_A_HALT,
    BY_A_PERSON,
    ENDED_THERE,
    Order,
    OrderState,
    Side,
    ended_otherwise,
    seen,
)
from trading.state import TradingState
from trading.tactics.planning import Child

T = TypeVar("T")


class DeskLedger:
    """Fits `trading.ledger.Ledger`.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        On the desk's database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def waiting_legs(self, *, not_leased_at: datetime, scope: Scope = Scope.PLAIN) -> int:
        """Return how many signed legs of a scope wait to be sent and are not leased then."""
        return self._transact(lambda conn: legs.waiting(conn, now=not_leased_at, scope=scope))

    def lease_leg(
        self,
        *,
        owner: str,
        now: datetime,
        until: datetime,
        skip: frozenset[str],
        scope: Scope = Scope.PLAIN,
    ) -> SignedLeg | None:
        """Lease one signed leg of a scope that waits, the oldest first; None if there is none."""
        return self._transact(
            lambda conn: legs.lease(conn, owner=owner, now=now, until=until, skip=skip, scope=scope)
        )

    def release_leg(self, leg_id: str, *, owner: str, waiting_for: str) -> None:
        """Give a lease back; the leg waits on, and people are told for what."""
        self._transact(
            lambda conn: legs.release(conn, leg_id, owner=owner, waiting_for=waiting_for)
        )

    def close_leg(self, leg_id: str, *, code: str, sentence: str, at: Stamp) -> None:
        """End a leg of which nothing was sent; its proposal lapses if that was the last."""

        def work(conn: sa.Connection) -> None:
            proposal_id = legs.close(conn, leg_id, code=code, sentence=sentence, desk_at=at.desk_at)
            _tell_closed(conn, proposal_id, leg_id, code=code, sentence=sentence, at=at)

        self._transact(work)

    def finish_leg(self, leg_id: str, *, code: str, sentence: str, at: Stamp) -> None:
        """End a leg that was worked in parts: nothing more is sent for it."""

        def work(conn: sa.Connection) -> None:
            proposal_id = legs.finish(
                conn, leg_id, code=code, sentence=sentence, desk_at=at.desk_at
            )
            _tell_closed(conn, proposal_id, leg_id, code=code, sentence=sentence, at=at)

        self._transact(work)

    def children(self, leg_id: str) -> Sequence[Child]:
        """Return the orders sent for a leg, what hangs on them left out, oldest first."""
        return self._transact(lambda conn: legs.children(conn, leg_id))

    def mark_cancelled(self, client_order_id: str, *, why: str, at: Stamp) -> None:
        """Note why an order's cancel is asked for, before it is: the last to ask says why."""

        def work(conn: sa.Connection) -> None:
            before = orders.by_id(conn, client_order_id, lock=True)
            if before is not None and not before.state.is_final:
                orders.change(conn, before, before, at=at, reason=why)

        self._transact(work)

    def mark_replaced(self, client_order_id: str, *, at: Stamp) -> None:
        """Note that the desk itself takes an order back, before its cancel is asked for.

        One of which a person or a halt asked for the cancel remains theirs.
        """

        def work(conn: sa.Connection) -> None:
            before = orders.by_id(conn, client_order_id, lock=True)
            if before is None or before.state.is_final:
                return
            if orders.reason_of(conn, client_order_id) in (BY_A_PERSON, BY_A_HALT):
                return
            orders.change(conn, before, before, at=at, reason=orders.REPLACED)
            audit.append(
                conn, at=at.desk_at, actor=at.source, action="order.replace",
                subject=client_order_id, payload={"filled": before.filled_quantity},
            )  # fmt: skip

        self._transact(work)

    def mark_yielded(self, client_order_id: str, *, at: Stamp) -> None:
        """Note that the desk cancels a stop for a sale of its shares, before it asks for it."""
        self._transact(lambda conn: stops.mark_yielded(conn, client_order_id, at=at))

    def owed_stops(self) -> Sequence[str]:
        """Return symbols of which a stop gave way to a sale, or is one that took its place."""
        return self._transact(stops.owed)

    def closing_shares(self, symbol: str) -> Mapping[str, Decimal]:
        """Return by side the shares of own working orders, stops and attached ones left out."""
        return self._transact(lambda conn: stops.closing_shares(conn, symbol))

    def without_stop(self, symbol: str, side: Side) -> Decimal:
        """Return the shares held that no stop covers; `side` is the one that closes them."""
        return self._transact(lambda conn: stops.without(conn, symbol, side))

    def intend_stops(
        self,
        symbol: str,
        *,
        book: Book,
        held: Decimal,
        price: Decimal | None,
        closing: Mapping[str, Decimal],
        is_open: bool,
        owner: str,
        build: str,
        lease_until: datetime,
        at: Stamp,
    ) -> Sequence[Order]:
        """Write down the stops that what is held beyond the sales has not, and return them."""
        return self._transact(
            lambda conn: stops.intend(
                conn, symbol, book=book, held=held, price=price, closing=closing, is_open=is_open,
                owner=owner, build=build, until=lease_until, at=at,
            )
        )  # fmt: skip

    def desk_now(self, leg: SignedLeg, *, desk_at: datetime, market_at: datetime) -> DeskNow:
        """Return what is known now, the leg's own order left out."""

        def work(conn: sa.Connection) -> DeskNow:
            known = situation.situation(conn, desk_at=desk_at, market_at=market_at)
            own = (leg.proposal_id, leg.leg.leg_no)
            recent = tuple(
                order for order in known.activity.recent if (order.proposal_id, order.leg_no) != own
            )
            return DeskNow(
                trading_state=known.trading_state,
                reconciled=known.reconciled,
                working=tuple(
                    order for order in known.working if (order.proposal_id, order.leg_no) != own
                ),
                activity=replace(known.activity, recent=recent),
                day_high=known.day_high,
                peak=known.peak,
                paid_in=known.paid_in,
                consecutive_losses=fills.losses_in_a_row(conn, leg.strategy),
                open_stop_risk=stop_risk.stop_risk(conn, but_leg=leg.leg_id),
                builds=known.builds,
            )

        return self._transact(work)

    def write_intent(
        self,
        order: Order,
        *,
        reduces: bool,
        owner: str,
        build: str,
        lease_until: datetime,
        at: Stamp,
    ) -> str | None:
        """Write the order down before its first byte goes out; None, or why it must not go."""
        return self._transact(
            lambda conn: intents.write(
                conn, order, reduces=reduces, owner=owner, build=build, until=lease_until, at=at
            )
        )

    def mark_sent(
        self, client_order_id: str, *, reduces: bool, owner: str, until: datetime, at: Stamp
    ) -> bool:
        """Note that bytes may go out from now on; False when it must not be sent (any more)."""

        def work(conn: sa.Connection) -> bool:
            if orders.cancel_is_wanted(conn, client_order_id):
                return False
            ordered = orders.is_ordered(conn, client_order_id)
            if not state.locked(conn).state.admits(reduces=reduces, ordered=ordered):
                return False
            if not orders.prolong(conn, client_order_id, owner=owner, until=until):
                return False
            before = orders.by_id(conn, client_order_id, lock=True)
            assert before is not None
            orders.change(conn, before, orders.moved(before, OrderState.SENT), at=at)
            return True

        return self._transact(work)

    def observe(self, told: BrokerOrder, *, at: Stamp) -> Order | None:
        """Merge what the broker said of an order; None when the ledger has no such order.

        Raises
        ------
        OverfillError, IllegalTransitionError
            If it cannot be true of this order.
        """

        def work(conn: sa.Connection) -> Order | None:
            before = orders.by_id(conn, told.client_order_id, lock=True)
            if before is None:
                return None
            # What hangs on an entry shrinks and grows with the entry's fills.
            attached = told.parent_client_order_id is not None and told.quantity > 0
            known = replace(before, quantity=told.quantity) if attached else before
            after = seen(
                known,
                state=told.state,
                filled_quantity=told.filled_quantity,
                average_price=told.average_price,
                broker_order_id=told.broker_order_id,
            )
            late = ended_otherwise(before.state, after.state)
            orders.change(conn, before, after, at=at, reason=ENDED_THERE if late else None)
            return after

        return self._transact(work)

    def conclude(self, client_order_id: str, *, to: OrderState, reason: str, at: Stamp) -> None:
        """Move an order to a state that the broker's answer to a send implies.

        What has become known meanwhile stays. A refusal of the first send is the broker's last
        word only if nobody sent again meanwhile: what that one hears decides.
        """

        def work(conn: sa.Connection) -> None:
            before = orders.by_id(conn, client_order_id, lock=True)
            if before is None:
                raise IllegalTransitionError(f"There is no order {client_order_id} to conclude.")
            if to is OrderState.REJECTED and orders.sends(conn, client_order_id) > 1:
                return
            if before.state in orders.UNSETTLED:
                after = orders.moved(before, to)
                orders.change(conn, before, after, at=at, reason=reason)

        self._transact(work)

    def unsettled(self, *, now: datetime) -> Sequence[Unsettled]:
        """Return intended, sent and unresolved orders that nobody holds a lease on."""
        return self._transact(
            lambda conn: [
                Unsettled(
                    order=order, signed=legs.signed(conn, order.leg_id), last_tried_at=tried_at
                )
                for order, tried_at in orders.unsettled(conn, now=now)
            ]
        )

    def lease_order(
        self, client_order_id: str, *, owner: str, now: datetime, until: datetime
    ) -> bool:
        """Lease an unsettled order; False when another was first."""
        return self._transact(
            lambda conn: orders.lease(conn, client_order_id, owner=owner, now=now, until=until)
        )

    def release_order(self, client_order_id: str, *, owner: str) -> None:
        """Give the lease of an order back."""
        self._transact(lambda conn: orders.release(conn, client_order_id, owner=owner))

    def order(self, client_order_id: str) -> Order | None:
        """Return an order."""
        return self._transact(lambda conn: orders.by_id(conn, client_order_id))

    def working_orders(self) -> Sequence[Order]:
        """Return all orders that are not final, oldest first."""
        return self._transact(orders.working)

    def overdue_orders(self, *, market_at: datetime) -> Sequence[Order]:
        """Return orders that may work at the broker after their proposal's validity ended."""
        return self._transact(lambda conn: orders.overdue(conn, market_at=market_at))

    def protects(self, client_order_id: str) -> bool:
        """Return whether an order is a stop that was signed for itself, to close a position."""
        return self._transact(lambda conn: orders.protects(conn, client_order_id))

    def is_ordered(self, client_order_id: str) -> bool:
        """Return whether an order belongs to a flatten that a person signed."""
        return self._transact(lambda conn: orders.is_ordered(conn, client_order_id))

    def cancel_is_wanted(self, client_order_id: str) -> bool:
        """Return whether a person asked to cancel an order, and was not refused."""
        return self._transact(lambda conn: orders.cancel_is_wanted(conn, client_order_id))

    def trading_state(self) -> TradingState:
        """Return what may be sent now."""
        return self._transact(lambda conn: state.current(conn).state)

    def parents(self, symbols: Sequence[str]) -> Sequence[Order]:
        """Return orders with an attached stop or target that is not written down yet."""
        return self._transact(lambda conn: orders.parents(conn, symbols))

    def adopt_child(self, told: BrokerOrder, *, at: Stamp) -> None:
        """Write down the stop or target of one of our orders."""

        def work(conn: sa.Connection) -> None:
            name = told.parent_client_order_id
            parent = None if name is None else orders.by_id(conn, name)
            if parent is None:
                raise IllegalTransitionError(f"Order {told.client_order_id} hangs on none of ours.")
            orders.attach(conn, told, parent, at=at)

        self._transact(work)

    def reconcile_since(self) -> datetime | None:
        """Return the market time from which orders and fills must be compared; None at first."""

        def work(conn: sa.Connection) -> datetime | None:
            clean_at, open_at = reconciliations.last_clean(conn), orders.first_open(conn)
            known = [instant for instant in (clean_at, open_at) if instant is not None]
            return min(known) if known else None

        return self._transact(work)

    def first_compared_at(self) -> datetime | None:
        """Return the market time of the first comparison ever that was answered; None before."""
        return self._transact(reconciliations.first_answered)

    def record_view(self, view: BrokerView, *, environment: str | None, at: Stamp) -> Decimal:
        """Write fills, positions, account, equity and quotes; return the cash nobody explains."""

        def work(conn: sa.Connection) -> Decimal:
            following.add_fills(conn, view.fills, at=at)
            return views.record(conn, view, environment=environment, desk_at=at.desk_at)

        return self._transact(work)

    def expected_positions(self) -> dict[str, Decimal]:
        """Return shares by symbol as the recorded fills and bookings add up."""
        return self._transact(fills.holdings)

    def settled_until(self) -> Mapping[str, datetime]:
        """Return by symbol the market time until which trades past the desk are settled."""
        return self._transact(position_corrections.settled_until)

    def record_bookings(
        self, told: Sequence[BrokerBooking], *, at: Stamp
    ) -> Sequence[BrokerBooking]:
        """Write what was booked without a trade, each once; return the new ones."""
        return self._transact(lambda conn: bookings.add(conn, told, at=at)) if told else []

    def record_fills(self, told: Sequence[BrokerFill], *, at: Stamp) -> int:
        """Write executions, each once; return how many were new."""
        return self._transact(lambda conn: following.add_fills(conn, told, at=at)) if told else 0

    def fills_since(self, market_at: datetime) -> Sequence[BrokerFill]:
        """Return the recorded executions from an instant on that stand, oldest first."""
        return self._transact(lambda conn: fills.standing_since(conn, market_at))

    def take_back(self, execution_ids: Sequence[str], *, of: BrokerOrder, at: Stamp) -> None:
        """Write down that the broker took executions of one order back; it follows."""
        self._transact(lambda conn: following.take_back(conn, execution_ids, of, at=at))

    def correct_fill(self, told: BrokerFill, *, of: BrokerOrder, at: Stamp) -> None:
        """Write down another quantity or price of a recorded execution; its order follows."""
        self._transact(lambda conn: following.correct(conn, told, of, at=at))

    def finish_reconciliation(
        self, *, started_at: datetime, differences: Sequence[Difference], at: Stamp
    ) -> None:
        """Write the result; a grave difference puts the desk in REDUCING and raises an alert.

        A clean one ends what a silence of the desk began.
        """
        self._transact(
            lambda conn: reconciliations.finish(
                conn, started_at=started_at, differences=differences, at=at
            )
        )

    def tighten(self, to: TradingState, *, reason: str, by: str, at: Stamp) -> None:
        """Tighten the trading state on behalf of a process."""
        self._transact(
            lambda conn: state.tighten(conn, to=to, reason=reason, process=by, desk_at=at.desk_at)
        )

    def set_state(
        self,
        to: TradingState,
        *,
        reason: str,
        person_id: str,
        at: Stamp,
        request_id: str | None = None,
    ) -> None:
        """Set the trading state on behalf of a person."""
        self._transact(
            lambda conn: state.change(
                conn,
                to=to,
                reason=reason,
                person_id=person_id,
                desk_at=at.desk_at,
                request_id=request_id,
            )
        )

    def alert(self, *, kind: str, subject: str, message: str, severity: str, at: Stamp) -> None:
        """Raise an alert, once while it is open."""
        self._transact(
            lambda conn: alerts.raise_once(
                conn,
                severity=severity,
                kind=kind,
                subject=subject,
                message=message,
                desk_at=at.desk_at,
                market_at=at.market_at,
                actor=at.source,
            )
        )

    def _transact(self, work: Callable[[sa.Connection], T]) -> T:
        return transact(self._engine, work)


def _tell_closed(
    conn: sa.Connection,
    proposal_id: str | None,
    leg_id: str,
    *,
    code: str,
    sentence: str,
    at: Stamp,
) -> None:
    """End the proposal with its last leg, if none of it was sent; None: closed before."""
    if proposal_id is None:
        return
    if legs.all_closed(conn, proposal_id):
        proposals.lapse(conn, proposal_id=proposal_id, sentence=sentence, desk_at=at.desk_at)
    audit.append(
        conn,
        at=at.desk_at,
        actor=at.source,
        action="leg.close",
        subject=leg_id,
        payload={"code": code, "sentence": sentence, "proposal": proposal_id},
    )
