"""What single vendors do in their own way, and what stands around their rows."""

import io
from datetime import date
from typing import Any

import pytest

from adapters.market_data.files import Delivery, adjustment, read

FIRST, SECOND = date(2012, 7, 13), date(2012, 7, 16)
_A = "602.95,607.19,600.0,604.97,11140800"
_B = "605.12,611.62,605.02,606.91,10753200"
HEADING = "symbol,date,open,high,low,close,volume\n"


def delivered(text: str, *, kind: Any = "daily", name: str = "vendor.csv") -> Delivery:
    return read(io.BytesIO(text.encode()), kind=kind, name=name)


@pytest.mark.parametrize(
    "text",
    [
        # pandas writes whole numbers of missing values as powers of ten; so does Excel.
        "symbol,timestamp,open,high,low,close,volume\n"
        f"AAPL,1.342152e+12,{_A}\nAAPL,1.3424112E+12,{_B}\n",
        "symbol,year,month,day,open,high,low,close,volume\n"
        f"AAPL,2012,7,13,{_A}\nAAPL,2012,07,16,{_B}\n",
        # A frame of pandas whose columns have the levels None and symbol.
        ",Open,High,Low,Close,Volume\nsymbol,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
        f"2012-07-13,{_A}\n2012-07-16,{_B}\n",
        f"{HEADING}AAPL,2012-07-13,{_A}\nAAPL,2012-07-16,{_B}\nTotal rows,2\n",
        f"{HEADING}AAPL,2012-07-13,{_A}\nAAPL,2012-07-16,{_B}\n\n"
        '"Downloaded from a vendor as of 07-17-2012 06:23pm CDT"\n',
    ],
)
def test_every_spelling_gives_the_same_bars(text: str) -> None:
    frame = delivered(text).frame

    assert frame["problem"].null_count() == 2
    assert frame.select("symbol", "session", "close", "volume").rows() == [
        ("AAPL", FIRST, 604.97, 11_140_800),
        ("AAPL", SECOND, 606.91, 10_753_200),
    ]


def test_a_last_row_cut_short_is_no_line_below_the_rows() -> None:
    frame = delivered(f"{HEADING}AAPL,2012-07-13,{_A}\nAAPL,2012-07-16,{_B}\nTOT,2012\n").frame

    assert frame["symbol"].to_list() == ["AAPL", "AAPL", "TOT"]
    assert frame["problem"].null_count() == 2


CRSP = (
    "PERMNO,date,TICKER,OPENPRC,ASKHI,BIDLO,PRC,VOL,CFACPR\n"
    "14593,20050223,AAPL,86.72,88.45,85.55,88.23,319300,2\n"
    "14593,20050224,AAPL,88.48,89.31,88.05,88.93,379800,2\n"
    "14593,20050225,AAPL,89.62,89.91,88.19,-88.99,229300,2\n"
    "14593,20050228,AAPL,44.68,45.14,43.96,44.86,162900,1\n"
    "14593,20050301,AAPL,44.99,45.11,44.16,44.50,116800,1\n"
    "14593,20050302,AAPL,44.25,44.89,44.08,44.12,163300,1\n"
)


def test_a_minus_before_a_close_is_crsp_s_mark_and_an_error_elsewhere() -> None:
    marked = delivered(CRSP)

    assert marked.frame["close"].to_list() == [88.23, 88.93, 88.99, 44.86, 44.5, 44.12]
    assert any("minus" in note for note in marked.notes)
    plain = delivered(HEADING + "AAPL,2012-07-13,602.95,607.19,600.0,-604.97,11140800\n")
    assert plain.frame["close"].to_list() == [-604.97]


def test_a_divisor_of_prices_tells_the_splits_of_a_file() -> None:
    (split,) = adjustment.stated(delivered(CRSP)).iter_rows(named=True)

    assert (split["symbol"], split["ex_date"], split["ratio"]) == ("AAPL", date(2005, 2, 28), 2.0)


def test_the_factors_of_crsp_tell_shares_added_to_each_old_one() -> None:
    frame = delivered(
        "PERMNO,TICKER,DISTCD,EXDT,DIVAMT,FACPR\n14593,AAPL,5523,20050228,0,1.0\n"
        "14593,AAPL,1232,20120809,2.65,0\n14593,GONE,3500,20120809,3.0,-1\n",
        kind="actions",
    ).frame

    assert frame.select("symbol", "session", "kind", "ratio").rows() == [
        ("AAPL", date(2005, 2, 28), "split", 2.0),
        ("AAPL", date(2012, 8, 9), "dividend", None),
        ("GONE", date(2012, 8, 9), "dividend", None),
    ]
