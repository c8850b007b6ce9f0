"""Daily bars as vendors spell them: every spelling gives the same two bars."""

import io
import json
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.market_data.files import Delivery, FileOptions, read

# AAPL on 13 and 16 July 2012, in dollars and shares.
BARS = [
    ("AAPL", date(2012, 7, 13), 602.95, 607.19, 600.0, 604.97, 11_140_800),
    ("AAPL", date(2012, 7, 16), 605.12, 611.62, 605.02, 606.91, 10_753_200),
]
_A = "602.95,607.19,600.0,604.97"
_B = "605.12,611.62,605.02,606.91"

SPELLINGS = {
    "yahoo": (
        "Date,Open,High,Low,Close,Adj Close,Volume\n"
        f"2012-07-13,{_A},18.17,11140800\n2012-07-16,{_B},18.23,10753200\n"
    ),
    "stooq": (
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        f"AAPL,D,20120713,000000,{_A},11140800,0\nAAPL,D,20120716,000000,{_B},10753200,0\n"
    ),
    "polygon": (
        "ticker,volume,open,close,high,low,window_start,transactions\n"
        "AAPL,11140800,602.95,604.97,607.19,600.0,1342152000000000000,9\n"
        "AAPL,10753200,605.12,606.91,611.62,605.02,1342411200000000000,9\n"
    ),
    "databento": (
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
        "2012-07-13T00:00:00.000000000Z,35,2,32,602950000000,607190000000,600000000000,"
        "604970000000,11140800,AAPL\n"
        "2012-07-16T00:00:00.000000000Z,35,2,32,605120000000,611620000000,605020000000,"
        "606910000000,10753200,AAPL\n"
    ),
    "tiingo": (
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,"
        "splitFactor\n"
        "2012-07-13T00:00:00.000Z,604.97,607.19,600.0,602.95,11140800,18,18,18,18,1,0.0,1.0\n"
        "2012-07-16T00:00:00.000Z,606.91,611.62,605.02,605.12,10753200,18,18,18,18,1,0.0,1.0\n"
    ),
    "quandl wiki": (
        "ticker,date,open,high,low,close,volume,ex-dividend,split_ratio,adj_open,adj_high,"
        "adj_low,adj_close,adj_volume\n"
        f"AAPL,2012-07-13,{_A},11140800,0.0,1.0,77.4,77.9,77.0,77.6,1\n"
        f"AAPL,2012-07-16,{_B},10753200,0.0,1.0,77.6,78.5,77.6,77.9,1\n"
    ),
    "eod historical data": (
        "Date,Open,High,Low,Close,Adjusted_close,Volume\n"
        f"2012-07-13,{_A},18.17,11140800\n2012-07-16,{_B},18.23,10753200\n"
    ),
    "alpha vantage": (
        "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient\n"
        f"2012-07-16,{_B},18.23,10753200,0.0,1.0\n2012-07-13,{_A},18.17,11140800,0.0,1.0\n"
    ),
    "words beside what is meant": (
        "AsOfDate,RIC,OpenPrc,HighPrc,LowPrc,ClosePrc,ShrVol,PrevClosePrc,TradeCount\n"
        f"2012-07-13,AAPL,{_A},11140800,598.9,9\n2012-07-16,AAPL,{_B},10753200,604.97,9\n"
    ),
    "two letters": (
        f"Day;Tckr;Op;Hi;Lo;Cl;SHS_TRADED\n13.07.2012;AAPL;{_A.replace(',', ';')};11140800\n"
        f"16.07.2012;AAPL;{_B.replace(',', ';')};10753200\n"
    ),
    "midnight of Berlin in Greenwich's hours": (
        f"t,sym,o,h,l,c,v\n2012-07-12T22:00:00Z,aapl,{_A},11140800\n"
        f"2012-07-15T22:00:00Z,aapl,{_B},10753200\n"
    ),
    "the last second of the day in Greenwich": (
        f"t,sym,o,h,l,c,v\n2012-07-13T23:59:59Z,AAPL,{_A},11140800\n"
        f"2012-07-16T23:59:59Z,AAPL,{_B},10753200\n"
    ),
    "kibot without a heading": f"07/13/2012,{_A},11140800\n07/16/2012,{_B},10753200\n",
    "firstrate without a heading": (
        f"2012-07-13 00:00:00,{_A},11140800\n2012-07-16 00:00:00,{_B},10753200\n"
    ),
    "quantquote without a heading": f"20120713,0,{_A},11140800\n20120716,0,{_B},10753200\n",
    "close first, without a heading": (
        "AAPL,2012-07-13,604.97,602.95,607.19,600.0,11140800\n"
        "AAPL,2012-07-16,606.91,605.12,611.62,605.02,10753200\n"
    ),
    "metatrader": (
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2012.07.13\t602.95\t607.19\t600.0\t604.97\t5\t11140800\t1\n"
        "2012.07.16\t605.12\t611.62\t605.02\t606.91\t5\t10753200\t1\n"
    ),
    "nasdaq": (
        "Date,Close/Last,Volume,Open,High,Low\n"
        '07/16/2012,$606.91,"10,753,200",$605.12,$611.62,$605.02\n'
        '07/13/2012,$604.97,"11,140,800",$602.95,$607.19,$600.00\n'
    ),
    "investing": (
        '"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"Jul 16, 2012","606.91","605.12","611.62","605.02","10.7532M","0.32%"\n'
        '"Jul 13, 2012","604.97","602.95","607.19","600.00","11.1408M","1.02%"\n'
    ),
    "kaggle": (
        "date,open,high,low,close,volume,Name\n"
        f"2012-07-13,{_A},11140800,AAPL\n2012-07-16,{_B},10753200,AAPL\n"
    ),
    "crsp": (
        "PERMNO,date,TICKER,PRC,VOL,OPENPRC,ASKHI,BIDLO\n"
        "14593,20120713,AAPL,604.97,11140800,602.95,607.19,600.0\n"
        "14593,20120716,AAPL,606.91,10753200,605.12,611.62,605.02\n"
    ),
    "bloomberg": (
        "Date;PX_OPEN;PX_HIGH;PX_LOW;PX_LAST;PX_VOLUME\n"
        "13/07/2012;602.95;607.19;600.0;604.97;11140800\n"
        "16/07/2012;605.12;611.62;605.02;606.91;10753200\n"
    ),
    "german": (
        "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\n"
        "13.07.2012;602,95;607,19;600,00;604,97;11.140.800\n"
        "16.07.2012;605,12;611,62;605,02;606,91;10.753.200\n"
    ),
    "swiss and quoted": (
        '"Date"|"Open"|"High"|"Low"|"Close"|"Volume"\n'
        "\"13-Jul-12\"|\"602.95\"|\"607.19\"|\"600.0\"|\"604.97\"|\"11'140'800\"\n"
        "\"16-Jul-12\"|\"605.12\"|\"611.62\"|\"605.02\"|\"606.91\"|\"10'753'200\"\n"
    ),
    "pandas index without a name": (
        f",Open,High,Low,Close,Volume\n2012-07-13,{_A},11140800\n2012-07-16,{_B},10753200\n"
    ),
    "pandas row numbers": (
        "Unnamed: 0,date,open,high,low,close,volume\n"
        f"0,2012-07-13,{_A},11140800\n1,2012-07-16,{_B},10753200\n"
    ),
    "yfinance of two levels": (
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
        "2012-07-13,604.97,607.19,600.0,602.95,11140800\n"
        "2012-07-16,606.91,611.62,605.02,605.12,10753200\n"
    ),
    "yfinance with the exchange's clock": (
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        f"2012-07-13 00:00:00-04:00,{_A},11140800,0.0,0.0\n"
        f"2012-07-16 00:00:00-04:00,{_B},10753200,0.0,0.0\n"
    ),
    "seconds since 1970": (
        "time,open,high,low,close,Volume\n"
        f"1342186200,{_A},11140800\n1342445400,{_B},10753200\n"
    ),
    "spreadsheet days": (
        f"Date\tOpen\tHigh\tLow\tClose\tVolume\n41103\t{_A}\t11140800\n41106\t{_B}\t10753200\n"
    ).replace(",", "\t"),
    "fields apart by blanks": (
        "DATE      OPEN   HIGH   LOW    CLOSE  VOLUME\n"
        "20120713  602.95 607.19 600.0  604.97 11140800\n"
        "20120716  605.12 611.62 605.02 606.91 10753200\n"
    ),
    "titles above the heading": (
        "Historical prices of AAPL\nexported 2013-01-01\n\n"
        f"Date,Open,High,Low,Close,Volume\n2012-07-13,{_A},11140800\n2012-07-16,{_B},10753200\n"
    ),
    "a separator that Excel is told": (
        "sep=;\nDate;Open;High;Low;Close;Volume\n"
        "2012-07-13;602,95;607,19;600,0;604,97;11140800\n"
        "2012-07-16;605,12;611,62;605,02;606,91;10753200\n"
    ),
    "a separator behind every row": (
        "Date,Open,High,Low,Close,Volume\n"
        f"2012-07-13,{_A},11140800,\n2012-07-16,{_B},10753200,\n"
    ),
    "alpaca": json.dumps(
        {
            "bars": {
                "AAPL": [
                    {"t": "2012-07-13T04:00:00Z", "o": 602.95, "h": 607.19, "l": 600.0,
                     "c": 604.97, "v": 11140800, "n": 9, "vw": 603.1},
                    {"t": "2012-07-16T04:00:00Z", "o": 605.12, "h": 611.62, "l": 605.02,
                     "c": 606.91, "v": 10753200, "n": 9, "vw": 608.2},
                ]
            },
            "next_page_token": None,
        }
    ),
    "alpaca stream, one line each": "\n".join(
        json.dumps(
            {"T": "b", "S": s, "o": o, "h": h, "l": low, "c": c, "v": v, "t": f"{d}T04:00:00Z"}
        )
        for s, d, o, h, low, c, v in BARS
    ),
    "polygon's service": json.dumps(
        {
            "ticker": "AAPL",
            "results": [
                {"v": v, "o": o, "c": c, "h": h, "l": low, "t": t, "n": 9, "vw": 1.0}
                for (_, _, o, h, low, c, v), t in zip(
                    BARS, (1342152000000, 1342411200000), strict=True
                )
            ],
        }
    ),
    "alpha vantage's service": json.dumps(
        {
            "Meta Data": {"1. Information": "Daily", "2. Symbol": "AAPL"},
            "Time Series (Daily)": {
                str(d): {"1. open": str(o), "2. high": str(h), "3. low": str(low),
                         "4. close": str(c), "5. volume": str(v)}
                for _, d, o, h, low, c, v in BARS
            },
        }
    ),
    "yahoo's service": json.dumps(
        {"chart": {"result": [{
            "meta": {"symbol": "AAPL"}, "timestamp": [1342186200, 1342445400],
            "indicators": {"quote": [{
                name: [bar[at] for bar in BARS]
                for at, name in enumerate(("open", "high", "low", "close", "volume"), start=2)
            }], "adjclose": [{"adjclose": [18.17, 18.23]}]},
        }]}}
    ),
    "finnhub's service": json.dumps(
        {"s": "ok", "t": [1342152000, 1342411200]}
        | {name: [bar[at] for bar in BARS] for at, name in enumerate("ohlcv", start=2)}
    ),
    "records of any service": json.dumps(
        [
            {"symbol": s, "date": str(d), "open": o, "high": h, "low": low, "close": c, "volume": v}
            for s, d, o, h, low, c, v in BARS
        ]
    ),
}  # fmt: skip


