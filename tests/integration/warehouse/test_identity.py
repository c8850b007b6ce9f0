"""Firms change their symbols and tickers are given away: nobody gets another firm's history."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.integration.warehouse.rows import (
    DAY,
    LONG_AFTER,
    act,
    append,
    closing,
    dividend,
    judge,
    series,
)
from tests.integration.warehouse.test_subjects import MEMBER, put
from warehouse import Warehouse, adjustment, universe

LAST = DAY + timedelta(days=9)
CHANGE = DAY + timedelta(days=4)


def change(symbol: str, day: date, new: str) -> dict[str, object]:
    known_at = closing(day) - timedelta(hours=7)
    return {"symbol": symbol, "ex_date": day, "kind": "symbol_change", "detail": new,
            "known_at": known_at}  # fmt: skip


def delisted(symbol: str, day: date) -> dict[str, object]:
    known_at = closing(day) - timedelta(hours=7)
    return {"symbol": symbol, "ex_date": day, "kind": "delisting", "known_at": known_at}


def split(symbol: str, day: date, ratio: float) -> dict[str, object]:
    known_at = closing(day) - timedelta(hours=7)
    return {"symbol": symbol, "ex_date": day, "kind": "split", "ratio": ratio,
            "known_at": known_at}  # fmt: skip


def adjusted(
    warehouse: Warehouse, *symbols: str, as_of: datetime = LONG_AFTER
) -> dict[str, list[float]]:
    with warehouse.reader() as conn:
        found = adjustment.adjusted_closes(conn, symbols, DAY, LAST, as_of=as_of, judged=False)
    return {
        str(symbol): rows["split_adjusted_close"].to_list()
        for (symbol,), rows in found.group_by("symbol", maintain_order=True)
    }


@pytest.fixture
def renamed(warehouse: Warehouse) -> Warehouse:
    """OLD traded four days, split two for one on the second, and is NEW from the fifth day on."""
    append(warehouse, *series("OLD", [20.0, 10.0, 11.0, 12.0]))
    append(warehouse, *series("NEW", [13.0, 14.0], CHANGE))
    act(warehouse, split("OLD", DAY + timedelta(days=1), 2.0), change("OLD", CHANGE, "NEW"))
    return warehouse


def test_a_firm_keeps_its_history_and_its_splits_under_a_new_symbol(renamed: Warehouse) -> None:
    assert adjusted(renamed, "NEW") == {"NEW": [10.0, 10.0, 11.0, 12.0, 13.0, 14.0]}


def test_before_the_change_was_known_each_symbol_is_its_own(renamed: Warehouse) -> None:
    before = closing(CHANGE) - timedelta(hours=8)

    assert adjusted(renamed, "OLD", "NEW", as_of=before) == {"OLD": [10.0, 10.0, 11.0, 12.0]}


def test_a_ticker_given_to_another_firm_does_not_inherit(renamed: Warehouse) -> None:
    append(renamed, *series("OLD", [99.0, 98.0], CHANGE + timedelta(days=3)))

    told = adjusted(renamed, "OLD", "NEW")

    # The split of the first OLD is none of the second's business.
    assert told["OLD"] == [99.0, 98.0]
    assert told["NEW"] == [10.0, 10.0, 11.0, 12.0, 13.0, 14.0]


def test_a_delisted_ticker_that_trades_again_is_another_firm(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [5.0, 4.0, 1.0]))
    act(warehouse, delisted("A", DAY + timedelta(days=3)))
    assert adjusted(warehouse, "A") == {"A": [5.0, 4.0, 1.0]}

    append(warehouse, *series("A", [50.0, 51.0], DAY + timedelta(days=6)))

    assert adjusted(warehouse, "A") == {"A": [50.0, 51.0]}


def test_a_delisting_dated_by_the_last_trade_cuts_nothing_off(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [5.0, 4.0, 1.0]))
    act(warehouse, delisted("A", DAY + timedelta(days=2)))
    assert adjusted(warehouse, "A") == {"A": [5.0, 4.0, 1.0]}
    before = closing(DAY + timedelta(days=1))
    assert adjusted(warehouse, "A", as_of=before) == {"A": [5.0, 4.0]}

    append(warehouse, *series("A", [50.0, 51.0], DAY + timedelta(days=3)))

    # Another firm may take the ticker over the next day.
    assert adjusted(warehouse, "A") == {"A": [50.0, 51.0]}


def test_symbols_may_change_more_than_once(renamed: Warehouse) -> None:
    again = CHANGE + timedelta(days=2)
    append(renamed, *series("NEWER", [15.0], again))
    act(renamed, change("NEW", again, "NEWER"))

    assert adjusted(renamed, "NEWER") == {"NEWER": [10.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]}


def test_rows_outside_a_membership_are_no_members(warehouse: Warehouse) -> None:
    append(warehouse, *series("A", [1.0, 1.0, 1.0, 1.0]), *series("B", [1.0, 1.0, 1.0, 1.0]))
    at = datetime(2012, 7, 1, tzinfo=UTC)
    left = {"to_session": DAY + timedelta(days=1), "known_at": at}
    other = {"symbol": "B", "sector": "Energy"}
    rows = [MEMBER | {"to_session": None, "known_at": at}, MEMBER | left | other]
    put(warehouse, "market.universe", universe.record, *rows)

    with warehouse.reader() as conn:
        panel = adjustment.panel(
            conn, ["A", "B"], DAY, LAST, as_of=LONG_AFTER, judged=False, members_of="sample"
        )
        unknown = adjustment.panel(
            conn, ["A", "B"], DAY, LAST, as_of=LONG_AFTER, judged=False, members_of="other"
        )

    assert panel.member is not None
    assert panel.member.tolist() == [True] * 4 + [True, True, False, False]
    assert panel.sector is not None
    it, energy = panel.sector[0], panel.sector[4]
    assert 0 < energy != it > 0
    assert panel.sector.tolist() == [it] * 4 + [energy, energy, 0, 0]
    assert unknown.member is None
    assert unknown.sector is None


def counted(warehouse: Warehouse, *symbols: str, as_of: datetime = LONG_AFTER) -> dict[str, int]:
    for symbol in ("OLD", "NEW"):
        for n in range(10):
            judge(warehouse, symbol, DAY + timedelta(days=n), "passed")
    with warehouse.reader() as conn:
        return adjustment.session_counts(conn, symbols, DAY, LAST, as_of=as_of)


def test_the_sessions_of_a_firm_count_under_its_new_symbol(renamed: Warehouse) -> None:
    assert counted(renamed, "NEW", "NONE") == {"NEW": 6, "NONE": 0}
    assert counted(renamed, "OLD", as_of=closing(CHANGE) - timedelta(hours=8)) == {"OLD": 4}


def test_a_reused_ticker_does_not_count_the_former_firms_sessions(renamed: Warehouse) -> None:
    append(renamed, *series("OLD", [99.0, 98.0, 97.0], CHANGE + timedelta(days=3)))

    assert counted(renamed, "OLD", "NEW") == {"OLD": 3, "NEW": 6}


def test_sessions_before_a_dividend_above_the_price_do_not_count(renamed: Warehouse) -> None:
    paid = dividend("NEW", CHANGE + timedelta(days=1), 400.0)
    act(renamed, paid)

    assert counted(renamed, "NEW") == {"NEW": 1}
