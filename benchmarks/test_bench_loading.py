"""From the lake to a judged warehouse, out again as known at an instant, and what pages ask.

Budgets on two idle cores: 500 symbols x 22 years of daily bars (2.75 million rows) in 20 s, a
session of minutes of 500 symbols in 3 s, adjusted closes of 500 symbols x 10 years in 1 s, any
query of a page in 1 s, peak memory below 3 GB. `extra_info` tells beside each time the seconds of
processor spent, which a busy machine does not stretch, the shares of the stages, and the peak.
The peer is DuckDB alone: the same objects into a table, and the closes of a span in order, with
nothing judged, dated or adjusted.
"""

from __future__ import annotations

import os
import resource
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import psycopg
import pytest
from psycopg import sql
from pytest_benchmark.fixture import BenchmarkFixture

from adapters.market_data import calendar, generated, load
from adapters.market_data.landing import land
from adapters.object_store import FolderStore
from assets import gate as gate_module
from assets import minutes as minute_module
from assets.blocks import in_chunks
from assets.desk_time import decision_time
from assets.gate import Gate
from config.universe import Listing, Universe
from countersign.processes.postgres import Cluster
from quality import suites
from tests.servers import postgres_server
from warehouse import Warehouse, actions, adjustment, bars, eligibility, index, migrate, restated
from warehouse import pages as shown
from warehouse.place import Place

__all__ = ["postgres_server"]  # a fixture

EVER_LISTED = int(os.environ.get("BENCH_SYMBOLS", "700"))  # of which some 500 trade at a time
YEARS = int(os.environ.get("BENCH_YEARS", "22"))
MINUTE_SESSIONS = int(os.environ.get("BENCH_MINUTE_SESSIONS", "21"))
AT_ONCE = 500  # symbols asked for closes and minutes
LAST = date(2012, 7, 2)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
MEMORY = 3 * 1024**3  # bytes


@dataclass
class Timed:
    """Seconds spent in some functions, on the wall and of the processors."""

    spent: dict[str, float] = field(default_factory=dict)

    def wrap(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*told: Any, **named: Any) -> Any:
            began, processor = time.perf_counter(), time.process_time()
            try:
                return work(*told, **named)
            finally:
                self.add(name, time.perf_counter() - began)
                self.add(f"{name} cpu", time.process_time() - processor)

        return timed

    def add(self, name: str, seconds: float) -> None:
        self.spent[name] = self.spent.get(name, 0.0) + seconds

    def stages(self, monkeypatch: pytest.MonkeyPatch, *stages: tuple[Any, str]) -> None:
        """Time functions where they are looked up."""
        for owner, name in stages:
            monkeypatch.setattr(owner, name, self.wrap(name, getattr(owner, name)))


@dataclass
class Market:
    """A lake and a warehouse with its index and actions, the bars not loaded yet."""

    store: FolderStore
    warehouse: Warehouse
    universe: Universe
    sessions: list[date]
    rows: int
    home: Path

    @property
    def names(self) -> tuple[str, ...]:
        """The first 500 symbols."""
        return tuple(self.universe.names[:AT_ONCE])


@pytest.fixture(scope="module")
def market(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("loading")
    span = pl.col("session").is_between(date(LAST.year - YEARS, LAST.month, LAST.day), LAST)
    sessions = calendar.sessions().filter(span)["session"].to_list()
    made = generated.market(sessions, symbols=EVER_LISTED, seed=1)
    store = FolderStore(home / "lake")
    for kind, frame in (("daily", made.daily), ("index", made.index), ("actions", made.actions)):
        _land(store, frame, kind)
    warehouse = _fresh_warehouse(postgres_server, home)
    listings = tuple(Listing(symbol=s, label=s, sector=t) for s, t in made.sectors.items())
    universe = Universe(name="generated", index=generated.INDEX, symbols=listings)
    with warehouse.writer("market.corporate_actions") as conn:
        actions.append(conn, load.actions(store, sessions[0], LAST))
    with warehouse.writer("market.index_bars") as conn:
        index.append_bars(conn, load.index(store, sessions[0], LAST))
    yield Market(store, warehouse, universe, sessions, made.daily.height, home)
    warehouse.close()


def _land(store: FolderStore, frame: pl.DataFrame, kind: str) -> None:
    land(
        store, frame, kind=kind, source="generated", simulated=True, landed_at=NOW,  # type: ignore[arg-type]
        market_at=calendar.close_of(LAST),
    )  # fmt: skip


def _fresh_warehouse(server: Cluster, home: Path) -> Warehouse:
    name = f"b_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template fresh_desk").format(sql.Identifier(name)))
    place = Place(server.url(name), f"{home}/warehouse/")
    migrate.upgrade_place(place)
    return Warehouse(place)


