"""A demoted model's word opens nothing and keeps nobody in: every check of an exit passes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.trading.pictures import BUY, CLOSE, HOLDING, PICTURE
from trading.picture import ModelNow, Picture
from trading.pretrade import judge_leg
from trading.proposals import Leg

DEMOTED = ModelNow("sample/3", "demoted", advisory_allowed=True)


def denials(picture: Picture, leg: Leg) -> list[int]:
    told = judge_leg(replace(picture, model=DEMOTED), leg)
    return [check.number for check in told if check.denies]


@pytest.mark.parametrize("quantity", [1, 25])
def test_all_that_is_held_may_be_sold_in_part_and_in_whole(quantity: int) -> None:
    assert denials(HOLDING, replace(CLOSE, quantity=Decimal(quantity))) == []


def test_nothing_may_be_opened_or_added_to() -> None:
    assert denials(PICTURE, BUY) == [7]
    assert 7 in denials(HOLDING, BUY)


def test_more_than_is_held_may_not_be_sold() -> None:
    assert 7 in denials(HOLDING, replace(CLOSE, quantity=Decimal(26)))
