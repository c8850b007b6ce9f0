"""What a model learns from is what it would have been served, on a real warehouse."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from adapters.market_data import sample
from assets.desk_time import decision_time
from assets.features import daily_features
from assets.probing import train_and_serve
from config import universe as universe_file
from config.documents import ROOT
from quant.features import CORE, DAILY
from warehouse import Warehouse, bars, features, index, migrate, verdicts
from warehouse.place import Place

SESSIONS = (date(2012, 6, 28), date(2012, 6, 29))
LAST = SESSIONS[-1]
UNIVERSE = universe_file.load(ROOT / "universe.toml")


@pytest.fixture(name="warehouse")
def _warehouse(postgres_dsn: str, tmp_path: Path) -> Iterator[Warehouse]:
    place = Place(postgres_dsn, f"{tmp_path / 'warehouse'}/")
    migrate.upgrade_place(place)
    made = Warehouse(place)
    prices = _told(sample.stocks())
    passed = prices.select(
        "symbol", "session", "known_at", dataset=pl.lit("daily_bars"), status=pl.lit("passed"),
        checks=pl.lit(12), checks_passed=pl.lit(12),
    )  # fmt: skip
    with made.writer("market.daily_bars") as conn:
        bars.append_bars(conn, prices)
    with made.writer("quality.verdicts") as conn:
        verdicts.record(conn, passed)
    with made.writer("market.index_bars") as conn:
        index.append_bars(conn, _told(sample.index_bars()))
    tags = {
        "dagster/asset_partition_range_start": SESSIONS[0].isoformat(),
        "dagster/asset_partition_range_end": LAST.isoformat(),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [daily_features], instance=instance, tags=tags,
            resources={"warehouse": made, "universe": UNIVERSE},
        )  # fmt: skip
    yield made
    made.close()


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as they are landed: each known a quarter of an hour after its close."""
    kept = rows.filter(pl.col("session").is_between(date(2011, 5, 20), LAST))
    return kept.drop("sample_adjusted", strict=False).with_columns(
        source=pl.lit("test"),
        simulated=pl.lit(value=False),
        assumed=pl.lit(value=True),
        known_at=pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        + pl.duration(hours=20, minutes=15),
    )


def test_a_later_value_among_the_stored_features_is_named(warehouse: Warehouse) -> None:
    honest = train_and_serve(warehouse, UNIVERSE, SESSIONS, trained_to=LAST)

    assert honest is not None
    assert honest.passed, honest.sentence
    assert honest.sentence.startswith(f"10 rows of {len(CORE)} features")  # five symbols, twice
    # Sessions whose features were never stored prove nothing.
    assert train_and_serve(warehouse, UNIVERSE, [date(2012, 6, 1)], trained_to=LAST) is None

    at = DAILY.names.index("return_5")
    first, last = (_values(warehouse, session) for session in SESSIONS)
    leaked = first.with_columns(
        values=pl.Series(
            [
                [*own[:at], later[at], *own[at + 1 :]]
                for own, later in zip(first["values"], last["values"], strict=True)
            ],
            dtype=pl.List(pl.Float32),
        )
    )
    with warehouse.writer("features.daily") as conn:
        features.record(conn, leaked)

    found = train_and_serve(warehouse, UNIVERSE, SESSIONS, trained_to=LAST)

    assert found is not None
    assert not found.passed
    assert found.sentence.endswith("differ in 1: return_5.")
    assert found.figure == pytest.approx(5 / (10 * len(CORE)))


def _values(warehouse: Warehouse, session: date) -> pl.DataFrame:
    with warehouse.reader() as conn:
        rows, values = features.matrix(
            conn, DAILY.version, UNIVERSE.names, session, session, as_of=decision_time(LAST)
        )
    return rows.with_columns(
        version=pl.lit(DAILY.version),
        values=pl.Series(list(np.asarray(values)), dtype=pl.List(pl.Float32)),
    )
