"""One order on its way to the broker: what it is sent with, judged by, and what is written down.

The intent is committed before the first byte goes out, and an outcome nobody knows is looked up,
never assumed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from config.limits import Limits
from quant.typing import FloatArray
from trading.attached import make_way
from trading.broker import Broker, BrokerOrder
from trading.checks.permission import reduces
from trading.clock import DeskClock, MarketClock
from trading.errors import OrderRejectedError, OutcomeUnknownError, RateLimitedError, StopError
from trading.ledger import Ledger, Scope, SignedLeg, Stamp
from trading.looking import take_picture
from trading.orders import Order, OrderState, client_order_id
from trading.picture import DataNow, ModelNow, Picture
from trading.pretrade import denials, judge_leg
from trading.proposals import CheckResult
from trading.stopping import cancel_unwanted


class Facts(Protocol):
    """What dispatch asks of warehouse and configuration, at the moment of sending."""

    def data(self, symbols: Sequence[str]) -> Mapping[str, DataNow]:
        """Return the quality verdict on each symbol's newest data."""

    def model(self, version: str | None) -> ModelNow | None:
        """Return the status of a model version now."""

    def average_volume(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return average shares a session."""

    def recent_returns(self, symbols: Sequence[str]) -> Mapping[str, FloatArray]:
        """Return simple returns of the same past sessions, oldest first; none where too short."""

    def betas(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Return each symbol's slope on the index; none where its past is too short."""

    def sectors(self) -> Mapping[str, str]:
        """Return the sector of each symbol."""

    def restricted(self) -> frozenset[str]:
        """Return the symbols in which people have forbidden to trade."""


@dataclass(frozen=True)
class Sender:
    """Who sends, by which rules."""

    owner: str  # unique among all dispatchers
    build: str
    environment: str  # of the account the broker is configured for: replay | paper | live
    limits: Limits
    facts: Facts
    scope: Scope = Scope.PLAIN  # which legs it sends
    reached: Callable[[str], None] = field(default=lambda _point: None)  # named points, for drills


@dataclass
class Report:
    """What a run did, by client order id or leg id."""

    sent: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)  # legs that will not be sent
    waiting: dict[str, str] = field(default_factory=dict)  # legs that wait: leg id -> for what
    problem: str | None = None  # why the run stopped early


def merged(first: Report, then: Report) -> Report:
    """Return what two passes did together; what waits is what waits after the second."""
    return Report(
        sent=first.sent + then.sent,
        acknowledged=first.acknowledged + then.acknowledged,
        rejected=first.rejected + then.rejected,
        unresolved=list(then.unresolved),
        closed=first.closed + then.closed,
        waiting=dict(then.waiting),
        problem=then.problem,
    )


def wait(
    ledger: Ledger, signed: SignedLeg, sender: Sender, report: Report, waiting_for: str
) -> None:
    """Give a leg's lease back, and say what it waits for."""
    ledger.release_leg(signed.leg_id, owner=sender.owner, waiting_for=waiting_for)
    report.waiting[signed.leg_id] = waiting_for


