"""Order requests are refused for their form with Alpaca's code."""

from typing import Any

import pytest

from venue.errors import Refusal
from venue.tickets import ticket_of

BUY = {"symbol": "aapl", "side": "buy", "type": "market", "time_in_force": "day", "qty": 10}
LIMIT = {**BUY, "type": "limit", "limit_price": "100.25"}


def test_a_good_request_is_read() -> None:
    ticket = ticket_of({**LIMIT, "qty": 10.0})
    assert (ticket.symbol, ticket.qty, str(ticket.limit_price)) == ("AAPL", 10, "100.25")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ([], "format"),
        ({**BUY, "symbol": None}, "symbol is required"),
        ({**BUY, "qty": None}, "qty or notional is required"),
        ({**BUY, "notional": 5}, "only one of qty or notional"),
        ({**BUY, "qty": 0}, "qty must be > 0"),
        ({**BUY, "qty": -1}, "qty must be > 0"),
        ({**BUY, "qty": "NaN"}, "qty must be > 0"),
        ({**BUY, "qty": "many"}, "qty must be a number"),
        ({**BUY, "qty": "0.0000000001"}, "decimal places"),
        ({**BUY, "side": "hold"}, "invalid side"),
        ({**BUY, "type": None}, "type is required"),
        ({**BUY, "time_in_force": "gtd"}, "invalid time_in_force"),
        ({**BUY, "limit_price": 5}, "must not have limit_price"),
        ({**LIMIT, "limit_price": None}, "require limit_price"),
        ({**BUY, "type": "stop"}, "require stop_price"),
        ({**BUY, "type": "trailing_stop"}, "trail_price or trail_percent"),
        ({**BUY, "type": "trailing_stop", "trail_price": 1, "time_in_force": "ioc"}, "cannot have"),
        ({**BUY, "client_order_id": "x" * 129}, "128 characters"),
        ({**BUY, "order_class": "bracket"}, "require take_profit and stop_loss"),
        ({**BUY, "order_class": "oto"}, "either take_profit or stop_loss"),
        ({**BUY, "take_profit": {"limit_price": 5}}, "must not have take_profit"),
        ({**BUY, "order_class": "oto", "stop_loss": {}}, "stop_loss.stop_price is required"),
        (
            {
                **BUY,
                "order_class": "bracket",
                "take_profit": {"limit_price": 90},
                "stop_loss": {"stop_price": 95},
            },
            "wrong way round",
        ),
    ],
)
def test_a_bad_request_is_refused_with_a_reason(body: Any, complaint: str) -> None:
    with pytest.raises(Refusal, match=complaint) as refused:
        ticket_of(body)
    assert refused.value.body["code"] in {40010001}
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({**BUY, "qty": 1.5, "time_in_force": "gtc"}, "fractional orders must be DAY orders"),
        ({**LIMIT, "limit_price": "100.255"}, "sub-penny"),
        ({**BUY, "extended_hours": True}, "extended hours"),
    ],
)
def test_what_alpaca_cannot_process_has_its_other_code(body: Any, complaint: str) -> None:
    with pytest.raises(Refusal, match=complaint) as refused:
        ticket_of(body)
    assert (refused.value.status, refused.value.body["code"]) == (422, 42210000)
