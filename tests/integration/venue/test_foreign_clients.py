"""What clients other than alpaca-py send and read, byte by byte as they do it.

Each request is what the published source of a client makes of a call: Alpaca's Go and JavaScript
clients, the older Python package `alpaca-trade-api`.
"""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.venue.foreign import go_order, resting

OPEN = datetime.fromisoformat("2012-07-03T13:30:00+00:00")


def test_fields_that_are_null_or_empty_are_not_set(http: httpx.Client) -> None:
    told = resting(http)

    assert (told["qty"], told["limit_price"], told["order_class"]) == ("1", "100", "simple")
    assert told["position_intent"] is None
    assert told["client_order_id"]
    replaced = http.patch(
        f"/v2/orders/{told['id']}",
        json={
            "qty": "2",
            "limit_price": None,
            "stop_price": None,
            "trail": None,
            "time_in_force": "",
            "client_order_id": "",
        },
    ).json()
    assert (replaced["qty"], replaced["limit_price"]) == ("2", "100")
    assert replaced["replaces"] == told["id"]


@pytest.mark.parametrize("figure", [100, 100.0, "100", "100.00"])
def test_figures_come_as_numbers_or_texts_and_go_out_as_texts(
    http: httpx.Client, figure: object
) -> None:
    told = resting(http, qty=1, limit_price=figure)

    assert (told["qty"], told["limit_price"], told["filled_qty"]) == ("1", "100", "0")


def test_an_asset_s_identifier_serves_as_symbol(http: httpx.Client) -> None:
    # alpaca-trade-api: `symbol: symbol or asset ID`.
    asset = http.get("/v2/assets/IBM").json()

    assert resting(http, symbol=asset["id"])["symbol"] == "IBM"
    assert http.get(f"/v2/assets/{asset['id']}").json() == asset
    bought = http.post(
        "/v2/orders",
        json={
            "symbol": asset["id"],
            "qty": "3",
            "side": "buy",
            "type": "market",
            "time_in_force": "day",
        },
    )
    assert bought.status_code == 200, bought.text
    http.post("/venue/step", json={"minutes": 2})
    held = http.get(f"/v2/positions/{asset['id']}", params={"symbol": "IBM"}).json()
    assert (held["symbol"], held["qty"], held["side"]) == ("IBM", "3", "long")
    http.delete("/v2/orders")  # a sale must not meet an own purchase
    closing = http.delete(f"/v2/positions/{asset['id']}", params={"percentage": "100"})
    assert closing.json()["side"] == "sell"
    http.post("/venue/step", json={"minutes": 2})


def test_orders_are_paged_by_order_and_by_time(http: httpx.Client) -> None:
    first, second, third = (resting(http)["id"] for _ in range(3))

    def listed(**params: str) -> list[str]:
        reply = http.get("/v2/orders", params={"status": "all", "direction": "asc", **params})
        assert reply.status_code == 200, reply.text
        return [one["id"] for one in reply.json()]

    assert listed(after_order_id=first) == [second, third]
    assert listed(before_order_id=second)[-1] == first
    assert listed(after_order_id=first, before_order_id=third, nested="false") == [second]
    assert listed(after_order_id=first, symbols="AAPL,MSFT") == []
    assert listed(after_order_id=first, side="sell") == []
    assert listed(after_order_id=first, asset_class="crypto") == []
    assert listed(after_order_id=first, asset_class="us_equity", qty_above="0") == [second, third]
    # Go: RFC 3339 with an offset; JavaScript: with milliseconds.
    assert listed(after="2012-07-03T09:30:00-04:00", until="2012-07-03T09:30:01.000Z") == []
    assert http.get("/v2/orders", params={"side": "long"}).status_code == 422
    assert http.get("/v2/orders", params={"after_order_id": "none"}).status_code == 404


def test_cancelling_all_answers_for_each(http: httpx.Client) -> None:
    wanted = {resting(http)["id"], resting(http)["id"]}
    reply = http.delete("/v2/orders")

    assert reply.status_code == 207
    assert wanted <= {one["id"] for one in reply.json()}
    assert {one["status"] for one in reply.json()} == {200}
    again = http.delete("/v2/orders")
    assert (again.status_code, again.json()) == (207, [])
    gone = http.delete(f"/v2/orders/{wanted.pop()}")
    assert gone.status_code == 422
    assert gone.json()["code"] == 42210000


def test_an_order_is_found_by_its_client_s_id_with_odd_characters(http: httpx.Client) -> None:
    name = "a b/c+d&e=ü"
    told = resting(http, client_order_id=name)

    found = http.get("/v2/orders:by_client_order_id", params={"client_order_id": name})
    assert found.json()["id"] == told["id"]
    missing = http.get("/v2/orders:by_client_order_id", params={"client_order_id": "none"})
    assert (missing.status_code, missing.json()["code"]) == (404, 40410000)
    twice = http.post("/v2/orders", json=go_order(**{**told, "client_order_id": name}))
    assert (twice.status_code, twice.json()["code"]) == (422, 40010001)


