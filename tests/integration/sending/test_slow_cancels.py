"""A broker confirms a cancel after the question that followed it: the sale goes, a stop stays."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger import alerts
from tests.integration.sending.desk import OPEN, SmallDesk, proposed
from tests.integration.sending.giving_way import (
    AT,
    STOP,
    closing,
    name_of,
    protected,
    restore,
    send,
    stops,
)
from tests.integration.sending.test_ended_stops import ANEW, look
from trading.dispatch import send_signed
from trading.errors import BrokerUnavailableError
from trading.ledger import Scope
from trading.orders import OrderState
from trading.proposals import Proposal
from trading.reconcile import reconcile
from trading.tactics.tactic import Tactic


@dataclass
class Slow:
    """Confirms what it was asked to cancel a second later, while runs and workers look on."""

    desk: SmallDesk
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk.broker.slow_to_cancel = True
        self.desk.broker.on_cancel = self.asked.append

    def pass_(self, seconds: int, *, sends: Callable[[], object]) -> None:
        """As on a desk: it is sent every ten seconds, compared and restored every two."""
        for second in range(seconds):
            if second % 10 == 0:
                sends()
            if second % 2 == 0:
                watched(self.desk)
            self.desk.clock.forward(1)
            self.desk.market.forward(1)
            self.confirm()

    def confirm(self) -> None:
        for name, order in list(self.desk.broker.held.items()):
            if order.broker_order_id in self.asked and not order.state.is_final:
                self.desk.broker.held[name] = replace(order, state=OrderState.CANCELED)
        self.asked.clear()


def watched(desk: SmallDesk) -> None:
    """The watch compares, and the executor restores."""
    reconcile(desk.ledger, desk.broker, market=desk.market, desk=desk.clock, environment="replay")
    restore(desk)


def gave_way(desk: SmallDesk) -> Proposal:
    """A sale of 8 for which the stop of 20 was cancelled, and that was not sent; the sale."""
    protected(desk)
    sale = desk.sign(
        replace(closing(quantity=8), valid_until=desk.market.now() + timedelta(minutes=5))
    )
    slow = Slow(desk)
    assert list(send(desk).waiting)
    slow.confirm()
    watched(desk)
    assert stops(desk) == []
    return sale


def test_the_sale_goes_out_and_what_it_leaves_has_a_stop(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing(quantity=8))

    Slow(desk).pass_(15, sends=lambda: send(desk))

    assert name_of(sale) in desk.broker.held
    assert stops(desk) == [(Decimal(12), AT)]


def test_a_stop_that_was_made_anew_gives_way_and_comes_back_too(desk: SmallDesk) -> None:
    protected(desk)
    first = desk.sign(closing(quantity=5))
    slow = Slow(desk)
    slow.pass_(15, sends=lambda: send(desk))
    desk.broker.fill(name_of(first), 5, "195.80")
    desk.clock.forward(400)
    second = desk.sign(replace(closing(quantity=4), strategy="exits again"))

    slow.pass_(15, sends=lambda: send(desk))

    assert name_of(second) in desk.broker.held
    assert stops(desk) == [(Decimal(11), AT)]


def test_each_part_of_a_sale_goes_out_and_the_stop_shrinks_with_it(desk: SmallDesk) -> None:
    protected(desk)
    tactic = Tactic(
        kind="twap", starts_at=OPEN, ends_at=OPEN + timedelta(minutes=60), slices=2,
        reprice_seconds=3600,
    )  # fmt: skip
    [leg] = closing(quantity=10).legs
    sale = replace(closing(), legs=(replace(leg, tactic=tactic),))
    desk.sign(replace(sale, model_version=None, entered_by=desk.signers["Jan"]))
    slow = Slow(desk)

    def steps() -> None:
        desk.agree()
        sender = replace(desk.sender("executor/parts"), scope=Scope.TACTICS)
        send_signed(desk.ledger, desk.broker, sender=sender, desk=desk.clock, market=desk.market)

    def sales() -> list[str]:
        return [one for one, told in desk.broker.held.items() if told.order_type == "limit"][1:]

    slow.pass_(15, sends=steps)
    [first] = sales()
    assert stops(desk) == [(Decimal(15), AT)]
    desk.broker.fill(first, 5, "195.80")
    desk.market.at = OPEN + timedelta(minutes=31)

    slow.pass_(15, sends=steps)

    assert len(sales()) == 2
    assert stops(desk) == [(Decimal(10), AT)]


def test_a_stop_that_people_signed_anew_takes_the_place_of_the_old_one(desk: SmallDesk) -> None:
    protected(desk)
    anew = replace(ANEW, stop_price=Decimal("190.00"))
    signed = desk.sign(replace(proposed(), legs=(anew,), strategy="stops"))

    Slow(desk).pass_(25, sends=lambda: send(desk))

    assert name_of(signed) in desk.broker.held
    assert stops(desk) == [(Decimal(20), Decimal("190.00"))]


def test_an_answer_to_a_cancel_that_is_lost_leaves_no_share_without_a_stop(
    desk: SmallDesk,
) -> None:
    protected(desk)
    first = desk.sign(closing(quantity=5))
    send(desk)
    desk.broker.fill(name_of(first), 5, "195.80")
    watched(desk)
    second = desk.sign(replace(closing(quantity=4), strategy="exits again"))
    desk.clock.forward(400)

    def is_lost(identity: str) -> None:
        for name, order in desk.broker.held.items():
            if order.broker_order_id == identity:
                desk.broker.held[name] = replace(order, state=OrderState.CANCELED)
        raise BrokerUnavailableError("The connection was reset.")

    desk.broker.on_cancel = is_lost
    assert send(desk, "run/2").problem is not None
    desk.broker.on_cancel = lambda _id: None
    restore(desk)  # before the watch has seen that it ended
    watched(desk)
    send(desk, "run/3")
    watched(desk)

    assert name_of(second) in desk.broker.held
    assert stops(desk) == [(Decimal(11), AT)]


def test_shares_whose_sale_ended_unfilled_get_their_stop_back(desk: SmallDesk) -> None:
    protected(desk)
    sale = desk.sign(closing())
    slow = Slow(desk)
    slow.pass_(25, sends=lambda: send(desk))
    told = desk.broker.held[name_of(sale)]
    desk.broker.held[name_of(sale)] = replace(told, state=OrderState.EXPIRED)

    slow.pass_(5, sends=lambda: send(desk))

    assert stops(desk) == [(Decimal(20), AT)]


def test_where_the_sale_is_not_tried_again_its_stop_is_back_within_a_minute(
    desk: SmallDesk,
) -> None:
    gave_way(desk)

    desk.clock.forward(60)
    watched(desk)
    assert stops(desk) == []
    desk.clock.forward(1)
    watched(desk)

    assert stops(desk) == [(Decimal(20), AT)]


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_is_put_right_does_not_keep_a_stop_away(
    desk: SmallDesk, seconds: float
) -> None:
    gave_way(desk)

    desk.clock.forward(seconds)
    watched(desk)

    assert stops(desk) == [(Decimal(20), AT)]


def test_a_sale_whose_time_is_over_gives_the_stop_back_at_once(desk: SmallDesk) -> None:
    gave_way(desk)

    desk.market.forward(300)
    watched(desk)

    assert stops(desk) == [(Decimal(20), AT)]


def test_a_sale_that_is_denied_gives_the_stop_back_at_once(desk: SmallDesk) -> None:
    gave_way(desk)
    desk.broker.prices["IBM"] = Decimal("190.00")  # beyond what was signed

    assert len(send(desk).closed) == 1

    assert stops(desk) == [(Decimal(20), AT)]


def test_a_stop_that_is_still_being_cancelled_stays_owed(desk: SmallDesk) -> None:
    protected(desk)
    desk.sign(closing(quantity=8))
    send(desk)
    [sold] = [one for one in desk.broker.held.values() if one.quantity == 8]
    desk.broker.fill(sold.client_order_id, 8, "195.80")
    watched(desk)
    [anew] = [one for one in desk.broker.held.values() if one.quantity == 12]
    slow = Slow(desk)
    again = desk.sign(
        replace(
            closing(quantity=4), strategy="again",
            valid_until=desk.market.now() + timedelta(seconds=2),
        )
    )  # fmt: skip
    desk.clock.forward(400)
    send(desk, "run/2")
    watched(desk)
    assert slow.asked == [anew.broker_order_id]

    desk.market.forward(2)
    slow.confirm()
    watched(desk)

    assert name_of(again) not in desk.broker.held
    assert stops(desk) == [(Decimal(12), AT)]
    assert look(desk) == []
    with desk.engine.connect() as conn:
        assert alerts.unacknowledged(conn) == []
    assert desk.broker.held[STOP].state is OrderState.CANCELED