def delivered(data: str | bytes, *, name: str = "AAPL.csv", **options: Any) -> Delivery:
    raw = data.encode() if isinstance(data, str) else data
    return read(io.BytesIO(raw), kind="daily", name=name, options=FileOptions(**options))


def bars(delivery: Delivery) -> list[tuple[Any, ...]]:
    return delivery.frame.select(
        "symbol", "session", "open", "high", "low", "close", "volume"
    ).sort("session").rows()  # fmt: skip


@pytest.mark.parametrize("vendor", SPELLINGS)
def test_every_spelling_gives_the_same_bars(vendor: str) -> None:
    delivery = delivered(SPELLINGS[vendor])

    assert bars(delivery) == BARS
    assert delivery.frame["problem"].null_count() == 2
    assert not delivery.adjusted


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_encoding_is_recognised(encoding: str, line_end: str) -> None:
    text = SPELLINGS["german"].replace("\n", line_end)

    assert bars(delivered(text.encode(encoding))) == BARS


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("AAPL.csv", "AAPL"),
        ("aapl.us.txt", "AAPL"),
        ("table_aapl.csv", "AAPL"),
        ("AAPL_full_1min_UNADJUSTED.txt", "AAPL"),
        ("daily_AAPL.csv", "AAPL"),
        ("BRK.B.csv", "BRK.B"),
        ("prices/symbol=MSFT/2012.csv", "MSFT"),
        ("AAPL-2012-07.csv.gz", "AAPL"),
    ],
)
def test_the_symbol_is_taken_from_the_name_of_the_file(name: str, symbol: str) -> None:
    delivery = delivered(SPELLINGS["yahoo"], name=name)

    assert delivery.frame["symbol"].unique().to_list() == [symbol]
    assert any(symbol in note for note in delivery.notes)


