"""From the lake to a judged warehouse, and back out adjusted, on desk-sized markets.

Budgets on two idle cores: 500 symbols x 22 years of daily bars in 20 s, a session of minutes of
500 symbols in 3 s, adjusted closes of 500 symbols x 10 years in 1 s, peak memory below 3 GB.
The share of the rules and of the report is told beside the whole (`extra_info`).
"""

from __future__ import annotations

import os
import resource
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg import sql
from pytest_benchmark.fixture import BenchmarkFixture

from adapters.market_data import calendar, generated, load
from adapters.market_data.landing import land
from adapters.object_store import FolderStore
from assets import gate as gate_module
from assets.blocks import in_chunks
from assets.desk_time import decision_time
from assets.gate import Gate
from config.universe import Listing, Universe
from countersign.processes.postgres import Cluster
from quality import suites
from quality.calendar import exchange
from quality.rules.minute import judge_minutes
from tests.servers import postgres_server
from warehouse import Warehouse, actions, adjustment, bars, index, migrate
from warehouse.place import Place

__all__ = ["postgres_server"]  # a fixture

SYMBOLS = int(os.environ.get("BENCH_SYMBOLS", "500"))
YEARS = int(os.environ.get("BENCH_YEARS", "22"))
LAST = date(2012, 7, 2)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
MEMORY = 3 * 1024**3  # bytes


@dataclass
class Timed:
    """Seconds spent in some functions."""

    spent: dict[str, float] = field(default_factory=dict)

    def wrap(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*told: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return work(*told, **named)
            finally:
                self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - began

        return timed


@dataclass
class Market:
    """A lake and a warehouse with its index and actions, the bars not loaded yet."""

    store: FolderStore
    warehouse: Warehouse
    universe: Universe
    sessions: list[date]
    rows: int
    home: Path


@pytest.fixture(scope="module")
def market(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("loading")
    span = pl.col("session").is_between(date(LAST.year - YEARS, LAST.month, LAST.day), LAST)
    sessions = calendar.sessions().filter(span)["session"].to_list()
    made = generated.market(sessions, symbols=SYMBOLS, seed=1)
    store = FolderStore(home / "lake")
    close = calendar.close_of(LAST)
    for kind, frame in (("daily", made.daily), ("index", made.index), ("actions", made.actions)):
        land(
            store, frame, kind=kind, source="generated", simulated=True, landed_at=NOW,  # type: ignore[arg-type]
            market_at=close,
        )  # fmt: skip
    name = f"b_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template fresh_desk").format(sql.Identifier(name)))
    place = Place(postgres_server.url(name), f"{home}/warehouse/")
    migrate.upgrade_place(place)
    warehouse = Warehouse(place)
    listings = tuple(Listing(symbol=s, label=s, sector=t) for s, t in made.sectors.items())
    universe = Universe(name="generated", index=generated.INDEX, symbols=listings)
    first, known = sessions[0], load.actions(store, sessions[0], LAST)
    with warehouse.writer("market.corporate_actions") as conn:
        actions.append(conn, known)
    with warehouse.writer("market.index_bars") as conn:
        index.append_bars(conn, load.index(store, first, LAST))
    yield Market(store, warehouse, universe, sessions, made.daily.height, home)
    warehouse.close()


def test_bench_lake_to_judged_warehouse(
    benchmark: BenchmarkFixture, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = Timed()
    for module, name in (
        (gate_module, "judge_daily"), (suites, "record"), (load, "versions"),
        (Gate, "_store"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, timed.wrap(name, getattr(module, name)))

    def work() -> Gate:
        gate = Gate(market.store, market.warehouse, market.universe, market.home / "docs", "bench")
        for chunk in in_chunks(market.sessions):
            list(gate.pass_through(chunk))
        return gate

    done: Gate = benchmark.pedantic(work, rounds=1, iterations=1)  # type: ignore[no-untyped-call]  # it carries no types

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    benchmark.extra_info |= {"rows": market.rows, "peak_bytes": peak, **timed.spent}
    assert done.tally.new + done.held == market.rows
    assert peak < MEMORY


def test_bench_adjusted_closes_of_ten_years(benchmark: BenchmarkFixture, market: Market) -> None:
    names, first = market.universe.names, date(LAST.year - 10, LAST.month, LAST.day)

    def work() -> pl.DataFrame:
        with market.warehouse.reader() as conn:
            return adjustment.adjusted_closes(conn, names, first, LAST, as_of=decision_time(LAST))

    found = benchmark(work)

    newest = found.filter(pl.col("session") == LAST)
    assert newest.height > 0
    assert (newest["close"] == newest["adjusted_close"]).all()


def test_bench_a_session_of_minutes(benchmark: BenchmarkFixture, market: Market) -> None:
    with market.warehouse.reader() as conn:
        daily = bars.ohlcv(conn, market.universe.names, LAST, LAST, as_of=decision_time(LAST))
    opens = calendar.with_open(daily, day="session", name="opens_at")["opens_at"]
    minutes = generated.minutes(daily, opens, seed=1)
    land(
        market.store, minutes, kind="minute", source="generated", simulated=True, landed_at=NOW,
        market_at=calendar.close_of(LAST),
    )  # fmt: skip

    def work() -> int:
        found = load.minutes(market.store, LAST)
        judged = judge_minutes(
            found, calendar=exchange(), daily=daily, sessions=[LAST],
            now=decision_time(LAST),
        )  # fmt: skip
        whole = judged.passed.with_columns(healed=pl.lit(value=False))
        return market.warehouse.write(
            lambda conn: bars.append_minutes(conn, whole), "market.minute_bars"
        ).new

    written: int = benchmark.pedantic(work, rounds=1, iterations=1)  # type: ignore[no-untyped-call]  # it carries no types

    assert written > 0.95 * minutes.height
