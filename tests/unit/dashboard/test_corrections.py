"""The page Risk: what broker and ledger hold differently, and asking to book it."""

import pytest
from streamlit.testing.v1 import AppTest

from config.settings import Settings
from dashboard import data
from ledger import market, reconciliations, requests
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL
from trading.ledger import Difference

WHY = "Sold at the broker's own page."


def _desk(*, clean: bool) -> None:
    """One holding of which the ledger has no fill."""
    told = (
        () if clean else (Difference("unknown_position", "MSFT", "MSFT", "It holds some.", True),)
    )
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        reconciliations.record(
            conn, started_at=data.now(), finished_at=data.now(), market_at=rows.MARKET_AT,
            clean=clean, differences=told,
        )  # fmt: skip


def _page() -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    return at.switch_page("views/risk.py").run()


def _asked() -> list[requests.Request]:
    with data.asked() as conn:
        return requests.latest(conn, kinds=("correct_positions",))


def test_what_was_shown_and_confirmed_is_what_is_asked_for(desk_settings: Settings) -> None:
    _desk(clean=False)
    with data.asked() as conn:
        [held] = market.latest_positions(conn).values()
    at = _page()
    assert f"| **{held.symbol}** | 0 | {held.quantity.normalize():f} |" in "\n".join(
        str(block.value) for block in at.markdown
    )

    at.multiselect(key="correct-symbols").select(held.symbol)
    at.text_input(key="correct-reason").set_value(WHY).run()
    at.button(key="correct").click().run()
    assert _asked() == []  # it is shown once more
    at.button(key="correct-confirm").click().run()

    assert not at.exception
    [made] = _asked()
    assert made.payload == {
        "reason": WHY,
        "positions": [
            {"symbol": held.symbol, "ours": "0", "theirs": f"{held.quantity.normalize():f}"}
        ],
    }


@pytest.mark.parametrize("reason", ["", "Oops."])
def test_without_a_reason_nothing_can_be_booked(desk_settings: Settings, reason: str) -> None:
    _desk(clean=False)
    at = _page()
    at.multiselect(key="correct-symbols").select("MSFT")
    at.text_input(key="correct-reason").set_value(reason).run()

    assert at.button(key="correct").disabled


def test_while_broker_and_ledger_agree_there_is_nothing_to_book(desk_settings: Settings) -> None:
    _desk(clean=True)

    assert not [button for button in _page().button if button.key == "correct"]
