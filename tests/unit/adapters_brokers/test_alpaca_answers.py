"""Alpaca's answers in the desk's words."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from alpaca.trading.enums import OrderStatus

from adapters.brokers import alpaca_answers as answers
from adapters.brokers.alpaca import AlpacaBroker
from trading.broker import Broker
from trading.orders import OrderState


def told(**more: Any) -> dict[str, Any]:
    """An order as Alpaca's reference shows it, with what a test changes."""
    return {
        "id": "61e69015-8549-4bfd-b9c3-01e75843f47d",
        "client_order_id": "cs-abc",
        "created_at": "2021-03-16T18:38:01.942282Z",
        "updated_at": "2021-03-16T18:38:01.942282Z",
        "submitted_at": "2021-03-16T18:38:01.937734123Z",
        "symbol": "AAPL",
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "type": "limit",
        "side": "buy",
        "time_in_force": "day",
        "limit_price": "125.10",
        "stop_price": None,
        "status": "new",
        "legs": None,
    } | more


def test_the_adapter_fits_the_protocol() -> None:
    broker: Broker = AlpacaBroker(
        key_id="k",
        secret_key="s",
        url="http://127.0.0.1:1",
        data_url="http://127.0.0.1:1",
        paper=True,
        feed="iex",
    )

    assert broker is not None


@pytest.mark.parametrize("status", list(OrderStatus))
def test_every_status_the_library_knows_is_a_state_of_the_desk(status: OrderStatus) -> None:
    state = answers.order(told(status=status.value)).state

    ended = {"filled", "canceled", "expired", "rejected", "replaced"}
    assert state.is_final == (status.value in ended)


def test_a_status_nobody_knows_is_an_unreadable_answer() -> None:
    with pytest.raises(answers.UNREADABLE):
        answers.order(told(status="transmogrified"))


def test_an_order_keeps_its_decimals_and_becomes_utc() -> None:
    order = answers.order(told(filled_qty="4", filled_avg_price="125.0725"))

    assert order.limit_price == Decimal("125.10")
    assert order.average_price == Decimal("125.0725")
    assert order.state is OrderState.PARTIALLY_FILLED  # new, with fills
    assert order.submitted_at == datetime(2021, 3, 16, 18, 38, 1, 937734, tzinfo=UTC)


def test_an_average_price_of_zero_is_none() -> None:
    assert answers.order(told(filled_avg_price="0")).average_price is None


def test_an_order_by_amount_counts_what_it_filled() -> None:
    assert answers.order(told(qty=None, notional="500", filled_qty="3.5")).quantity == Decimal(
        "3.5"
    )


@pytest.mark.parametrize("envelope", [{"message": "internal server error"}, None, "", 5])
def test_an_error_s_envelope_is_no_list(envelope: Any) -> None:
    with pytest.raises(TypeError, match="a list was expected"):
        answers.listed(envelope)


def test_a_short_position_is_negative_however_it_is_written() -> None:
    for quantity in ("-7", "7"):
        held = answers.position(
            {"symbol": "IBM", "qty": quantity, "side": "short", "avg_entry_price": "190.5"}
        )
        assert held.quantity == Decimal(-7)


@pytest.mark.parametrize("activity", ["CSD", "CSW", "JNLC", "ACATC"])
def test_cash_that_comes_from_or_goes_to_another_account_is_a_transfer(activity: str) -> None:
    told = {"id": "20261102::1", "activity_type": activity, "date": "2026-11-02",
            "net_amount": "-2500.50"}  # fmt: skip

    booked = answers.booking(told)

    assert (booked.kind, booked.symbol, booked.cash) == ("transfer", None, Decimal("-2500.50"))


@pytest.mark.parametrize(
    ("activity", "kind"), [("DIVWH", "dividend"), ("WH", "tax"), ("CIL", "cash in lieu")]
)
def test_tax_and_cash_for_fractions_are_booked_as_cash_alone(activity: str, kind: str) -> None:
    told = {"id": "20261102::2", "activity_type": activity, "date": "2026-11-02",
            "net_amount": "-1.25", "symbol": "IBM", "qty": "0.5"}  # fmt: skip

    (booked,) = answers.bookings(told)

    assert (booked.kind, booked.symbol) == (kind, "IBM")
    assert (booked.quantity, booked.cash) == (Decimal(0), Decimal("-1.25"))


def test_what_was_cancelled_after_it_was_booked_is_taken_back_by_a_booking_of_its_own() -> None:
    told = {"id": "20261102::3", "activity_type": "CSW", "date": "2026-11-02",
            "net_amount": "-2500"}  # fmt: skip
    (alone,) = answers.bookings(told | {"status": "executed"})

    first, back = answers.bookings(told | {"status": "canceled"})

    assert first == alone  # booked once, whenever the desk heard of it
    assert back.booking_id != first.booking_id
    assert (back.kind, back.day, back.cash) == ("transfer", first.day, Decimal(2500))


def test_hours_are_new_york_s_on_both_sides_of_the_clock_change() -> None:
    winter = answers.trading_day({"date": "2012-03-09", "open": "09:30", "close": "16:00"})
    summer = answers.trading_day({"date": "2012-03-12", "open": "09:30", "close": "16:00"})

    assert winter.session == date(2012, 3, 9)
    assert winter.opens_at == datetime(2012, 3, 9, 14, 30, tzinfo=UTC)
    assert summer.opens_at == datetime(2012, 3, 12, 13, 30, tzinfo=UTC)


def test_a_side_nobody_quotes_is_none() -> None:
    quote = answers.quote("IBM", {"bp": 0, "ap": 190.12, "t": "2012-07-03T13:31:00Z"}, None)

    assert (quote.bid, quote.ask, quote.last) == (None, Decimal("190.12"), None)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        answers.order(told(submitted_at="2021-03-16T18:38:01"))
