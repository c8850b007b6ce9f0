"""Comparing ledger and broker: orders, fills, positions, cash; the query is the fact."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from trading.broker import Broker, BrokerBooking, BrokerOrder, BrokerPosition
from trading.clock import DeskClock, MarketClock
from trading.corrections import corrections
from trading.errors import BrokerUnavailableError, StopError
from trading.ledger import BrokerView, Difference, Ledger, Stamp
from trading.orders import Order, OrderState
from trading.stopping import cancel_overdue_orders, cancel_unwanted
from trading.wording import money, shares

_OVERLAP = timedelta(hours=1)
_BOOKED_LATE = timedelta(days=7)  # a booking bears the day it is for, not the one it came on
_BUSTED_LATE = timedelta(days=7)  # how far back executions are asked for when positions differ
_LOOKS = 2  # a fill between two questions looks like a difference: ask once more
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Report:
    """What a comparison found; `clean` when nothing grave."""

    clean: bool
    differences: tuple[Difference, ...]
    new_fills: int = 0


def reconcile(
    ledger: Ledger,
    broker: Broker,
    *,
    market: MarketClock,
    desk: DeskClock,
    universe: Sequence[str] = (),
    environment: str | None = None,
) -> Report:
    """Compare, correct the ledger where the broker is the fact, and write the result down.

    A failed question is never read as "none": it makes the comparison unclean and changes
    nothing. An unknown order or position puts the desk in REDUCING and raises an alert.

    Parameters
    ----------
    universe : sequence of str
        Symbols whose quotes are kept.
    environment : str, optional
        Of the account; None keeps the one on record, ``paper`` before there is one.

    Returns
    -------
    Report
        Its row is written before it is returned.
    """
    started_at = desk.now()
    done: list[Difference] = []  # told whatever comes after: something was done about them
    try:
        report = _compared(ledger, broker, desk, market, universe, environment, done)
    except BrokerUnavailableError as e:
        away = Difference("broker_away", "broker", None, str(e), grave=False)
        report = Report(clean=False, differences=(*done, away))
    except StopError as e:
        wrong = Difference("contradiction", "ledger", None, str(e), grave=True)
        report = Report(clean=False, differences=(*done, wrong))
    ledger.finish_reconciliation(
        started_at=started_at, differences=report.differences, at=_stamp(desk, market)
    )
    return report


def _compared(
    ledger: Ledger,
    broker: Broker,
    desk: DeskClock,
    market: MarketClock,
    universe: Sequence[str],
    environment: str | None,
    done: list[Difference],
) -> Report:
    since, begun = ledger.reconcile_since(), ledger.first_compared_at()
    new_fills, unexplained = 0, Decimal(0)
    booked: list[Difference] = []
    differences: list[Difference] = []
    for look in range(_LOOKS):
        first = None if since is None else since - look * _BUSTED_LATE
        view = _view(broker, first, begun, universe if look == 0 else ())
        at = Stamp(desk_at=desk.now(), market_at=view.clock.now, source="reconcile")
        ahead: list[Order] = []
        differences = _orders(ledger, broker, view, at, done, ahead)
        new_fills += ledger.record_fills(view.fills, at=at)
        done += corrections(ledger, broker, view, since=_first(view, first), ahead=ahead, at=at)
        booked += [_booked(one) for one in ledger.record_bookings(view.bookings, at=at)]
        unexplained += ledger.record_view(view, environment=environment, at=at)
        # By the broker's own time: after a night in which the desk was down, the ledger's clock
        # is that of yesterday, and an entry good till cancelled would open unsigned.
        cancel_overdue_orders(ledger, broker, at=at)
        differences += _positions(ledger, view.positions)
        differences += _fills(ledger, view)
        if not any(difference.grave for difference in differences):
            break
    if abs(unexplained) > _CENT:
        sentence = f"Cash moved by {money(unexplained)} that no fill explains."
        differences.append(Difference("cash", "cash", None, sentence, grave=False))
    differences += [*done, *booked]
    clean = not any(difference.grave for difference in differences)
    return Report(clean=clean, differences=tuple(differences), new_fills=new_fills)


def _view(
    broker: Broker, since: datetime | None, begun: datetime | None, universe: Sequence[str]
) -> BrokerView:
    clock = broker.clock()
    first = (since or clock.now) - _OVERLAP
    listed = {order.broker_order_id: order for order in broker.orders(since=first)}
    listed |= {order.broker_order_id: order for order in broker.open_orders()}
    return BrokerView(
        clock=clock,
        account=broker.account(),
        orders=tuple(listed.values()),
        # A listing may tell one twice.
        fills=tuple({one.fill.execution_id: one for one in broker.fills(since=first)}.values()),
        # Before the first comparison nothing was the desk's: what was booked for a day before it
        # explains nothing, and is in the cash and the shares that were seen then.
        bookings=tuple(
            broker.bookings(since=first if begun is None else max(first - _BOOKED_LATE, begun))
        ),
        # Last, so that every fill it contains was asked for before or shows in the second look.
        positions=tuple(broker.positions()),
        quotes=tuple(broker.quotes(universe).values()),
    )


def _first(view: BrokerView, since: datetime | None) -> datetime:
    """From when on a view tells all executions."""
    return (since or view.clock.now) - _OVERLAP


def _orders(
    ledger: Ledger,
    broker: Broker,
    view: BrokerView,
    at: Stamp,
    done: list[Difference],
    ahead: list[Order],
) -> list[Difference]:
    found: list[Difference] = []
    unknown: list[BrokerOrder] = []
    for told in view.orders:
        try:
            known = ledger.observe(told, at=at)
        except StopError as e:
            found.append(Difference("order", told.client_order_id, told.symbol, str(e), grave=True))
            continue
        if known is not None and known.filled_quantity > told.filled_quantity:
            ahead.append(known)
        if known is None:
            unknown.append(told)
        elif known.state.is_final and not told.state.is_final:
            done += _works_against_the_ledger(broker, known, told)
        elif told.parent_client_order_id is None:
            # What a halt or a person could not cancel before; stops that protect a position stay.
            cancel_unwanted(ledger, broker, told, at=at)
    found += _strangers(ledger, broker, unknown, at)
    found += _missing(ledger, broker, view, at)
    return found


def _works_against_the_ledger(broker: Broker, known: Order, told: BrokerOrder) -> list[Difference]:
    """An order the ledger holds for ended is working: a listing that lags, or a late arrival."""
    fresh = broker.find(told.client_order_id)
    if fresh is None or fresh.state.is_final:
        return []
    broker.cancel(fresh.broker_order_id)
    sentence = f"It is {known.state} here but works at the broker; a cancel was asked for."
    return [Difference("ledger_ahead", told.client_order_id, told.symbol, sentence, grave=True)]


def _strangers(
    ledger: Ledger, broker: Broker, unknown: Sequence[BrokerOrder], at: Stamp
) -> list[Difference]:
    """Orders with ids that are not ours: stops and targets of our orders, or somebody else's."""
    if not unknown:
        return []
    children: dict[str, BrokerOrder] = {}
    settled = ledger.settled_until()
    for parent in ledger.parents(sorted({order.symbol for order in unknown})):
        assert parent.broker_order_id is not None
        for child in broker.children(parent.broker_order_id):
            children[child.broker_order_id] = child
    found: list[Difference] = []
    for told in unknown:
        ours = children.get(told.broker_order_id)
        if ours is not None:
            ledger.adopt_child(
                replace(told, parent_client_order_id=ours.parent_client_order_id), at=at
            )
            continue
        if told.state.is_final and _is_settled(settled, told.symbol, told.submitted_at):
            continue
        sentence = (
            f"The broker has an order that is not the desk's: {told.side} "
            f"{shares(told.quantity)} {told.symbol}, {told.state}."
        )
        # One that ended without a fill did no harm, but people must hear of it.
        grave = not told.state.is_final or told.filled_quantity > 0
        found.append(
            Difference("unknown_order", told.client_order_id, told.symbol, sentence, grave=grave)
        )
    return found


