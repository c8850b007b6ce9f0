"""Working a leg in parts, by the discipline of dispatch: intent first, one lease, no second send.

Nothing is remembered between two calls but what the ledger holds, so whoever is killed is followed
by another who goes on with what is left.
"""

from dataclasses import replace

from trading.broker import Broker
from trading.clock import DeskClock, MarketClock
from trading.ledger import Ledger, SignedLeg
from trading.looking import quotes_now
from trading.proposals import CheckResult
from trading.sending import Report, Sender, send_checked, stamp, wait
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
    step = _next(ledger, broker, signed, sender)
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


def _next(ledger: Ledger, broker: Broker, signed: SignedLeg, sender: Sender) -> Step:
    clock = broker.clock()
    quotes = quotes_now(broker.quotes([signed.leg.symbol]), clock, sender.limits)
    return next_step(
        signed.leg,
        ledger.children(signed.leg_id),
        now=clock.now,
        quote=quotes.get(signed.leg.symbol),
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

    def end(denied: CheckResult) -> None:
        sentence = f"Nothing more is sent. {denied.sentence}"
        ledger.finish_leg(
            signed.leg_id, code=denied.code, sentence=sentence, at=stamp(desk, market)
        )

    sent = send_checked(
        ledger, broker, part, attempt=len(ledger.children(signed.leg_id)) + 1, end=end,
        sender=sender, desk=desk, market=market, report=report,
    )  # fmt: skip
    if sent:
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
