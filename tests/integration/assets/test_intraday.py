"""Intraday signals: of what was known at the minute, marked as simulated, none of a stale feed."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from adapters.market_data import sample
from assets.desk_time import decision_time
from assets.intraday import intraday_signals
from assets.intraday_gates import intraday_gates
from config import gates as gates_module
from config import settings as settings_module
from config import universe
from config.settings import Settings
from ledger import engine, feeds, market
from ledger.feeds import FeedState
from quality.calendar import exchange
from quant.signals import REVERSION, strategy_name
from tests.integration.sending.desk import StandingClock
from tests.unit.worker.desks import NOON, OPEN, SESSION, clock_at
from warehouse import Warehouse, bars, connect, evidence, index, intraday, models, verdicts
from warehouse.place import Place

FALL = 40  # minute of the session that falls
NOW = OPEN + timedelta(minutes=FALL + 1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(name="settings")
def _settings(desk_place: Place, tmp_path: Path) -> Settings:
    return settings_module.load(
        {
            "DESK_HOME": str(tmp_path),
            "COUNTERSIGN_DATABASE__DSN": desk_place.dsn,
            "COUNTERSIGN_WAREHOUSE__PATH": desk_place.data_path,
            "COUNTERSIGN_STRATEGIES__REVERSION": "shown",
        }
    )


@pytest.fixture(name="warehouse")
def _warehouse(settings: Settings) -> Iterator[Warehouse]:
    made = connect(settings)
    with made.writer("market.minute_bars") as conn:
        bars.append_minutes(conn, minutes(), learned_at=NOW + timedelta(hours=9))
    yield made
    made.close()


@pytest.fixture(name="ledger")
def _ledger(settings: Settings) -> Iterator[sa.Engine]:
    made = engine(settings.database.url("desk"))
    with made.begin() as conn:
        market.record_clock(conn, clock_at(NOW))
    yield made
    made.dispose()


def minutes() -> pl.DataFrame:
    """A quiet session of IBM, then one that falls in its fortieth minute, and what comes after."""
    before = exchange().previous(SESSION)
    quiet = exchange().minutes(before)
    starts = [exchange().open(before) + n * MINUTE for n in range(quiet)]
    starts += [OPEN + n * MINUTE for n in range(FALL + 3)]
    swing = 100.0 + 0.1 * (-1.0) ** np.arange(len(starts))
    frame = pl.DataFrame(
        {
            "symbol": "IBM", "session": [start.date() for start in starts], "bar_start": starts,
            "open": swing, "high": 100.1, "low": 99.9, "close": 200.0 - swing, "volume": 10_000,
            "source": "venue", "feed": "iex", "simulated": True, "healed": False,
            "known_at": [start + MINUTE for start in starts],
        }
    )  # fmt: skip
    fell = pl.col("bar_start") >= OPEN + FALL * MINUTE
    return frame.with_columns(
        pl.when(fell).then(98.0).otherwise(pl.col(name)).alias(name)
        for name in ("open", "low", "close")
    )


def reported(ledger: sa.Engine, *, stale_since: datetime | None) -> None:
    state = FeedState(
        session=SESSION, market_at=NOW, newest_at=NOW, stale_since=stale_since, gaps=0, healed=0,
        no_trade=0, waiting=0, batches=1, bars=1, restated=0, reconnects=0,
    )  # fmt: skip
    with ledger.begin() as conn:
        feeds.record(conn, state, desk_at=NOON)


def wanted(settings: Settings, ledger: sa.Engine, warehouse: Warehouse) -> pl.DataFrame:
    resources = {
        "settings": settings, "ledger": ledger, "warehouse": warehouse,
        "universe": universe.load(), "desk_clock": StandingClock(NOON),
    }  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([intraday_signals], resources=resources, instance=instance)
    with warehouse.reader() as conn:
        return intraday.latest(conn)


def test_a_fall_asks_for_a_purchase_with_its_stop_and_says_it_is_simulated(
    settings: Settings, ledger: sa.Engine, warehouse: Warehouse
) -> None:
    reported(ledger, stale_since=None)

    [row] = wanted(settings, ledger, warehouse).iter_rows(named=True)

    assert (row["symbol"], row["side"], row["close"]) == ("IBM", 1, 98.0)
    assert row["bar_start"] == OPEN + FALL * MINUTE  # not those that came after the clock
    # Thirteen parts of a quiet range of 0.2 and one of 2.1 from the close before; 1.5 of that
    assert row["stop"] == pytest.approx(98.0 - 1.5 * (13 * 0.2 + 2.1) / 14, abs=0.02)
    assert row["simulated"] is True


@pytest.mark.parametrize("overdue", [True, False])
def test_a_feed_that_is_stale_or_says_nothing_gives_no_signal(
    settings: Settings, ledger: sa.Engine, warehouse: Warehouse, *, overdue: bool
) -> None:
    if overdue:
        reported(ledger, stale_since=NOW - timedelta(seconds=61))

    assert wanted(settings, ledger, warehouse).is_empty()


def test_rules_that_are_off_want_nothing(
    settings: Settings, ledger: sa.Engine, warehouse: Warehouse
) -> None:
    reported(ledger, stale_since=None)
    off = settings.strategies.model_copy(update={"reversion": "off"})

    told = settings.model_copy(update={"strategies": off})

    assert wanted(told, ledger, warehouse).is_empty()


@pytest.fixture(name="daily")
def _daily(warehouse: Warehouse) -> None:
    """The daily bars of June 2012, judged, and the index."""
    told = {
        name: frame.filter(
            pl.col("session").is_between(date(2012, 6, 1), exchange().previous(SESSION))
        )
        for name, frame in (("stocks", sample.stocks()), ("index", sample.index_bars()))
    }
    known = {day: decision_time(day) for day in told["stocks"]["session"].unique().to_list()}
    stocks, benchmark = (
        frame.with_columns(
            known_at=pl.col("session").replace_strict(known, return_dtype=pl.Datetime("us", "UTC")),
            source=pl.lit("sample"),
            assumed=pl.lit(value=True),
            simulated=pl.lit(value=False),
        )
        for frame in told.values()
    )
    passed = stocks.select(
        "symbol", "session", "known_at", dataset=pl.lit("daily_bars"), status=pl.lit("passed"),
        checks=pl.lit(12), checks_passed=pl.lit(12),
    )  # fmt: skip
    with warehouse.writer("market.daily_bars") as conn:
        bars.append_bars(conn, stocks)
    with warehouse.writer("quality.verdicts") as conn:
        verdicts.record(conn, passed)
    with warehouse.writer("market.index_bars") as conn:
        index.append_bars(conn, benchmark)


@pytest.mark.usefixtures("daily")
def test_the_rules_are_judged_on_the_minutes_that_are_stored_and_unknown_fails(
    settings: Settings, ledger: sa.Engine, warehouse: Warehouse
) -> None:
    resources = {
        "settings": settings, "ledger": ledger, "warehouse": warehouse,
        "universe": universe.load(), "gates": gates_module.load(),
    }  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([intraday_gates], resources=resources, instance=instance).success

    name = strategy_name(REVERSION, filtered=False)
    with warehouse.reader() as conn:
        gates = models.latest_gates(conn, name)
        told = evidence.latest(conn, name)
        trials = models.trials(conn, "sample/equities/daily")
    said = dict(gates.select("gate", "value").iter_rows())
    assert gates.height == 12
    assert told["minutes"]["sessions"] == 1  # the open one has not been lived yet
    assert told["minutes"]["simulated"] is True
    assert (said["trades"], said["real_data"]) == (0.0, 0.0)
    assert said["walk_forward_sharpe"] is None
    assert gates.filter("passed")["gate"].to_list() == ["leakage_probes"]
    assert trials.is_empty()  # one session is no score