def _is_settled(settled: Mapping[str, datetime], symbol: str, at: datetime) -> bool:
    """Whether a trade past the desk is in a position that a person booked since."""
    return symbol in settled and at <= settled[symbol]


def _observed(ledger: Ledger, told: BrokerOrder, at: Stamp) -> list[Difference]:
    try:
        ledger.observe(told, at=at)
    except StopError as e:
        return [Difference("order", told.client_order_id, told.symbol, str(e), grave=True)]
    return []


def _missing(ledger: Ledger, broker: Broker, view: BrokerView, at: Stamp) -> list[Difference]:
    """Our working orders that the listing does not show are looked up one by one."""
    listed = {order.client_order_id for order in view.orders}
    found: list[Difference] = []
    for order in ledger.working_orders():
        if order.client_order_id in listed:
            continue
        told = broker.find(order.client_order_id)
        if told is not None:
            found += _observed(ledger, told, at)
        elif order.state in {OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED}:
            sentence = f"The broker accepted {order.side} {order.symbol} and now denies having it."
            found.append(
                Difference(
                    "missing_order", order.client_order_id, order.symbol, sentence, grave=True
                )
            )
        else:
            sentence = "We do not know yet whether the broker has it; dispatch asks."
            found.append(
                Difference("unsettled", order.client_order_id, order.symbol, sentence, grave=False)
            )
    return found


