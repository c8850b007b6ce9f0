"""What earlier legs take from later ones, and prices that make no order."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.trading.pictures import ACCOUNT, BUY, PICTURE, result
from tests.unit.trading.test_pretrade_batches import SYMBOLS, WIDE, wide
from trading.picture import Holding, QuoteNow, WorkingOrder
from trading.pretrade import denials, judge, judge_leg, with_promised

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


def test_what_is_held_counts_at_the_markets_price_not_at_the_limit() -> None:
    # 40 x 110 held and 5 x 100 to buy at 100 or less are 4,900; at the limit they were 4,500.
    held = {"S00": Holding(D(40), D(110))}
    quotes = {**WIDE.quotes, "S00": QuoteNow(None, None, D(110), 5)}
    picture = replace(WIDE, positions=held, quotes=quotes)
    six, seven = (judge_leg(picture, wide(1, "S00", "buy", n))[12] for n in (6, 7))

    assert six.figure == D("0.05")
    assert seven.denies
    assert seven.fits == 6


def test_a_short_counts_at_the_markets_price_however_low_its_limit() -> None:
    held = {"S01": Holding(D(45), D(100))}
    low = replace(wide(1, "S00", "sell", 40), limit_price=D(96))
    enough = replace(WIDE, positions=held, account=replace(ACCOUNT, buying_power=D(4_000)))
    short = replace(enough, account=replace(ACCOUNT, buying_power=D("3999.99")))

    assert judge_leg(enough, low)[12].figure == D("0.04")
    assert not denials(judge(enough, [low]))
    assert [r.number for r in denials(judge(short, [low]))] == [14]


def test_an_open_order_without_any_price_leaves_the_book_unknown() -> None:
    unpriced = WorkingOrder("ZZZ", "buy", D(8), D(0), "market", "p0", 1)

    assert judge_leg(replace(WIDE, working=(unpriced,)), wide(1, "S00", "buy", 1))[13].denies


def test_what_is_promised_takes_room_and_money_but_no_pace() -> None:
    leg = replace(wide(1, "S00", "buy", 40), stop_loss_price=D(90))
    after = with_promised(WIDE, leg)

    assert after.working_shares("S00", "buy") == 40
    assert after.account is not None
    assert after.account.buying_power == D(396_000)
    assert after.open_stop_risk == D(400)
    assert after.activity == WIDE.activity