def test_account_clock_calendar_and_history_have_the_types_of_the_reference(
    http: httpx.Client,
) -> None:
    account = http.get("/v2/account").json()
    texts = ("cash", "equity", "buying_power", "last_equity", "multiplier", "long_market_value")
    assert all(isinstance(account[name], str) for name in texts)
    assert isinstance(account["daytrade_count"], int)
    clock = http.get("/v2/clock").json()
    assert datetime.fromisoformat(clock["timestamp"]).utcoffset() == timedelta(hours=-4)
    day = http.get("/v2/calendar", params={"start": "2012-07-03", "end": "2012-07-03"}).json()
    assert [(one["date"], one["open"], one["close"]) for one in day] == [
        ("2012-07-03", "09:30", "13:00")  # an early close
    ]
    # Go sends `date_end` as a date, which it includes.
    history = http.get(
        "/v2/account/portfolio/history",
        params={"period": "1M", "timeframe": "1D", "date_end": "2012-07-03",
                "extended_hours": "false"},
    ).json()  # fmt: skip
    assert len(history["timestamp"]) == len(history["equity"]) == len(history["profit_loss"])
    assert isinstance(history["timestamp"][-1], int)
    assert history["timestamp"][-1] >= OPEN.timestamp()


def test_quotes_and_trades_of_the_past_come_in_pages(http: httpx.Client) -> None:
    asked = {"symbols": "IBM,AAPL", "start": "2012-07-03T13:30:00Z", "limit": "3", "feed": "iex"}
    told: list[tuple[str, str]] = []
    token: str | None = ""
    while token is not None:
        page = http.get("/v2/stocks/trades", params=asked | {"page_token": token}).json()
        told += [(symbol, one["t"]) for symbol, found in page["trades"].items() for one in found]
        token = page["next_page_token"]

    assert told == sorted(set(told))
    assert told[0] == ("AAPL", "2012-07-03T13:30:59.999000Z")
    assert {symbol for symbol, _ in told} == {"AAPL", "IBM"}
    one = http.get("/v2/stocks/IBM/quotes", params={"start": "2012-07-03", "limit": "2"}).json()
    assert one["symbol"] == "IBM"
    assert [q["t"] for q in one["quotes"]] == ["2012-07-03T13:30:00Z", "2012-07-03T13:31:00Z"]
    assert all(q["bp"] < q["ap"] for q in one["quotes"])
    newest = http.get("/v2/stocks/IBM/trades", params={"sort": "desc", "limit": "1"}).json()
    latest = http.get("/v2/stocks/IBM/trades/latest").json()["trade"]
    assert newest["trades"][0]["t"] <= latest["t"]
    for made in (*one["quotes"], newest["trades"][0]):
        assert datetime.fromisoformat(made["t"]) <= datetime.fromisoformat(
            http.get("/v2/clock").json()["timestamp"]
        )


def test_pages_of_bars_never_repeat_or_lose_one(http: httpx.Client) -> None:
    asked = {
        "symbols": "ibm,AAPL,NONE", "timeframe": "1Day", "start": "2012-06-20",
        "end": "2012-07-02", "limit": "4", "adjustment": "all", "asof": "2012-07-02",
        "currency": "USD",
    }  # fmt: skip
    told: list[tuple[str, str]] = []
    token: str | None = ""
    while token is not None:
        page = http.get("/v2/stocks/bars", params=asked | {"page_token": token}).json()
        told += [(symbol, one["t"]) for symbol, found in page["bars"].items() for one in found]
        token = page["next_page_token"]

    assert len(told) == len(set(told)) == 18  # nine sessions of two symbols
    assert told == sorted(told)


def test_the_calendar_tells_when_trades_settle(http: httpx.Client) -> None:
    def days(**params: str) -> list[tuple[str, str]]:
        told = http.get("/v2/calendar", params=params).json()
        return [(one["date"], one["settlement_date"]) for one in told]

    # Three sessions later until 2017; the fourth of July is a holiday.
    july = [("2012-07-02", "2012-07-06"), ("2012-07-03", "2012-07-09")]
    assert days(start="2012-07-02", end="2012-07-03") == july
    by_settlement = {"date_type": "SETTLEMENT", "start": "2012-07-06", "end": "2012-07-09"}
    assert days(**by_settlement) == july
    assert len(days()) > 250  # all that is known, its last sessions too


