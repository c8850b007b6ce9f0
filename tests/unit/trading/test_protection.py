"""Stops, trails, and a stop and a target together, for shares that are held."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.trading.pictures import CLOSE, PICTURE
from trading.canonical import canonical_bytes
from trading.checks import order
from trading.checks.permission import reduce_only, reduces
from trading.orders import OCO
from trading.picture import Holding, Picture, WorkingOrder
from trading.pretrade import denials, judge_leg, with_promised
from trading.proposals import Leg
from trading.protection import trigger

D = Decimal
# 100 IBM are held at 195.46, or as many are short.
LONG = replace(PICTURE, positions={"IBM": Holding(D(100), D("195.46"))}, by_hand=True)
SHORT = replace(PICTURE, positions={"IBM": Holding(D(-100), D("195.46"))}, by_hand=True)
STOP = replace(
    CLOSE, quantity=D(100), order_type="stop", time_in_force="gtc", limit_price=None,
    stop_price=D("190.00"),
)  # fmt: skip
LIMITED = replace(STOP, order_type="stop_limit", limit_price=D("188.00"))
TRAIL = replace(STOP, order_type="trailing_stop", stop_price=None, trail_percent=D(5))
PAIR = replace(
    STOP, order_type="limit", order_class=OCO, stop_price=None, stop_loss_price=D("190.00"),
    limit_price=D("220.00"),
)  # fmt: skip
KINDS = {"stop": STOP, "stop_limit": LIMITED, "trailing_stop": TRAIL, "oco": PAIR}


def denied(picture: Picture, leg: Leg) -> dict[str, str]:
    return {one.code: one.sentence for one in denials(judge_leg(picture, leg))}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_passes_every_check_for_what_is_held(kind: str) -> None:
    assert KINDS[kind].protects
    assert denied(LONG, KINDS[kind]) == {}


@pytest.mark.parametrize(
    ("leg", "said"),
    [
        (replace(STOP, stop_price=D("195.46")), "not below that"),
        (replace(STOP, stop_price=D("190.001")), "not a whole tick"),
        (replace(LIMITED, limit_price=D("190.01")), "is above the stop"),
        (replace(LIMITED, limit_price=D("180.00")), "5.3 % from the stop"),
        (replace(LIMITED, limit_price=None), "needs a limit price"),
        (replace(TRAIL, trail_percent=None, trail_price=D("195.46")), "leaves no price"),
        (replace(PAIR, limit_price=D("195.46")), "not above that"),
        (replace(PAIR, stop_loss_price=D("196.00")), "not below that"),
    ],
)
def test_a_price_on_the_wrong_side_is_denied_in_words(leg: Leg, said: str) -> None:
    assert said in denied(LONG, leg)["price_too_far"]


def test_of_a_short_position_the_sides_are_the_other_way_round() -> None:
    above = replace(STOP, side="buy", stop_price=D("200.00"))
    pair = replace(PAIR, side="buy", stop_loss_price=D("200.00"), limit_price=D("180.00"))

    assert denied(SHORT, above) == {}
    assert denied(SHORT, pair) == {}
    assert denied(SHORT, replace(TRAIL, side="buy")) == {}
    assert "not above that" in denied(SHORT, replace(above, stop_price=D("190")))["price_too_far"]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_quote_no_stop_is_sent(kind: str) -> None:
    assert "price_too_far" in denied(replace(LONG, quotes={}), KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_it_never_closes_more_than_is_held(kind: str) -> None:
    larger = replace(KINDS[kind], quantity=D(101))

    assert not reduces(LONG, larger)
    assert "not_reducing" in denied(LONG, larger)
    assert "not_reducing" in denied(replace(LONG, positions={}), KINDS[kind])


@pytest.mark.parametrize(
    "leg",
    [
        replace(TRAIL, trail_price=D(1)),
        replace(TRAIL, trail_percent=None),
        replace(TRAIL, stop_price=D(190)),
        replace(TRAIL, time_in_force="opg"),
        replace(TRAIL, reduces=False),
        replace(STOP, trail_percent=D(5)),
        replace(PAIR, stop_loss_price=None),
        replace(PAIR, reduces=False),
        replace(PAIR, order_type="market"),
        replace(PAIR, order_class="bracket"),
    ],
)
def test_a_mixture_is_no_order_the_desk_knows(leg: Leg) -> None:
    assert not order.session(LONG, leg).passed


def working(quantity: int, *, proposal_id: str = "p0") -> Picture:
    """With a stop at 186.71 for some of the shares."""
    stop = WorkingOrder(
        "IBM", "sell", D(quantity), D("186.71"), "stop", proposal_id=proposal_id, leg_no=1,
        attached=True, set_aside=D(quantity),
    )  # fmt: skip
    return replace(LONG, working=(stop,))


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_stop_for_the_same_shares_is_denied_and_says_how_many_are_free(kind: str) -> None:
    answer = reduce_only(working(60), KINDS[kind])

    assert not answer.passed
    assert (answer.figure, answer.limit, answer.unit) == (D(100), D(40), "shares")
    assert answer.fits == 40
    assert "60 of the 100 IBM held have a stop or target already (stop at 186.71)" in (
        answer.sentence
    )
    assert reduce_only(working(60), replace(KINDS[kind], quantity=D(40))).passed


def test_a_stop_that_the_desk_proposes_takes_the_place_of_the_earlier_one() -> None:
    assert reduce_only(replace(working(60), by_hand=False), STOP).passed
    beside = replace(working(60, proposal_id="p1"), by_hand=False)
    assert not reduce_only(beside, STOP).passed  # two of one proposal stand beside each other


def test_a_stop_that_only_waits_to_be_signed_counts_and_traps_no_sale() -> None:
    promised = with_promised(replace(LONG, proposal_id="p0"), replace(STOP, quantity=D(60)))

    assert "not_reducing" in denied(promised, TRAIL)
    assert reduces(promised, replace(CLOSE, quantity=D(100)))


def test_a_trail_stops_behind_the_best_price() -> None:
    # 5 % of 200 are 10; 2.50 USD are 2.50 USD
    assert trigger(TRAIL, D(200)) == D(190)
    assert trigger(replace(TRAIL, trail_percent=None, trail_price=D("2.50")), D(200)) == D("197.5")
    assert trigger(replace(TRAIL, side="buy"), D(200)) == D(210)
    assert trigger(PAIR, D(200)) == D("190.00")
    assert trigger(CLOSE, D(200)) is None


def test_what_was_signed_before_there_were_trails_keeps_its_bytes() -> None:
    assert canonical_bytes(replace(STOP, quantity=D(7)).content()) == (
        b'{"leg_no":1,"limit_price":null,"order_type":"stop","quantity":"7","reduces":true,'
        b'"reference_price":"195.83","side":"sell","stop_loss_price":null,"stop_price":"190",'
        b'"symbol":"IBM","take_profit_price":null,"time_in_force":"gtc"}'
    )
    assert b'"trail_percent":"5"' in canonical_bytes(TRAIL.content())
    assert b'"order_class":"oco"' in canonical_bytes(PAIR.content())
