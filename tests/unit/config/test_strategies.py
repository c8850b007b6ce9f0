"""Which classical strategies may be on together with what."""

from pathlib import Path

import pytest

from assets.policies import policy
from config import settings
from config.errors import SettingsError


def test_the_swing_strategy_is_shown_and_no_other_is_on_unless_asked_for(tmp_path: Path) -> None:
    told = settings.load({"DESK_HOME": str(tmp_path)}).strategies

    assert (told.swing, told.swing_filter, told.reversion) == ("shown", True, "off")


def test_rules_that_propose_and_a_book_that_decides_alone_are_refused(tmp_path: Path) -> None:
    asked = {
        "DESK_HOME": str(tmp_path),
        "COUNTERSIGN_STRATEGIES__SWING": "proposed",
        "COUNTERSIGN_STRATEGY__PORTFOLIO": "minimum_variance",
    }

    with pytest.raises(SettingsError, match=r"strategies\.swing"):
        settings.load(asked)


RESEARCH = {"COUNTERSIGN_STRATEGY__LONG_SHORT": "true"}


def test_a_long_short_policy_is_configured_for_research(tmp_path: Path) -> None:
    home = {"DESK_HOME": str(tmp_path)}

    assert not policy(settings.load(home)).long_short
    assert policy(settings.load(home | RESEARCH)).long_short


@pytest.mark.parametrize(
    ("told", "against"),
    [
        (
            {
                "MODE": "live", "BROKER__KIND": "alpaca", "BROKER__KEY_ID": "AKLIVE0000",
                "BROKER__SECRET_KEY": "hush", "LIVE__CONFIRM_ACCOUNT": "123456789",
            },
            "`mode` is live",
        ),
        ({"STRATEGY__PORTFOLIO": "minimum_variance"}, "`strategy.portfolio` is minimum_variance"),
    ],
)  # fmt: skip
def test_a_long_short_policy_is_refused_where_the_desk_would_have_to_sell_short(
    tmp_path: Path, told: dict[str, str], against: str
) -> None:
    asked = {f"COUNTERSIGN_{name}": value for name, value in told.items()}
    settings.load({"DESK_HOME": str(tmp_path)} | asked)

    with pytest.raises(SettingsError, match=rf"proposes no short sale\. {against}"):
        settings.load({"DESK_HOME": str(tmp_path)} | asked | RESEARCH)
