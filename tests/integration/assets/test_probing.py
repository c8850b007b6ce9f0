"""What a model learns from is what it would have been served, on a real warehouse."""

from collections.abc import Iterator
from datetime import date

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
from warehouse import Warehouse, actions, bars, features, index, verdicts
from warehouse.place import Place

# IBM paid a dividend on 8 May, so that prices before and after it stand on two bases.
SESSIONS = (date(2012, 5, 7), date(2012, 5, 8), date(2012, 5, 9))
FIRST, LAST = date(2011, 3, 1), SESSIONS[-1]
UNIVERSE = universe_file.load(ROOT / "universe.toml")


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    prices = _told(sample.stocks())
    passed = prices.select(
        "symbol", "session", "known_at", dataset=pl.lit("daily_bars"), status=pl.lit("passed"),
        checks=pl.lit(12), checks_passed=pl.lit(12),
    )  # fmt: skip
    with made.writer("market.daily_bars") as conn:
        bars.append_bars(conn, prices)
    with made.writer("quality.verdicts") as conn:
        verdicts.record(conn, passed)
    paid = (
        sample.actions(sample.stocks())
        .rename({"session": "ex_date"})
        .filter(pl.col("ex_date").is_between(FIRST, LAST))
    )
    with made.writer("market.corporate_actions") as conn:
        actions.append(conn, _known(paid, "ex_date"))
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
    """Rows as they are landed: each known when the desk decides."""
    kept = rows.filter(pl.col("session").is_between(FIRST, LAST))
    return _known(kept.drop("sample_adjusted", strict=False), "session").with_columns(
        simulated=pl.lit(value=False), assumed=pl.lit(value=True)
    )


def _known(rows: pl.DataFrame, day: str) -> pl.DataFrame:
    known = {session: decision_time(session) for session in rows[day].unique()}
    return rows.with_columns(
        source=pl.lit("test"),
        known_at=pl.col(day).replace_strict(known, return_dtype=pl.Datetime("us", "UTC")),
    )


def test_a_later_value_among_the_stored_features_is_named(warehouse: Warehouse) -> None:
    honest = train_and_serve(warehouse, UNIVERSE, SESSIONS, trained_to=LAST)

    assert honest is not None
    assert honest.passed, honest.sentence  # four symbols (FB came later), three sessions
    assert honest.sentence.startswith(f"12 rows of {len(CORE)} features")
    # Sessions whose features were never stored prove nothing.
    assert train_and_serve(warehouse, UNIVERSE, [date(2012, 5, 1)], trained_to=LAST) is None

    at = DAILY.names.index("return_5")
    first, last = (_values(warehouse, session) for session in SESSIONS[:2])
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
    assert found.figure == pytest.approx(4 / (12 * len(CORE)))


def _values(warehouse: Warehouse, session: date) -> pl.DataFrame:
    with warehouse.reader() as conn:
        rows, values = features.matrix(
            conn, DAILY.version, UNIVERSE.names, session, session, as_of=decision_time(LAST)
        )
    return rows.with_columns(
        version=pl.lit(DAILY.version),
        values=pl.Series(list(np.asarray(values)), dtype=pl.List(pl.Float32)),
    )
