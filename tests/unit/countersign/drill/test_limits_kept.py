"""Limits after fills: each is kept just within and broken just beyond."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from config import limits as limits_module
from countersign.drill.limits_kept import Bought, breaches

LIMITS = limits_module.load()
CASH = Decimal(100_000)
NOON = datetime(2012, 11, 1, 16, 0, tzinfo=UTC)
SECTORS = {name: name if name in {"A", "B"} else "rest" for name in ("A", "B", *"CDEFGHIJKLM")}


def subjects(*executions: Bought, sent: int = 0) -> list[str]:
    found = breaches(
        executions, sent_at=[("A", NOON)] * sent, first_cash=CASH, limits=LIMITS, sectors=SECTORS
    )
    return [breach.subject for breach in found]


def bought(symbol: str, quantity: int, *, side: str = "buy", minutes: int = 0) -> Bought:
    return Bought(symbol, side, Decimal(quantity), Decimal(10), NOON + timedelta(minutes=minutes))


def test_a_position_may_be_five_per_cent_and_the_collar_more() -> None:
    # 525 shares at 10 USD are 5.25 % of 100,000: 5 % and a twentieth of it; 526 are more.
    assert subjects(bought("A", 525)) == []
    assert subjects(bought("A", 526)) == ["A"]


def test_fills_add_up_and_sales_take_away() -> None:
    assert subjects(bought("A", 400), bought("A", 400, minutes=1)) == ["A"]
    sold = bought("A", 300, side="sell", minutes=1)
    assert subjects(bought("A", 400), sold, bought("A", 400, minutes=2)) == []


def test_a_position_that_is_reduced_is_no_breach_however_large() -> None:
    assert subjects(bought("A", 525), bought("A", 1, side="sell", minutes=1)) == []


def test_a_sector_is_the_sum_of_its_symbols() -> None:
    # Nine symbols of 5 % are 45 % of equity in one sector; 40 % and a twentieth are 42 %.
    assert subjects(*(bought(name, 500) for name in "CDEFGHIJ")) == []
    assert subjects(*(bought(name, 500) for name in "CDEFGHIJK")) == ["sector rest"]


def test_short_positions_count_too() -> None:
    assert subjects(bought("A", 526, side="sell")) == ["A"]


def test_ten_orders_of_a_symbol_in_a_session() -> None:
    assert subjects(sent=10) == []
    assert subjects(sent=11) == ["A 2012-11-01"]