def test_what_is_declared_goes_before_what_is_recognised() -> None:
    text = (
        "when,open,high,low,close,last_print,volume,qty\n"
        "2012-07-13,602.95,607.19,600.0,1,604.97,2,11140800\n"
    )

    delivery = delivered(
        text, symbol="AAPL", columns={"close": "last_print", "volume": "QTY", "session": "when"}
    )

    assert bars(delivery) == BARS[:1]
    assert delivery.recognised["close"] == "last_print"


def test_a_row_that_cannot_be_read_is_told_and_the_others_are_read() -> None:
    text = (
        "Symbol,Date,Open,High,Low,Close,Volume\n"
        f"AAPL,2012-07-13,{_A},11140800\n"
        "AAPL,2012-07-14,602.95,607.19\n"
        "\n"
        "# a remark\n"
        f"AAPL,2012-13-40,{_A},11140800\n"
        "AAPL,2012-07-16,602.95,about 600,600.0,604.97,11140800\n"
        f',2012-07-17,{_A},"11,140,800"\n'
        f'AAPL,"2012-07-18,{_A},11140800\n'
        "AAPL,2012-07-19,n/a,NaN,-,,null\n"
        f"AAPL,2012-07-20,{_A},11140800,1,2\n"
    )

    frame = delivered(text).frame.select("line", "session", "high", "problem")

    assert frame.rows() == [
        (2, date(2012, 7, 13), 607.19, None),
        (3, date(2012, 7, 14), 607.19, "it has 4 fields where the file has 7"),
        (6, None, 607.19, "its Date '2012-13-40' is no date"),
        (7, date(2012, 7, 16), None, "its High 'about 600' is no number"),
        (8, date(2012, 7, 17), 607.19, "its Symbol '' is missing"),
        (9, date(2012, 7, 18), 607.19, "its quotation marks do not close"),
        (10, date(2012, 7, 19), None, None),
        (11, date(2012, 7, 20), 607.19, "it has 9 fields where the file has 7"),
    ]


