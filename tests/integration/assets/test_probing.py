"""What a model learns from is what it would have been served, on a real warehouse."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
import pytest

from adapters.market_data import sample
from assets.desk_time import decision_time
from assets.features import daily_features
from assets.probing import absent, probed_sessions, train_and_serve
from config import universe as universe_file
from config.documents import ROOT
from quant.features import CORE, DAILY, DailyPanel
from warehouse import Warehouse, actions, adjustment, bars, features, index, verdicts
from warehouse import universe as memberships
from warehouse.place import Place

# IBM paid a dividend on 8 May, so that prices before and after it stand on two bases.
SESSIONS = (date(2012, 5, 7), date(2012, 5, 8), date(2012, 5, 9))
FIRST, LAST = date(2011, 3, 1), SESSIONS[-1]
UNIVERSE = universe_file.load(ROOT / "universe.toml")


@pytest.fixture(name="loaded")
def _loaded(desk_place: Place) -> Iterator[Warehouse]:
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
    yield made
    made.close()


@pytest.fixture(name="warehouse")
def _warehouse(loaded: Warehouse) -> Warehouse:
    """With the features of three sessions."""
    tags = {
        "dagster/asset_partition_range_start": SESSIONS[0].isoformat(),
        "dagster/asset_partition_range_end": LAST.isoformat(),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [daily_features], instance=instance, tags=tags,
            resources={"warehouse": loaded, "universe": UNIVERSE},
        )  # fmt: skip
    return loaded


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


def _panel(warehouse: Warehouse, names: tuple[str, ...]) -> DailyPanel:
    with warehouse.reader() as conn:
        return adjustment.panel(
            conn, names, FIRST, LAST, as_of=decision_time(LAST), index=UNIVERSE.index
        )


def test_serving_is_compared_where_a_bar_was_corrected_and_around_a_dividend(
    loaded: Warehouse,
) -> None:
    days = _panel(loaded, UNIVERSE.names).sessions
    before = probed_sessions(loaded, UNIVERSE, days, trained_to=LAST)
    corrected = date(2012, 2, 7)
    told = _told(sample.stocks()).filter(
        (pl.col("symbol") == "IBM") & (pl.col("session") == corrected)
    )
    again = told.with_columns(
        close=pl.col("close") * 0.99,
        assumed=pl.lit(value=False),
        known_at=pl.lit(decision_time(corrected) + timedelta(days=20)),
    )
    with loaded.writer("market.daily_bars") as conn:
        bars.append_bars(conn, again)

    found = probed_sessions(loaded, UNIVERSE, days, trained_to=LAST)

    assert {corrected, date(2012, 2, 6)} <= set(found)
    assert corrected not in before
    # IBM's dividend is the newest action, the last session the newest of all.
    assert {date(2012, 5, 7), date(2012, 5, 8), LAST} <= set(before)
    assert len(found) <= 4 + 8 + 1 + 4 + 1 + 2


def test_a_member_that_traded_and_was_never_learnt_from_is_missed(loaded: Warehouse) -> None:
    whole = _panel(loaded, UNIVERSE.names)
    assert absent(loaded, UNIVERSE, whole, trained_to=LAST) is None  # a list without a past
    members = pl.DataFrame(
        {"symbol": ["AAPL", "IBM", "MSFT"], "from_session": [FIRST, FIRST, date(2012, 5, 1)],
         "to_session": [None, date(2012, 4, 30), None]}
    ).with_columns(
        universe=pl.lit(UNIVERSE.name), point_in_time=pl.lit(value=True),
        known_at=pl.lit(decision_time(FIRST)),
    )  # fmt: skip
    with loaded.writer("market.universe") as conn:
        memberships.record(conn, members)

    everyone = absent(loaded, UNIVERSE, whole, trained_to=LAST)
    survivors = absent(loaded, UNIVERSE, _panel(loaded, ("AAPL", "MSFT")), trained_to=LAST)

    assert everyone is not None
    assert everyone.passed, everyone.sentence
    assert survivors is not None
    assert not survivors.passed
    n_ibm = sum(FIRST <= day <= date(2012, 4, 30) for day in _sessions_of("IBM"))
    assert survivors.sentence.startswith(f"{n_ibm} of ")


def _sessions_of(symbol: str) -> list[date]:
    return sample.stocks().filter(pl.col("symbol") == symbol)["session"].to_list()


def _values(warehouse: Warehouse, session: date) -> pl.DataFrame:
    with warehouse.reader() as conn:
        rows, values = features.matrix(
            conn, DAILY.version, UNIVERSE.names, session, session, as_of=decision_time(LAST)
        )
    return rows.with_columns(
        version=pl.lit(DAILY.version),
        values=pl.Series(list(np.asarray(values)), dtype=pl.List(pl.Float32)),
    )