def test_activities_are_asked_for_by_type_or_category(http: httpx.Client) -> None:
    asset = http.get("/v2/assets/MSFT").json()
    bought = http.post(
        "/v2/orders",
        json={
            "symbol": "MSFT",
            "qty": "2",
            "side": "buy",
            "type": "market",
            "time_in_force": "day",
        },
    ).json()
    http.post("/venue/step", json={"minutes": 2})

    def told(path: str = "", **params: str) -> list[str]:
        reply = http.get(f"/v2/account/activities{path}", params=params)
        assert reply.status_code == 200, reply.text
        return [one["order_id"] for one in reply.json() if one["symbol"] == "MSFT"]

    assert asset["margin_requirement_long"] == "30"
    assert told("/FILL") == told(activity_types="FILL,DIV") == [bought["id"]]
    assert told(category="trade_activity") == [bought["id"]]
    assert told(category="non_trade_activity") == []
    both = {"category": "trade_activity", "activity_types": "FILL"}
    assert http.get("/v2/account/activities", params=both).status_code == 422
    # The documentation's form: the time to the millisecond, two colons, a unique part.
    (one,) = http.get("/v2/account/activities", params={"page_size": "1"}).json()
    assert re.fullmatch(r"\d{17}::[0-9a-f-]{36}", one["id"])


def test_the_history_s_base_has_a_date_and_long_ones_are_by_day(http: httpx.Client) -> None:
    def asked(**params: str) -> httpx.Response:
        return http.get("/v2/account/portfolio/history", params=params)

    assert asked(period="1M").json()["base_value_asof"] == "2012-07-02"
    assert asked(period="2M", timeframe="15Min").status_code == 422
    between = {"start": "2012-07-02T00:00:00Z", "end": "2012-07-03T00:00:00Z"}
    assert asked(**between).status_code == 200
    assert asked(**between, period="1D").status_code == 422


def test_a_replacement_must_change_something(http: httpx.Client) -> None:
    told = resting(http)
    for same in ({}, {"qty": "1"}, {"limit_price": "100.00", "time_in_force": "day"}):
        reply = http.patch(f"/v2/orders/{told['id']}", json=same)
        assert (reply.status_code, reply.json()["code"]) == (422, 42210000)
        assert reply.json()["message"] == "order parameters are not changed"
    assert http.get(f"/v2/orders/{told['id']}").json()["status"] == "new"


@pytest.mark.parametrize(
    "odd",
    [
        {"client_order_id": ["a"]},
        {"qty": "1e30"},
        {"qty": "NaN"},
        {"limit_price": {"a": 1}},
        {"side": ["buy"]},
        {"order_class": {}, "take_profit": "100"},
        {"position_intent": "sell_to_nobody"},
        {"symbol": 7},
    ],
    ids=str,
)
def test_an_odd_field_is_refused_by_name_and_never_breaks_the_venue(
    http: httpx.Client, odd: dict[str, Any]
) -> None:
    asked = go_order(
        symbol="IBM", qty="1", side="buy", type="limit", time_in_force="day", limit_price="100"
    )
    reply = http.post("/v2/orders", json=asked | odd)

    assert (reply.status_code, reply.json()["code"]) == (422, 40010001), reply.text
    changed = http.patch(f"/v2/orders/{resting(http)['id']}", json={"time_in_force": ["day"]})
    assert (changed.status_code, changed.json()["code"]) == (422, 40010001)


@pytest.mark.parametrize(
    "text",
    [
        "2012-07-03T13:30:00.1Z",  # Go trims zeros, C# writes seven digits, others nine
        "2012-07-03T13:30:00.1000000Z",
        "2012-07-03T13:30:00.100000000Z",
        "2012-07-03T09:30:00.1-04:00",
        "2012-07-03T13:30:00.1+00:00",
    ],
)
def test_instants_of_any_client_s_digits_are_one_instant(http: httpx.Client, text: str) -> None:
    asked = {"start": text, "limit": "1"}
    told = http.get("/v2/stocks/IBM/bars", params=asked | {"timeframe": "1Min"}).json()

    assert told["bars"][0]["t"] == "2012-07-03T13:31:00Z"
    assert http.get("/v2/orders", params={"after": text}).status_code == 200
    assert http.get("/v2/account/activities", params={"until": text}).json() == []


def test_every_answer_bears_a_name_that_can_be_reported(http: httpx.Client) -> None:
    replies = [http.get("/v2/clock"), http.get("/v2/nothing"), http.get("/v2/clock")]

    assert len({reply.headers["X-Request-ID"] for reply in replies}) == 3


def test_an_unknown_path_or_body_answers_as_json_with_a_code(http: httpx.Client) -> None:
    for reply in (
        http.get("/v2/nothing"),
        http.put("/v2/account"),
        http.post("/v2/orders", content=b"{", headers={"Content-Type": "application/json"}),
        http.post("/v2/orders", json=[1]),
        http.get("/v2/orders/none"),
    ):
        assert reply.status_code >= 400
        assert {"code", "message"} <= reply.json().keys()
