"""Option quotes from a landed file to chains as they were known, on a folder and on MinIO."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data.landing import COLUMNS, land
from adapters.object_store import FolderStore, ObjectStore
from adapters.object_store.s3 import S3Store
from assets.desk_time import decision_time
from assets.options import Loader
from config import universe
from config.settings import LakeSettings
from quality.calendar import exchange
from tests.integration.warehouse.rows import act, split
from tests.unit.quality.test_options import SESSION, chain
from warehouse import Warehouse, options, quarantine, verdicts
from warehouse.place import Place

WALL = datetime(2026, 1, 2, tzinfo=UTC)
FIRST_AT = exchange().close(SESSION)
NEXT, LATER = exchange().next(SESSION), datetime(2012, 6, 20, tzinfo=UTC)
AT_90 = (pl.col("strike") == 90.0) & (pl.col("right") == "call")


@pytest.fixture
def warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "lake")
    told: LakeSettings = request.getfixturevalue("s3_settings")
    return S3Store(
        told.endpoint, told.bucket, access_key=told.access_key, secret_key=told.secret_key
    )


class Lake:
    """Lands quotes and loads them, as a person and the desk do."""

    def __init__(self, store: ObjectStore, warehouse: Warehouse, docs: Path) -> None:
        self.store, self.warehouse, self.docs = store, warehouse, docs

    def land(self, quotes: pl.DataFrame, *, market_at: datetime) -> None:
        none = [pl.lit(None).alias(c) for c in COLUMNS["options"] if c not in quotes.columns]
        land(
            self.store, quotes.with_columns(none), kind="options", source="vendor",
            landed_at=WALL + (market_at - FIRST_AT), market_at=market_at,
        )  # fmt: skip

    def load(self, session: date = SESSION) -> tuple[int, int, int]:
        """Return how many quotes were new and restated, and how many are held back."""
        loader = Loader(self.store, self.warehouse, universe.load(), self.docs, "run")
        done = list(loader.load(session))
        return (
            sum(stored.new for stored, _ in done),
            sum(stored.restated for stored, _ in done),
            sum(held for _, held in done),
        )

    def known(self, as_of: datetime, session: date = SESSION) -> pl.DataFrame:
        with self.warehouse.reader() as conn:
            return options.chains(conn, ["IBM"], session, session, as_of=as_of)

    def held(self, session: date) -> list[tuple[str, str]]:
        """Return the rows in quarantine as delivered, and the rules that hold them."""
        with self.warehouse.reader() as conn:
            rows = quarantine.latest_held(conn).filter(session=session)
            rules = conn.execute("select finding_id, rule from quality.findings").fetchall()
        return [(r["row"], dict(rules)[r["finding_id"]]) for r in rows.iter_rows(named=True)]


@pytest.fixture
def lake(store: ObjectStore, warehouse: Warehouse, tmp_path: Path) -> Lake:
    return Lake(store, warehouse, tmp_path / "docs")


def test_quotes_are_judged_stored_once_and_corrected_without_a_trace_in_the_past(
    lake: Lake,
) -> None:
    crossed = pl.when(AT_90).then(pl.col("ask") + 0.5).otherwise("bid").alias("bid")
    lake.land(chain().with_columns(crossed), market_at=FIRST_AT)

    assert lake.load() == (17, 0, 1)
    assert lake.load() == (0, 0, 1), "the same again changes nothing"
    ((row, rule),) = lake.held(SESSION)
    assert rule == "quotes_are_not_crossed"
    assert '"strike": 90.0' in row
    with lake.warehouse.reader() as conn:
        (verdict,) = verdicts.latest(conn, [SESSION], dataset="options").iter_rows(named=True)
    assert (verdict["symbol"], verdict["status"]) == ("IBM", "held")

    dearer = pl.when(strike=95.0, right="put").then(pl.col("ask") + 0.05).otherwise("ask")
    lake.land(chain().with_columns(dearer.alias("ask")), market_at=LATER)
    assert lake.load() == (1, 1, 1)  # the crossed quote is new, the dearer one restated

    before, after = lake.known(decision_time(SESSION)), lake.known(LATER)
    assert (before.height, after.height) == (17, 18)
    asked = pl.col("strike") == 95.0, pl.col("right") == "put"
    assert before.filter(*asked)["ask"].to_list() == [2.1]
    assert after.filter(*asked)["ask"].to_list() == [2.15]
    assert before["source"].unique().to_list() == ["vendor"]


def test_a_session_is_judged_by_the_quotes_before_it_though_it_comes_alone(
    lake: Lake,
) -> None:
    lake.land(chain(), market_at=FIRST_AT)
    assert lake.load() == (18, 0, 0)
    # The share moved by three per cent, and dear options are quoted as the day before.
    spot = pl.lit(103.0).alias("underlying_price")
    lake.land(
        chain().with_columns(spot, pl.lit(NEXT).alias("session")), market_at=exchange().close(NEXT)
    )

    _, _, held = lake.load(NEXT)

    assert held > 0
    assert "quote_is_not_stale" in {rule for _, rule in lake.held(NEXT)}


def test_a_strike_listed_before_a_split_is_held_in_a_later_delivery(lake: Lake) -> None:
    lake.land(chain(), market_at=FIRST_AT)
    lake.load()
    act(lake.warehouse, split("IBM", NEXT, 1.25))
    moved = chain().with_columns(
        pl.lit(NEXT).alias("session"), pl.col("bid") + 0.1, pl.col("ask") + 0.1
    )
    lake.land(moved, market_at=exchange().close(NEXT))

    lake.load(NEXT)

    assert {rule for _, rule in lake.held(NEXT)} == {"strike_follows_a_split"}
    assert lake.known(LATER, NEXT).is_empty()