def _positions(ledger: Ledger, told: Sequence[BrokerPosition]) -> list[Difference]:
    expected = ledger.expected_positions()
    held = {position.symbol: position.quantity for position in told}
    found = []
    for symbol in sorted({*expected, *held}):
        ours, theirs = expected.get(symbol, Decimal(0)), held.get(symbol, Decimal(0))
        if ours == theirs:
            continue
        kind = "position_quantity" if symbol in expected else "unknown_position"
        sentence = (
            f"The broker holds {shares(theirs)} {symbol}, the desk's fills and bookings make "
            f"{shares(ours)}."
        )
        found.append(Difference(kind, symbol, symbol, sentence, grave=True))
    return found


def _booked(told: BrokerBooking) -> Difference:
    """Shares and cash that moved without a trade: written down, and no reason to stop."""
    moved = f"{shares(told.quantity)} shares" if told.quantity else money(told.cash)
    what = f"{told.symbol}: {told.kind}" if told.symbol else told.kind.capitalize()
    sentence = f"{what} of {told.day:%d %b %Y}, {moved}, booked by the broker."
    return Difference("corporate_action", told.booking_id, told.symbol, sentence, grave=False)


def _fills(ledger: Ledger, view: BrokerView) -> list[Difference]:
    """Executions whose order nobody here knows, or cannot have had them."""
    found = []
    settled = ledger.settled_until()
    told_of: dict[str, Decimal] = defaultdict(Decimal)
    for told in view.fills:
        name, quantity = told.client_order_id, told.fill.quantity
        told_of[name] += quantity
        order = ledger.order(name)
        if order is None and _is_settled(settled, told.symbol, told.market_at):
            continue
        if order is None:
            kind, subject = "unknown_fill", told.fill.execution_id
            sentence = f"An execution of {shares(quantity)} {told.symbol} has no order."
        elif order.state is OrderState.REJECTED:
            kind, subject = "impossible_fill", name
            sentence = f"The broker filled {shares(quantity)} of an order it had refused."
        elif told_of[name] > order.quantity:
            kind, subject = "impossible_fill", name
            sentence = (
                f"The broker filled {shares(told_of[name])} {told.symbol} of an order for "
                f"{shares(order.quantity)}."
            )
        else:
            continue
        found.append(Difference(kind, subject, told.symbol, sentence, grave=True))
    return found


def _stamp(desk: DeskClock, market: MarketClock) -> Stamp:
    return Stamp(desk_at=desk.now(), market_at=market.now(), source="reconcile")
