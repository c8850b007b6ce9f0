"""What Alpaca is asked for, order by order; bodies as its documentation shows them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from adapters.brokers.alpaca_orders import order_body
from trading.orders import OCO, Order

D = Decimal
SALE = Order(
    client_order_id="cs-1", leg_id="l1", proposal_id="p1", attempt=1, symbol="AAPL", side="sell",
    quantity=D(10), order_type="limit", time_in_force="gtc", limit_price=D("325.00"),
)  # fmt: skip
PLAIN: dict[str, Any] = {
    "symbol": "AAPL", "qty": "10", "side": "sell", "time_in_force": "gtc",
    "client_order_id": "cs-1", "order_class": "simple",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({}, {"type": "limit", "limit_price": "325"}),
        (
            {"order_type": "stop", "limit_price": None, "stop_price": D("250.50")},
            {"type": "stop", "stop_price": "250.5"},
        ),
        (
            {"order_type": "stop_limit", "limit_price": D("249.5"), "stop_price": D(250)},
            {"type": "stop_limit", "stop_price": "250", "limit_price": "249.5"},
        ),
        (
            {"order_type": "trailing_stop", "limit_price": None, "trail_percent": D("5.0")},
            {"type": "trailing_stop", "trail_percent": "5"},
        ),
        (
            {"order_type": "trailing_stop", "limit_price": None, "trail_price": D("2.50")},
            {"type": "trailing_stop", "trail_price": "2.5"},
        ),
        (
            {"order_class": OCO, "stop_loss_price": D(250)},
            {
                "type": "limit", "order_class": "oco", "take_profit": {"limit_price": "325"},
                "stop_loss": {"stop_price": "250"},
            },
        ),
        (
            {"side": "buy", "stop_loss_price": D(300), "take_profit_price": D(350)},
            {
                "side": "buy", "type": "limit", "limit_price": "325", "order_class": "bracket",
                "take_profit": {"limit_price": "350"}, "stop_loss": {"stop_price": "300"},
            },
        ),
        (
            {"side": "buy", "take_profit_price": D(350)},
            {
                "side": "buy", "type": "limit", "limit_price": "325", "order_class": "oto",
                "take_profit": {"limit_price": "350"},
            },
        ),
    ],
)  # fmt: skip
def test_the_body_names_what_was_signed_and_nothing_else(
    changed: dict[str, Any], asked: dict[str, Any]
) -> None:
    assert order_body(replace(SALE, **changed)) == PLAIN | asked
