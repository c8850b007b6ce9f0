"""A desk without processes: real PostgreSQL, DuckLake and lake; Dagster in this process."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg import sql

from adapters.market_data import sample
from adapters.market_data.landed_minutes import LandedMinutes
from adapters.market_data.landing import Kind, land
from adapters.object_store.folder import FolderStore
from assets.desk_time import decision_time
from config import gates, limits, settings, universe
from config.settings import Settings
from countersign.processes.postgres import Cluster
from ledger import heartbeats, market, proposals, reconciliations
from ledger.connection import engine
from ledger.migrate import upgrade as upgrade_ledger
from pipelines.definitions import defs
from pipelines.jobs import DECISION, HISTORY, JOBS
from quality.calendar import exchange
from tests.integration.sending.desk import FakeBroker, StandingClock
from warehouse import Warehouse, connect
from warehouse.migrate import upgrade as upgrade_warehouse

FIRST, LAST, NEXT = date(2010, 1, 4), date(2012, 7, 2), date(2012, 7, 3)
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # desk time
# Rows of these tell of runs and not of markets; every run adds some.
_TOLD_OF_RUNS = {"runs", "audit_log"}


@dataclass
class FiledModels:
    """Models in memory, filed as a registry files them; fits `assets.sources.ModelRegistry`."""

    filed: dict[str, bytes] = field(default_factory=dict)
    figures: list[Mapping[str, float]] = field(default_factory=list)

    def register(
        self,
        name: str,
        model: bytes,
        *,
        booster: Any,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        reports: Mapping[str, str],
        inputs: Sequence[str] = (),
    ) -> tuple[str, int]:
        run_id = uuid.uuid4().hex
        self.filed[run_id] = model
        self.figures.append(metrics)
        return run_id, len(self.filed)

    def model(self, run_id: str) -> bytes:
        return self.filed[run_id]


class NothingToAsk:
    """A source that has no more than what lies in the lake: asking it is a mistake."""

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        raise AssertionError(f"asked for daily bars of {first} to {last}, which lie in the lake")

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        raise AssertionError("asked for minutes")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        raise AssertionError(f"asked for actions of {first} to {last}, which lie in the lake")


@dataclass
class SmallDesk:
    """What the assets are given, and how to run them."""

    settings: Settings
    ledger: sa.Engine
    warehouse: Warehouse
    store: FolderStore
    registry: FiledModels = field(default_factory=FiledModels)
    clock: StandingClock = field(default_factory=lambda: StandingClock(NOON))

    def __post_init__(self) -> None:
        self.broker = FakeBroker(StandingClock(decision_time(LAST)))
        self.broker.prices = dict.fromkeys(universe.load().names, Decimal(100))
        self.instance = dg.DagsterInstance.ephemeral()
        decide = dg.define_asset_job("decide", selection=[*HISTORY, *DECISION])
        self._definitions = dg.Definitions(
            assets=defs.assets,
            asset_checks=defs.asset_checks,
            jobs=[*JOBS, decide],
            resources=self.resources(),
            executor=dg.in_process_executor,
        )

    def land(self, frame: pl.DataFrame, kind: Kind) -> None:
        last = frame["session"].max()
        assert isinstance(last, date)
        land(
            self.store, frame, kind=kind, source="sample", landed_at=NOON,
            market_at=exchange().close(last),
        )  # fmt: skip

    def close(self, session: date) -> None:
        """The market's clock stands half an hour after the close of `session`.

        As the worker `watch` does it: what is past its time expires with the clock.
        """
        now = exchange().close(session) + timedelta(minutes=30)
        following = exchange().next(session)
        with self.ledger.begin() as conn:
            market.record_clock(
                conn,
                market.Clock(
                    now=now, session=session, is_open=False,
                    next_open=exchange().open(following), next_close=exchange().close(following),
                    early_close=False, replay=True, state="paused", hold_reason=None,
                    pace=Decimal(1), first_session=FIRST, last_session=None, received_at=NOON,
                ),
            )  # fmt: skip
            market.record_account(
                conn,
                market.Account(
                    account_id="PA1", environment="replay", equity=Decimal(100_000),
                    last_equity=Decimal(100_000), cash=Decimal(100_000),
                    settled_cash=Decimal(100_000), buying_power=Decimal(100_000), currency="USD",
                    status="ACTIVE", as_of=now, received_at=NOON,
                ),
            )  # fmt: skip
            proposals.expire(conn, market_at=now, desk_at=NOON)
            reconciliations.record(
                conn,
                started_at=NOON,
                finished_at=NOON,
                market_at=now,
                clean=True,
                differences=(),
            )
            heartbeats.beat(
                conn, process="watch", pid=1, build=self.settings.build, desk_at=NOON
            )  # fmt: skip

    def run(
        self, job: str, first: date | None = None, last: date | None = None, *, fails: bool = False
    ) -> dg.ExecuteInProcessResult:
        """Run a job without a session, for one, or for a range."""
        options: dict[str, Any] = {}
        if last is not None:
            options["tags"] = {
                "dagster/asset_partition_range_start": str(first),
                "dagster/asset_partition_range_end": str(last),
            }
        elif first is not None:
            options["partition_key"] = str(first)
        done = self._definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, raise_on_error=not fails, **options
        )
        assert done.success is not fails
        return done

    def rows(self) -> dict[str, int]:
        """Return how many rows every table of warehouse and ledger holds."""
        counted = {}
        with self.warehouse.reader() as conn:
            named = conn.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_schema in "
                "('market', 'quality', 'features', 'models', 'portfolio', 'risk')"
            ).fetchall()
            for schema, table in named:
                found = conn.execute(f'select count(*) from {schema}."{table}"').fetchone()
                counted[f"{schema}.{table}"] = found[0] if found else 0
        with self.ledger.connect() as conn:
            for table in sa.inspect(conn).get_table_names("desk"):
                if table not in _TOLD_OF_RUNS:
                    counted[f"desk.{table}"] = conn.scalar(
                        sa.text(f'select count(*) from desk."{table}"')
                    )
        return counted

    def table(self, query: str, **asked: Any) -> pl.DataFrame:
        with self.warehouse.reader() as conn:
            return conn.execute(query, asked).pl()

    def decisions(self, session: date) -> dict[str, dict[str, Any]]:
        found = self.table(
            "select * from portfolio.decisions where session = $session "
            "qualify row_number() over (partition by symbol order by recorded_at desc) = 1",
            session=session,
        )
        return {row["symbol"]: row for row in found.iter_rows(named=True)}

    def proposals(self) -> list[tuple[Any, ...]]:
        with self.ledger.connect() as conn:
            found = conn.execute(
                sa.text(
                    "select l.symbol, p.session, p.content_hash, p.state from desk.proposals p "
                    "join desk.legs l using (proposal_id) order by p.session, l.symbol"
                )
            )
            return [tuple(row) for row in found]

    def resources(self) -> dict[str, object]:
        return {
            "settings": self.settings,
            "limits": limits.load(),
            "universe": universe.load(),
            "gates": gates.load(),
            "ledger": self.ledger,
            "warehouse": self.warehouse,
            "store": self.store,
            "source": LandedMinutes(self.store, NothingToAsk()),  # type: ignore[arg-type]  # asked as a chain is, and refusing
            "broker": self.broker,
            "registry": self.registry,
            "desk_clock": self.clock,
        }


@contextmanager
def fresh(server: Cluster, home: Path) -> Iterator[SmallDesk]:
    """An empty desk with a database of its own."""
    name = f"p_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template fresh_desk").format(sql.Identifier(name)))
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(f"{name}_studies")))
    told = settings.load(
        {
            "DESK_HOME": str(home),
            "COUNTERSIGN_DATABASE__DSN": server.url(name),
            "COUNTERSIGN_DATABASE__OPTUNA": f"{name}_studies",
            "COUNTERSIGN_TRAINING__TRIALS": "2",
            "COUNTERSIGN_TRAINING__FIRST_SESSION": str(FIRST),
        }
    )
    upgrade_ledger(server.url(name))
    upgrade_warehouse(told)
    ledger = engine(server.url(name))
    warehouse = connect(told)
    try:
        yield SmallDesk(told, ledger, warehouse, FolderStore(home / "lake"))
    finally:
        warehouse.close()
        ledger.dispose()
        with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
            for made in (name, f"{name}_studies"):
                conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(made)))


def history() -> dict[Kind, pl.DataFrame]:
    """The sample from FIRST to LAST, as a bucket would hold it."""
    span = pl.col("session").is_between(FIRST, LAST)
    stocks = sample.stocks()
    return {
        "daily": stocks.filter(span),
        "index": sample.index_bars().filter(span),
        "rates": sample.rates().filter(span),
        "actions": sample.actions(stocks).filter(span),
    }


os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "500")
os.environ.setdefault("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", "true")
