"""From signed leg to acknowledged order: exactly once, or not at all.

The intent is committed before the first byte goes out, the id is derived from the leg, and an
outcome nobody knows is looked up, never assumed. So any number of dispatchers may run at once
and each may die at any point.
"""

from dataclasses import replace
from datetime import timedelta

from trading.broker import Broker
from trading.clock import DeskClock, MarketClock
from trading.errors import BrokerUnavailableError, StopError
from trading.ledger import Ledger, Scope, SignedLeg, Unsettled
from trading.orders import RENEWED_FROM, YIELDED, OrderState
from trading.proposals import CheckResult
from trading.protecting import restore_stops, tell_unprotected
from trading.sending import (
    Facts,
    Report,
    Sender,
    acknowledge,
    denied_now,
    order_of,
    send_checked,
    stamp,
    submit,
    tell_stopped,
    wait,
)
from trading.stopping import cancel_order, halt
from trading.tactics.working import work_on

__all__ = [
    "Facts", "Report", "Sender", "cancel_order", "halt", "send_signed", "settle_unresolved",
]  # fmt: skip

# Between lease and acknowledgement lie at most a few questions and one send, each with a
# timeout of 13 s; a lease that ends earlier is harmless, because the id stays the same.
_MOST_LEGS = 200
_REFUSED = "The broker refused it."
_CANCELLED = "A person cancelled it."


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
        What was sent, refused or left; never raises for a broker that is away, nor for one that
        tells of an order what cannot be: that is alerted, and the others are sent.
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
            scope=sender.scope,
        )
        if signed is None:
            break
        tried.add(signed.leg_id)
        sender.reached("leased")
        send = _send_leg if signed.leg.tactic is None else work_on
        try:
            send(ledger, broker, signed, sender, desk, market, report)
            if signed.leg.reduces:
                restore_stops(
                    ledger, broker, sender=sender, desk=desk, market=market, report=report
                )
        except BrokerUnavailableError as e:
            report.problem = str(e)
            wait(ledger, signed, sender, report, report.problem)
        except StopError as e:
            number = max(len(ledger.children(signed.leg_id)), 1)
            tell_stopped(ledger, order_of(signed, attempt=number).client_order_id, e, desk, market)
            wait(ledger, signed, sender, report, str(e))
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
    under the same id if nobody cancelled it and all checks still pass, else it ends without
    having been sent.
    """
    report = Report() if report is None else report
    for unsettled in ledger.unsettled(now=desk.now()):
        if not _is_within(unsettled, sender.scope):
            continue
        name, now = unsettled.order.client_order_id, desk.now()
        until = now + timedelta(seconds=sender.limits.lease_seconds)
        if not ledger.lease_order(name, owner=sender.owner, now=now, until=until):
            continue
        try:
            _settle(ledger, broker, unsettled, sender, desk, market, report)
        except BrokerUnavailableError as e:
            report.unresolved.append(name)
            report.problem = str(e)
        except StopError as e:
            report.unresolved.append(name)
            tell_stopped(ledger, name, e, desk, market)
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
        acknowledge(ledger, broker, found, desk, market)
        return
    if order.state is not OrderState.UNRESOLVED:
        ledger.conclude(
            name, to=OrderState.UNRESOLVED, reason="We do not know yet.", at=stamp(desk, market)
        )
    grace = timedelta(seconds=sender.limits.resend_grace_seconds)
    # A try that lies ahead was noted by a clock that ran ahead: its end may be far.
    if abs(desk.now() - unsettled.last_tried_at) < grace:
        report.unresolved.append(name)
        return
    _send_again(ledger, broker, unsettled, sender, desk, market, report)


def _send_again(
    ledger: Ledger,
    broker: Broker,
    unsettled: Unsettled,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    """Send an order anew that never reached the broker, or end it where that must not be."""
    order, name = unsettled.order, unsettled.order.client_order_id
    if order.attempt > RENEWED_FROM:  # made anew for what is held by now, under an id of its own
        ledger.conclude(name, to=OrderState.CANCELED, reason=YIELDED, at=stamp(desk, market))
        return
    if ledger.cancel_is_wanted(name):
        _end_unsent(ledger, unsettled, _CANCELLED, desk, market, report)
        return
    denied = denied_now(ledger, broker, _as_sent(unsettled), sender, desk, market)
    lasting = [result for result in denied if not result.later]
    if lasting:
        _end_unsent(ledger, unsettled, lasting[0].sentence, desk, market, report)
        return
    if denied:  # for now only: the end of the signature's time ends the waiting
        report.unresolved.append(name)
        return
    reduces = unsettled.signed.leg.reduces
    submit(ledger, broker, order, sender, desk, market, report, reduces=reduces)
    if name in report.rejected:
        _tell_if_bare(ledger, unsettled.signed, _REFUSED, desk, market)


def _end_unsent(
    ledger: Ledger,
    unsettled: Unsettled,
    why: str,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    name, at = unsettled.order.client_order_id, stamp(desk, market)
    ledger.conclude(name, to=OrderState.CANCELED, reason=f"Not sent. {why}", at=at)
    _tell_if_bare(ledger, unsettled.signed, why, desk, market)
    report.closed.append(unsettled.signed.leg_id)


def _is_within(unsettled: Unsettled, scope: Scope) -> bool:
    """Whether a dispatcher of that scope finds out about an order: a plain one about all."""
    signed = unsettled.signed
    if scope is Scope.ORDERED:
        return signed.is_ordered
    return scope is Scope.PLAIN or signed.leg.tactic is not None


def _as_sent(unsettled: Unsettled) -> SignedLeg:
    """The signed leg with the quantity and limit of the part that is to be sent again."""
    signed, order = unsettled.signed, unsettled.order
    if signed.leg.tactic is None:
        return signed
    part = replace(signed.leg, quantity=order.quantity, limit_price=order.limit_price)
    return replace(signed, leg=part)


def _send_leg(
    ledger: Ledger,
    broker: Broker,
    signed: SignedLeg,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    def end(denied: CheckResult) -> None:
        sentence = f"Not sent. {denied.sentence}"
        ledger.close_leg(signed.leg_id, code=denied.code, sentence=sentence, at=stamp(desk, market))
        _tell_if_bare(ledger, signed, denied.sentence, desk, market)

    send_checked(
        ledger, broker, signed, attempt=1, end=end,
        sender=sender, desk=desk, market=market, report=report,
    )  # fmt: skip
    if order_of(signed, attempt=1).client_order_id in report.rejected:
        _tell_if_bare(ledger, signed, _REFUSED, desk, market)


def _tell_if_bare(
    ledger: Ledger, signed: SignedLeg, why: str, desk: DeskClock, market: MarketClock
) -> None:
    tell_unprotected(ledger, signed.leg, why=why, at=stamp(desk, market))
