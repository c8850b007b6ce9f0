"""Checks of features, predictions and positions, and of drift, run by Dagster."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from config import settings
from config.universe import Listing, Universe
from ledger import market
from ledger.connection import engine
from quality import own_checks
from quality.calendar import exchange
from tests.integration.quality import test_checks

TRAINED = exchange().sessions(date(2011, 1, 3), date(2012, 3, 30))
LATER = exchange().sessions(date(2012, 4, 2), date(2012, 7, 2))
LAST = LATER[-1]
NAMES = ["momentum", "volatility"]
SYMBOLS = [f"S{n:03d}" for n in range(30)]
AT = datetime(2012, 7, 2, 20, 15, tzinfo=UTC)
DAYS = dg.DailyPartitionsDefinition(start_date="2012-06-25", end_date="2012-07-10")


class Tables(test_checks.Tables):
    """The warehouse's tables in a plain DuckDB that can be written to as well."""

    def write(self, change: Callable[[duckdb.DuckDBPyConnection], Any], *tables: str) -> Any:
        return change(self.conn)

    def trained(self) -> None:
        """A model of TRAINED on two features of 30 symbols."""
        self.add(
            "models.versions", model_version="desk/1", feature_version="v1", snapshot_id=1,
            programme="u/equities/daily", first_session=TRAINED[0], last_session=TRAINED[-1],
            rows=1, horizon=5,
            hyperparameters="{}", base_rate=0.5, calibration="[]", importance="[]",
            simulated=False, status="challenger", trained_at=AT, recorded_at=AT,
        )  # fmt: skip
        self.add("features.versions", version="v1", names=NAMES, registered_at=AT)

    def features(self, sessions: tuple[date, ...], *, moved: float = 0.0, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        rows = [
            (symbol, day, "v1", False, rng.normal([0.0, moved]).tolist(), at(day), at(day))
            for symbol in SYMBOLS
            for day in sessions
        ]
        self.put("features.daily", rows)

    def put(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Many rows at once, in the order of the table's columns."""
        self.conn.register(
            "told", pl.DataFrame(rows, orient="row", infer_schema_length=None).to_arrow()
        )
        self.conn.execute(f"insert into {table} select * from told")
        self.conn.unregister("told")


def at(session: date) -> datetime:
    return exchange().close(session) + timedelta(minutes=15)


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def daily_bars() -> None: ...


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def daily_features() -> None: ...


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def predictions() -> None: ...


@dg.asset
def positions() -> None: ...


def checked(tables: Tables, home: Path, *assets: Any, **more: Any) -> dict[str, Any]:
    """Run assets for LAST with their checks; return each evaluation by name."""
    given = {
        "warehouse": tables,
        "settings": settings.load({"DESK_HOME": str(home)}),
        "universe": Universe(
            name="u", symbols=tuple(Listing(symbol=s, label=s, sector="x") for s in SYMBOLS)
        ),
    } | more  # fmt: skip
    names = {asset.key for asset in assets}
    checks = [c for c in own_checks.OWN_CHECKS if {k.asset_key for k in c.check_keys} <= names]
    definitions = dg.Definitions(assets=list(assets), asset_checks=checks, resources=given)
    job = definitions.resolve_implicit_global_asset_job_def()
    options: dict[str, Any] = {} if assets == (positions,) else {"partition_key": str(LAST)}
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance, **options)
    return {e.check_name: e for e in done.get_asset_check_evaluations()}


@pytest.fixture(name="tables")
def _tables() -> Tables:
    made = Tables()
    made.trained()
    made.features(tuple(own_checks.spread(TRAINED, own_checks.REFERENCE_LOOKS))[::2])
    return made


@pytest.mark.parametrize("moved", [0.0, 2.0])
def test_the_feature_that_moved_since_training_is_named_as_a_warning(
    tables: Tables, tmp_path: Path, moved: float
) -> None:
    recent = own_checks.spread(LATER[-own_checks.RECENT_SESSIONS :], own_checks.RECENT_LOOKS)
    tables.features(tuple(recent), moved=moved, seed=2)

    drift = checked(tables, tmp_path, daily_features)["features_are_like_those_trained_on"]

    assert drift.passed is (moved == 0.0)
    told = {name: value.value for name, value in drift.metadata.items()}
    assert (told["moved"], told["columns"]) == (int(moved > 0), 2)
    # 30 symbols in the fifteen months of training, and in April to July.
    assert told["reference_independent_rows"] == 30 * 15
    assert told["independent_rows"] == 30 * 4
    furthest = told["furthest"].records[0].data
    if moved:
        assert drift.severity is dg.AssetCheckSeverity.WARN
        assert drift.description.startswith("volatility moved beyond chance: 2012-04-03 to")
        assert furthest["recent_mean"] - furthest["reference_mean"] == pytest.approx(2.0, abs=0.2)


def test_features_are_not_compared_to_those_of_another_universes_champion(
    tables: Tables, tmp_path: Path
) -> None:
    tables.conn.execute("update models.versions set programme = 'other', status = 'champion'")

    drift = checked(tables, tmp_path, daily_features)["features_are_like_those_trained_on"]

    assert drift.passed
    assert drift.description == "There is no model to compare to."


def test_within_the_training_window_there_is_nothing_to_compare(
    tables: Tables, tmp_path: Path
) -> None:
    tables.conn.execute("update models.versions set last_session = '2012-07-02'")

    drift = checked(tables, tmp_path, daily_features)["features_are_like_those_trained_on"]

    assert drift.passed
    assert "lies in the training window" in drift.description


def test_a_suite_is_recorded_rendered_and_told(tables: Tables, tmp_path: Path) -> None:
    tables.features((LAST,))
    tables.conn.execute(
        "update features.daily set values = [1, 'inf'::float] where symbol = 'S007' "
        "and session = '2012-07-02'"
    )

    suite = checked(tables, tmp_path, daily_features)["features_meet_their_suite"]

    assert not suite.passed
    assert suite.description == "30 rows: 1 errors, 0 warnings."
    assert "S007, no_feature_is_infinite" in suite.metadata["first"].value
    page = tmp_path / "data_docs" / suite.metadata["report"].value.removeprefix("/data-docs/")
    assert "Infinite on Mon 2 Jul: volatility." in page.read_text()
    found = tables.conn.execute("select dataset, symbol, rule from quality.findings").fetchall()
    assert found == [("daily_features", "S007", "no_feature_is_infinite")]
    told = tables.conn.execute("select suite, first_session from quality.reports").fetchall()
    assert told == [("daily_features", LAST)]


def test_a_prediction_outside_its_own_range_is_an_error(tables: Tables, tmp_path: Path) -> None:
    for symbol, low in (("S001", -0.02), ("S002", 0.03)):
        tables.add(
            "models.predictions", symbol=symbol, session=LAST, model_version="desk/1",
            kind="live", probability=0.5 + low, expected_return=0.01, low=low, high=0.05, horizon=5,
            volatility=0.2, contributions="[]", feature_version="v1", snapshot_id=1,
            simulated=False, known_at=at(LAST), recorded_at=at(LAST),
        )  # fmt: skip

    suite = checked(tables, tmp_path, predictions)["predictions_meet_their_suite"]

    assert not suite.passed
    assert suite.metadata["by_rule"].value == {"range_holds_what_is_expected": 1}


@pytest.fixture(name="ledger")
def _ledger(desk_dsn: str) -> Iterator[sa.Engine]:
    made = engine(desk_dsn)
    yield made
    made.dispose()


def test_a_position_of_a_stranger_is_an_error(
    tables: Tables, tmp_path: Path, ledger: sa.Engine
) -> None:
    none = checked(tables, tmp_path, positions, ledger=ledger)["positions_meet_their_suite"]
    assert none.description == "There is no row to judge."

    held = [
        market.Position(
            symbol=symbol, quantity=Decimal(10), average_price=Decimal(100),
            market_price=Decimal(101), market_value=Decimal(1010), unrealised=Decimal(10),
            as_of=AT, received_at=AT,
        )
        for symbol in ("S001", "XYZ")
    ]  # fmt: skip
    with ledger.begin() as conn:
        market.record_positions(conn, held)

    suite = checked(tables, tmp_path, positions, ledger=ledger)["positions_meet_their_suite"]

    assert not suite.passed
    assert "10 shares of XYZ are held" in suite.metadata["first"].value


def test_a_month_of_other_bars_is_warned_of_and_a_split_is_none(
    tables: Tables, tmp_path: Path
) -> None:
    days = exchange().sessions(date(2011, 5, 2), LAST)
    rng = np.random.default_rng(6)
    wild = {day: 4.0 if day in days[-21:] else 1.0 for day in days}
    rows = []
    for symbol in SYMBOLS:
        for n, day in enumerate(days):
            price, split = 100.0, 2.0 if n > 200 else 1.0
            move, reach = rng.normal(0.0, 0.01 * wild[day]), abs(rng.normal(0.0, 0.01 * wild[day]))
            prices = (
                price, max(price, price * (1 + move)) * (1 + reach),
                min(price, price * (1 + move)), price * (1 + move),
            )  # fmt: skip
            volume = int(1e6 * split * rng.lognormal(0.0, 0.4))
            told = ("t", None, False, None, at(day), True, at(day))
            rows.append((symbol, day, *(p / split for p in prices), volume, *told))
    tables.put("market.daily_bars", rows)
    tables.conn.execute(
        "insert into quality.verdicts (dataset, symbol, session, status, checks, checks_passed,"
        " known_at, recorded_at) select 'daily_bars', symbol, session, 'passed', 1, 1, known_at,"
        " recorded_at from market.daily_bars"
    )

    drift = checked(tables, tmp_path, daily_bars)["incoming_bars_are_like_the_year_before"]

    names = {r.data["name"]: r.data for r in drift.metadata["furthest"].value.records}
    assert not drift.passed
    assert names["range"]["stability"] > names["range"]["limit"]
    assert names["turnover"]["stability"] < names["turnover"]["limit"]
