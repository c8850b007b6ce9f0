"""Minute bars as vendors spell them: whose clock, start or end, and what is no minute."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from adapters.market_data.files import Delivery, FileOptions, UnreadableFileError, read

NEW_YORK = ZoneInfo("America/New_York")
FIRST = datetime(2012, 7, 16, 13, 30, tzinfo=UTC)  # 09:30 in New York
WINTER = datetime(2012, 12, 17, 14, 30, tzinfo=UTC)  # 09:30 there too


def minutes(first: datetime = FIRST, count: int = 390) -> list[datetime]:
    return [first + timedelta(minutes=n) for n in range(count)]


def written(stamps: list[str], *, head: str = "timestamp", sep: str = ",") -> str:
    bar = "602.95,607.19,600.0,604.97,1000".replace(",", sep)
    heading = f"{head},open,high,low,close,volume".replace(",", sep)
    return "\n".join([heading, *(f"{stamp}{sep}{bar}" for stamp in stamps)])


def delivered(text: str, *, kind: Any = "minute", **options: Any) -> Delivery:
    return read(
        io.BytesIO(text.encode()), kind=kind, name="AAPL.csv", options=FileOptions(**options)
    )


FORMS: dict[str, Callable[[datetime], str]] = {
    "aware, in Greenwich": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "aware, in New York": lambda at: at.astimezone(NEW_YORK).isoformat(),
    "seconds": lambda at: str(int(at.timestamp())),
    "milliseconds": lambda at: str(int(at.timestamp() * 1_000)),
    "microseconds": lambda at: str(int(at.timestamp() * 1_000_000)),
    "nanoseconds": lambda at: str(int(at.timestamp()) * 1_000_000_000),
    "naive, in Greenwich": lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
    "naive, in New York": lambda at: at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"),
    "naive, in Chicago": lambda at: at.astimezone(ZoneInfo("America/Chicago")).strftime(
        "%Y-%m-%d %H:%M"
    ),
    "naive, in Berlin": lambda at: at.astimezone(ZoneInfo("Europe/Berlin")).strftime(
        "%d.%m.%Y %H:%M"
    ),
    "twelve hours": lambda at: at.astimezone(NEW_YORK).strftime("%m/%d/%Y %I:%M %p"),
    "ninjatrader": lambda at: at.astimezone(NEW_YORK).strftime("%Y%m%d %H%M%S"),
    "digits": lambda at: at.astimezone(NEW_YORK).strftime("%Y%m%d%H%M"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_stamp_is_the_same_instant(form: str) -> None:
    delivery = delivered(written([FORMS[form](at) for at in minutes() + minutes(WINTER)]))

    assert delivery.frame["bar_start"].to_list() == minutes() + minutes(WINTER)
    assert delivery.frame["session"].unique().sort().to_list() == [
        date(2012, 7, 16),
        date(2012, 12, 17),
    ]


@pytest.mark.parametrize(
    ("columns", "form"),
    [
        ("Date,Time", "%m/%d/%Y,%H:%M"),  # Kibot
        ("<DATE>,<TIME>", "%Y.%m.%d,%H:%M:%S"),  # MetaTrader
        ("Date,Time", "%Y%m%d,%H%M"),
        ("Date,Time", "%Y%m%d,%-H%M"),  # 930
        ("day,time", "%Y-%m-%d,%I:%M:%S %p"),
    ],
)
@pytest.mark.parametrize("heading", [True, False])
def test_date_and_time_may_stand_in_two_columns(columns: str, form: str, heading: bool) -> None:
    text = written([at.astimezone(NEW_YORK).strftime(form) for at in minutes()], head=columns)

    delivery = delivered(text if heading else text.partition("\n")[2])

    assert delivery.frame["bar_start"].to_list() == minutes()


def test_the_clock_is_declared_by_the_person() -> None:
    text = written([at.strftime("%Y-%m-%d %H:%M") for at in minutes()])

    wrongly = delivered(text, timezone="America/New_York")

    assert wrongly.frame["bar_start"][0] == FIRST + timedelta(hours=4)


def test_extended_hours_are_on_the_clock_of_new_york() -> None:
    early = minutes(FIRST - timedelta(hours=5, minutes=30), 960)  # 04:00 to 20:00
    text = written([at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M") for at in early])

    assert delivered(text).frame["bar_start"].to_list() == early


def test_stamps_at_the_end_of_the_minute_are_moved_to_its_start_and_it_is_said() -> None:
    ends = [at + timedelta(minutes=1) for at in minutes()]

    delivery = delivered(written([FORMS["ninjatrader"](at) for at in ends]))

    assert delivery.frame["bar_start"].to_list() == minutes()
    assert any("end of each minute" in note for note in delivery.notes)


def test_extended_hours_that_end_at_eight_are_stamped_at_the_end_of_the_minute() -> None:
    first = FIRST - timedelta(hours=5, minutes=30)  # 04:00
    hours = [at for day in range(4) for at in minutes(first + timedelta(days=day), 960)]
    some = [at for n, at in enumerate(hours) if n % 960 % 7 in {0, 1}]  # thin: 04:00 and 19:59

    ends = delivered(written([FORMS["ninjatrader"](at + timedelta(minutes=1)) for at in some]))
    starts = delivered(written([FORMS["ninjatrader"](at) for at in some]))

    assert ends.frame["bar_start"].to_list() == some
    assert any("end of each minute" in note for note in ends.notes)
    assert starts.frame["bar_start"].to_list() == some


def test_first_and_last_trade_are_open_and_close() -> None:
    rows = "\n".join(
        f"{at.astimezone(NEW_YORK):%Y%m%d,AAPL,%H:%M},602.95,607.19,600.0,604.97,604,1000"
        for at in minutes()
    )
    prices = "FirstTradePrice,HighTradePrice,LowTradePrice,LastTradePrice,VolumeWeightPrice"

    frame = delivered(f"Date,Ticker,TimeBarStart,{prices},Volume\n{rows}").frame

    assert frame.select("bar_start", "open", "high", "low", "close", "volume").row(0) == (
        FIRST, 602.95, 607.19, 600.0, 604.97, 1000,
    )  # fmt: skip


def test_a_day_beside_the_stamp_is_the_session() -> None:
    text = written([f"2012-07-16,{FORMS['aware, in Greenwich'](at)}" for at in minutes()],
                   head="session,bar_start")  # fmt: skip

    frame = delivered(text).frame

    assert frame["bar_start"].to_list() == minutes()
    assert frame["session"].unique().to_list() == [date(2012, 7, 16)]


@pytest.mark.parametrize("kind", ["daily", "minute"])
def test_bars_of_another_length_are_refused(kind: str) -> None:
    every_five = written([FORMS["naive, in New York"](at) for at in minutes()[::5]])

    with pytest.raises(UnreadableFileError, match=r"5-minute bars|not daily bars"):
        delivered(every_five, kind=kind)


def test_daily_bars_are_no_minutes() -> None:
    with pytest.raises(UnreadableFileError, match="use --kind daily"):
        delivered(written(["2012-07-02", "2012-07-03"]))


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(UnreadableFileError, match="'Mars/Olympus' is no time zone"):
        delivered(written(["2012-07-02 09:30"]), timezone="Mars/Olympus")


def test_parquet_without_a_zone_is_read_like_text() -> None:
    naive = [at.astimezone(NEW_YORK).replace(tzinfo=None) for at in minutes()]
    frame = pl.DataFrame({"ts": naive}).with_columns(
        *(pl.lit(600.0).alias(name) for name in ("open", "high", "low", "close")),
        pl.lit(100).alias("volume"),
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)

    delivery = read(io.BytesIO(buffer.getvalue()), kind="minute", name="AAPL.parquet")

    assert delivery.frame["bar_start"].to_list() == minutes()
