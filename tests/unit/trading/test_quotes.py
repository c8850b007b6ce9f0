"""What a share costs now, two seconds after an open 8 % below the close."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.brokers import alpaca_answers as answers
from tests.unit.trading.pictures import BUY, CLOSE, LIMITS, NOW, TERMS, result
from trading.broker import BrokerClock, BrokerQuote
from trading.looking import quotes_now
from trading.picture import Holding, QuoteNow
from trading.proposals import Leg

D = Decimal
OPEN_NOW = BrokerClock(NOW, True, NOW + timedelta(days=1), NOW + timedelta(hours=3))
# Bid and ask are of this second; the last trade is that of the evening before.
GAPPED = BrokerQuote(
    "IBM", D("179.9"), D("180.1"), D("195.80"), NOW, traded_at=NOW - timedelta(hours=18)
)


# Nobody has traded since, and somebody bids and asks as one who does not want to trade.
STUB = replace(GAPPED, bid=D(100), ask=D(250))


def seen(quote: BrokerQuote, clock: BrokerClock = OPEN_NOW) -> QuoteNow:
    return quotes_now({"IBM": quote}, clock, LIMITS)["IBM"]


def test_an_answer_tells_when_the_last_trade_was_made() -> None:
    told = answers.quote(
        "IBM",
        {"bp": 179.9, "ap": 180.1, "t": "2012-07-03T13:30:02Z"},
        {"p": 195.8, "t": "2012-07-02T19:59:58Z"},
    )

    assert told.traded_at is not None
    assert told.quoted_at - told.traded_at == timedelta(hours=17, minutes=30, seconds=4)


@pytest.mark.parametrize(("seconds", "price"), [(0, "180.05"), (60, "180.05"), (61, "180.00")])
def test_the_last_trade_counts_while_it_is_as_fresh_as_a_quote_must_be(
    seconds: int, price: str
) -> None:
    traded = NOW - timedelta(seconds=seconds)

    assert seen(replace(GAPPED, last=D("180.05"), traded_at=traded)).price == D(price)


@pytest.mark.parametrize("last", ["179.89", "180.11"])
def test_a_trade_that_bid_and_ask_deny_is_not_the_price(last: str) -> None:
    assert seen(replace(GAPPED, last=D(last), traded_at=NOW)).price == D(180)


def test_a_trade_whose_time_nobody_tells_is_not_the_price() -> None:
    assert seen(replace(GAPPED, traded_at=None)).price == D(180)


def test_without_bid_or_ask_a_trade_of_yesterday_leaves_no_price() -> None:
    assert seen(replace(GAPPED, bid=None)).price is None


def test_while_the_market_is_closed_its_last_trade_is_the_price() -> None:
    closed = replace(OPEN_NOW, is_open=False)

    assert seen(replace(GAPPED, bid=None, ask=None), closed).price == D("195.80")


def test_a_gap_beyond_the_signature_is_seen_before_anything_has_traded() -> None:
    terms = replace(TERMS, drift_bound=D("0.05"), drift_direction="adverse")
    held = {"IBM": Holding(D(25), D("195.80"))}

    answer = result(21, CLOSE, quotes={"IBM": seen(GAPPED)}, signed=terms, positions=held)

    # 180 / 195.83 - 1 = -8.08 %
    assert answer.denies
    assert answer.figure == pytest.approx(D("-0.0808"), abs=D("0.0001"))


def test_a_limit_is_measured_from_what_is_quoted_now() -> None:
    answer = result(11, BUY, quotes={"IBM": seen(GAPPED)})

    # 195.93 / 180 - 1 = 8.85 %; the collar is 5 %
    assert answer.denies
    assert answer.figure == pytest.approx(D("0.0885"), abs=D("0.0001"))


def test_a_stop_that_the_quote_has_passed_is_not_sent() -> None:
    stop = replace(
        CLOSE, order_type="stop", limit_price=None, stop_price=D("186.71"), time_in_force="gtc"
    )

    answer = result(11, stop, quotes={"IBM": seen(GAPPED)})

    assert answer.denies
    assert "set off at once" in answer.sentence


@pytest.mark.parametrize(("bid", "ask", "price"), [
    ("175.50", "184.50", "180"),  # 9 of 180, the collar of 5 %
    ("175.49", "184.51", None),
    ("100", "250", None),
    ("184.51", "175.49", None),  # crossed
])  # fmt: skip
def test_the_middle_of_a_quote_wider_than_the_collar_is_no_price(
    bid: str, ask: str, price: str | None
) -> None:
    assert seen(replace(GAPPED, bid=D(bid), ask=D(ask))).price == (
        None if price is None else D(price)
    )


def test_a_fresh_trade_within_a_wide_quote_is_the_price() -> None:
    assert seen(replace(STUB, last=D("195.80"), traded_at=NOW)).price == D("195.80")


@pytest.mark.parametrize("leg", [BUY, CLOSE])
def test_an_order_waits_while_bid_and_ask_are_too_far_apart_to_be_a_price(leg: Leg) -> None:
    held = {"IBM": Holding(D(25), D("195.80"))}

    answer = result(11, leg, quotes={"IBM": seen(STUB)}, positions=held, sending=True)

    # 150 / 175 = 86 %
    assert answer.denies
    assert answer.later
    assert answer.sentence == (
        "IBM is quoted at 100.00 to 250.00, 85.7 % apart: a quote wider than 5.0 % is no price. "
        "It waits for a better one."
    )


def test_a_wide_quote_does_not_end_an_order_as_one_whose_price_has_moved() -> None:
    terms = replace(TERMS, drift_bound=D("0.005"))
    held = {"IBM": Holding(D(25), D("195.80"))}
    stub = {"IBM": seen(STUB)}

    # By what the holding is valued at.
    assert not result(21, CLOSE, positions=held, quotes=stub, signed=terms).denies
    unheld = result(21, BUY, positions={}, quotes=stub, signed=terms)
    assert (unheld.denies, unheld.later) == (True, True)