def test_one_comma_in_a_file_of_points_is_the_fault_of_its_row() -> None:
    text = SPELLINGS["bloomberg"].replace("607.19", "607,19")

    frame = delivered(text).frame

    assert frame["high"].to_list() == [None, 611.62]
    assert frame["problem"][0] == "its PX_HIGH '607,19' is no number"


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (("07/02/2012", "07/13/2012"), date(2012, 7, 2)),  # no month is the 13th
        (("02/07/2012", "13/07/2012"), date(2012, 7, 2)),
        (("07/02/2012", "07/03/2012"), date(2012, 7, 2)),  # days in a row sooner than months
        (("02/07/2012", "03/07/2012"), date(2012, 7, 2)),
        (("02.07.12", "03.07.12"), date(2012, 7, 2)),
    ],
)
def test_day_and_month_are_told_apart_by_the_whole_column(
    dates: tuple[str, str], first: date
) -> None:
    text = f"Date,Open,High,Low,Close,Volume\n{dates[0]},{_A},1\n{dates[1]},{_B},1\n"

    assert delivered(text).frame["session"][0] == first


@pytest.mark.parametrize("wrong", ["99/99/2012", "45/13/2012", "00/32/2012"])
def test_a_date_of_no_calendar_condemns_its_own_row_alone(wrong: str) -> None:
    days = ("07/02/2012", wrong, "07/13/2012")
    text = "Date,Open,High,Low,Close,Volume\n" + "".join(f"{day},{_A},1\n" for day in days)

    frame = delivered(text).frame

    assert frame["session"].to_list() == [date(2012, 7, 2), None, date(2012, 7, 13)]
    assert wrong in frame["problem"][1]
    assert frame["problem"].null_count() == 2


