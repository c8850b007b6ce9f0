"""Figures in sentences."""

from decimal import Decimal

import pytest

from trading import wording


@pytest.mark.parametrize("nothing", ["-0.0", "-0.0004", "0.0004"])
def test_what_rounds_to_nothing_has_no_minus(nothing: str) -> None:
    assert wording.percent(Decimal(nothing)) == "0.0 %"
    assert wording.signed_percent(Decimal(nothing) / 100) == "+0.00 %"
    assert wording.money(Decimal(nothing)) == "0.00 USD"


def test_a_loss_has_a_true_minus() -> None:
    assert wording.percent(Decimal("-0.0006")) == "−0.1 %"
    assert wording.money(Decimal("-0.006")) == "−0.01 USD"
