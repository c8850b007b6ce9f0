"""A champion that was judged by another policy is advisory; its exits pass everywhere."""

from dataclasses import replace

from tests.unit.trading.pictures import BUY, CLOSE, HOLDING, PICTURE
from trading.picture import ModelNow
from trading.pretrade import judge_leg

WHY = "Its gates judged another policy: k 3, now 5."
ADVISORY = ModelNow("sample/3", "challenger", advisory_allowed=True, reason=WHY)
LIVE = replace(ADVISORY, advisory_allowed=False)


def test_where_advice_is_allowed_it_may_trade_and_the_check_says_what_is_apart() -> None:
    told = judge_leg(replace(PICTURE, model=ADVISORY), BUY)[6]

    assert not told.denies
    assert told.sentence == f"Model sample/3 is advisory, which is allowed here. {WHY}"


def test_where_it_is_not_nothing_is_opened_and_what_is_held_may_be_sold() -> None:
    entry = judge_leg(replace(PICTURE, model=LIVE), BUY)[6]
    leaving = judge_leg(replace(HOLDING, model=LIVE), CLOSE)[6]

    assert entry.denies
    assert entry.sentence.endswith(f"only a champion may trade here. {WHY}")
    assert not leaving.denies
    assert leaving.sentence == f"Model sample/3 is challenger; this only reduces. {WHY}"