def send_checked(
    ledger: Ledger,
    broker: Broker,
    part: SignedLeg,
    *,
    attempt: int,
    end: Callable[[CheckResult], None],
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> bool:
    """Check a leased leg or a part of it, write its intent, send it, give the order's lease back.

    Parameters
    ----------
    part : SignedLeg
        With the quantity and limit that are to be sent now.
    attempt : int
        The how-manieth order of its leg it is, from 1.
    end : callable
        Ends the leg for good, given the denial that time will not cure.

    Returns
    -------
    bool
        Whether the intent was written; if not, the leg was ended or waits, its lease given back.
    """
    denied = denied_now(ledger, broker, part, sender, desk, market)
    sender.reached("checked")
    lasting = [result for result in denied if not result.later]
    if lasting:
        end(lasting[0])
        report.closed.append(part.leg_id)
        return False
    if denied:
        wait(ledger, part, sender, report, denied[0].sentence)
        return False
    order = order_of(part, attempt=attempt)
    refusal = ledger.write_intent(
        order,
        reduces=part.leg.reduces,
        owner=sender.owner,
        build=sender.build,
        lease_until=desk.now() + timedelta(seconds=sender.limits.lease_seconds),
        at=stamp(desk, market),
    )
    if refusal is not None:
        wait(ledger, part, sender, report, refusal)
        return False
    sender.reached("intended")
    submit(ledger, broker, order, sender, desk, market, report, reduces=part.leg.reduces)
    ledger.release_order(order.client_order_id, owner=sender.owner)
    return True


def submit(
    ledger: Ledger,
    broker: Broker,
    order: Order,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
    *,
    reduces: bool,
) -> None:
    """Send an order whose intent is written down, and write down what the broker made of it."""
    name = order.client_order_id
    until = desk.now() + timedelta(seconds=sender.limits.lease_seconds)
    # Asked again under lock, so that a halt between intent and send still stops it.
    if not ledger.mark_sent(
        name,
        reduces=reduces,
        owner=sender.owner,
        until=until,
        at=stamp(desk, market),
    ):
        report.unresolved.append(name)
        return
    sender.reached("marked")
    report.sent.append(name)
    try:
        told = broker.submit(order)
    except OrderRejectedError as e:
        # Of an order that was sent before, the first send may yet arrive: then it is not the
        # broker's last word, and a cancelled order may still be filled.
        first = order.state is OrderState.INTENDED
        end = OrderState.REJECTED if first else OrderState.CANCELED
        ledger.conclude(name, to=end, reason=str(e), at=stamp(desk, market))
        report.rejected.append(name)
        return
    except (OutcomeUnknownError, RateLimitedError) as e:
        ledger.conclude(name, to=OrderState.UNRESOLVED, reason=str(e), at=stamp(desk, market))
        report.unresolved.append(name)
        if isinstance(e, RateLimitedError):
            report.problem = str(e)
        return
    sender.reached("sent")
    report.acknowledged.append(name)
    acknowledge(ledger, broker, told, desk, market)
    sender.reached("acknowledged")


def acknowledge(
    ledger: Ledger, broker: Broker, told: BrokerOrder, desk: DeskClock, market: MarketClock
) -> None:
    """Write down that the broker has it; a halt or cancel during the send could not see it."""
    at = stamp(desk, market)
    ledger.observe(told, at=at)
    cancel_unwanted(ledger, broker, told, at=at)


def tell_stopped(
    ledger: Ledger, name: str, error: StopError, desk: DeskClock, market: MarketClock
) -> None:
    """Tell of an order about which the broker says what cannot be: it alone stops, others go on."""
    ledger.alert(
        kind="order", subject=name, message=str(error), severity="critical", at=stamp(desk, market)
    )


def denied_now(
    ledger: Ledger,
    broker: Broker,
    signed: SignedLeg,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
) -> tuple[CheckResult, ...]:
    """What forbids a leg now. Own stops that hold the shares it closes are cancelled for it."""
    picture = _picture(ledger, broker, signed, sender, desk)
    denied = denials(judge_leg(picture, signed.leg))
    # A stop that a person asks for is for shares without one: it takes the place of no other.
    adds = signed.leg.protects and picture.by_hand
    if denied or adds or not reduces(picture, signed.leg):
        return denied
    way = make_way(
        ledger, broker, leg=signed.leg, proposal_id=signed.proposal_id, at=stamp(desk, market)
    )
    if way.held_by is not None:
        return (way.held_by,)
    if not way.cancelled:
        return ()
    # A stop may have been filled while it was cancelled: what it sold is not there to close.
    return denials(judge_leg(_picture(ledger, broker, signed, sender, desk), signed.leg))


def _picture(
    ledger: Ledger, broker: Broker, signed: SignedLeg, sender: Sender, desk: DeskClock
) -> Picture:
    symbols = [signed.leg.symbol]
    clock = broker.clock()
    return take_picture(
        broker,
        now=ledger.desk_now(signed, desk_at=desk.now(), market_at=clock.now),
        clock=clock,
        signed=signed,
        environment=sender.environment,
        limits=sender.limits,
        build=sender.build,
        data=sender.facts.data(symbols),
        model=sender.facts.model(signed.model_version),
        average_volume=sender.facts.average_volume(symbols),
        recent_returns=sender.facts.recent_returns,
        betas=sender.facts.betas,
        sectors=sender.facts.sectors(),
        restricted=sender.facts.restricted(),
    )


def order_of(signed: SignedLeg, *, attempt: int) -> Order:
    """Return one attempt at a leg as an order; its id derives from proposal, leg and attempt."""
    leg = signed.leg
    return Order(
        client_order_id=client_order_id(
            proposal_id=signed.proposal_id, leg_no=leg.leg_no, attempt=attempt
        ),
        leg_id=signed.leg_id,
        proposal_id=signed.proposal_id,
        attempt=attempt,
        symbol=leg.symbol,
        side=leg.side,
        quantity=leg.quantity,
        order_type=leg.order_type,
        time_in_force=leg.time_in_force,
        limit_price=leg.limit_price,
        stop_price=leg.stop_price,
        take_profit_price=leg.take_profit_price,
        stop_loss_price=leg.stop_loss_price,
        trail_percent=leg.trail_percent,
        trail_price=leg.trail_price,
        order_class=leg.order_class,
    )


def stamp(desk: DeskClock, market: MarketClock) -> Stamp:
    """Return the present on both clocks, as dispatch's word."""
    return Stamp(desk_at=desk.now(), market_at=market.now(), source="dispatch")