def _measured(benchmark: BenchmarkFixture, work: Callable[[], Any], *, rounds: int = 1) -> Any:
    """Run `work`; tell the seconds of processor per round and the peak memory so far."""
    began = time.process_time()
    done = benchmark.pedantic(work, rounds=rounds)  # type: ignore[no-untyped-call]  # it carries no types
    benchmark.extra_info |= {
        "cpu_seconds": (time.process_time() - began) / rounds,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    return done


@pytest.mark.benchmark(group="lake to warehouse, daily")
def test_bench_duckdb_alone_takes_the_objects_in(
    benchmark: BenchmarkFixture, market: Market
) -> None:
    objects = f"{market.home}/lake/equities/daily/**/*.parquet"

    def work() -> int:
        with duckdb.connect() as conn:
            conn.execute(
                "create table bars as select * from read_parquet($objects, union_by_name := true)",
                {"objects": objects},
            )
            found = conn.execute("select count(*) from bars").fetchone()
            return 0 if found is None else int(found[0])

    assert _measured(benchmark, work) == market.rows


@pytest.mark.benchmark(group="lake to warehouse, daily")
def test_bench_lake_to_judged_warehouse(
    benchmark: BenchmarkFixture, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = Timed()
    timed.stages(
        monkeypatch,
        (gate_module, "judge_daily"), (suites, "record"), (load, "versions"), (Gate, "_store"),
    )  # fmt: skip

    done: Gate = _measured(benchmark, partial(_taken_in, market))

    benchmark.extra_info |= {"rows": market.rows, **timed.spent}
    assert done.tally.new + done.held == market.rows
    assert benchmark.extra_info["peak_bytes"] < MEMORY


def _taken_in(market: Market) -> Gate:
    gate = Gate(market.store, market.warehouse, market.universe, market.home / "docs", "bench")
    list(gate.load(list(in_chunks(market.sessions))))
    return gate


@pytest.fixture(scope="module")
def loaded(market: Market) -> Market:
    """The same with its bars judged and stored, here unless the benchmark above did."""
    with market.warehouse.reader() as conn:
        is_empty = conn.execute("select 1 from market.daily_bars limit 1").fetchone() is None
    if is_empty:
        _taken_in(market)
    return market


@pytest.mark.benchmark(group="closes of ten years")
def test_bench_duckdb_alone_reads_closes(benchmark: BenchmarkFixture, loaded: Market) -> None:
    asked = {"first": _ten_years_ago(), "last": LAST, "symbols": list(loaded.names)}

    def work() -> pl.DataFrame:
        with loaded.warehouse.reader() as conn:
            return conn.execute(
                "select session, symbol, close from market.daily_bars "
                "where session between $first and $last "
                "and symbol in (select unnest($symbols::varchar[])) order by session, symbol",
                asked,
            ).pl()

    assert _measured(benchmark, work, rounds=5).height > 0


@pytest.mark.benchmark(group="closes of ten years")
def test_bench_adjusted_closes_as_of(benchmark: BenchmarkFixture, loaded: Market) -> None:
    def work() -> pl.DataFrame:
        with loaded.warehouse.reader() as conn:
            return adjustment.adjusted_closes(
                conn, loaded.names, _ten_years_ago(), LAST, as_of=decision_time(LAST)
            )

    found = _measured(benchmark, work, rounds=5)

    newest = found.filter(pl.col("session") == LAST)
    assert newest.height > 0
    assert (newest["close"] == newest["adjusted_close"]).all()


def _ten_years_ago() -> date:
    return date(LAST.year - 10, LAST.month, LAST.day)


@dataclass(frozen=True)
class Lake:
    """Minutes of the lake, served as a source serves them."""

    store: FolderStore

    def daily(self, symbols: Any, first: date, last: date) -> pl.DataFrame:
        return load.daily(self.store, first, last, symbols=symbols)

    def minutes(self, symbols: Any, session: date) -> pl.DataFrame:
        return load.minutes(self.store, session, symbols=symbols)

    def actions(self, symbols: Any, first: date, last: date) -> pl.DataFrame:
        return load.actions(self.store, first, last).filter(pl.col("symbol").is_in(list(symbols)))


def _minutes(market: Market, session: date) -> pl.DataFrame:
    """Return made minutes of the first symbols that traded in a session."""
    asked = (market.universe.names, session, session)
    with market.warehouse.reader() as conn:
        daily = bars.ohlcv(conn, *asked, as_of=decision_time(session)).head(AT_ONCE)
    opens = calendar.with_open(daily, day="session", name="opens_at")["opens_at"]
    return generated.minutes(daily, opens, seed=1)


@pytest.mark.benchmark(group="lake to warehouse, a session of minutes")
def test_bench_a_session_of_minutes(
    benchmark: BenchmarkFixture, loaded: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = _minutes(loaded, LAST)
    _land(loaded.store, minutes, "minute")
    listed = set(minutes["symbol"])
    traded = tuple(one for one in loaded.universe.symbols if one.symbol in listed)
    universe = Universe(name="generated", index=generated.INDEX, symbols=traded)
    timed = Timed()
    timed.stages(
        monkeypatch,
        (load, "minutes"), (minute_module, "judge_minutes"), (minute_module, "days_made"),
        (suites, "record"), (minute_module, "write"),
    )  # fmt: skip

    def work() -> int:
        judgement, days = minute_module.judged(loaded.warehouse, Lake(loaded.store), universe, LAST)
        landed = load.objects(loaded.store, "minute", LAST, LAST, universe.names).landed()
        minute_module.write(
            loaded.warehouse, judgement, days, LAST, landed,
            docs=loaded.home / "docs", run_id="bench",
        )  # fmt: skip
        return judgement.passed.height

    written = _measured(benchmark, work)

    benchmark.extra_info |= {"rows": minutes.height, **timed.spent}
    assert written > 0.95 * minutes.height


@pytest.fixture(scope="module")
def filled(loaded: Market) -> Market:
    """The same with a month of minutes, some four million rows."""
    for session in loaded.sessions[-MINUTE_SESSIONS:]:
        rows = _minutes(loaded, session).with_columns(
            source=pl.lit("generated"), simulated=pl.lit(value=True), healed=pl.lit(value=False),
            known_at=pl.col("bar_start") + pl.duration(minutes=1),
        )  # fmt: skip
        loaded.warehouse.write(partial(_append, rows=rows, session=session), "market.minute_bars")
    return loaded


def _append(conn: duckdb.DuckDBPyConnection, *, rows: pl.DataFrame, session: date) -> None:
    bars.append_minutes(conn, rows, learned_at=decision_time(session))


PROGRAMME = "made/equities/daily"
QUERIES: dict[str, Callable[[duckdb.DuckDBPyConnection], Any]] = {
    "decisions": shown.decisions,
    "predictions": partial(shown.predictions, programme=PROGRAMME),
    "newest version": partial(shown.newest_version, programme=PROGRAMME),
    "gates": partial(shown.gates, model_version="none"),
    "live score": partial(shown.live_score, programme=PROGRAMME),
    "verdicts": shown.verdicts,
    "a verdict": partial(shown.verdict, symbol="G0001", session=LAST),
    "findings": shown.findings,
    "quarantine": shown.quarantine,
    "reports": shown.reports,
    "closes": partial(shown.closes, symbol="G0001", last=LAST, as_of=decision_time(LAST)),
    "bars around": partial(shown.around, symbol="G0001", session=LAST),
    "risk figures": shown.risk_figures,
    "restatements": restated.latest,
    "eligibility": eligibility.latest,
    "a session's minutes of a symbol": lambda conn: bars.minutes(
        conn, ["G0001"], LAST, as_of=decision_time(LAST)
    ),
}


@pytest.mark.benchmark(group="what pages ask")
@pytest.mark.parametrize("name", QUERIES)
def test_bench_what_pages_ask(benchmark: BenchmarkFixture, filled: Market, name: str) -> None:
    def work() -> Any:
        with filled.warehouse.reader() as conn:
            return QUERIES[name](conn)

    assert _measured(benchmark, work, rounds=20) is not None

    seconds = benchmark.stats.stats.data  # type: ignore[union-attr]  # set by the run above
    benchmark.extra_info["p95_seconds"] = float(np.quantile(seconds, 0.95))
