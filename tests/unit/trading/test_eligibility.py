"""Who may be bought, and every reason against the others."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.universe import Eligibility
from trading.eligibility import Measures, Tier, judge, volatility_bucket

RULES = Eligibility()
GOOD = Measures(
    sessions=252,
    close=195.83,
    dollar_volume=800e6,
    spread=0.006,
    volatility=0.2,
    is_member=True,
)


@pytest.mark.parametrize(
    ("within", "beyond", "sentence"),
    [
        ({"sessions": 252}, {"sessions": 31}, "31 sessions of history, 252 needed."),
        ({"close": 5.0}, {"close": 4.99}, "It closed at 4.99 USD; 5.00 are needed."),
        ({"close": 5.0}, {"close": None}, "No usable bar for this session."),
        (
            {"dollar_volume": 5e6},
            {"dollar_volume": 4_999_999.0},
            "4,999,999 USD are traded in a usual session; 5,000,000 are needed.",
        ),
        ({}, {"dollar_volume": None}, "Its usual dollar volume is not known yet."),
        ({"spread": 0.03}, {"spread": 0.031}, "Its spread is estimated at 310 bps; at most 300"),
        ({}, {"spread": float("nan")}, "Its spread cannot be estimated yet."),
        ({}, {"is_member": False}, "It does not belong to the universe in this session."),
        (
            {},
            {"next_earnings": date(2012, 7, 18)},
            "It reports earnings on Wed 18 Jul 2012: no entry around it.",
        ),
    ],
)
def test_each_rule_passes_just_within_and_bars_just_beyond(
    within: dict[str, Any], beyond: dict[str, Any], sentence: str
) -> None:
    assert judge(replace(GOOD, **within), RULES, minimum_history=252).eligible

    barred = judge(replace(GOOD, **beyond), RULES, minimum_history=252)

    assert not barred.eligible
    assert barred.tier is Tier.NONE
    assert barred.reasons[0].startswith(sentence)


def test_the_core_needs_both_a_deep_and_a_narrow_market() -> None:
    def tier(**changed: Any) -> Tier:
        return judge(replace(GOOD, **changed), RULES, minimum_history=252).tier

    assert tier() is Tier.CORE
    assert tier(dollar_volume=99e6) is Tier.EXTENDED
    assert tier(spread=0.016) is Tier.EXTENDED


def test_an_edge_belongs_to_the_bucket_above_it() -> None:
    edges = (0.15, 0.30, 0.60)

    told = [volatility_bucket(v, edges) for v in (0.0, 0.149, 0.15, 0.30, 0.60, None)]

    assert told == ["low", "low", "normal", "high", "extreme", "unknown"]


@given(
    st.floats(min_value=0, max_value=1e12),
    st.floats(min_value=0, max_value=1e12),
    st.floats(min_value=0, max_value=0.5),
)
def test_more_volume_never_bars_a_symbol(less: float, more: float, spread: float) -> None:
    low, high = sorted((less, more))
    told = [
        judge(
            replace(GOOD, dollar_volume=volume, spread=spread), RULES, minimum_history=252
        ).eligible
        for volume in (low, high)
    ]

    assert told[0] <= told[1]
