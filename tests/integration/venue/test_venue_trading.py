"""Unmodified alpaca-py trades at the venue."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

from tests.integration.venue.served import ServedVenue

DAY, GTC = TimeInForce.DAY, TimeInForce.GTC
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def market(
    symbol: str = "AAPL", qty: float = 10, side: OrderSide = BUY, **more: Any
) -> MarketOrderRequest:
    return MarketOrderRequest(
        **{"symbol": symbol, "qty": qty, "side": side, "time_in_force": DAY, **more}
    )


def refused(call: Callable[..., object], *arguments: object) -> tuple[int, int, str]:
    with pytest.raises(APIError) as caught:
        call(*arguments)
    return caught.value.status_code, caught.value.code, caught.value.message


def bought(
    served: ServedVenue, trading: TradingClient, symbol: str = "AAPL", qty: int = 10
) -> Order:
    served.post("/venue/jump", {"to": "next_open"})
    order = trading.submit_order(market(symbol, qty))
    served.post("/venue/step", {"minutes": 2})
    order = trading.get_order_by_id(order.id)
    assert order.status == "filled"
    return order


def test_clock_calendar_and_assets_are_those_of_the_exchange(trading: TradingClient) -> None:
    clock = trading.get_clock()
    assert not clock.is_open
    assert clock.timestamp.isoformat() == "2012-07-02T16:00:00-04:00"
    assert clock.next_open.isoformat() == "2012-07-03T09:30:00-04:00"
    assert clock.next_close.isoformat() == "2012-07-03T13:00:00-04:00"  # an early close

    days = trading.get_calendar(GetCalendarRequest(start=date(2012, 7, 2), end=date(2012, 7, 6)))
    assert [(d.date.day, d.close.hour) for d in days] == [(2, 16), (3, 13), (5, 16), (6, 16)]

    tradable = {a.symbol: a.tradable for a in trading.get_all_assets(GetAssetsRequest())}
    assert tradable == {
        "AAPL": True,
        "FB": True,
        "GOOG": True,
        "IBM": True,
        "MSFT": True,
        "SPX": False,
    }
    assert trading.get_asset("GOOG").easy_to_borrow
    assert refused(trading.get_asset, "NOPE")[:2] == (404, 40410000)


def test_a_market_order_sent_after_the_close_fills_at_the_next_open(
    served: ServedVenue, trading: TradingClient
) -> None:
    order = trading.submit_order(market(client_order_id="cs-1"))
    assert order.status == "accepted"
    served.post("/venue/jump", {"to": "next_open"})

    filled = trading.get_order_by_client_id("cs-1")
    assert filled.status == "filled"
    assert filled.filled_at.isoformat() == "2012-07-03T13:30:00+00:00"
    # Apple opened at 594.88; half a spread of 2 basis points is 0.119.
    assert 594.88 <= float(filled.filled_avg_price) <= 594.88 + 0.12

    position = trading.get_open_position("AAPL")
    assert (position.qty, position.side) == ("10", "long")
    account = trading.get_account()
    assert float(account.cash) == pytest.approx(100_000 - 10 * float(filled.filled_avg_price))
    assert float(account.equity) == pytest.approx(
        float(account.cash) + float(position.market_value)
    )
    activity = trading.get("/account/activities/FILL", {"date": "2012-07-03"})
    assert [a["order_id"] for a in activity] == [str(order.id)]
    after = {"after": "2012-07-03T13:30:00.000001Z"}
    assert trading.get("/account/activities/FILL", after) == []
    assert len(trading.get("/account/activities", {"after": "2012-07-03T13:29:59.999Z"})) == 1


def test_client_ids_are_unique_for_ever(served: ServedVenue, trading: TradingClient) -> None:
    order = trading.submit_order(market(client_order_id="cs-1"))
    trading.cancel_order_by_id(order.id)
    assert refused(trading.submit_order, market(client_order_id="cs-1")) == (
        422,
        40010001,
        "client_order_id must be unique",
    )
    served.kill()
    served.restart()
    assert refused(trading.submit_order, market(client_order_id="cs-1"))[:2] == (422, 40010001)


def test_refusals_carry_alpacas_codes(served: ServedVenue, trading: TradingClient) -> None:
    assert refused(trading.submit_order, market(qty=400)) == (
        403,
        40310000,
        "insufficient buying power",
    )
    assert refused(trading.submit_order, market("SPX"))[:2] == (422, 42210000)
    assert refused(trading.submit_order, market("NOPE"))[:2] == (422, 42210000)
    assert refused(trading.get_order_by_id, uuid4())[:2] == (404, 40410000)
    assert refused(trading.get_order_by_client_id, "nobody")[:2] == (404, 40410000)
    assert refused(trading.get_open_position, "AAPL")[:2] == (404, 40410000)
    assert served.post("/v2/orders", {"symbol": "AAPL"}, status=422)["code"] == 40010001
    bad = {"symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day", "qty": "1"}
    assert "limit_price" in served.post("/v2/orders", bad, status=422)["message"]
    assert served.get("/v2/nothing", status=404)["message"]


def test_orders_are_listed_by_status_time_symbol_and_side(
    served: ServedVenue, trading: TradingClient
) -> None:
    for n, symbol in enumerate(["AAPL", "IBM", "MSFT", "GOOG", "IBM"]):
        limit = LimitOrderRequest(
            symbol=symbol,
            qty=1,
            side=BUY,
            time_in_force=GTC,
            limit_price=1,
            client_order_id=f"o{n}",
        )
        trading.submit_order(limit)
    trading.cancel_order_by_id(trading.get_order_by_client_id("o2").id)

    def ids(**query: Any) -> list[str]:
        return [o.client_order_id for o in trading.get_orders(GetOrdersRequest(**query))]

    assert ids() == ["o4", "o3", "o1", "o0"]
    assert ids(direction="asc", limit=2) == ["o0", "o1"]
    assert ids(status=QueryOrderStatus.CLOSED) == ["o2"]
    assert ids(symbols=["IBM"], status="all") == ["o4", "o1"]
    assert ids(side=SELL) == []
    # Orders taken while the clock stands differ in time, so that pages miss none.
    page, seen = trading.get_orders(GetOrdersRequest(status="all", direction="asc", limit=2)), []
    while page:
        seen += [o.client_order_id for o in page]
        query = GetOrdersRequest(
            status="all", direction="asc", limit=2, after=page[-1].submitted_at
        )
        page = trading.get_orders(query)
    assert seen == ["o0", "o1", "o2", "o3", "o4"]

    assert len(trading.cancel_orders()) == 4
    assert ids() == []


def test_a_replaced_order_lives_on_under_a_new_id(trading: TradingClient) -> None:
    limit = LimitOrderRequest(
        symbol="IBM", qty=5, side=BUY, time_in_force=DAY, limit_price=100, client_order_id="a"
    )
    old = trading.submit_order(limit)
    new = trading.replace_order_by_id(
        old.id, ReplaceOrderRequest(qty=7, limit_price=101, client_order_id="b")
    )
    assert (new.qty, new.limit_price, new.replaces) == ("7", "101", old.id)
    old = trading.get_order_by_id(old.id)
    assert (old.status, old.replaced_by) == ("replaced", new.id)
    change = ReplaceOrderRequest(qty=8)
    assert refused(trading.replace_order_by_id, old.id, change)[:2] == (422, 42210000)
    assert refused(trading.cancel_order_by_id, old.id)[:2] == (422, 42210000)


def test_a_bracket_wakes_its_legs_and_one_cancels_the_other(
    served: ServedVenue, trading: TradingClient
) -> None:
    order = trading.submit_order(
        market(
            time_in_force=GTC,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=595.5),
            stop_loss=StopLossRequest(stop_price=500),
        )
    )
    assert [leg.status for leg in order.legs] == ["held", "held"]
    served.post("/venue/jump", {"to": "close"})  # Apple traded up to 600.00 that day
    nested = trading.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    assert nested.legs is not None
    profit, loss = nested.legs
    assert (nested.status, profit.status, loss.status) == ("filled", "filled", "canceled")
    assert float(profit.filled_avg_price) >= 595.5
    assert trading.get_all_positions() == []


def test_an_oco_leaves_a_position_with_one_of_two_exits(
    served: ServedVenue, trading: TradingClient
) -> None:
    bought(served, trading)
    order = trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=10,
            side=SELL,
            time_in_force=GTC,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=700),
            stop_loss=StopLossRequest(stop_price=575),
        )
    )
    assert refused(trading.submit_order, market(side=SELL, qty=1))[:2] == (403, 40310000)
    served.post("/venue/jump", {"to": "2012-07-20"})  # it fell below 575 nowhere before
    assert trading.get_order_by_id(order.id).status == "new"
    served.post("/venue/jump", {"to": "2012-07-25"})  # opened at 574.46 after its results
    order = trading.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    assert (order.status, order.legs[0].status) == ("canceled", "filled")
    assert float(order.legs[0].filled_avg_price) == pytest.approx(574.46, abs=0.2)


def test_stops_and_trailing_stops_wait_for_their_price(
    served: ServedVenue, trading: TradingClient
) -> None:
    bought(served, trading, qty=30)
    stop = trading.submit_order(
        StopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=GTC, stop_price=590)
    )
    limited = trading.submit_order(
        StopLimitOrderRequest(
            symbol="AAPL", qty=10, side=SELL, time_in_force=GTC, stop_price=590, limit_price=589
        )
    )
    trailing = trading.submit_order(
        TrailingStopOrderRequest(
            symbol="AAPL", qty=10, side=SELL, time_in_force=GTC, trail_percent=3
        )
    )
    served.post("/venue/jump", {"to": "2012-07-25"})
    for order in (stop, limited, trailing):
        done = trading.get_order_by_id(order.id)
        assert done.status == "filled", order
    trailing = trading.get_order_by_id(trailing.id)
    assert float(trailing.hwm) > 594
    # It sold below its trail: 3 % under the highest price since.
    assert float(trailing.filled_avg_price) <= float(trailing.hwm) * 0.97


def test_fractions_and_amounts_are_bought_and_closed(
    served: ServedVenue, trading: TradingClient
) -> None:
    trading.submit_order(
        MarketOrderRequest(symbol="IBM", notional=1000, side=BUY, time_in_force=DAY)
    )
    trading.submit_order(market("MSFT", 2.5))
    refusal = refused(trading.submit_order, market("MSFT", 2.5, time_in_force=GTC))
    assert refusal[2] == "fractional orders must be DAY orders"
    served.post("/venue/jump", {"to": "next_open"})
    assert float(trading.get_open_position("IBM").cost_basis) == pytest.approx(1000, abs=0.01)
    trading.close_position("IBM")
    trading.close_position("MSFT", ClosePositionRequest(percentage="40"))
    served.post("/venue/step", {"minutes": 2})
    assert [(p.symbol, p.qty) for p in trading.get_all_positions()] == [("MSFT", "1.5")]
    replies = trading.close_all_positions(cancel_orders=True)
    assert [r.status for r in replies] == [200]
    served.post("/venue/step", {"minutes": 2})
    assert trading.get_all_positions() == []


def test_shorts_are_margined_and_never_pass_through_zero(
    served: ServedVenue, trading: TradingClient
) -> None:
    bought(served, trading, "GOOG", 10)
    code = refused(trading.submit_order, market("GOOG", 11, SELL))
    assert code[:2] == (403, 40310000)
    assert "insufficient qty available" in code[2]
    trading.submit_order(market("IBM", 20, SELL))
    served.post("/venue/step", {"minutes": 2})
    short = trading.get_open_position("IBM")
    assert (short.qty, short.side) == ("-20", "short")
    account = trading.get_account()
    assert float(account.short_market_value) < 0
    margin = (float(account.long_market_value) - float(account.short_market_value)) / 2
    assert float(account.initial_margin) == pytest.approx(margin)
    power = 2 * (float(account.equity) - margin)
    assert float(account.buying_power) == pytest.approx(power, abs=0.01)


def test_a_day_order_expires_at_the_close(served: ServedVenue, trading: TradingClient) -> None:
    order = trading.submit_order(
        LimitOrderRequest(symbol="IBM", qty=1, side=BUY, time_in_force=DAY, limit_price=100)
    )
    served.post("/venue/jump", {"to": "close"})
    order = trading.get_order_by_id(order.id)
    assert order.status == "expired"
    assert order.expired_at.isoformat() == "2012-07-03T17:00:00+00:00"


def test_portfolio_history_ends_with_the_equity_of_now(
    served: ServedVenue, trading: TradingClient
) -> None:
    trading.submit_order(market())
    served.post("/venue/jump", {"to": "2012-07-06"})
    history = trading.get_portfolio_history(GetPortfolioHistoryRequest(period="1M", timeframe="1D"))
    assert len(history.equity) == 4  # July 2, 3, 5, 6
    assert history.equity[-1] == float(trading.get_account().equity)
    assert history.base_value == 100_000


def test_an_implied_dividend_is_paid_at_its_ex_date(
    served: ServedVenue, trading: TradingClient
) -> None:
    trading.submit_order(market())
    served.post("/venue/jump", {"to": "2012-08-08"})
    before = float(trading.get_account().cash)
    served.post("/venue/jump", {"to": "next_open"})
    # Apple paid 2.65 a share on 2012-08-09.
    assert float(trading.get_account().cash) == pytest.approx(before + 26.50)
    (dividend,) = trading.get("/account/activities/DIV")
    assert (dividend["per_share_amount"], dividend["net_amount"]) == ("2.65", "26.5")
    assert "implied" in dividend["description"]


def test_wrong_keys_are_turned_away(served: ServedVenue) -> None:
    stranger = TradingClient("PKTEST", "wrong", url_override=served.url)
    with pytest.raises(APIError) as caught:
        stranger.get_account()
    assert caught.value.status_code == 401
