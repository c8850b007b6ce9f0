"""Late busts and corrections: what the broker took back or changed of executions on record."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from trading.broker import Broker, BrokerFill
from trading.ledger import BrokerView, Difference, Ledger, Stamp
from trading.orders import Order
from trading.wording import price, shares


def corrections(
    ledger: Ledger,
    broker: Broker,
    view: BrokerView,
    *,
    since: datetime,
    ahead: Sequence[Order] = (),
    at: Stamp,
) -> list[Difference]:
    """Bring recorded executions in line with those the broker tells now.

    One that is told with another quantity or price is corrected. One that is not told any more
    counts as taken back only if its order says so too: a listing alone may lag.

    Parameters
    ----------
    view : BrokerView
        Its executions are recorded already.
    since : datetime
        Market time from which the view tells all executions.
    ahead : sequence of Order
        Orders of which more is filled here than the view tells: those whose executions add up
        to what the broker says were told in an old answer, and follow.

    Returns
    -------
    list of Difference
        One for each execution that changed; all grave, for the desk holds what nobody decided.
    """
    told = {one.fill.execution_id: one for one in view.fills}
    recorded: dict[str, Decimal] = defaultdict(Decimal)
    gone: dict[str, list[BrokerFill]] = defaultdict(list)
    changed = []
    for known in ledger.fills_since(since):
        recorded[known.client_order_id] += known.fill.quantity
        now = told.get(known.fill.execution_id)
        if now is None:
            gone[known.client_order_id].append(known)
        elif now.fill != known.fill:
            changed.append((known, now))
    for known_order in ahead:
        if known_order.client_order_id not in gone:
            _follows(ledger, broker, known_order, recorded[known_order.client_order_id], at)
    return [
        *_corrected(ledger, broker, changed, at),
        *(
            one
            for name, fills in gone.items()
            for one in _taken_back(ledger, broker, fills, recorded[name], at)
        ),
    ]


def _corrected(
    ledger: Ledger, broker: Broker, changed: Sequence[tuple[BrokerFill, BrokerFill]], at: Stamp
) -> Iterator[Difference]:
    for known, now in changed:
        order = broker.find(known.client_order_id)
        if order is None:
            continue
        ledger.correct_fill(now, of=order, at=at)
        sentence = (
            f"The broker corrected an execution of {_said(known)} {known.symbol} to {_said(now)}."
        )
        yield Difference("corrected_fill", now.fill.execution_id, now.symbol, sentence, grave=True)


def _follows(ledger: Ledger, broker: Broker, known: Order, recorded: Decimal, at: Stamp) -> None:
    """Let an order follow its executions after an answer older than a bust moved it."""
    order = broker.find(known.client_order_id)
    if order is not None and order.filled_quantity == recorded < known.filled_quantity:
        ledger.take_back([], of=order, at=at)


def _taken_back(
    ledger: Ledger, broker: Broker, gone: Sequence[BrokerFill], recorded: Decimal, at: Stamp
) -> list[Difference]:
    """Executions of one order that the broker does not tell any more.

    `recorded` are all its shares on record in the view's time: where an execution was replaced
    by one of another id they are more than the order's.
    """
    name = gone[0].client_order_id
    order, known = broker.find(name), ledger.order(name)
    if order is None or known is None:
        return []
    left = max(known.filled_quantity, recorded) - sum(one.fill.quantity for one in gone)
    if order.filled_quantity > left:
        return []  # the order still counts them: the listing lags
    ledger.take_back([one.fill.execution_id for one in gone], of=order, at=at)
    return [
        Difference(
            "busted_fill",
            one.fill.execution_id,
            one.symbol,
            f"The broker took back an execution of {_said(one)} {one.symbol}.",
            grave=True,
        )
        for one in gone
    ]


def _said(told: BrokerFill) -> str:
    return f"{shares(told.fill.quantity)} at {price(told.fill.price)}"
