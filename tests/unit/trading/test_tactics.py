"""Parts of a leg stay inside what was signed, whatever happens between them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.orders import Order, OrderState, client_order_id
from trading.picture import QuoteNow
from trading.proposals import Leg
from trading.tactics.planning import (
    Cancel,
    Child,
    Done,
    Send,
    Step,
    Wait,
    filled_by,
    limit_for,
    next_step,
    scheduled,
)
from trading.tactics.tactic import Tactic

D = Decimal
START = datetime(2012, 7, 3, 13, 35, tzinfo=UTC)
END = START + timedelta(minutes=60)
QUOTE = QuoteNow(bid=D("195.79"), ask=D("195.81"), last=D("195.80"), age_seconds=0)


def leg(side: str = "buy", quantity: int = 100, limit: str = "197.00", **terms: object) -> Leg:
    known: dict[str, object] = {"kind": "adaptive", "starts_at": START, "ends_at": END}
    return Leg(
        leg_no=1,
        symbol="IBM",
        side="buy" if side == "buy" else "sell",
        quantity=D(quantity),
        order_type="limit",
        time_in_force="day",
        reference_price=D("195.80"),
        limit_price=D(limit),
        tactic=Tactic(**(known | terms)),  # type: ignore[arg-type]  # terms by name
    )


def child(
    of: Leg,
    number: int,
    *,
    quantity: int,
    filled: int = 0,
    state: OrderState = OrderState.ACCEPTED,
    limit: str = "195.90",
    at: datetime = START,
    replaced: bool = False,
) -> Child:
    order = Order(
        client_order_id=client_order_id(proposal_id="p1", leg_no=1, attempt=number),
        leg_id="leg",
        proposal_id="p1",
        attempt=number,
        symbol=of.symbol,
        side=of.side,
        quantity=D(quantity),
        order_type="limit",
        time_in_force="day",
        limit_price=D(limit),
        state=state,
        filled_quantity=D(filled),
    )
    return Child(order=order, intended_at=at, replaced=replaced)


def step(of: Leg, *children: Child, minutes: float = 0, quote: QuoteNow | None = QUOTE) -> Step:
    return next_step(of, children, now=START + timedelta(minutes=minutes), quote=quote)


def test_the_first_part_is_offered_five_basis_points_from_the_middle() -> None:
    # 195.80 x 1.0005 = 195.8979
    assert step(leg()) == Send(D(100), D("195.90"))
    # 195.80 x 0.9995 = 195.7021
    assert step(leg("sell", limit="190.00")) == Send(D(100), D("195.70"))


def test_a_wide_spread_and_a_nervous_minute_widen_the_offset() -> None:
    wide = replace(QUOTE, bid=D("195.00"), ask=D("196.60"))

    # half of the spread of 1.60: 195.80 + 0.80
    assert step(leg(limit="199"), quote=wide) == Send(D(100), D("196.60"))
    # a quarter of 1 %: 195.80 x 1.0025 = 196.2895
    assert step(leg(limit="199", volatility=D("0.01"))) == Send(D(100), D("196.29"))


def test_a_part_is_priced_by_the_last_trade_where_the_quote_is_too_wide_to_be_a_price() -> None:
    stub = replace(QUOTE, bid=D("100"), ask=D("250"), is_stub=True)

    # 195.80 x 1.0005 = 195.8979
    assert step(leg(limit="199"), quote=stub) == Send(D(100), D("195.90"))
    assert step(leg(), quote=replace(stub, last=None)) == Wait(
        "IBM: bid and ask are too far apart to be a price."
    )


def test_no_price_is_beyond_the_signed_limit() -> None:
    assert step(leg(limit="195.85")) == Send(D(100), D("195.85"))
    assert step(leg("sell", limit="195.75")) == Send(D(100), D("195.75"))


def test_a_part_without_a_fill_is_offered_a_step_further() -> None:
    order = leg()
    first = child(order, 1, quantity=100, at=START)
    assert isinstance(step(order, first, minutes=1.9), Wait)
    assert step(order, first, minutes=2) == Cancel(first.order.client_order_id)

    ended = replace(first, order=replace(first.order, state=OrderState.CANCELED), replaced=True)
    # 195.80 x 1.001 = 195.9958
    assert step(order, ended, minutes=2) == Send(D(100), D("196.00"))


def test_a_killed_parent_goes_on_with_what_is_left() -> None:
    order = leg()
    first = child(order, 1, quantity=100, filled=37, state=OrderState.CANCELED, replaced=True)

    assert step(order, first, minutes=3) == Send(D(63), D("195.90"))


@pytest.mark.parametrize("state", [OrderState.INTENDED, OrderState.SENT, OrderState.UNRESOLVED])
def test_nothing_is_sent_while_a_part_is_not_known(state: OrderState) -> None:
    order = leg()

    assert isinstance(step(order, child(order, 1, quantity=100, state=state), minutes=61), Wait)


def test_what_is_left_crosses_at_the_signed_limit_and_ends_at_the_deadline() -> None:
    order = leg()
    first = child(order, 1, quantity=100, at=START + timedelta(minutes=54))
    assert step(order, first, minutes=55) == Cancel(first.order.client_order_id)
    ended = replace(first, order=replace(first.order, state=OrderState.CANCELED), replaced=True)
    assert step(order, ended, minutes=55) == Send(D(100), D("197.00"))

    last = child(order, 2, quantity=100, limit="197.00", at=START + timedelta(minutes=55))
    assert isinstance(step(order, ended, last, minutes=59), Wait)
    assert step(order, ended, last, minutes=60) == Cancel(last.order.client_order_id)
    over = replace(last, order=replace(last.order, state=OrderState.CANCELED), replaced=True)
    done = step(order, ended, over, minutes=60)
    assert isinstance(done, Done)
    assert (done.code, done.sentence) == ("deadline", "Its time ended: 0 of 100 IBM were filled.")


def test_what_is_left_may_be_left() -> None:
    order = leg(final="leave")

    assert step(order, minutes=59) == Send(D(100), D("195.90"))


def test_even_slices_begin_one_after_the_other() -> None:
    order = leg(kind="twap", slices=4, final="leave")
    tactic = order.tactic
    assert tactic is not None

    offered = [
        scheduled(order, tactic, START + timedelta(minutes=m)) for m in (-1, 0, 14, 15, 30, 45)
    ]

    assert offered == [0, 25, 25, 50, 75, 100]


def test_slices_by_volume_follow_the_curve_in_whole_shares() -> None:
    curve = (D("0.455"), D("0.6"), D("0.7"), D(1))
    order = leg(kind="vwap", slices=4, curve=curve, final="leave")
    tactic = order.tactic
    assert tactic is not None

    offered = [scheduled(order, tactic, START + timedelta(minutes=m)) for m in (0, 15, 30, 45)]

    assert offered == [45, 60, 70, 100]


def test_a_slice_that_was_filled_waits_for_the_next() -> None:
    order = leg(kind="twap", slices=4)
    first = child(order, 1, quantity=25, filled=25, state=OrderState.FILLED)

    assert isinstance(step(order, first, minutes=10), Wait)
    assert step(order, first, minutes=15) == Send(D(25), D("195.90"))


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (OrderState.CANCELED, "stopped"),
        (OrderState.EXPIRED, "stopped"),
        (OrderState.REJECTED, "refused"),
    ],
)
def test_what_another_ended_is_not_sent_again(state: OrderState, code: str) -> None:
    order = leg()

    done = step(order, child(order, 1, quantity=100, state=state), minutes=1)

    assert isinstance(done, Done)
    assert done.code == code


def test_the_rest_is_left_once_a_stop_protects_what_was_bought() -> None:
    order = replace(leg(), stop_loss_price=D("186.71"))
    first = child(order, 1, quantity=100, filled=40, state=OrderState.PARTIALLY_FILLED)
    assert isinstance(step(order, first, minutes=30), Wait)

    ended = replace(first, order=replace(first.order, state=OrderState.CANCELED), replaced=True)
    done = step(order, ended, minutes=31)
    assert isinstance(done, Done)
    assert done.code == "protected"


def test_without_a_quote_nothing_is_sent() -> None:
    assert isinstance(step(leg(), quote=None), Wait)
    assert isinstance(step(leg(), minutes=-5), Wait)


@pytest.mark.parametrize(
    "terms",
    [
        {"kind": "random"},
        {"final": "market"},
        {"ends_at": START},
        {"kind": "twap", "slices": 0},
        {"kind": "twap", "slices": 9},  # with eight orders
        {"slices": 2},
        {"kind": "vwap", "slices": 2, "curve": (D("0.5"),)},
        {"kind": "vwap", "slices": 2, "curve": (D("1.1"), D(1))},
        {"kind": "twap", "slices": 2, "curve": (D("0.5"), D(1))},
        {"offset_bps": D(-1)},
        {"volatility": D("NaN")},
        {"reprice_seconds": 0},
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"tactic|volume curve|Offsets|Seconds"):
        Tactic(**({"kind": "adaptive", "starts_at": START, "ends_at": END} | terms))  # type: ignore[arg-type]  # terms by name


def _tactics() -> st.SearchStrategy[dict[str, object]]:
    def terms(kind: str, slices: int, most: int, final: str, seconds: int) -> dict[str, object]:
        n = 1 if kind == "adaptive" else slices
        curve = tuple(D(i * i) / (n * n) for i in range(1, n + 1)) if kind == "vwap" else ()
        return {
            "kind": kind,
            "slices": n,
            "curve": curve,
            "most_children": n + most,
            "final": final,
            "final_seconds": seconds,
            "reprice_seconds": 60,
        }

    return st.builds(
        terms,
        st.sampled_from(["adaptive", "twap", "vwap"]),
        st.integers(1, 6),
        st.integers(0, 5),
        st.sampled_from(["cross", "leave"]),
        st.sampled_from([0, 60, 300, 7200]),
    )


class _Broker:
    """Fills, cancels, refuses and forgets to answer as a seeded generator says."""

    def __init__(self, of: Leg, chance: Random) -> None:
        self.leg, self.chance = of, chance
        self.children: list[Child] = []

    def carry_out(self, planned: Step, now: datetime) -> None:
        if isinstance(planned, Send):
            self._taken(planned, now)
        elif isinstance(planned, Cancel):
            self._cancelled(planned.client_order_id)

    def _taken(self, planned: Send, now: datetime) -> None:
        assert all(known.order.state.is_final for known in self.children)
        state = self.chance.choice(
            [OrderState.ACCEPTED] * 6 + [OrderState.SENT, OrderState.REJECTED]
        )
        made = child(
            self.leg,
            len(self.children) + 1,
            quantity=int(planned.quantity),
            limit=str(planned.limit_price),
            state=state,
            at=now,
        )
        self.children.append(made)

    def _cancelled(self, name: str) -> None:
        for at, known in enumerate(self.children):
            if known.order.client_order_id == name:
                marked = replace(known, replaced=True)
                if self.chance.random() < 0.7:  # else it is only accepted, and asked for again
                    marked = replace(marked, order=replace(marked.order, state=OrderState.CANCELED))
                self.children[at] = marked

    def happen(self) -> None:
        for at, known in enumerate(self.children):
            order = known.order
            if order.state is OrderState.SENT:
                order = replace(order, state=OrderState.ACCEPTED)
            if not order.state.is_final and self.chance.random() < 0.5:
                filled = order.filled_quantity + self.chance.randint(0, int(order.leaves))
                done = filled == order.quantity
                state = OrderState.FILLED if done else OrderState.PARTIALLY_FILLED
                order = replace(order, filled_quantity=filled, state=state)
            self.children[at] = replace(known, order=order)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    terms=_tactics(),
    side=st.sampled_from(["buy", "sell"]),
    quantity=st.integers(1, 500),
    seed=st.integers(0, 10_000),
)
def test_no_sequence_of_fills_kills_and_repeats_leaves_what_was_signed(
    terms: dict[str, object], side: str, quantity: int, seed: int
) -> None:
    chance = Random(seed)
    limit = "196.20" if side == "buy" else "195.40"
    order = leg(side, quantity, limit, **terms)
    assert order.tactic is not None
    broker, now = _Broker(order, chance), START - timedelta(minutes=3)
    for _ in range(200):
        price = D("195.80") + D(chance.randint(-80, 80)) / 100
        quote = QuoteNow(price - D("0.02"), price + D("0.02"), price, 0)
        planned = next_step(order, broker.children, now=now, quote=quote)
        # Asked again, as after a kill before anything was written down, the answer is the same.
        assert planned == next_step(order, broker.children, now=now, quote=quote)
        if isinstance(planned, Send):
            assert order.tactic.starts_at <= now < order.tactic.ends_at
            assert planned.quantity > 0
            assert planned.quantity + filled_by(broker.children) <= order.quantity
            worse = max if side == "buy" else min
            assert worse(planned.limit_price, D(limit)) == D(limit)
        if isinstance(planned, Done):
            break
        broker.carry_out(planned, now)
        broker.happen()
        now += timedelta(seconds=chance.choice([5, 30, 60, 240]))
    assert filled_by(broker.children) <= order.quantity
    assert len(broker.children) <= order.tactic.most_children
    assert len({known.order.client_order_id for known in broker.children}) == len(broker.children)


@given(price=st.integers(1, 50_000), spread=st.integers(0, 200), vain=st.integers(0, 6))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_a_limit_is_a_whole_tick_and_never_beyond_what_was_signed(
    price: int, spread: int, vain: int
) -> None:
    middle = D(price) / 100
    order = replace(leg(limit=str(middle)), reference_price=middle)
    quote = QuoteNow(middle - D(spread) / 200, middle + D(spread) / 200, middle, 0)
    tried = [
        child(order, n, quantity=100, state=OrderState.CANCELED, replaced=True)
        for n in range(1, vain + 1)
    ]

    limit = limit_for(order, tried, now=START, quote=quote)

    assert 0 < limit <= middle
    assert limit % (D("0.01") if limit >= 1 else D("0.0001")) == 0
