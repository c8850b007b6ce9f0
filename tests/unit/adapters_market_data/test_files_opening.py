"""What a person may name: packed files, folders, archives; and what is no file of market data."""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from adapters.market_data.files import FileOptions, UnreadableFileError, read
from adapters.market_data.files.places import read_place

CSV = b"Date,Open,High,Low,Close,Volume\n2012-07-13,602.95,607.19,600.0,604.97,11140800\n"
BAR = ("AAPL", date(2012, 7, 13), 602.95, 607.19, 600.0, 604.97, 11_140_800)


def bars(source: Any, name: str = "AAPL.csv") -> list[tuple[Any, ...]]:
    return read(source, kind="daily", name=name).frame.select(
        "symbol", "session", "open", "high", "low", "close", "volume"
    ).rows()  # fmt: skip


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def parquet(frame: pl.DataFrame | None = None) -> bytes:
    buffer = io.BytesIO()
    (pl.read_csv(CSV) if frame is None else frame).write_parquet(buffer)
    return buffer.getvalue()


PACKED = {
    "gz": gzip.compress(CSV),
    "zst": pa.compress(CSV, codec="zstd", asbytes=True),
    "bz2": bz2.compress(CSV),
    "xz": lzma.compress(CSV),
    "zip": zipped({"AAPL.csv": CSV}),
    "gz twice": gzip.compress(gzip.compress(CSV)),
}


@pytest.mark.parametrize("packing", PACKED)
def test_a_packed_file_is_unpacked_whatever_it_is_called(packing: str) -> None:
    assert bars(io.BytesIO(PACKED[packing])) == [BAR]


@pytest.mark.parametrize("packing", PACKED)
def test_a_packed_file_that_is_cut_short_is_refused(packing: str) -> None:
    torn = PACKED[packing][:-12]

    with pytest.raises(UnreadableFileError, match="cut short"):
        bars(io.BytesIO(torn))


def test_a_folder_is_read_as_one_delivery(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_bytes(CSV)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "msft.csv.gz").write_bytes(gzip.compress(CSV))
    (tmp_path / "README.txt").write_text("Prices of two shares.")
    (tmp_path / ".hidden.csv").write_text("no")

    frame = read(tmp_path, kind="daily").frame

    assert frame.select("symbol", "file").rows() == [
        ("AAPL", "AAPL.csv"),
        ("MSFT", "more/msft.csv"),
    ]


def test_a_damaged_file_of_a_folder_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_bytes(CSV)
    (tmp_path / "MSFT.csv.gz").write_bytes(gzip.compress(CSV)[:-9])

    frame = read(tmp_path, kind="daily").frame

    assert frame["symbol"].to_list() == ["AAPL", None]
    assert "cut short" in frame["problem"][1]


def test_an_archive_of_several_files_is_read_as_one_delivery() -> None:
    packed = zipped({"AAPL.csv": CSV, "MSFT.csv": CSV})

    assert [row[0] for row in bars(io.BytesIO(packed), name="prices.zip")] == ["AAPL", "MSFT"]


BAD = {
    "nothing": (b"", "is empty"),
    "a heading only": (b"Date,Open,High,Low,Close,Volume\n", "no row below"),
    "prose": (b"Dear customer,\nyour subscription has ended.\n", "no table of market data"),
    "a web page": (b"<!DOCTYPE html><html><body>502</body></html>", "is a web page"),
    "bytes": (bytes(range(256)) * 20, "neither text, JSON, Parquet nor Arrow"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, "neither text"),
    "an Excel workbook": (zipped({"[Content_Types].xml": b"<x/>"}), "Save the sheet as CSV"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + b"\x00" * 100, "Save the table as CSV"),
    "Parquet cut short": (parquet()[:-20], "cut short"),
    "Parquet damaged": (parquet()[:4] + b"\x00" * 200 + parquet()[-60:], "is damaged"),
    "Parquet without rows": (
        parquet(pl.DataFrame(schema={"date": pl.Date, "close": pl.Float64})), "no row"
    ),
    "JSON cut short": (b'{"bars": {"AAPL": [{"t": "2012-07', "cut short or damaged"),
    "JSON without bars": (b'{"message": "forbidden."}', "holds no list of bars"),
    "no volume": (b"Date,Open,High,Low,Close\n2012-07-13,1,2,1,2\n", "no column for volume"),
    "a close alone": (b"date,close\n2012-07-13,604.97\n", "no column for open, high, low, volume"),
    "option quotes": (
        b"symbol,date,expiration,strike,bid,ask\nAAPL,2012-07-13,2012-07-21,600,1,2\n",
        "use --kind options",
    ),
    "actions": (b"symbol,ex_date,ratio\nAAPL,2005-02-28,2\n", "use --kind corporate-actions"),
    "no dates": (
        b"Date,Open,High,Low,Close,Volume\nmonday,1,2,1,2,100\ntuesday,1,2,1,2,100\n",
        "nothing in its column Date is a date",
    ),
    "figures nobody names": (b"1,2,3\n4,5,6\n", "the file has no heading"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_file_of_bars_is_refused_in_a_sentence(what: str) -> None:
    data, words = BAD[what]

    with pytest.raises(UnreadableFileError, match=words) as refusal:
        bars(io.BytesIO(data))

    assert str(refusal.value).endswith((".", ").", "'"))
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(("days", "words"), [(7, "weekly bars"), (31, "monthly or longer bars")])
def test_bars_of_weeks_and_months_are_no_daily_bars(days: int, words: str) -> None:
    dates = [date(2010, 1, 4) + timedelta(days=days * n) for n in range(30)]
    rows = [
        CSV.splitlines()[0],
        *(CSV.splitlines()[1].replace(b"2012-07-13", str(d).encode()) for d in dates),
    ]

    with pytest.raises(UnreadableFileError, match=words):
        bars(io.BytesIO(b"\n".join(rows)))


def test_a_name_without_symbol_asks_for_one() -> None:
    with pytest.raises(UnreadableFileError, match="Say --symbol"):
        bars(io.BytesIO(CSV), name="prices.csv")


def test_a_mapping_to_a_column_that_is_not_there_names_those_that_are() -> None:
    options = FileOptions(columns={"close": "Last"})

    with pytest.raises(
        UnreadableFileError, match=r"no column 'Last'.*Date, Open, High, Low, Close"
    ):
        read(io.BytesIO(CSV), kind="daily", name="AAPL.csv", options=options)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="There is no file"):
        read(tmp_path / "none.csv", kind="daily")
    with pytest.raises(UnreadableFileError, match="holds no file of market data"):
        read(tmp_path, kind="daily")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_bytes(CSV)
    path.chmod(0)

    with pytest.raises(UnreadableFileError, match="may not be read"):
        read(path, kind="daily")


def test_a_bucket_without_keys_says_what_to_set() -> None:
    with pytest.raises(UnreadableFileError, match="AWS_ACCESS_KEY_ID"):
        read_place("s3://vendor/AAPL.csv", kind="daily", options=FileOptions(), environ={})
