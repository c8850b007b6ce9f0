"""A person opens the dashboard, signs a suggested trade, and watches it fill."""

import re
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.desk.running import WholeDesk

pytestmark = [pytest.mark.browser, pytest.mark.desk, pytest.mark.timeout(600)]

_PROPOSED_WITHIN = 120_000  # milliseconds; the daily run follows the first materialisation
_FILLS_WITHIN = 90  # seconds; a signature usually reaches the venue within 15
_LIMIT = re.compile(r"(Buy|Sell) ([\d,]+) (\w+) at ([\d,.]+)\sUSD or (?:less|more)")
_NOW = re.compile(r"now ([\d,.]+)\s\(")


def test_a_signed_proposal_fills_and_changes_the_portfolio(desk: WholeDesk, page: Page) -> None:
    page.goto(f"{desk.address('dashboard')}/approvals")
    expect(_card(page)).to_be_visible(timeout=_PROPOSED_WITHIN)

    for _ in range(3):  # a limit order fills only when the price comes to it
        shares, symbol, card = _sign(page)
        if _fills(page, card):
            break
        page.get_by_role("button", name=re.compile("^Next ")).click()  # its name ends in the key
        expect(_sign_button(page)).to_be_visible()

    expect(card).to_contain_text(re.compile(rf"sent → accepted → filled {shares} at [\d,.]+"))
    page.get_by_role("link", name="Portfolio").click()
    held = page.get_by_role("row").filter(has_text=symbol).first
    expect(held).to_contain_text(shares)
    expect(page.get_by_text("No holdings.")).to_have_count(0)


@pytest.mark.parametrize(
    ("address", "title", "tells"),
    [
        ("", "Today", "To decide"),
        ("today", "Today", "To decide"),
        ("approvals", "Approvals", "Approvals"),
        ("orders", "Orders", "Working"),
        ("portfolio", "Portfolio", "Equity"),
        ("predictions", "Predictions", "Limits of use"),
        ("risk", "Risk", "Reconciliation"),
        ("data-quality", "Data quality", "Findings"),
        ("replay-end", "End of the replay", "The replay has not ended."),
    ],
)
def test_every_page_stands_on_a_real_desk(
    desk: WholeDesk, page: Page, address: str, title: str, tells: str
) -> None:
    page.goto(f"{desk.address('dashboard')}/{address}")

    expect(page.locator("[data-testid=stMain]").get_by_text(tells).first).to_be_visible(
        timeout=30_000
    )
    expect(page.locator("[data-testid='stSkeleton']")).to_have_count(0, timeout=30_000)
    expect(page.get_by_text("This page failed")).to_have_count(0)
    expect(page).to_have_title(f"{title} · Countersign")


def _card(page: Page) -> Locator:
    """The open card that waits for a decision; denied ones have no buttons."""
    buttons = page.locator("[class*='st-key-acts-']")
    return page.locator("[class*='st-key-card-']").filter(has=buttons)


def _sign_button(page: Page) -> Locator:
    return _card(page).get_by_role("button", name=re.compile("^Sign: "))


def _sign(page: Page) -> tuple[str, str, Locator]:
    """Sign the open card, at a new price when the market has left the old one."""
    expect(_sign_button(page)).to_be_visible()
    if _is_beyond(_card(page).inner_text()):
        old = _code(page)
        _card(page).get_by_role("button", name="Ask for a new price").click()
        expect(_card(page)).to_contain_text(f"It takes the place of proposal {old}")
        expect(_card(page)).not_to_contain_text(f"Proposal {old}")  # drawn to its lower edge
    expect(_sign_button(page)).to_be_enabled()
    code = _code(page)
    told = _LIMIT.search(_card(page).inner_text())
    assert told is not None
    _sign_button(page).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(told[0])
    dialog.get_by_role("button", name="Sign").click()
    expect(dialog).to_have_count(0)
    card = page.locator(f".st-key-card-{code}")
    expect(card).to_contain_text(re.compile("sending|sent"))
    return told[2], told[3], card


def _code(page: Page) -> str:
    """The code of the open card's proposal."""
    found = re.search(r"Proposal ([0-9A-F]{4}-[0-9A-F]{4})", _card(page).inner_text())
    assert found is not None
    return found[1]


def _is_beyond(card: str) -> bool:
    """Whether the price of now is outside the card's limit."""
    limit, now = _LIMIT.search(card), _NOW.search(card)
    assert limit is not None
    if now is None:
        return False
    over = _number(now[1]) - _number(limit[4])
    return over > 0 if limit[1] == "Buy" else over < 0


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _fills(page: Page, card: Locator) -> bool:
    until = time.monotonic() + _FILLS_WITHIN
    while time.monotonic() < until:
        if "filled" in card.inner_text():
            return True
        page.wait_for_timeout(500)
    return False
