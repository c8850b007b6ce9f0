"""Whatever is learned later changes nothing that was known before, however it is loaded."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal
from psycopg import sql

from adapters.market_data import generated, load
from adapters.market_data.landing import Kind, land
from adapters.object_store import FolderStore
from assets import memberships
from assets.blocks import blocks
from assets.desk_time import decision_time
from assets.features import _learned_late, computed_rows
from assets.gate import Gate
from config.universe import Listing, Universe
from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from quant.features import DAILY
from warehouse import Warehouse, actions, adjustment, index, migrate
from warehouse import universe as universe_table
from warehouse.place import Place

pytestmark = pytest.mark.long

SESSIONS = exchange().sessions(date(2011, 3, 1), date(2012, 7, 2))
NAMES = ("G0001", "G0002", "G0003", "G0004")
WALL = datetime(2026, 1, 2, tzinfo=UTC)
LAST = SESSIONS[-1]
DAYS = 6  # loaded one by one
SPLIT, WRONG, CORRECTED = SESSIONS[-5], SESSIONS[-4], SESSIONS[-2]
LEARNED = exchange().close(CORRECTED) + timedelta(hours=2)


@lru_cache
def made() -> generated.GeneratedMarket:
    """Four shares that neither begin late nor end."""
    return generated.market(SESSIONS, symbols=60, seed=5)


def full() -> pl.DataFrame:
    counts = made().daily.group_by("symbol").len().filter(pl.col("len") == len(SESSIONS))
    names = sorted(counts["symbol"])[:4]
    renamed = dict(zip(names, NAMES, strict=True))
    return (
        made()
        .daily.filter(pl.col("symbol").is_in(names))
        .with_columns(pl.col("symbol").replace_strict(renamed))
    )


class Small:
    """A lake, a warehouse and a universe; sessions are loaded by hand."""

    def __init__(self, warehouse: Warehouse, place: Place, home: Path) -> None:
        self.store, self.warehouse, self.home = FolderStore(home / "lake"), warehouse, home
        self.place = place
        self.universe = Universe(
            name="made", index=generated.INDEX,
            symbols=tuple(Listing(symbol=s, label=s, sector="Energy") for s in NAMES),
        )  # fmt: skip
        self.seconds = 0

    def land(self, frame: pl.DataFrame, kind: Kind, market_at: datetime) -> None:
        self.seconds += 1
        land(
            self.store, frame, kind=kind, source="t", market_at=market_at,
            landed_at=WALL + timedelta(seconds=self.seconds),
        )  # fmt: skip

    def load(self, sessions: tuple[date, ...]) -> None:
        first, last = sessions[0], sessions[-1]
        known = load.action_versions(self.store, first, last)
        bars = load.versions(self.store, first, last, kind="index")

        def write(conn: Any) -> None:
            if known.height:
                actions.append(conn, known)
            index.append_bars(conn, bars)

        self.warehouse.write(write, "market.corporate_actions", "market.index_bars")
        gate = Gate(self.store, self.warehouse, self.universe, self.home / "docs", "run")
        list(gate.load([list(sessions)]))
        firsts = load.first_sessions(self.store, "daily", NAMES)
        with self.warehouse.reader() as conn:
            rows = memberships.known(conn, self.universe, firsts, as_of=decision_time(last))
        self.warehouse.write(lambda conn: universe_table.record(conn, rows), "market.universe")

    def features(self, sessions: tuple[date, ...]) -> pl.DataFrame:
        cuts = _learned_late(self.warehouse, self.universe, list(sessions))
        return pl.concat(
            [
                computed_rows(self.warehouse, self.universe, block)
                for block in blocks(sessions, cuts)
            ]
        ).sort("session", "symbol")

    def known(self, as_of: datetime) -> dict[str, pl.DataFrame]:
        """What research at `as_of` is told of bars, actions and the universe."""
        first = SESSIONS[0]
        with self.warehouse.reader() as conn:
            return {
                "closes": adjustment.adjusted_closes(
                    conn, NAMES, first, LAST, as_of=as_of, basis=as_of.date()
                ),
                "actions": actions.known(conn, NAMES, first, LAST, as_of=as_of),
                "members": universe_table.members(conn, "made", first, LAST, as_of=as_of),
            }


@contextmanager
def opened(server: Cluster, home: Path) -> Iterator[Small]:
    """An empty warehouse in a database of its own."""
    name = f"k_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template fresh_desk").format(sql.Identifier(name)))
    place = Place(server.url(name), f"{home}/warehouse/")
    migrate.upgrade_place(place)
    warehouse = Warehouse(place)
    try:
        yield Small(warehouse, place, home)
    finally:
        warehouse.close()
        with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@dataclass(frozen=True)
class Arrival:
    """What lands at one time, and the sessions it touches."""

    at: datetime
    frames: tuple[tuple[Kind, pl.DataFrame], ...]
    sessions: tuple[date, ...]


def arrivals() -> list[Arrival]:
    """A history, then days, with a split announced and a close corrected four sessions later."""
    after = (pl.col("symbol") == NAMES[1]) & (pl.col("session") >= SPLIT)
    prices = ("open", "high", "low", "close")
    true = full().with_columns(
        *(pl.when(after).then(pl.col(n) / 2).otherwise(pl.col(n)).alias(n) for n in prices),
        pl.when(after).then(pl.col("volume") * 2).otherwise(pl.col("volume")).alias("volume"),
    )
    slip = (pl.col("session") == WRONG) & (pl.col("symbol") == NAMES[0])
    told = true.with_columns(pl.when(slip).then(pl.col("low")).otherwise("close").alias("close"))
    split = pl.DataFrame(
        {"symbol": [NAMES[1]], "session": [SPLIT], "kind": ["split"], "ratio": [2.0],
         "amount": [None], "implied": [False]},
        schema_overrides={"amount": pl.Float64},
    )  # fmt: skip

    def delivered(first: date, last: date) -> Arrival:
        span = pl.col("session").is_between(first, last)
        frames: list[tuple[Kind, pl.DataFrame]] = [
            ("daily", told.filter(span)), ("index", made().index.filter(span)),
        ]  # fmt: skip
        if first <= SPLIT <= last:
            frames.insert(0, ("actions", split))
        return Arrival(exchange().close(last), tuple(frames), exchange().sessions(first, last))

    days = [delivered(day, day) for day in SESSIONS[-DAYS:]]
    at = SESSIONS.index(CORRECTED) - len(SESSIONS) + DAYS + 1
    correction = Arrival(LEARNED, (("daily", true.filter(slip)),), (WRONG,))
    return [delivered(SESSIONS[0], SESSIONS[-DAYS - 1]), *days[:at], correction, *days[at:]]


def test_later_knowledge_changes_nothing_and_once_is_day_by_day(
    postgres_server: Cluster, tmp_path: Path
) -> None:
    told: dict[datetime, dict[str, pl.DataFrame]] = {}
    computed = []
    with opened(postgres_server, tmp_path / "daily") as daily:
        for arrival in arrivals():
            for kind, frame in arrival.frames:
                daily.land(frame, kind, arrival.at)
            daily.load(arrival.sessions)
            if arrival.sessions[-1] in SESSIONS[-DAYS:] and len(arrival.frames) > 1:
                computed.append(daily.features(arrival.sessions))
            at = decision_time(exchange().last_closed(arrival.at))
            told.setdefault(at, daily.known(at))

        assert_as_told(daily, told)
        assert_same(daily.features(SESSIONS[-DAYS:]), pl.concat(computed))

    with opened(postgres_server, tmp_path / "daily") as once:  # the same lake
        once.load(SESSIONS)

        assert_as_told(once, told)
        assert_same(once.features(SESSIONS[-DAYS:]), pl.concat(computed))
        before, after = once.known(LEARNED - timedelta(seconds=1)), once.known(LEARNED)

    changed = (
        before["closes"]
        .join(after["closes"], on=["session", "symbol"])
        .filter(pl.col("close") != pl.col("close_right"))
    )
    assert changed.select("session", "symbol").rows() == [(WRONG, NAMES[0])]


def assert_as_told(small: Small, told: dict[datetime, dict[str, pl.DataFrame]]) -> None:
    """What was known at each decision is what is said of it now."""
    for at, frames in told.items():
        again = small.known(at)
        for name, frame in frames.items():
            assert_frame_equal(again[name], frame, check_exact=True)


def assert_same(left: pl.DataFrame, right: pl.DataFrame) -> None:
    """Features agree to the bit, NaN where NaN."""
    assert_frame_equal(left, right.sort("session", "symbol"), check_exact=True)


def test_a_sector_learned_together_with_an_end_to_come_changes_no_earlier_feature(
    postgres_server: Cluster, tmp_path: Path
) -> None:
    moved = SESSIONS[-3]
    with opened(postgres_server, tmp_path / "daily") as small:
        for arrival in arrivals():
            for kind, frame in arrival.frames:
                small.land(frame, kind, arrival.at)
        small.load(SESSIONS)
        before = small.features(SESSIONS[-DAYS:])
        with small.warehouse.reader() as conn:
            told = universe_table.members(conn, "made", LAST, LAST, as_of=decision_time(LAST))
        another = told.filter(symbol=NAMES[0]).with_columns(
            universe=pl.lit("made"),
            sector=pl.lit("Utilities"),
            to_session=pl.lit(LAST),
            known_at=pl.lit(exchange().close(moved)),
        )
        small.warehouse.write(lambda conn: universe_table.record(conn, another), "market.universe")

        after = small.features(SESSIONS[-DAYS:])

    earlier = pl.col("session") < moved
    assert_frame_equal(after.filter(earlier), before.filter(earlier))
    strength = pl.col("values").list.get(DAILY.names.index("sector_strength_21"))
    own = after.filter(~earlier, symbol=NAMES[0]).select(strength).to_series()
    assert own.to_list() == [0.0] * 3  # alone in its sector now
