"""The stop of a position never stands in the way of closing it."""

from dataclasses import replace
from decimal import Decimal

from tests.unit.trading.pictures import CLOSE, HOLDING
from trading.picture import WorkingOrder
from trading.pretrade import denials, judge_leg
from trading.state import TradingState

STOP = WorkingOrder(
    symbol="IBM",
    side="sell",
    leaves=Decimal(25),
    price=Decimal("186.71"),
    order_type="stop",
    proposal_id="p0",
    leg_no=1,
    attached=True,
)


def test_all_that_is_held_can_be_closed_while_its_stop_works() -> None:
    for state in (TradingState.ACTIVE, TradingState.REDUCING):
        picture = replace(HOLDING, working=(STOP,), trading_state=state)

        assert denials(judge_leg(picture, CLOSE)) == ()


def test_another_sale_in_the_market_still_counts() -> None:
    picture = replace(HOLDING, working=(replace(STOP, attached=False, order_type="limit"),))

    assert 23 in {answer.number for answer in denials(judge_leg(picture, CLOSE))}


def test_a_stop_covers_no_sale_beyond_what_is_held() -> None:
    picture = replace(HOLDING, working=(STOP,))
    more = replace(CLOSE, quantity=Decimal(26))

    assert 23 in {answer.number for answer in denials(judge_leg(picture, more))}
