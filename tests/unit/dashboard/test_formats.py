"""Numbers, money, dates and times as the desk writes them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from dashboard import formats

NB = "\N{NO-BREAK SPACE}"


def test_money_has_cents_below_a_hundred_thousand_and_none_from_there() -> None:
    assert formats.money(Decimal("4898.25")) == f"4,898.25{NB}USD"
    assert formats.money(Decimal("99999.99")) == f"99,999.99{NB}USD"
    assert formats.money(Decimal("100000")) == f"100,000{NB}USD"


def test_a_change_carries_its_sign_and_a_true_minus() -> None:
    assert formats.money(Decimal("-12.5"), signed=True) == f"−12.50{NB}USD"
    assert formats.money(Decimal("12.5"), signed=True) == f"+12.50{NB}USD"
    assert formats.drift(-0.0019) == f"−0.19{NB}%"


@pytest.mark.parametrize(
    ("change", "colour"),
    [(Decimal("-13.92"), "red"), (Decimal("7.28"), "green"), (Decimal(0), "gray"), (None, "gray")],
)
def test_a_loss_is_red_and_a_gain_green(change: Decimal | None, colour: str) -> None:
    assert formats.gain_colour(change) == colour


def test_missing_is_a_dash_and_zero_is_zero() -> None:
    assert formats.money(None) == "—"
    assert formats.percent(float("nan")) == "—"
    assert formats.money(Decimal(0)) == f"0{NB}USD"


def test_a_figure_that_rounds_to_zero_has_no_sign() -> None:
    assert formats.percent(-0.0001, signed=True) == f"0.0{NB}%"


def test_percentages_have_one_decimal_and_probabilities_none() -> None:
    assert formats.percent(0.049) == f"4.9{NB}%"
    assert formats.probability(0.56) == f"56{NB}%"
    assert formats.basis_points(-0.0012) == f"−12{NB}bps"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("25"), "25"),
        (Decimal("25.000"), "25"),
        (Decimal("0.125"), "0.125"),
        (Decimal("1200"), "1,200"),
        (Decimal("1E+3"), "1,000"),
    ],
)
def test_quantities_have_only_the_decimals_they_need(value: Decimal, written: str) -> None:
    assert formats.quantity(value) == written


def test_dates_and_times_are_of_new_york() -> None:
    # Daylight saving time: New York is four hours behind UTC in July.
    at = datetime(2012, 7, 3, 13, 31, tzinfo=UTC)

    assert formats.day(date(2012, 7, 2)) == "Mon 2 Jul 2012"
    assert formats.new_york(at) == "09:31 New York"
    assert formats.moment(at) == "Tue 3 Jul 2012, 09:31"
    assert formats.month(date(2012, 7, 2)) == "July 2012"


def test_ages_are_told_in_their_largest_unit() -> None:
    assert formats.span(timedelta(minutes=17, seconds=40)) == "17 minutes"
    assert formats.span(timedelta(seconds=1)) == "1 second"


def test_markdown_in_foreign_text_is_shown_as_it_was_written() -> None:
    assert formats.plain("a*b [c](d)") == r"a\*b \[c\](d)"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0153, "0.0153"), (-1.234, "−1.23"), (57.36, "57.4"), (1234.0, "1,234")],
)
def test_feature_values_have_three_significant_digits(value: float, written: str) -> None:
    assert formats.significant(value) == written