def test_years_of_two_figures_may_lead() -> None:
    days = ("99/12/31", "05/03/17", "11/07/02")
    text = "Date,Open,High,Low,Close,Volume\n" + "".join(f"{day},{_A},1\n" for day in days)

    told = delivered(text).frame["session"].to_list()

    assert told == [date(1999, 12, 31), date(2005, 3, 17), date(2011, 7, 2)]


def test_a_ticker_is_told_from_a_time_by_case_alone() -> None:
    text = f"T,v,o,h,l,c,t\nAAPL,1,{_A},1341201600000\nMSFT,1,{_A},1341201600000\n"

    frame = delivered(text).frame

    assert frame.select("symbol", "session").rows() == [
        ("AAPL", date(2012, 7, 2)),
        ("MSFT", date(2012, 7, 2)),
    ]


def test_raw_prices_are_read_beside_adjusted_ones_and_it_is_said() -> None:
    delivery = delivered(SPELLINGS["quandl wiki"])

    assert "The file has raw and adjusted prices; the raw ones were read." in delivery.notes
    assert delivery.frame["adjusted_close"].to_list() == [77.6, 77.9]


def test_adjusted_prices_alone_are_read_as_adjusted() -> None:
    text = f"date,adj_open,adj_high,adj_low,adj_close,adj_volume\n2012-07-13,{_A},11140800\n"

    delivery = delivered(text)

    assert delivery.adjusted
    assert bars(delivery) == BARS[:1]


def test_the_person_may_declare_prices_adjusted() -> None:
    assert delivered(SPELLINGS["yahoo"], adjusted=True).adjusted
    assert not delivered(SPELLINGS["yahoo"], name="AAPL_adjsplit.txt", adjusted=False).adjusted


_PARQUET: dict[str, dict[str, Any]] = {
    "strings": dict.fromkeys(("open", "high", "low", "close", "volume"), pl.String),
    "decimals": {name: pl.Decimal(12, 4) for name in ("open", "high", "low", "close")},
    "categories": {"symbol": pl.Categorical},
    "nanoseconds": {"session": pl.Datetime("ns")},
    "instants at home": {"session": pl.Datetime("us", "America/New_York")},
    "instants in Greenwich": {"session": pl.Datetime("ms", "UTC")},
    "small floats": {"volume": pl.Float32},
}


