"""Every page of a desk in which nothing has happened yet says so, and what comes next."""

import pytest
from streamlit.testing.v1 import AppTest

from config.settings import Settings
from tests.unit.dashboard.conftest import SHELL

EMPTY = {
    "today": "Nothing to decide.",
    "approvals": "Nothing to decide.",
    "orders": "No order is working.",
    "portfolio": "No account yet.",
    "predictions": "No prediction yet.",
    "risk": "No risk figure yet.",
    "data_quality": "Nothing has been checked yet.",
    "proposal": "No proposal was asked for.",
    "replay_end": "The replay has not ended.",
}


@pytest.mark.parametrize(("page", "sentence"), list(EMPTY.items()))
def test_an_empty_page_says_what_is_missing(
    desk_settings: Settings, page: str, sentence: str
) -> None:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.switch_page(f"views/{page}.py").run()

    assert not at.exception
    assert any(sentence in block.value for block in at.markdown), [m.value for m in at.markdown]
    assert any("Waiting for the market's clock" in block.value for block in at.markdown)
