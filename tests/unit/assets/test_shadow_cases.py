"""Decided legs followed through a panel's bars."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from assets.shadow import case_rows
from ledger.shadow import Decided
from quant.features import DailyPanel

D = Decimal
FIRST = date(2012, 6, 18)


def panel(*, paid: float) -> DailyPanel:
    """Five sessions of 1000 shares at 100; dividends before the first grew a holding to `paid`."""
    days = np.arange(5, dtype=np.int32) + (FIRST - date(1970, 1, 1)).days
    ones = np.ones(5)
    price = 100.0 * ones
    return DailyPanel(
        symbols=("IBM",), offsets=np.array([0, 5], dtype=np.int64), sessions=days,
        open=price, high=price, low=price, close=price, volume=1000 * ones,
        split_factor=ones, return_factor=paid * ones, index_sessions=days, index_close=price,
    )  # fmt: skip


def purchase(quantity: str) -> Decided:
    return Decided(
        proposal_id="p", code="P-1", leg_no=1, session=FIRST, strategy="model swing",
        verdict="signed", person="", reason="", symbol="IBM", side="buy", quantity=D(quantity),
        limit_price=None, stop_price=None, reference_price=D(100), equity=D(100_000), horizon=2,
    )  # fmt: skip


@pytest.mark.parametrize("paid", [1.0, 4.0])
def test_dividends_paid_before_make_no_day_more_liquid(paid: float) -> None:
    rows = case_rows([purchase("100")], panel(paid=paid), horizon=2)

    # 2.5 % of the thousand shares that changed hands
    assert rows["quantity"].to_list() == [pytest.approx(25.0)]