@pytest.mark.parametrize("types", _PARQUET)
def test_parquet_of_any_types_is_read(types: str) -> None:
    frame = pl.DataFrame(
        BARS, schema=["symbol", "session", "open", "high", "low", "close", "volume"], orient="row"
    )
    for column, dtype in _PARQUET[types].items():
        if isinstance(dtype, pl.Datetime):
            naive = pl.col(column).cast(pl.Datetime(dtype.time_unit))
            frame = frame.with_columns(naive.dt.replace_time_zone(dtype.time_zone))
        else:
            frame = frame.with_columns(pl.col(column).cast(dtype))
    buffer = io.BytesIO()
    frame.write_parquet(buffer, row_group_size=1)

    assert bars(delivered(buffer.getvalue())) == BARS


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.dates(date(1990, 1, 1), date(2030, 12, 31)),
            st.lists(st.floats(0.01, 1e5).map(lambda x: round(x, 2)), min_size=4, max_size=4),
            st.integers(0, 10**10),
        ),
        min_size=2,
        max_size=20,
    ),
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d %b %Y", "%B %d, %Y"]),
    st.sampled_from([(",", "."), (";", ","), ("\t", ","), ("|", ".")]),
    st.booleans(),
)
def test_what_was_written_is_read(
    rows: list[tuple[date, list[float], int]],
    form: str,
    signs: tuple[str, str],
    grouped: bool,
) -> None:
    separator, decimal = signs
    group = {".": ",", ",": "."}[decimal] if grouped else ""

    def written(value: float, digits: int) -> str:
        text = f"{value:,.{digits}f}" if group else f"{value:.{digits}f}"
        return text.translate({ord(","): group, ord("."): decimal})

    lines = ["Date,Open,High,Low,Close,Volume".replace(",", separator)]
    for day, prices, volume in rows:
        fields = [day.strftime(form), *(written(p, 2) for p in prices), written(volume, 0)]
        lines.append(separator.join(f'"{field}"' for field in fields))

    frame = delivered("\n".join(lines)).frame

    assert frame["problem"].null_count() == len(rows)
    assert frame.select("session", "open", "high", "low", "close", "volume").rows() == [
        (day, *prices, volume) for day, prices, volume in rows
    ]


@pytest.mark.parametrize("pattern", ["{s}_{f}", "{s}.{f}", "{f} {s}", "{f}_{s}", "{s} {f}"])
def test_symbols_side_by_side_in_one_heading_are_read(pattern: str) -> None:
    fields = ["Open", "High", "Low", "Close", "Volume"]
    heading = ",".join(pattern.format(s=s, f=f) for s in ("BRK.B", "IBM") for f in fields)
    text = f"Date,{heading}\n2012-07-02,83,84,82,83.5,100,195,196,194,195.5,200\n"
    text += "2012-07-03,83.5,85,83,84.5,110,195.5,197,195,196.5,210\n"

    frame = read(io.BytesIO(text.encode()), kind="daily", name="wide.csv").frame

    assert sorted(set(frame["symbol"])) == ["BRK.B", "IBM"]
    assert frame.filter(symbol="BRK.B")["close"].to_list() == [83.5, 84.5]
    assert frame.filter(symbol="IBM")["volume"].to_list() == [200, 210]


def test_a_heading_of_tickers_above_one_of_prices_is_read() -> None:
    text = "Ticker,IBM,IBM,IBM,IBM,IBM,KO,KO,KO,KO,KO\n"
    text += "Price,Open,High,Low,Close,Volume,Open,High,Low,Close,Volume\nDate,,,,,,,,,,\n"
    text += "2012-07-02,195,196,194,195.5,200,78,79,77,78.5,100\n"

    frame = read(io.BytesIO(text.encode()), kind="daily", name="grouped.csv").frame

    assert frame.select("symbol", "close").rows() == [("IBM", 195.5), ("KO", 78.5)]


def test_a_column_that_tells_rows_of_one_day_apart_is_the_symbol_whatever_it_is_called() -> None:
    text = "Day,Venue,Papier,Open,High,Low,Close,Volume\n" + "".join(
        f"2012-07-{day},XNAS,{name},{_A},{volume}\n"
        for day in (13, 16, 17)
        for volume, name in enumerate(("AAPL", "MSFT", "GOOG"), start=1_000)
    )

    delivery = read(io.BytesIO(text.encode()), kind="daily", name="bars.csv")

    assert delivery.frame["symbol"].to_list() == ["AAPL", "MSFT", "GOOG"] * 3
    assert delivery.notes == ("No column is called a symbol; Papier was read as that.",)
