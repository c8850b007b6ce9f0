"""From signed leg to acknowledged order: exactly once, or not at all.

The intent is committed before the first byte goes out, the id is derived from the leg, and an
outcome nobody knows is looked up, never assumed. So any number of dispatchers may run at once
and each may die at any point.
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
from trading.errors import (
    BrokerUnavailableError,
    OrderRejectedError,
    OutcomeUnknownError,
    RateLimitedError,
)
from trading.ledger import Ledger, SignedLeg, Stamp, Unsettled
from trading.looking import take_picture
from trading.orders import Order, OrderState, client_order_id
from trading.picture import DataNow, ModelNow, Picture
from trading.pretrade import denials, judge_leg
from trading.proposals import CheckResult
from trading.stopping import cancel_if_halted, cancel_order, halt

__all__ = [
    "Facts", "Report", "Sender", "cancel_order", "halt", "send_signed", "settle_unresolved",
]  # fmt: skip

# Between lease and acknowledgement lie at most a few questions and one send, each with a
# timeout of 13 s; a lease that ends earlier is harmless, because the id stays the same.
_MOST_LEGS = 200


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

    def sectors(self) -> Mapping[str, str]:
        """Return the sector of each symbol."""


@dataclass(frozen=True)
class Sender:
    """Who sends, by which rules."""

    owner: str  # unique among all dispatchers
    build: str
    environment: str  # of the account the broker is configured for: replay | paper | live
    limits: Limits
    facts: Facts
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


def send_signed(
    ledger: Ledger, broker: Broker, *, sender: Sender, desk: DeskClock, market: MarketClock
) -> Report:
    """Send every signed leg that waits, each once; first settle what is unknown.

    Parameters
    ----------
    sender : Sender
        Owner of the leases, build, limits, and what warehouse and registry say.
    desk, market : clock
        Wall time for leases and grace; market time for the record.

    Returns
    -------
    Report
        What was sent, refused or left; never raises for a broker that is away.
    """
    report = Report()
    settle_unresolved(ledger, broker, sender=sender, desk=desk, market=market, report=report)
    tried: set[str] = set()
    while report.problem is None and len(tried) < _MOST_LEGS:
        now = desk.now()
        signed = ledger.lease_leg(
            owner=sender.owner,
            now=now,
            until=now + timedelta(seconds=sender.limits.lease_seconds),
            skip=frozenset(tried),
        )
        if signed is None:
            break
        tried.add(signed.leg_id)
        sender.reached("leased")
        try:
            _send_leg(ledger, broker, signed, sender, desk, market, report)
        except BrokerUnavailableError as e:
            report.problem = str(e)
            _wait(ledger, signed, sender, report, report.problem)
    return report


def settle_unresolved(
    ledger: Ledger,
    broker: Broker,
    *,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report | None = None,
) -> Report:
    """Find out what became of every order nobody is sure about.

    One the broker has is acknowledged. One it has not, after the grace time, is sent again
    under the same id if all checks still pass, else it ends without having been sent.
    """
    report = Report() if report is None else report
    for unsettled in ledger.unsettled(now=desk.now()):
        name, now = unsettled.order.client_order_id, desk.now()
        until = now + timedelta(seconds=sender.limits.lease_seconds)
        if not ledger.lease_order(name, owner=sender.owner, now=now, until=until):
            continue
        try:
            _settle(ledger, broker, unsettled, sender, desk, market, report)
        except BrokerUnavailableError as e:
            report.unresolved.append(name)
            report.problem = str(e)
        finally:
            ledger.release_order(name, owner=sender.owner)
        if report.problem is not None:
            break
    return report


def _settle(
    ledger: Ledger,
    broker: Broker,
    unsettled: Unsettled,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    order = unsettled.order
    name = order.client_order_id
    found = broker.find(name)
    if found is not None:
        report.acknowledged.append(name)
        _acknowledge(ledger, broker, found, desk, market)
        return
    if order.state is not OrderState.UNRESOLVED:
        ledger.conclude(
            name, to=OrderState.UNRESOLVED, reason="We do not know yet.", at=_stamp(desk, market)
        )
    grace = timedelta(seconds=sender.limits.resend_grace_seconds)
    # A try that lies ahead was noted by a clock that ran ahead: its end may be far.
    if abs(desk.now() - unsettled.last_tried_at) < grace:
        report.unresolved.append(name)
        return
    denied = _denied(ledger, broker, unsettled.signed, sender, desk, market)
    lasting = [result for result in denied if not result.later]
    if lasting:
        ledger.conclude(
            name,
            to=OrderState.CANCELED,
            reason=f"Not sent. {lasting[0].sentence}",
            at=_stamp(desk, market),
        )
        report.closed.append(unsettled.signed.leg_id)
        return
    if denied:  # for now only: the end of the signature's time ends the waiting
        report.unresolved.append(name)
        return
    _submit(ledger, broker, order, unsettled.signed, sender, desk, market, report)


def _send_leg(
    ledger: Ledger,
    broker: Broker,
    signed: SignedLeg,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    denied = _denied(ledger, broker, signed, sender, desk, market)
    sender.reached("checked")
    lasting = [result for result in denied if not result.later]
    if lasting:
        sentence = f"Not sent. {lasting[0].sentence}"
        ledger.close_leg(
            signed.leg_id, code=lasting[0].code, sentence=sentence, at=_stamp(desk, market)
        )
        report.closed.append(signed.leg_id)
        return
    if denied:
        _wait(ledger, signed, sender, report, denied[0].sentence)
        return
    order = _order_of(signed)
    refusal = ledger.write_intent(
        order,
        reduces=signed.leg.reduces,
        owner=sender.owner,
        build=sender.build,
        lease_until=desk.now() + timedelta(seconds=sender.limits.lease_seconds),
        at=_stamp(desk, market),
    )
    if refusal is not None:
        _wait(ledger, signed, sender, report, refusal)
        return
    sender.reached("intended")
    _submit(ledger, broker, order, signed, sender, desk, market, report)
    ledger.release_order(order.client_order_id, owner=sender.owner)


def _wait(
    ledger: Ledger, signed: SignedLeg, sender: Sender, report: Report, waiting_for: str
) -> None:
    ledger.release_leg(signed.leg_id, owner=sender.owner, waiting_for=waiting_for)
    report.waiting[signed.leg_id] = waiting_for


def _submit(
    ledger: Ledger,
    broker: Broker,
    order: Order,
    signed: SignedLeg,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    name = order.client_order_id
    until = desk.now() + timedelta(seconds=sender.limits.lease_seconds)
    # Asked again under lock, so that a halt between intent and send still stops it.
    if not ledger.mark_sent(
        name,
        reduces=signed.leg.reduces,
        owner=sender.owner,
        until=until,
        at=_stamp(desk, market),
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
        ledger.conclude(name, to=end, reason=str(e), at=_stamp(desk, market))
        report.rejected.append(name)
        return
    except (OutcomeUnknownError, RateLimitedError) as e:
        ledger.conclude(name, to=OrderState.UNRESOLVED, reason=str(e), at=_stamp(desk, market))
        report.unresolved.append(name)
        if isinstance(e, RateLimitedError):
            report.problem = str(e)
        return
    sender.reached("sent")
    report.acknowledged.append(name)
    _acknowledge(ledger, broker, told, desk, market)
    sender.reached("acknowledged")


def _acknowledge(
    ledger: Ledger, broker: Broker, told: BrokerOrder, desk: DeskClock, market: MarketClock
) -> None:
    """Write down that the broker has it; a halt that began during the send could not see it."""
    at = _stamp(desk, market)
    ledger.observe(told, at=at)
    cancel_if_halted(ledger, broker, told, at=at)


def _denied(
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
    if denied or not reduces(picture, signed.leg):
        return denied
    way = make_way(ledger, broker, leg=signed.leg, at=_stamp(desk, market))
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
        sectors=sender.facts.sectors(),
    )


def _order_of(signed: SignedLeg) -> Order:
    leg = signed.leg
    return Order(
        client_order_id=client_order_id(
            proposal_id=signed.proposal_id, leg_no=leg.leg_no, attempt=1
        ),
        leg_id=signed.leg_id,
        proposal_id=signed.proposal_id,
        attempt=1,
        symbol=leg.symbol,
        side=leg.side,
        quantity=leg.quantity,
        order_type=leg.order_type,
        time_in_force=leg.time_in_force,
        limit_price=leg.limit_price,
        stop_price=leg.stop_price,
        take_profit_price=leg.take_profit_price,
        stop_loss_price=leg.stop_loss_price,
    )


def _stamp(desk: DeskClock, market: MarketClock) -> Stamp:
    return Stamp(desk_at=desk.now(), market_at=market.now(), source="dispatch")
