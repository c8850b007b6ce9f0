"""A backfill of ten years that is killed half-way and run again ends as one that was not."""

import multiprocessing
import os
import signal
import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data import sample
from adapters.market_data.landing import land
from adapters.object_store import FolderStore
from assets.gate import Gate
from config import universe
from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from tests.integration.pipelines.test_later_knowledge import opened
from warehouse import Warehouse
from warehouse.place import Place

pytestmark = [pytest.mark.timeout(600), pytest.mark.long]
FIRST, LAST = date(2002, 7, 1), date(2012, 6, 29)
_BARS = "select * exclude (recorded_at) from market.daily_bars order by all"
_JUDGED = """
select symbol, session, status, checks, checks_passed, known_at from quality.verdicts
qualify row_number() over (partition by symbol, session order by recorded_at desc) = 1
order by all
"""
_LOADED = "select * exclude (loaded_at) from market.landings order by object_key"


def backfilled(place: Place, home: Path) -> None:
    warehouse = Warehouse(place)
    gate = Gate(FolderStore(home / "lake"), warehouse, universe.load(), home / "docs", "run")
    sessions = list(exchange().sessions(FIRST, LAST))
    # Many parts, so that some are left to write when the first is there.
    list(gate.load([sessions[at : at + 250] for at in range(0, len(sessions), 250)]))
    warehouse.close()


def told(warehouse: Warehouse) -> list[pl.DataFrame]:
    with warehouse.reader() as conn:
        return [conn.execute(query).pl() for query in (_BARS, _JUDGED, _LOADED)]


def bars_in(warehouse: Warehouse) -> int:
    with warehouse.reader() as conn:
        found = conn.execute("select count(*) from market.daily_bars").fetchone()
    return 0 if found is None else int(found[0])


def test_a_backfill_killed_half_way_and_run_again_is_equal(
    postgres_server: Cluster, tmp_path: Path
) -> None:
    frame = sample.stocks().filter(pl.col("session").is_between(FIRST, LAST))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for home in (whole, killed):
        land(
            FolderStore(home / "lake"), frame, kind="daily", source="sample",
            landed_at=datetime(2026, 1, 2, tzinfo=UTC), market_at=exchange().close(LAST),
        )  # fmt: skip
    with opened(postgres_server, whole) as one, opened(postgres_server, killed) as other:
        worker = multiprocessing.get_context("spawn").Process(
            target=backfilled, args=(other.place, killed)
        )
        worker.start()
        until = time.monotonic() + 300
        while not bars_in(other.warehouse) and time.monotonic() < until:
            assert worker.is_alive(), f"it ended by itself, exit code {worker.exitcode}"
            time.sleep(0.2)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        assert 0 < bars_in(other.warehouse) < frame.height, "killed half-way"

        backfilled(other.place, killed)
        backfilled(one.place, whole)

        # No split is on file here, so that bars are held too: they must be the same ones.
        assert 0.8 * frame.height < bars_in(one.warehouse) < frame.height
        for left, right in zip(told(one.warehouse), told(other.warehouse), strict=True):
            assert left.equals(right)
