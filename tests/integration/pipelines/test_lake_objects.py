"""What lands in the lake by any hand is loaded, session by session touched, and nothing else."""

import io
import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from adapters.market_data import generated, sample
from adapters.market_data.landing import COLUMNS
from config import universe
from countersign.processes.postgres import Cluster
from ledger import alerts
from pipelines.lake_objects import UNREADABLE, lake_objects
from quality.calendar import exchange
from tests.integration.pipelines import small
from tests.integration.pipelines.small import SmallDesk
from tests.unit.quality.test_options import chain

pytestmark = [pytest.mark.timeout(600), pytest.mark.long]
FIRST, LAST, NEXT = date(2012, 5, 1), date(2012, 6, 29), date(2012, 7, 2)


@pytest.fixture
def desk(postgres_server: Cluster, tmp_path: Path) -> Iterator[SmallDesk]:
    with small.fresh(postgres_server, tmp_path) as made:
        made.instance.report_runless_asset_event(dg.AssetMaterialization("trained_model"))
        yield made


def bars(first: date, last: date) -> pl.DataFrame:
    return sample.stocks().filter(pl.col("session").is_between(first, last))


class Ticks:
    """The sensor, tick by tick."""

    def __init__(self, desk: SmallDesk) -> None:
        self.desk = desk
        self.cursor: str | None = None

    def tick(self) -> tuple[str, str] | str:
        """Return the range that a backfill is asked for, or why none is."""
        told = self.asked()
        if isinstance(told, str):
            return told
        ((job, first, last),) = told
        assert job == "backfill"
        return first, last

    def asked(self) -> list[tuple[str, str, str]] | str:
        """Return the jobs that are asked for with their ranges, or why none is."""
        resources = {
            "store": self.desk.store, "warehouse": self.desk.warehouse,
            "ledger": self.desk.ledger, "settings": self.desk.settings,
            "universe": universe.load(), "desk_clock": self.desk.clock,
        }  # fmt: skip
        with dg.build_sensor_context(
            instance=self.desk.instance, resources=resources, cursor=self.cursor
        ) as context:
            result = lake_objects(context)
        if isinstance(result, dg.SkipReason):
            return str(result.skip_message)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        if not result.run_requests:
            return str(result.skip_reason.skip_message if result.skip_reason else "")
        return [
            (
                str(request.job_name),
                request.tags["dagster/asset_partition_range_start"],
                request.tags["dagster/asset_partition_range_end"],
            )
            for request in result.run_requests
        ]


def put_by_hand(desk: SmallDesk, key: str, data: bytes) -> None:
    """An object of somebody else's, there for an hour."""
    desk.store.put(key, data)
    path = Path(desk.store.name) / key
    hour_ago = desk.clock.now().timestamp() - 3600
    os.utime(path, (hour_ago, hour_ago))


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.drop("sample_adjusted", strict=False).write_parquet(buffer)
    return buffer.getvalue()


def test_objects_by_any_hand_are_loaded_once_and_torn_ones_are_told(desk: SmallDesk) -> None:
    ticks = Ticks(desk)
    desk.land(bars(FIRST, LAST), "daily")
    index = sample.index_bars()
    # What lies before the desk's first session is never loaded, and must not be waited for.
    early = index["session"].is_between(date(1999, 1, 4), date(1999, 12, 31))
    desk.land(index.filter(early | index["session"].is_between(FIRST, NEXT)), "index")
    desk.close(NEXT)

    assert ticks.tick() == (str(FIRST), str(NEXT))
    desk.run("backfill", FIRST, LAST)
    assert "every landed object is loaded" in ticks.tick()
    assert "every landed object is loaded" in Ticks(desk).tick(), "a sensor that begins anew"
    loaded = desk.table("select object_key, sha256, rows from market.landings where kind='daily'")
    assert loaded["rows"].sum() == bars(FIRST, LAST).height

    put_by_hand(desk, "equities/daily/vendor/a.parquet", parquet(bars(NEXT, NEXT)))
    put_by_hand(desk, "equities/daily/vendor/torn.parquet", b"PAR1 and nothing more")
    assert ticks.tick() == (str(NEXT), str(NEXT))
    with desk.ledger.connect() as conn:
        (alert,) = [a for a in alerts.unacknowledged(conn) if a.kind == UNREADABLE]
    assert alert.subject == "equities/daily/vendor/torn.parquet"
    assert "no whole Parquet file" in alert.message

    desk.run("backfill", NEXT)
    assert ticks.tick() == "every landed object is loaded"
    stored = desk.table("select source from market.daily_bars where session = $s", s=NEXT)
    assert set(stored["source"]) == {"bucket"}
    members = desk.table("select symbol, from_session from market.universe order by symbol")
    assert dict(members.iter_rows())["FB"] == date(2012, 5, 18)


def minutes(session: date) -> pl.DataFrame:
    """Minutes of each symbol that make its day."""
    days = bars(session, session)
    opens = pl.Series([exchange().open(session)] * days.height)
    return generated.minutes(days, opens, seed=1, lengths=pl.Series([390] * days.height))


def minutes_and_one_before_the_opening(session: date) -> pl.DataFrame:
    regular = minutes(session)
    early = pl.col("bar_start") - pl.duration(minutes=30)
    return pl.concat([regular.head(1).with_columns(bar_start=early), regular])


def quotes(session: date) -> pl.DataFrame:
    none = [pl.lit(None).alias(c) for c in COLUMNS["options"] if c not in chain().columns]
    return chain().with_columns(pl.lit(session).alias("session"), *none)


def test_minutes_and_options_are_loaded_in_just_the_sessions_they_touch(desk: SmallDesk) -> None:
    ticks, (monday, wednesday) = Ticks(desk), (date(2012, 6, 25), date(2012, 6, 27))
    desk.close(LAST)
    for session in (monday, wednesday):
        desk.land(quotes(session), "options")
        place = f"equities/minute/session={session}/vendor.parquet"
        put_by_hand(desk, place, parquet(minutes_and_one_before_the_opening(session)))

    asked = ticks.asked()

    assert not isinstance(asked, str), asked
    spans = [(str(monday), str(monday)), (str(wednesday), str(wednesday))]
    assert sorted(asked) == [
        (job, *span) for job in ("load_minutes", "load_options") for span in spans
    ]
    assert "every landed object is loaded" in ticks.asked(), "what was asked for is not asked again"
    for job, first, last in asked:
        desk.run(job, date.fromisoformat(first), date.fromisoformat(last))
    assert "every landed object is loaded" in Ticks(desk).asked(), "a sensor that begins anew"
    stored = desk.table("select distinct session from market.minute_bars order by session")
    assert stored["session"].to_list() == [monday, wednesday]
    extended = desk.table(
        "select bar_start from market.minute_bars where bar_start < $opens and session = $s",
        opens=exchange().open(wednesday), s=wednesday,
    )  # fmt: skip
    assert extended.rows() == [(exchange().open(wednesday) - timedelta(minutes=30),)]
    counted = desk.table("select session, count(*) from market.options group by all order by all")
    assert counted.rows() == [(monday, 18), (wednesday, 18)]


def test_a_landing_waits_for_the_run_that_may_be_loading_it(desk: SmallDesk) -> None:
    ticks = Ticks(desk)
    desk.land(bars(LAST, LAST), "daily")
    desk.close(LAST)
    run = dg.DagsterRun(job_name="daily_run", status=dg.DagsterRunStatus.STARTED)
    desk.instance.add_run(run)

    assert "a run that loads bars is under way" in ticks.tick()
    desk.instance.delete_run(run.run_id)
    assert ticks.tick() == (str(LAST), str(LAST))
