"""What a person enters by hand is read whole, or refused in words."""

from decimal import Decimal

import pytest

from assets.drafting import loss_to_stop
from assets.hand_tickets import Ticket, ticket_of
from assets.protecting import Protection, cover, protecting_leg
from tests.unit.trading.pictures import PICTURE
from tests.unit.trading.test_protection import LONG, SHORT, working
from trading.errors import NotAllowedError
from trading.orders import OCO

D = Decimal
PROTECT: dict[str, object] = {
    "kind": "protect", "symbol": "IBM", "protection": "stop", "quantity": "100",
    "stop_price": "190.00", "reason": "Results are due.",
}  # fmt: skip
TRADE: dict[str, object] = {
    "symbol": "IBM", "side": "buy", "quantity": "100", "limit_price": "195.50",
    "stop_loss_price": "190", "reason": "Results were good.",
}  # fmt: skip
PRICE = D("195.46")


def protection(**changed: object) -> Protection:
    made = ticket_of(PROTECT | changed)
    assert isinstance(made, Protection)
    return made


def test_the_position_decides_the_side() -> None:
    assert protecting_leg(protection(), LONG, PRICE).side == "sell"
    assert protecting_leg(protection(), SHORT, PRICE).side == "buy"
    with pytest.raises(NotAllowedError, match="Nothing is held of IBM"):
        protecting_leg(protection(), PICTURE, PRICE)


def test_each_kind_becomes_a_leg_that_only_reduces_and_outlasts_the_session() -> None:
    asked = [
        protection(),
        protection(protection="stop_limit", limit_price="189"),
        protection(protection="trailing_stop", trail_percent="5"),
        protection(protection="trailing_stop", trail_price="2.5"),
        protection(protection="oco", limit_price="220"),
    ]

    legs = [protecting_leg(one, LONG, PRICE) for one in asked]

    assert all(leg.protects and leg.reduces and leg.time_in_force == "gtc" for leg in legs)
    assert [leg.order_type for leg in legs] == [
        "stop", "stop_limit", "trailing_stop", "trailing_stop", "limit",
    ]  # fmt: skip
    pair = legs[-1]
    assert (pair.order_class, pair.limit_price, pair.stop_loss_price) == (OCO, D(220), D(190))
    # 100 x (195.46 - 190), 5 % of 195.46 a share, 2.50 a share
    assert [loss_to_stop(leg) for leg in legs] == [546, 546, D("977.30"), 250, 546]


def test_the_card_shows_how_much_of_the_position_has_a_stop() -> None:
    leg = protecting_leg(protection(quantity="40"), LONG, PRICE)

    covered, way = cover(leg, working(60))

    assert (covered.now, covered.after, covered.limit) == (D("0.6"), D(1), D(1))
    assert way.after == D("0.002184")  # 40 x 5.46 of 100,000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"protection": "hope"}, "is protected by one of stop, stop_limit, trailing_stop, oco"),
        ({"quantity": "0"}, "quantity is a number above 0"),
        ({"stop_price": None}, "stop is a number above 0"),
        ({"stop_price": "0.001"}, "stop is at least 0.01 USD"),
        ({"protection": "stop_limit"}, "limit is a number above 0"),
        ({"protection": "oco"}, "target is a number above 0"),
        ({"protection": "trailing_stop"}, "needs one trail"),
        (
            {"protection": "trailing_stop", "trail_percent": "5", "trail_price": "1"},
            "needs one trail",
        ),
        ({"protection": "trailing_stop", "trail_percent": "51"}, "between 0.01 and 50 per cent"),
        ({"protection": "trailing_stop", "trail_percent": "NaN"}, "trail is a number above 0"),
        ({"reason": " "}, "needs a reason"),
    ],
)
def test_what_protects_nothing_is_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(NotAllowedError, match=said):
        ticket_of(PROTECT | changed)


def test_an_entry_may_bring_a_target() -> None:
    made = ticket_of(TRADE | {"take_profit_price": "220"})

    assert isinstance(made, Ticket)
    assert (made.take_profit_price, made.has_exit) == (D(220), True)
    with pytest.raises(NotAllowedError, match=r"target 195\.50 must be above the limit"):
        ticket_of(TRADE | {"take_profit_price": "195.50"})
    short = {"side": "sell", "stop_loss_price": "200", "take_profit_price": "196"}
    with pytest.raises(NotAllowedError, match=r"target 196\.00 must be below the limit"):
        ticket_of(TRADE | short)
