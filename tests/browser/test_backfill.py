"""An engineer loads a year again in Dagster's own screens; the warehouse stays as it was."""

import pytest
from playwright.sync_api import Page, expect

import warehouse
from config import settings
from tests.desk.running import WholeDesk

pytestmark = [pytest.mark.browser, pytest.mark.desk, pytest.mark.timeout(600)]

_YEAR = "[2011-01-03...2011-12-30]"  # 2011's first and last session on the exchange
_SESSIONS = 252  # trading days of 2011, NYSE
_PATIENCE_MS = 180_000


def test_a_year_loaded_again_in_dagster_changes_nothing(desk: WholeDesk, page: Page) -> None:
    before = _bars(desk)
    assert len(before) == 4 * _SESSIONS  # AAPL, GOOG, IBM, MSFT; FB was not listed

    page.set_default_timeout(_PATIENCE_MS)  # the screens share two cores with the daily run
    page.set_default_timeout(_PATIENCE_MS)  # the screens share two cores with the daily run
    page.goto(f"{desk.address('webserver')}/assets/daily_bars")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    chosen = dialog.get_by_placeholder("2000-03-01")
    chosen.fill(_YEAR)
    chosen.press("Enter")
    expect(dialog.get_by_text(f"{_SESSIONS} partitions")).to_be_visible()
    dialog.get_by_role("button", name="Launch backfill").click()
    page.get_by_role("link", name="View", exact=True).click()

    expect(page.get_by_text("100% completed")).to_be_visible(timeout=_PATIENCE_MS)
    # Once as the head of a column, once as what became of this backfill.
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(2)
    assert _bars(desk) == before


def _bars(desk: WholeDesk) -> list[tuple[object, ...]]:
    """Return the year's rows as they stand, whole."""
    store = warehouse.connect(settings.load(desk.environment), read_only=True)
    try:
        with store.reader() as conn:
            return conn.execute(
                "select * from market.daily_bars where year(session) = 2011 "
                "order by symbol, session, known_at"
            ).fetchall()
    finally:
        store.close()
