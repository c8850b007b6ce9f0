"""A leg that is worked in parts: killed at any point, its parts never exceed what was signed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger import filed, promised
from tests.integration.sending.desk import (
    LIMITS,
    OPEN,
    CrashError,
    SmallDesk,
    proposed,
    refuse,
)
from trading.dispatch import Report, send_signed
from trading.errors import OutcomeUnknownError
from trading.ledger import Scope, Stamp
from trading.orders import Order, OrderState, client_order_id
from trading.proposals import Leg, Proposal
from trading.stopping import cancel_order, cancel_overdue, halt
from trading.tactics.tactic import Tactic

START = OPEN + timedelta(minutes=5)
END = OPEN + timedelta(minutes=65)


def signed(desk: SmallDesk, quantity: int = 20, **terms: object) -> Proposal:
    """Buy IBM at 195.93 or less, in parts, without a stop."""
    tactic = Tactic(**({"kind": "adaptive", "starts_at": START, "ends_at": END} | terms))  # type: ignore[arg-type]  # terms by name
    [leg] = proposed(quantity=quantity).legs
    leg = replace(leg, tactic=tactic, stop_loss_price=None)
    made = replace(proposed(), model_version=None, entered_by=desk.signers["Jan"], legs=(leg,))
    return desk.sign(made)


def step(
    desk: SmallDesk,
    owner: str = "executor/1",
    reached: Callable[[str], None] = lambda _p: None,
    scope: Scope = Scope.TACTICS,
) -> Report:
    desk.agree()
    sender = replace(desk.sender(owner, reached), scope=scope)
    return send_signed(desk.ledger, desk.broker, sender=sender, desk=desk.clock, market=desk.market)


def pass_minutes(desk: SmallDesk, minutes: float) -> None:
    desk.market.forward(60 * minutes)
    desk.clock.forward(LIMITS.lease_seconds + LIMITS.resend_grace_seconds)


def name_of(proposal: Proposal, attempt: int) -> str:
    return client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=attempt)


def parts(desk: SmallDesk) -> list[tuple[Decimal, Decimal | None, OrderState]]:
    return [(o.quantity, o.limit_price, o.state) for o in desk.broker.held.values()]


def bought(desk: SmallDesk) -> Decimal:
    return sum((o.filled_quantity for o in desk.broker.held.values()), Decimal(0))


def closed_as(desk: SmallDesk, proposal: Proposal) -> str | None:
    with desk.engine.connect() as conn:
        return filed.legs_of(conn, proposal.proposal_id)[0].closed_code


def test_only_who_works_parts_sends_them(desk: SmallDesk) -> None:
    signed(desk)

    assert step(desk, scope=Scope.PLAIN).sent == []
    assert step(desk, scope=Scope.ORDERED).sent == []
    assert len(step(desk).acknowledged) == 1


def test_a_part_is_taken_back_and_its_rest_is_priced_anew(desk: SmallDesk) -> None:
    proposal = signed(desk)
    step(desk)
    # 195.80 x 1.0005 = 195.8979
    assert parts(desk) == [(Decimal(20), Decimal("195.90"), OrderState.ACCEPTED)]
    desk.broker.fill(name_of(proposal, 1), 8, "195.80")
    desk.broker.prices["IBM"] = Decimal("195.50")
    pass_minutes(desk, 3)

    step(desk)
    step(desk)

    # 195.50 x 1.0005 = 195.5978
    assert parts(desk)[0][2] is OrderState.CANCELED
    assert parts(desk)[1] == (Decimal(12), Decimal("195.60"), OrderState.ACCEPTED)


def test_slices_come_one_after_the_other_and_all_of_it_is_filled(desk: SmallDesk) -> None:
    proposal = signed(desk, kind="twap", slices=4)
    sizes = []
    for attempt in range(1, 5):
        step(desk)
        sizes.append(desk.broker.held[name_of(proposal, attempt)].quantity)
        desk.broker.fill(name_of(proposal, attempt), 5, "195.80")
        assert step(desk).sent == []  # it waits for its next slice
        pass_minutes(desk, 15)

    step(desk)

    assert sizes == [5, 5, 5, 5]
    assert closed_as(desk, proposal) == "filled"
    assert step(desk).sent == []


def test_the_stop_of_what_a_sale_leaves_waits_for_the_last_part(desk: SmallDesk) -> None:
    bought_before = signed(desk)
    step(desk)
    desk.broker.fill(name_of(bought_before, 1), 20, "195.80")
    step(desk)
    sale = Leg(
        leg_no=1, symbol="IBM", side="sell", quantity=Decimal(8), order_type="limit",
        time_in_force="day", reference_price=Decimal("195.80"), limit_price=Decimal("195.00"),
        reduces=True, tactic=Tactic(kind="twap", starts_at=START, ends_at=END, slices=2),
    )  # fmt: skip
    stop = replace(
        sale, leg_no=2, quantity=Decimal(12), order_type="stop", time_in_force="gtc",
        limit_price=None, stop_price=Decimal("186.71"), tactic=None,
    )  # fmt: skip
    proposal = desk.sign(replace(proposed(), legs=(sale, stop), strategy="exits"))

    for attempt in (1, 2):
        step(desk)
        assert desk.ledger.waiting_legs(not_leased_at=desk.clock.now()) == 0
        assert step(desk, scope=Scope.PLAIN).sent == []
        desk.broker.fill(name_of(proposal, attempt), 4, "195.80")
        pass_minutes(desk, 30)
    step(desk)

    assert closed_as(desk, proposal) == "filled"
    assert desk.ledger.waiting_legs(not_leased_at=desk.clock.now()) == 1
    [last] = step(desk, scope=Scope.PLAIN).acknowledged
    assert desk.broker.held[last].quantity == 12


@pytest.mark.parametrize("point", ["leased", "planned", "checked", "intended", "marked", "sent"])
@pytest.mark.parametrize("kill", [1, 2])
def test_killed_at_any_point_it_goes_on_with_what_is_left(
    desk: SmallDesk, point: str, kill: int
) -> None:
    """The process dies once at each point, while sending the first or the second part."""
    proposal, count = signed(desk, kind="twap", slices=2), 0

    def die(reached: str) -> None:
        nonlocal count
        count += reached == point
        if reached == point and count == kill:
            raise CrashError

    for n in range(12):
        try:
            step(desk, f"executor/{n}", die)
        except CrashError:
            pass_minutes(desk, 1)
            continue
        for name, order in list(desk.broker.held.items()):
            if not order.state.is_final:
                desk.broker.fill(name, int(order.quantity - order.filled_quantity), "195.80")
        pass_minutes(desk, 8)

    assert count >= kill
    assert bought(desk) == 20
    assert closed_as(desk, proposal) == "filled"


def test_an_answer_that_is_lost_sends_no_second_part(desk: SmallDesk) -> None:
    proposal = signed(desk)

    def lost(_order: Order) -> None:
        raise OutcomeUnknownError("No answer.")

    desk.broker.on_taken = lost
    step(desk)
    desk.broker.on_taken = lambda _order: None
    for n in range(3):
        pass_minutes(desk, 1)
        step(desk, f"executor/{n}")

    assert set(desk.broker.held) <= {name_of(proposal, 1), name_of(proposal, 2)}
    working = [o for o in desk.broker.held.values() if not o.state.is_final]
    assert sum((o.quantity - o.filled_quantity for o in working), Decimal(0)) + bought(desk) <= 20
    assert len(working) <= 1


def test_what_was_not_sent_in_time_is_not_sent_later(desk: SmallDesk) -> None:
    proposal = signed(desk)

    def die(point: str) -> None:
        if point == "intended":
            raise CrashError

    with pytest.raises(CrashError):
        step(desk, reached=die)
    desk.market.at = END
    pass_minutes(desk, 0)
    step(desk, "executor/2")
    step(desk, "executor/3")

    assert desk.broker.submits == 0
    assert closed_as(desk, proposal) == "deadline"


def test_at_its_end_the_desk_cancels_it_though_nobody_works_it(desk: SmallDesk) -> None:
    proposal = signed(desk)
    step(desk)
    desk.market.at = END

    assert cancel_overdue(desk.ledger, desk.broker, desk=desk.clock, market=desk.market).complete
    assert desk.broker.held[name_of(proposal, 1)].state is OrderState.CANCELED


@pytest.mark.parametrize("by", ["person", "halt"])
def test_what_a_person_cancels_is_not_sent_again(desk: SmallDesk, by: str) -> None:
    proposal = signed(desk)
    step(desk)
    if by == "person":
        cancel_order(
            desk.ledger,
            desk.broker,
            client_order_id=name_of(proposal, 1),
            desk=desk.clock,
            market=desk.market,
        )
    else:
        halt(
            desk.ledger,
            desk.broker,
            reason="drill",
            person_id=None,
            desk=desk.clock,
            market=desk.market,
        )
    pass_minutes(desk, 3)

    step(desk)
    step(desk)

    assert desk.broker.submits == 1
    assert closed_as(desk, proposal) == "stopped"


def test_a_refused_part_ends_it(desk: SmallDesk) -> None:
    proposal = signed(desk)
    desk.broker.on_submit = refuse

    step(desk)
    step(desk)

    assert desk.broker.submits == 1
    assert closed_as(desk, proposal) == "refused"


def test_beyond_the_drift_nothing_more_is_sent(desk: SmallDesk) -> None:
    proposal = signed(desk, kind="twap", slices=2)
    step(desk)
    desk.broker.fill(name_of(proposal, 1), 10, "195.80")
    desk.broker.prices["IBM"] = Decimal("197.50")  # +0.85 % of 195.83; 0.5 % were signed
    pass_minutes(desk, 31)

    step(desk)

    assert desk.broker.submits == 1
    assert closed_as(desk, proposal) == "drifted"


def test_the_ledger_refuses_a_part_beyond_what_was_signed(desk: SmallDesk) -> None:
    """Whatever a planner asks for, the intent is measured once more under lock."""
    proposal = signed(desk)
    leased = desk.ledger.lease_leg(
        owner="executor/1",
        now=desk.clock.now(),
        until=desk.clock.now() + timedelta(seconds=60),
        skip=frozenset(),
        scope=Scope.TACTICS,
    )
    assert leased is not None
    step_at = desk.sender()
    order = Order(
        client_order_id=name_of(proposal, 1), leg_id=leased.leg_id,
        proposal_id=proposal.proposal_id, attempt=1, symbol="IBM", side="buy",
        quantity=Decimal(20), order_type="limit", time_in_force="day",
        limit_price=Decimal("195.93"),
    )  # fmt: skip

    def refusal(wanted: Order, minutes: float = 10) -> str | None:
        return desk.ledger.write_intent(
            wanted, reduces=False, owner="executor/1", build=step_at.build,
            lease_until=desk.clock.now() + timedelta(seconds=60),
            at=Stamp(desk.clock.now(), OPEN + timedelta(minutes=minutes), "dispatch"),
        )  # fmt: skip

    assert "more than is left" in str(refusal(replace(order, quantity=Decimal(21))))
    assert "more than is left" in str(refusal(replace(order, attempt=2)))
    assert "beyond the signed limit" in str(refusal(replace(order, limit_price=Decimal("195.94"))))
    assert "beyond the signed limit" in str(refusal(replace(order, limit_price=None)))
    assert "outside the time" in str(refusal(order, minutes=4))
    assert "outside the time" in str(refusal(order, minutes=65))
    assert refusal(order) is None


def test_what_is_left_takes_its_room_until_it_is_sent(desk: SmallDesk) -> None:
    proposal = signed(desk, kind="twap", slices=4)
    step(desk)
    desk.broker.fill(name_of(proposal, 1), 3, "195.80")

    with desk.engine.connect() as conn:
        [left] = promised.promised(conn, states=("signed",), market_at=None)

    assert left.leg.quantity == 15  # the slice of 5 is an order, filled or not


@pytest.mark.parametrize("is_slow", [False, True])
@pytest.mark.parametrize("by", ["a person", "a halt"])
def test_a_part_that_the_desk_could_not_take_back_ends_its_leg_when_others_cancel_it(
    desk: SmallDesk, by: str, is_slow: bool
) -> None:
    proposal = signed(desk)
    step(desk)
    desk.broker.prices["IBM"] = Decimal("195.50")
    pass_minutes(desk, 3)
    desk.broker.away = {"cancel"}
    assert step(desk).problem is not None
    desk.broker.away, desk.broker.slow_to_cancel = set(), is_slow
    name = name_of(proposal, 1)
    if by == "a person":
        cancel_order(
            desk.ledger, desk.broker, client_order_id=name, desk=desk.clock, market=desk.market
        )
    else:
        halt(
            desk.ledger, desk.broker, reason="drill", person_id=None, desk=desk.clock,
            market=desk.market,
        )  # fmt: skip
    pass_minutes(desk, 3)
    step(desk)  # while it is still being cancelled, the desk would take it back itself
    desk.broker.slow_to_cancel = False
    desk.broker.cancel(desk.broker.held[name].broker_order_id)

    step(desk)

    assert closed_as(desk, proposal) == "stopped"
    assert desk.broker.submits == 1
