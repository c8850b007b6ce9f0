"""What a broker refuses as a possible wash trade is denied before anybody signs it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.trading.pictures import BUY, PICTURE
from trading.checks.order import self_cross
from trading.orders import Side
from trading.picture import WorkingOrder
from trading.proposals import Leg

D = Decimal
PLAIN = replace(BUY, stop_loss_price=None, take_profit_price=None)


def own(side: Side, kind: str, price: str, *, attached: bool = False) -> WorkingOrder:
    return WorkingOrder("IBM", side, D(10), D(price), kind, attached=attached)


def passes(leg: Leg, other: WorkingOrder) -> bool:
    return self_cross(replace(PICTURE, working=(other,)), leg).passed


@pytest.mark.parametrize("kind", ["stop", "stop_limit", "trailing_stop", "market"])
@pytest.mark.parametrize("attached", [True, False])
def test_a_plain_buy_meets_an_own_sale_without_a_limit(kind: str, *, attached: bool) -> None:
    """Alpaca: "opposite side market/stop order exists", however far the stop is away."""
    assert not passes(PLAIN, own("sell", kind, "150.00", attached=attached))


@pytest.mark.parametrize("kind", ["stop", "stop_limit", "trailing_stop"])
def test_an_entry_with_its_own_stop_is_taken_beside_another_stop(kind: str) -> None:
    assert passes(replace(BUY, stop_loss_price=D("186.71")), own("sell", kind, "186.00"))


def test_limits_that_cannot_meet_are_no_wash_trade() -> None:
    assert passes(PLAIN, own("sell", "limit", "199.00"))
    assert not passes(PLAIN, own("sell", "limit", "195.00"))


def test_a_stop_is_refused_beside_a_market_order_only() -> None:
    stop = replace(PLAIN, side="sell", order_type="stop", limit_price=None, stop_price=D("186.71"))

    assert passes(stop, own("buy", "limit", "195.00"))
    assert not passes(stop, own("buy", "market", "195.80"))


def test_orders_on_one_side_never_meet() -> None:
    assert passes(PLAIN, own("buy", "stop", "199.00"))
