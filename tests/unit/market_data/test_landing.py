import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.market_data import landing, load
from adapters.object_store import FolderStore
from adapters.object_store.errors import ObjectDamagedError

FIRST, SECOND = date(2012, 7, 2), date(2012, 7, 3)
WALL = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MARKET = datetime(2012, 7, 5, 20, 0, tzinfo=UTC)
LATER = MARKET + timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def bar(symbol: str = "A", session: date = FIRST, close: float = 10.0) -> dict[str, object]:
    prices = {"open": 9.0, "high": 12.0, "low": 8.0, "close": close}
    return {"symbol": symbol, "session": session, **prices, "volume": 100}


def land(
    store: FolderStore, *bars: dict[str, object], at: int = 0, market_at: datetime = MARKET
) -> landing.Landing:
    return landing.land(
        store,
        pl.DataFrame(list(bars)),
        kind="daily",
        source="test",
        feed="iex",
        landed_at=WALL + timedelta(seconds=at),
        market_at=market_at,
    )


def test_the_manifest_tells_what_was_landed(store: FolderStore) -> None:
    landed = land(store, bar("A"), bar("B"))

    told = json.loads(store.get(landed.key))

    assert told["source"] == "test"
    assert told["feed"] == "iex"
    assert told["landed_at"] == WALL.isoformat()
    assert told["objects"][0]["rows"] == 2
    assert told["objects"][0]["symbols"] == ["A", "B"]
    assert told["objects"][0]["first"] == "2012-07-02"
    assert store.get(landed.keys[0], sha256=told["objects"][0]["sha256"])


def test_a_session_is_one_object_and_a_history_one_per_symbol_and_year(store: FolderStore) -> None:
    days = [date(2011, 12, 1) + timedelta(days=n) for n in range(60)]

    assert land(store, bar("A"), bar("B")).keys == (
        "equities/daily/session=2012-07-02/bars.parquet",
    )
    assert land(store, *(bar(session=day) for day in days), at=1).keys == (
        "equities/daily/symbol=A/2011.parquet",
        "equities/daily/symbol=A/2012.parquet",
    )


def test_the_same_delivery_again_lands_nothing(store: FolderStore) -> None:
    land(store, bar("A"), bar("B"))

    again = land(store, bar("B"), bar("A"), at=5)

    assert again.key == ""
    assert len(landing.landings(store, "daily")) == 1


def test_the_first_value_is_assumed_known_after_the_close(store: FolderStore) -> None:
    land(store, bar(session=FIRST), bar(session=SECOND))

    rows = load.daily(store, FIRST, SECOND, lag=timedelta(minutes=15))

    # New York in July is four hours behind UTC; 3 July 2012 closed at 13:00.
    assert rows["known_at"].to_list() == [
        datetime(2012, 7, 2, 20, 15, tzinfo=UTC),
        datetime(2012, 7, 3, 17, 15, tzinfo=UTC),
    ]
    assert rows["assumed"].to_list() == [True, True]


def test_a_correction_is_a_new_object_known_from_its_landing(store: FolderStore) -> None:
    first = land(store, bar(close=10.0), bar(session=SECOND))
    second = land(store, bar(close=11.0), at=1, market_at=LATER)

    rows = load.daily(store, FIRST, SECOND)

    assert set(first.keys).isdisjoint(second.keys)
    assert rows.select("close", "known_at", "assumed").row(0) == (11.0, LATER, False)
    assert rows["assumed"].to_list() == [False, True]


def test_a_landing_cut_short_is_invisible_until_it_is_repeated(store: FolderStore) -> None:
    landed = land(store, bar("A"))
    store.delete(landed.key)  # as if the writer had been killed before the manifest

    assert load.daily(FolderStore(Path(store.name)), FIRST, FIRST).is_empty()
    again = land(FolderStore(Path(store.name)), bar("A"), at=1)
    assert again.key != ""
    assert load.daily(FolderStore(Path(store.name)), FIRST, FIRST).height == 1


def test_a_torn_object_is_refused_and_named(store: FolderStore) -> None:
    landed = land(store, bar("A"))
    path = Path(store.name) / landed.keys[0]
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(ObjectDamagedError, match=r"bars\.parquet .* is damaged"):
        load.daily(store, FIRST, FIRST)


def test_a_vanished_object_is_refused_and_named(store: FolderStore) -> None:
    landed = land(store, bar("A"))
    (Path(store.name) / landed.keys[0]).unlink()

    with pytest.raises(ObjectDamagedError, match="is gone"):
        load.daily(store, FIRST, FIRST)


def test_symbols_with_unusual_characters_keep_their_name(store: FolderStore) -> None:
    days = [FIRST + timedelta(days=n) for n in range(40)]

    landed = land(store, *(bar("BRK/B", day) for day in days), *(bar("BF.B", day) for day in days))

    assert "equities/daily/symbol=BRK=2FB/2012.parquet" in landed.keys
    assert load.daily(store, FIRST, FIRST)["symbol"].to_list() == ["BF.B", "BRK/B"]


