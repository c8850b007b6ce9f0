"""Objects that others put into the lake: used when whole, told when not, never a hindrance."""

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data import found, landing, load
from adapters.object_store import FolderStore
from adapters.object_store.protocol import digest

DAY = date(2012, 7, 2)
WALL = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MARKET = datetime(2012, 7, 5, 20, 0, tzinfo=UTC)
KEY = "equities/daily/vendor/2012-07.parquet"
LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def rows(close: float = 10.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "symbol": ["A"], "session": [DAY], "open": [9.0], "high": [12.0], "low": [8.0],
            "close": [close], "volume": [100],
        }
    )  # fmt: skip


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def adopt(store: FolderStore, *keys: str) -> found.Found:
    return found.adopt(store, "daily", keys, landed_at=WALL, market_at=MARKET)


def strangers(store: FolderStore) -> list[str]:
    return [o.key for o in found.strangers(store, "daily", before=LONG_AFTER).objects]


def test_an_object_without_a_manifest_is_invisible_until_it_is_adopted(store: FolderStore) -> None:
    store.put(KEY, parquet(rows()))

    assert load.daily(store, DAY, DAY).is_empty()
    assert strangers(store) == [KEY]
    result = adopt(store, KEY)

    assert [o.key for o in result.landings[0].objects] == [KEY]
    assert load.daily(store, DAY, DAY)["close"].to_list() == [10.0]
    assert load.daily(store, DAY, DAY)["source"].to_list() == [found.SOURCE]
    assert strangers(store) == []


def test_a_torn_object_is_told_and_the_others_go_on(store: FolderStore) -> None:
    store.put(KEY, parquet(rows()))
    store.put("equities/daily/vendor/torn.parquet", parquet(rows())[:-20])

    result = adopt(store, *strangers(store))

    assert [o.key for o in result.landings[0].objects] == [KEY]
    assert [one.key for one in result.refused] == ["equities/daily/vendor/torn.parquet"]
    assert "no whole Parquet file" in result.refused[0].reason
    assert load.daily(store, DAY, DAY).height == 1


def test_missing_columns_are_named_with_what_to_do(store: FolderStore) -> None:
    store.put(KEY, parquet(rows().rename({"close": "last"})))

    (refused,) = adopt(store, KEY).refused

    assert "must have the columns close" in refused.reason
    assert "./desk ingest" in refused.reason


@pytest.mark.parametrize("right", [True, False])
def test_a_checksum_beside_an_object_is_compared(store: FolderStore, right: bool) -> None:
    data = parquet(rows())
    store.put(KEY, data)
    told = digest(data) if right else digest(b"other bytes")
    store.put(f"{KEY}.sha256", f"{told}  2012-07.parquet\n".encode())

    result = adopt(store, *strangers(store))

    assert len(result.landings) == right
    assert [one.key for one in result.refused] == ([] if right else [KEY])


def test_a_landing_that_was_cut_short_is_not_taken_for_an_object_of_others(
    store: FolderStore,
) -> None:
    landed = landing.land(
        store, rows(), kind="daily", source="t", simulated=True, landed_at=WALL, market_at=MARKET
    )
    store.delete(landed.key)  # as if the writer had been killed before the manifest

    result = adopt(store, *strangers(FolderStore(Path(store.name))))

    assert result == found.Found((), ())


def test_what_may_still_be_on_its_way_is_left_for_later(store: FolderStore) -> None:
    store.put(KEY, parquet(rows()))

    settled = datetime.now(UTC) - timedelta(minutes=2)
    assert not found.strangers(store, "daily", before=settled).objects


def test_a_large_folder_is_looked_through_in_steps_and_from_its_beginning_again(
    store: FolderStore,
) -> None:
    store.put(KEY, parquet(rows()))
    adopt(store, KEY)
    others = [f"equities/daily/vendor/2013-{n}.parquet" for n in range(3)]
    for key in others:
        store.put(key, parquet(rows(11.0)))

    first = found.strangers(store, "daily", before=LONG_AFTER, most=2)
    rest = found.strangers(store, "daily", after=first.upto, before=LONG_AFTER, most=2)
    none = found.strangers(store, "daily", after=rest.upto, before=LONG_AFTER, most=2)

    assert [o.key for o in (*first.objects, *rest.objects)] == others
    assert (first.upto, rest.upto, none.upto) == (others[0], others[2], "")


def test_types_of_others_are_taken_when_they_fit(store: FolderStore) -> None:
    store.put(KEY, parquet(rows().cast({"volume": pl.Int32, "close": pl.Float32})))
    adopt(store, KEY)

    read = load.daily(store, DAY, DAY)

    assert read.schema["volume"] == pl.Int64
    assert read["close"].to_list() == [10.0]
