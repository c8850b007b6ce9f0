"""Which classical strategies may be on together with what."""

from pathlib import Path

import pytest

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