def test_minutes_lie_by_session_and_are_known_when_they_end(store: FolderStore) -> None:
    start = datetime(2012, 7, 2, 13, 30, tzinfo=UTC)
    frame = pl.DataFrame([bar() | {"bar_start": start}, bar("B") | {"bar_start": start}])

    landed = landing.land(
        store,
        frame,
        kind="minute",
        source="venue",
        simulated=True,
        landed_at=WALL,
        market_at=MARKET,
    )
    rows = load.minutes(store, FIRST, symbols=["A"])

    assert landed.keys[0] == "equities/minute/session=2012-07-02/A.parquet"
    assert rows["known_at"].item() == start + timedelta(minutes=1)
    assert rows["simulated"].item() is True


def test_actions_are_known_from_the_open_of_the_ex_date(store: FolderStore) -> None:
    split = {
        "symbol": "A", "ex_date": FIRST, "kind": "split", "ratio": 2.0, "amount": None,
        "implied": False,
    }  # fmt: skip
    landing.land(
        store, pl.DataFrame([split]), kind="actions", source="t", landed_at=WALL, market_at=MARKET
    )

    rows = load.actions(store, FIRST, FIRST)

    assert rows["known_at"].item() == datetime(2012, 7, 2, 13, 30, tzinfo=UTC)
    assert rows["ratio"].item() == 2.0


def test_a_missing_column_is_named(store: FolderStore) -> None:
    with pytest.raises(ValueError, match="must have the columns volume"):
        landing.land(
            store, pl.DataFrame([bar()]).drop("volume"), kind="daily", source="t",
            landed_at=WALL, market_at=MARKET,
        )  # fmt: skip


def test_an_empty_delivery_is_refused(store: FolderStore) -> None:
    with pytest.raises(ValueError, match="must have rows"):
        landing.land(
            store, pl.DataFrame([bar()]).clear(), kind="daily", source="t",
            landed_at=WALL, market_at=MARKET,
        )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_pieces_repeats_and_shuffles_of_a_file_read_as_the_file(
    parts: list[tuple[int, int]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [bar(session=FIRST + timedelta(days=n), close=8.0 + n / 10) for n in range(6)]
    pieces = [rows[start : start + length] for start, length in parts]
    pieces = [*(p for p in pieces if p), list(rows)]
    random.Random(seed).shuffle(pieces)
    store = FolderStore(tmp_path_factory.mktemp("pieces"))

    for at, piece in enumerate(pieces):
        random.Random(seed + at).shuffle(piece)
        land(store, *piece, at=at)

    read = load.daily(store, FIRST, FIRST + timedelta(days=9))
    assert read["close"].to_list() == [row["close"] for row in rows]
    assert read["assumed"].all()


def test_a_damaged_object_is_healed_by_landing_it_again(store: FolderStore) -> None:
    landed = land(store, bar("A"))
    (Path(store.name) / landed.keys[0]).write_bytes(b"torn")

    again = land(store, bar("A"), at=1)

    assert again.key != ""
    assert set(again.keys).isdisjoint(landed.keys)
    assert load.daily(store, FIRST, FIRST)["close"].to_list() == [10.0]
    assert load.daily(store, FIRST, FIRST)["assumed"].all()


def test_every_value_that_was_landed_is_read_in_its_order(store: FolderStore) -> None:
    for at, close in enumerate((10.0, 11.0, 11.0, 10.0)):
        land(store, bar(close=close), at=at, market_at=MARKET + timedelta(days=at))

    rows = load.versions(store, FIRST, FIRST)

    assert rows["close"].to_list() == [10.0, 11.0, 10.0]
    assert rows["assumed"].to_list() == [True, False, False]
    assert rows["known_at"].to_list()[1:] == [LATER, MARKET + timedelta(days=3)]


def test_two_rows_for_one_bar_in_one_file_are_both_shown_to_the_rules(store: FolderStore) -> None:
    land(store, bar(close=10.0), bar(close=11.0))

    assert sorted(load.versions(store, FIRST, FIRST)["close"]) == [10.0, 11.0]


def test_an_announced_action_is_known_from_its_announcement(store: FolderStore) -> None:
    announced = datetime(2012, 6, 20, 12, 0, tzinfo=UTC)
    change = {
        "symbol": "A", "session": FIRST, "kind": "symbol_change", "ratio": None, "amount": None,
        "implied": False, "detail": "B", "announced_at": announced,
    }  # fmt: skip
    landing.land(
        store, pl.DataFrame([change]), kind="actions", source="t", landed_at=WALL, market_at=MARKET
    )

    rows = load.actions(store, FIRST, FIRST)

    assert rows.select("detail", "known_at").row(0) == ("B", announced)


def test_simulated_rows_are_never_taken_for_real_ones(store: FolderStore) -> None:
    told = {"kind": "daily", "source": "t", "market_at": MARKET}
    landing.land(store, pl.DataFrame([bar()]), simulated=True, landed_at=WALL, **told)  # type: ignore[arg-type]
    real = landing.land(
        store,
        pl.DataFrame([bar()]),
        landed_at=WALL + timedelta(seconds=1),
        **told,  # type: ignore[arg-type]
    )

    assert real.key != ""
