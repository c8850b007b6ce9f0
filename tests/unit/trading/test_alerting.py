"""A threshold that a figure can never cross makes no rule; what was kept before is watched on."""

from decimal import Decimal

import pytest

from trading.alerting import MEASURES, Figure, Rule, holding, require_within_reach

BELOW_ZERO = {"day_return", "above_average_50", "day_gain", "open_gain", "value_at_risk"}


def _rule(measure: str, threshold: str = "-1") -> Rule:
    return Rule("r", measure, "", "above", Decimal(threshold), "warning")


@pytest.mark.parametrize("measure", sorted(BELOW_ZERO))
def test_what_can_fall_below_zero_takes_a_threshold_there(measure: str) -> None:
    require_within_reach(_rule(measure))


@pytest.mark.parametrize("measure", sorted(MEASURES.keys() - BELOW_ZERO))
def test_what_cannot_says_what_was_wanted_what_came_and_why(measure: str) -> None:
    with pytest.raises(ValueError, match=r"must be 0 or more, was −1.*would always hold"):
        require_within_reach(_rule(measure))

    require_within_reach(_rule(measure, "0"))


def test_a_rule_that_was_kept_with_such_a_threshold_stops_no_other() -> None:
    figures = [Figure("last_price", "IBM", Decimal("195.46"))]
    sound = Rule("s", "last_price", "IBM", "below", Decimal(200), "warning")

    assert {held.rule.rule_id for held in holding([_rule("last_price"), sound], figures)} == {
        "r", "s",
    }  # fmt: skip
