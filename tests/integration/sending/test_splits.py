"""Before a split opens its symbol is cleared; after it the stops are proposed in new shares."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import cast

import pytest

from ledger import alerts, filed, proposals, signatures, splits
from ledger.stop_risk import stop_risk
from tests.integration.sending.desk import CLOSE, LIMITS, OPEN, SmallDesk, proposed
from tests.integration.sending.giving_way import STOP, compare, protected, restore
from trading.broker import BrokerBooking
from trading.dispatch import send_signed
from trading.orders import OrderState
from trading.proposals import Proposal, from_content
from worker.desk import Desk
from worker.splits import follow_splits

EX_DATE = date(2012, 7, 5)  # the 4th is a holiday
EX_OPEN = OPEN + timedelta(days=2)


class Worker:
    """What `worker.splits` asks of a desk."""

    environment = "replay"
    limits = LIMITS

    def __init__(self, desk: SmallDesk) -> None:
        self.engine, self.ledger, self.broker = desk.engine, desk.ledger, desk.broker
        self.clock, self.market = desk.clock, desk.market


def follow(desk: SmallDesk, *, split: str = "IBM") -> list[tuple[date, Sequence[str]]]:
    """Let the watch look; return what it asked for."""
    asked = []

    def announced(ex_date: date, symbols: Sequence[str]) -> Sequence[str]:
        asked.append((ex_date, symbols))
        return [split] if ex_date == EX_DATE and split in symbols else []

    follow_splits(cast("Desk", Worker(desk)), announced)
    return asked


def waiting(desk: SmallDesk, *states: str) -> list[Proposal]:
    with desk.engine.connect() as conn:
        found = filed.in_states(conn, states)
        return [from_content(filed.content(conn, one.proposal_id)) for one in found]


def opened(desk: SmallDesk) -> None:
    """The ex-date opens: two shares for one, at half the price."""
    desk.market.at = EX_OPEN + timedelta(minutes=5)
    desk.broker.holdings["IBM"] *= 2
    desk.broker.prices["IBM"] = Decimal("97.90")
    desk.broker.booked = [BrokerBooking("s1", "split", "IBM", EX_DATE, Decimal(20), Decimal(0))]
    desk.broker.opens, desk.broker.closes = EX_OPEN, EX_OPEN + timedelta(hours=6)


def test_orders_end_and_signatures_lapse_before_a_split_opens(desk: SmallDesk) -> None:
    protected(desk)
    bought = desk.sign(
        replace(proposed(quantity=1), strategy="more", valid_until=EX_OPEN + timedelta(hours=1))
    )
    other = desk.sign(
        replace(proposed(symbol="MSFT"), valid_until=EX_OPEN + timedelta(hours=1), strategy="x")
    )
    desk.market.at = CLOSE + timedelta(hours=1)

    assert follow(desk) == [(EX_DATE, ["IBM", "MSFT"])]

    assert desk.broker.held[STOP].state is OrderState.CANCELED
    assert [one.proposal_id for one in waiting(desk, "lapsed")] == [bought.proposal_id]
    assert other.proposal_id in {one.proposal_id for one in waiting(desk, "signed")}
    assert restore(desk).sent == []


def test_nothing_ends_while_no_split_comes(desk: SmallDesk) -> None:
    protected(desk)
    desk.market.at = CLOSE + timedelta(hours=1)

    follow(desk, split="MSFT")

    assert not desk.broker.held[STOP].state.is_final


@pytest.mark.parametrize("was_down", [False, True])
def test_the_stops_of_a_split_position_are_proposed_anew(desk: SmallDesk, was_down: bool) -> None:
    protected(desk)
    desk.market.at = CLOSE + timedelta(hours=1)
    if not was_down:
        follow(desk)
    opened(desk)
    desk.broker.cancel("b-stop")  # by the broker, where the desk did not
    follow(desk)
    assert waiting(desk, "open") == []  # its shares are not booked yet
    compare(desk)

    follow(desk)
    follow(desk)

    [one] = waiting(desk, "open")
    [leg] = one.legs
    # 20 shares with a stop at 186.71, two for one
    assert (leg.quantity, leg.stop_price, leg.side) == (Decimal(40), Decimal("93.36"), "sell")
    assert (leg.order_type, leg.time_in_force, leg.reduces) == ("stop", "gtc", True)
    assert not one.is_denied
    assert one.reason == (
        "IBM was split as 5 Jul 2012 opened, 2 shares for each before, and its stop ended with it."
    )
    price, level = leg.reference_price, Decimal("93.36")
    assert one.risk.loss_to_stop == 40 * (price - level)
    with desk.engine.connect() as conn:
        assert [
            splits.new_for_each(conn, "IBM", after=EX_DATE - timedelta(days=1), until=EX_DATE),
            splits.new_for_each(conn, "IBM", after=EX_DATE, until=EX_DATE),
            splits.new_for_each(conn, "AAPL", after=EX_DATE - timedelta(days=1), until=EX_DATE),
        ] == [2, 1, 1]
    assert told(desk) == [
        f"IBM was split and its stops ended with it: 40 shares have none. Sign proposal {one.code} "
        "under Approvals, which gives them back, or sell."
    ]


def told(desk: SmallDesk) -> list[str]:
    """The alerts that a position has no stop, which nobody has acknowledged."""
    with desk.engine.connect() as conn:
        waiting = alerts.unacknowledged(conn)
    assert {one.severity for one in waiting if one.kind == "stop_missing"} <= {"critical"}
    return [one.message for one in waiting if one.kind == "stop_missing"]


def split(desk: SmallDesk, *, held: bool = False) -> Proposal:
    """A position was split and its stops are proposed."""
    if not held:
        protected(desk)
    desk.market.at = CLOSE + timedelta(hours=1)
    follow(desk)
    opened(desk)
    desk.broker.cancel("b-stop")
    compare(desk)
    follow(desk)
    [one] = waiting(desk, "open")
    return one


def next_session(desk: SmallDesk) -> None:
    desk.market.at += timedelta(days=1)
    desk.broker.opens, desk.broker.closes = (
        at + timedelta(days=1) for at in (desk.broker.opens, desk.broker.closes)
    )
    with desk.engine.begin() as conn:
        proposals.expire(conn, market_at=desk.market.at, desk_at=desk.clock.now())


def test_stops_that_nobody_signed_are_proposed_again_and_told_again(desk: SmallDesk) -> None:
    first = split(desk)
    with desk.engine.begin() as conn:
        (alert,) = [one for one in alerts.unacknowledged(conn) if one.kind == "stop_missing"]
        alerts.acknowledge(
            conn, alert_id=alert.alert_id, person_id=desk.signers["Jan"], desk_at=desk.clock.now()
        )
    next_session(desk)

    follow(desk)
    follow(desk)

    [again] = waiting(desk, "open")
    assert again.code != first.code
    assert again.legs[0].stop_price == first.legs[0].stop_price
    assert len(told(desk)) == 1
    assert again.code in told(desk)[0]


def test_stops_that_a_person_vetoed_are_not_proposed_again(desk: SmallDesk) -> None:
    first = split(desk)
    with desk.engine.begin() as conn:
        signatures.veto(
            conn,
            proposal_id=first.proposal_id,
            person_id=desk.signers["Jan"],
            content_hash=first.canonical()[1],
            reason_code="other",
            reason_text="It is sold by hand.",
            market_at=desk.market.at,
            desk_at=desk.clock.now(),
        )
    next_session(desk)

    follow(desk)

    assert waiting(desk, "open") == []


def test_a_desk_that_slept_through_the_ex_date_proposes_the_stops_after_it(desk: SmallDesk) -> None:
    protected(desk)
    opened(desk)
    desk.broker.cancel("b-stop")
    next_session(desk)
    compare(desk)

    follow(desk)

    [one] = waiting(desk, "open")
    assert (one.legs[0].quantity, one.legs[0].stop_price) == (Decimal(40), Decimal("93.36"))
    assert len(told(desk)) == 1


def test_no_stop_is_proposed_for_what_is_not_held(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.fill(STOP, 20, "186.70")
    compare(desk)
    opened(desk)
    desk.broker.booked = []

    follow(desk)

    assert waiting(desk, "open") == []


def test_a_stop_that_was_signed_for_itself_counts_as_open_risk(desk: SmallDesk) -> None:
    def risk() -> Decimal:
        with desk.engine.connect() as conn:
            return stop_risk(conn)

    protected(desk)
    # 20 bought at 195.80 with a stop at 186.71
    assert risk() == 20 * (Decimal("195.80") - Decimal("186.71"))
    proposal = split(desk, held=True)
    assert risk() == 0
    with desk.engine.begin() as conn:
        signed = signatures.sign(
            conn,
            proposal_id=proposal.proposal_id,
            person_id=desk.signers["Maria"],
            content_hash=proposal.canonical()[1],
            price=proposal.legs[0].reference_price,
            market_at=desk.market.at,
            desk_at=desk.clock.now(),
        )
    assert signed.state == "signed", signed
    desk.agree()
    send_signed(desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market)
    compare(desk)

    # 40 that the broker holds at 97.90, to the new stop at 93.36
    assert risk() == 40 * (Decimal("97.90") - Decimal("93.36"))
