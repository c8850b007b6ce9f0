"""Judging a part while the one before is being written says what judging it afterwards says."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from adapters.market_data import generated
from assets.gate import Gate
from config.universe import Listing, Universe
from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from tests.integration.pipelines.test_later_knowledge import Small, opened
from warehouse import Warehouse, actions

pytestmark = pytest.mark.long

SESSIONS = list(exchange().sessions(date(2010, 1, 4), date(2011, 6, 30)))
PARTS = [SESSIONS[at : at + 90] for at in range(0, len(SESSIONS), 90)]
_QUERIES = (
    "select * exclude (recorded_at) from market.daily_bars order by all",
    "select * exclude (recorded_at) from quality.verdicts order by all",
    "select * exclude (recorded_at) from quality.findings order by all",
    "select * exclude (recorded_at) from quality.quarantine order by all",
    "select * exclude (loaded_at) from market.landings order by all",
    "select * exclude (recorded_at) from quality.reports order by all",
)


def delivered() -> generated.GeneratedMarket:
    return generated.market(SESSIONS, symbols=10, seed=3)


def with_errors(bars: pl.DataFrame) -> pl.DataFrame:
    """Wrong units, impossible prices, and two values of one bar, also on the last of a part."""
    day, error = pl.col("session"), pl.int_range(pl.len()) % 47
    ends = day.is_in([part[-1] for part in PARTS])
    wrong = bars.with_columns(
        pl.when(ends & (error % 2 == 0) | (error == 5)).then(pl.col("close") * 100)
        .when(error == 11).then(-1.0).otherwise("close").alias("close")
    )  # fmt: skip
    twice = bars.filter(error == 23).with_columns(pl.col("close") * 1.5)
    return pl.concat([wrong, twice])


@contextmanager
def landed(server: Cluster, home: Path) -> Iterator[Small]:
    made = delivered()
    with opened(server, home) as small:
        small.universe = Universe(
            name="made", index=generated.INDEX,
            symbols=tuple(Listing(symbol=s, label=s, sector=t) for s, t in made.sectors.items()),
        )  # fmt: skip
        bars, day = with_errors(made.daily), PARTS[2][40]
        small.land(bars.filter(pl.col("session") <= day), "daily", exchange().close(day))
        # Corrected in the middle of the third part: known to the parts from there on only.
        corrected = made.daily.filter(pl.col("session") == PARTS[1][5])
        learned_at = exchange().close(day) + timedelta(hours=1)
        small.land(corrected.with_columns(pl.col("volume") + 1), "daily", learned_at)
        small.land(bars.filter(pl.col("session") > day), "daily", exchange().close(SESSIONS[-1]))
        with small.warehouse.writer("market.corporate_actions") as conn:
            known = made.actions.rename({"session": "ex_date"}, strict=False)
            actions.append(conn, stamped(known))
        yield small


def stamped(told: pl.DataFrame) -> pl.DataFrame:
    return told.with_columns(
        source=pl.lit("t"), known_at=pl.col("announced_at"), learned_at=pl.col("announced_at")
    )


def gate_of(small: Small, warehouse: Warehouse | None = None) -> Gate:
    return Gate(small.store, warehouse or small.warehouse, small.universe, small.home, "run")


def told(small: Small) -> list[pl.DataFrame]:
    with small.warehouse.reader() as conn:
        return [conn.execute(query).pl() for query in _QUERIES]


def test_parts_judged_ahead_equal_parts_loaded_one_at_a_time(
    postgres_server: Cluster, tmp_path: Path
) -> None:
    with landed(postgres_server, tmp_path / "ahead") as small:
        done = list(gate_of(small).load(PARTS))
        ahead = told(small)
        assert len(done) > len(PARTS), "a correction is a part of its own"
        assert sum(part.held for part in done) > 20, "errors were planted"

        list(gate_of(small).load(PARTS))  # what is known already changes nothing
        assert_frame_equal(told(small)[0], ahead[0], check_exact=True)

    with landed(postgres_server, tmp_path / "each") as small:
        for part in PARTS:
            list(gate_of(small).load([part]))
        for one, other in zip(ahead, told(small), strict=True):
            assert_frame_equal(one, other, check_exact=True)


class _Full(Warehouse):
    """A warehouse that takes one part and no second."""

    parts = 0

    def write(self, work: Any, *tables: str) -> Any:
        self.parts += 1
        if self.parts == 2:
            raise OSError("No space left on device")
        return super().write(work, *tables)


def test_a_part_that_cannot_be_written_leaves_those_before_it_and_none_after(
    postgres_server: Cluster, tmp_path: Path
) -> None:
    with landed(postgres_server, tmp_path) as small:
        full = _Full(small.place)
        with pytest.raises(OSError, match="No space left"):
            list(gate_of(small, full).load(PARTS))
        full.close()

        with small.warehouse.reader() as conn:
            sessions = conn.execute("select distinct session from market.daily_bars").pl()
        assert sorted(sessions["session"]) == PARTS[0]
