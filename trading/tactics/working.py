"""Working a leg in parts, by the discipline of dispatch: intent first, one lease, no second send.

Nothing is remembered between two calls but what the ledger holds, so whoever is killed is followed
by another who goes on with what is left.
"""

from dataclasses import replace
from datetime import timedelta

from trading.broker import Broker
from trading.clock import DeskClock, MarketClock
from trading.ledger import Ledger, SignedLeg
from trading.looking import quote_now
from trading.sending import Report, Sender, denied_now, order_of, stamp, submit, wait
from trading.tactics.planning import Cancel, Done, Send, Step, Wait, next_step


def work_on(
    ledger: Ledger,
    broker: Broker,
    signed: SignedLeg,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    """Take the next step of a leased leg that has a tactic, and give the lease back.

    Raises
    ------
    BrokerUnavailableError
        If the broker does not answer: nothing is then known, and nothing is sent.
    """
    _look(ledger, broker, signed, desk, market)
    step = _next(ledger, broker, signed)
    sender.reached("planned")
    match step:
        case Send():
            _send(ledger, broker, signed, step, sender, desk, market, report)
        case Cancel(name):
            _take_back(ledger, broker, name, desk, market)
            wait(ledger, signed, sender, report, "What is left is offered anew.")
        case Done(code, sentence):
            ledger.finish_leg(signed.leg_id, code=code, sentence=sentence, at=stamp(desk, market))
            report.closed.append(signed.leg_id)
        case Wait(sentence):
            wait(ledger, signed, sender, report, sentence)


def _look(
    ledger: Ledger, broker: Broker, signed: SignedLeg, desk: DeskClock, market: MarketClock
) -> None:
    """Hear from the broker what became of the working part: the query is the fact."""
    for child in ledger.children(signed.leg_id):
        if child.order.state.is_final or child.order.broker_order_id is None:
            continue
        told = broker.find(child.order.client_order_id)
        if told is not None:
            ledger.observe(told, at=stamp(desk, market))


def _next(ledger: Ledger, broker: Broker, signed: SignedLeg) -> Step:
    clock = broker.clock()
    told = broker.quotes([signed.leg.symbol]).get(signed.leg.symbol)
    return next_step(
        signed.leg,
        ledger.children(signed.leg_id),
        now=clock.now,
        quote=None if told is None else quote_now(told, clock),
    )


def _send(
    ledger: Ledger,
    broker: Broker,
    signed: SignedLeg,
    step: Send,
    sender: Sender,
    desk: DeskClock,
    market: MarketClock,
    report: Report,
) -> None:
    part = replace(
        signed, leg=replace(signed.leg, quantity=step.quantity, limit_price=step.limit_price)
    )
    denied = denied_now(ledger, broker, part, sender, desk, market)
    sender.reached("checked")
    lasting = [result for result in denied if not result.later]
    if lasting:
        sentence = f"Nothing more is sent. {lasting[0].sentence}"
        ledger.finish_leg(
            signed.leg_id, code=lasting[0].code, sentence=sentence, at=stamp(desk, market)
        )
        report.closed.append(signed.leg_id)
        return
    if denied:
        wait(ledger, signed, sender, report, denied[0].sentence)
        return
    order = order_of(part, attempt=len(ledger.children(signed.leg_id)) + 1)
    refusal = ledger.write_intent(
        order,
        reduces=signed.leg.reduces,
        owner=sender.owner,
        build=sender.build,
        lease_until=desk.now() + timedelta(seconds=sender.limits.lease_seconds),
        at=stamp(desk, market),
    )
    if refusal is not None:
        wait(ledger, signed, sender, report, refusal)
        return
    sender.reached("intended")
    submit(ledger, broker, order, part, sender, desk, market, report)
    ledger.release_order(order.client_order_id, owner=sender.owner)
    ledger.release_leg(signed.leg_id, owner=sender.owner, waiting_for="A part of it was sent.")


def _take_back(
    ledger: Ledger, broker: Broker, name: str, desk: DeskClock, market: MarketClock
) -> None:
    """Note that the desk itself takes a part back, then ask for its cancel and look at it."""
    ledger.mark_replaced(name, at=stamp(desk, market))
    found = broker.find(name)
    if found is None:
        return  # reconciliation tells what the broker denies having
    broker.cancel(found.broker_order_id)
    after = broker.find(name)
    if after is not None:
        ledger.observe(after, at=stamp(desk, market))
