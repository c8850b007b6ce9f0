"""Corporate actions and option quotes as vendors spell them."""

import io
from datetime import date
from typing import Any

import pytest

from adapters.market_data.files import Delivery, UnreadableFileError, adjustment, read

SPLIT = ("AAPL", date(2005, 2, 28), "split", 2.0, None)
PAID = ("AAPL", date(2012, 8, 9), "dividend", None, 2.65)


def delivered(text: str, kind: Any, name: str = "AAPL.csv") -> Delivery:
    return read(io.BytesIO(text.encode()), kind=kind, name=name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "symbol,ex_date,kind,ratio,amount\nAAPL,2005-02-28,split,2.0,\n"
            "AAPL,2012-08-09,dividend,,2.65\n",
            [SPLIT, PAID],
        ),
        ("Date,Stock Splits\n2005-02-28,2:1\n", [SPLIT]),  # Yahoo
        ("Date,Dividends\n2012-08-09,2.65\n", [PAID]),
        ("ticker,execution_date,split_from,split_to\nAAPL,2005-02-28,1,2\n", [SPLIT]),  # Polygon
        (
            "ca_type,symbol,ex_date,new_rate,old_rate,rate\nforward_split,AAPL,2005-02-28,2,1,\n"
            "cash_dividend,AAPL,2012-08-09,,,2.65\n",  # Alpaca
            [SPLIT, PAID],
        ),
        ("Symbol,Ex-Date,Type,Ratio\nAAPL,02/28/2005,Stock Split,2-for-1\n", [SPLIT]),
        (  # one column for both, and small symbols
            "ex_dt;ticker;event;value\n2005-02-28;aapl;SPLIT;2:1\n2012-08-09;aapl;CASH_DIV;2.65\n",
            [SPLIT, PAID],
        ),
        (
            "symbol,date,action,ratio\nAAPL,2005-02-28,Reverse Split,1:8\n",
            [("AAPL", date(2005, 2, 28), "reverse_split", 0.125, None)],
        ),
    ],
)
def test_actions_of_any_spelling(text: str, expected: list[tuple[Any, ...]]) -> None:
    frame = delivered(text, "actions").frame

    assert frame.select("symbol", "session", "kind", "ratio", "amount").rows() == expected


def test_the_days_without_an_action_are_left_out_of_a_file_of_bars() -> None:
    text = (
        "ticker,date,close,ex-dividend,split_ratio\nAAPL,2005-02-25,89.0,0.0,1.0\n"
        "AAPL,2005-02-28,44.9,0.0,2.0\nAAPL,2012-08-09,620.7,2.65,1.0\n"
    )

    frame = delivered(text, "actions").frame

    assert frame.select("session", "kind").rows() == [SPLIT[1:3], PAID[1:3]]


def test_a_ratio_that_is_none_is_told() -> None:
    frame = delivered("symbol,ex_date,kind,ratio\nAAPL,2005-02-28,split,two\n", "actions").frame

    assert frame["problem"].to_list() == ["its ratio 'two' is no ratio"]


_CALL = ("AAPL", date(2012, 7, 2), date(2012, 7, 21), 590.0, "call", 15.1, 15.4)
_PUT = ("AAPL", date(2012, 7, 2), date(2012, 7, 21), 590.0, "put", 12.0, 12.3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (  # Cboe
            "underlying_symbol,quote_date,root,expiration,strike,option_type,open,high,low,close,"
            "trade_volume,bid_eod,ask_eod,open_interest\n"
            "AAPL,2012-07-02,AAPL,2012-07-21,590.000,c,1,1,1,15.2,100,15.1,15.4,1000\n",
            [_CALL],
        ),
        (  # OptionsDX: calls and puts side by side
            "[QUOTE_DATE], [UNDERLYING_LAST], [EXPIRE_DATE], [C_BID], [C_ASK], [STRIKE], [P_BID], "
            "[P_ASK]\n2012-07-02, 592.52, 2012-07-21, 15.1, 15.4, 590.0, 12, 12.3\n",
            [_CALL, _PUT],
        ),
        (  # OptionMetrics: strikes in thousandths
            "secid,date,symbol,exdate,cp_flag,strike_price,best_bid,best_offer,impl_volatility\n"
            "101594,20120702,AAPL 120721C590000,20120721,C,590000,15.1,15.4,0.25\n",
            [_CALL],
        ),
        (  # Yahoo: everything in the contract's name
            "contractSymbol,date,lastPrice,bid,ask\nAAPL120721C00590000,2012-07-02,15.2,15.1,15.4\n"
            "AAPL120721P00590000,2012-07-02,12.1,12.0,12.3\n",
            [_CALL, _PUT],
        ),
    ],
)
def test_option_quotes_of_any_spelling(text: str, expected: list[tuple[Any, ...]]) -> None:
    frame = delivered(text, "options").frame

    columns = ["symbol", "session", "expiry", "strike", "right", "bid", "ask"]
    assert frame.select(columns).rows() == expected


def test_what_no_quote_can_be_read_from_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match="no column for expiry, strike, right"):
        delivered("symbol,date,bid,ask\nAAPL,2012-07-02,1,2\n", "options")


def _prices(closes: list[float], adjusted: list[float]) -> str:
    days = ["22", "23", "24", "25", "28"]
    rows = [
        f"2005-02-{day},{c},{c},{c},{c},{a},1000"
        for day, c, a in zip(days, closes, adjusted, strict=True)
    ]
    rows += [f"2005-03-0{n},{closes[-1]},{closes[-1]},{closes[-1]},{closes[-1]},{adjusted[-1]},9"
             for n in (1, 2, 3)]  # fmt: skip
    return "\n".join(["date,open,high,low,close,adj_close,volume", *rows])


def test_a_split_shows_between_raw_and_adjusted_close() -> None:
    text = _prices([88.0, 89.0, 88.5, 89.0, 44.9], [11.0, 11.125, 11.0625, 11.125, 11.225])

    actions = adjustment.stated(delivered(text, "daily"))

    assert actions.select("symbol", "ex_date", "kind", "ratio", "amount").rows() == [SPLIT]
    assert actions["implied"].to_list() == [True]


def test_one_wrong_close_is_no_split() -> None:
    text = _prices([88.0, 89.0, 44.0, 89.0, 88.0], [11.0, 11.125, 11.0, 11.125, 11.0])

    assert adjustment.stated(delivered(text, "daily")).is_empty()


def test_a_factor_of_a_hundred_is_a_wrong_unit_and_no_split() -> None:
    text = _prices([88.0, 89.0, 88.5, 89.0, 0.89], [11.0, 11.125, 11.0625, 11.125, 11.125])

    assert adjustment.stated(delivered(text, "daily")).is_empty()


def test_the_share_is_priced_between_its_own_bid_and_ask() -> None:
    text = (
        "quote_date,underlying_symbol,expiration,strike,option_type,bid,ask,"
        "underlying_bid_eod,underlying_ask_eod\n"
        "2012-07-02,AAPL,2012-07-21,590,C,10.1,10.3,592.40,592.60\n"
        "2012-07-02,AAPL,2012-07-21,590,P,8.1,8.3,0,592.60\n"
    )

    assert delivered(text, "options").frame["underlying_price"].to_list() == [592.5, None]
