"""What earlier legs take from later ones, and prices that make no order."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.trading.pictures import ACCOUNT, BUY, PICTURE, result
from tests.unit.trading.test_pretrade_batches import SYMBOLS, WIDE, wide
from trading.picture import Holding, WorkingOrder
from trading.pretrade import denials, judge

D = Decimal


def test_risk_to_the_stops_adds_up_over_a_batch() -> None:
    # 40 x (100 - 90) = 400 = 0.4 % of 100,000: fifteen make the 6 %, sixteen pass it.
    batch = [
        replace(wide(n, symbol, "buy", 40), stop_loss_price=D(90))
        for n, symbol in enumerate(SYMBOLS[:16], start=1)
    ]

    assert not denials(judge(WIDE, batch[:15]))
    assert [r.number for r in denials(judge(WIDE, batch))] == [17]


def test_buying_power_is_spent_leg_by_leg() -> None:
    batch = [wide(1, "S00", "buy", 40), wide(2, "S01", "buy", 40)]
    enough = replace(WIDE, account=replace(ACCOUNT, buying_power=D(8_000)))
    short = replace(WIDE, account=replace(ACCOUNT, buying_power=D("7999.99")))

    assert not denials(judge(enough, batch))
    assert [r.number for r in denials(judge(short, batch))] == [14]


def test_a_short_sale_needs_buying_power() -> None:
    held = {"S01": Holding(D(45), D(100))}
    sale = wide(1, "S00", "sell", 40)
    enough = replace(WIDE, positions=held, account=replace(ACCOUNT, buying_power=D(4_000)))
    short = replace(WIDE, positions=held, account=replace(ACCOUNT, buying_power=D("3999.99")))

    assert not denials(judge(enough, [sale]))
    assert [r.number for r in denials(judge(short, [sale]))] == [14]


def test_covering_through_zero_counts_open_orders() -> None:
    covering = (WorkingOrder("IBM", "buy", D(8), D("195.90"), "limit", "p0", 1),)
    picture = replace(PICTURE, positions={"IBM": Holding(D(-10), D(195))}, working=covering)

    assert result(15, replace(BUY, quantity=D(2)), picture).passed
    denied = result(15, replace(BUY, quantity=D(3)), picture)
    assert denied.denies
    assert denied.fits == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": "stop", "limit_price": None},
        {"order_type": "stop_limit"},
        {"order_type": "stop_limit", "stop_price": D("195.005")},
        {"stop_loss_price": D("195.93")},
        {"take_profit_price": D("195.93")},
        {"side": "sell", "stop_loss_price": D("195.92")},
    ],
)
def test_a_price_that_is_missing_off_its_tick_or_on_the_wrong_side_denies(
    changes: dict[str, Any],
) -> None:
    assert result(11, replace(BUY, **changes)).denies


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": "stop_limit", "stop_price": D("195.50")},
        {"stop_loss_price": D("195.92")},
        {"take_profit_price": D("195.94")},
        {"side": "sell", "stop_loss_price": D("195.94"), "take_profit_price": D("195.92")},
    ],
)
def test_prices_on_their_tick_and_side_pass(changes: dict[str, Any]) -> None:
    assert result(11, replace(BUY, **changes)).passed
