"""The primary fails, the secondary serves, the primary comes back: on real bars of July 2012.

Alpaca and Yahoo are servers on loopback, the ledger is PostgreSQL, and every run of the asset has
a chain of its own, as a run in its own process has.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from adapters.market_data import connected, load, sample
from adapters.market_data.chain import Chain
from adapters.market_data.errors import NoSourceError
from adapters.market_data.landing import land, landings
from adapters.object_store.folder import FolderStore
from assets.lake import lake_daily_bars
from config import settings, universe
from ledger import alerts, audit, market, sources
from ledger.connection import engine
from ledger.migrate import upgrade
from ledger.sources import SourceBook
from pipelines.recovery import primary_recovered
from quality.calendar import exchange
from tests.integration.market_data.canned import (
    DOWN,
    NEW_YORK,
    Canned,
    alpaca,
    served,
    yahoo,
)
from tests.unit.market_data.books import NOON, StandingClock

BAR = ["symbol", "session", "open", "high", "low", "close", "volume"]
DAYS = exchange().sessions(date(2012, 7, 2), date(2012, 7, 10))
FIRST, SECOND, THIRD, FOURTH = DAYS[:4]  # 2, 3, 5 and 6 July
DAILY: Final = "daily"
INDEX: Final = "index"


def real() -> pl.DataFrame:
    """Bars of the sample's stocks and index."""
    frames = [
        frame.select(BAR).cast({"volume": pl.Int64})
        for frame in (sample.stocks(), sample.index_bars())
    ]
    return pl.concat(frames).filter(pl.col("session").is_in(DAYS))


def of_yahoo() -> pl.DataFrame:
    """The same, with two figures of SECOND told otherwise and a cent's rounding everywhere."""
    wrong = (pl.col("symbol") == "IBM") & (pl.col("session") == SECOND)
    doubled = (pl.col("symbol") == "MSFT") & (pl.col("session") == SECOND)
    return real().with_columns(
        close=pl.when(wrong).then(pl.col("close") + 0.5).otherwise(pl.col("close") + 0.009),
        volume=pl.when(doubled).then(pl.col("volume") * 2).otherwise(pl.col("volume")),
    )


@dataclass
class Connected:
    """A desk on Alpaca and Yahoo, as far as the lake."""

    home: Path
    dsn: str
    alpaca: Canned
    yahoo: Canned
    feed: str = "sip"
    clock: StandingClock = field(default_factory=StandingClock)

    def __post_init__(self) -> None:
        self.instance = dg.DagsterInstance.ephemeral()
        self.store = FolderStore(self.home / "lake")
        self.ledger = engine(self.dsn)
        self.settings = settings.load(
            {
                "DESK_HOME": str(self.home),
                "COUNTERSIGN_MODE": "paper",
                "COUNTERSIGN_DATABASE__DSN": self.dsn,
                "COUNTERSIGN_BROKER__KIND": "alpaca",
                "COUNTERSIGN_BROKER__DATA_URL": self.alpaca.url,
                "COUNTERSIGN_BROKER__FEED": self.feed,
                "COUNTERSIGN_BROKER__KEY_ID": "K",
                "COUNTERSIGN_BROKER__SECRET_KEY": "S",
                "COUNTERSIGN_SOURCES__YAHOO_URL": self.yahoo.url,
                "COUNTERSIGN_SOURCES__ALPACA_SINCE": "2000-01-01",
                "COUNTERSIGN_SOURCES__CONNECT_SECONDS": "0.2",
                "COUNTERSIGN_SOURCES__ANSWER_SECONDS": "0.3",
                "COUNTERSIGN_SOURCES__PAUSE_SECONDS": "0.01",
            }
        )

    def run(self, *days: date) -> dict[str, Any]:
        """Materialise the lake for a range of sessions in a run of its own; its metadata."""
        self.close(days[-1])
        done = dg.materialize(
            [lake_daily_bars],
            instance=self.instance,
            tags={
                "dagster/asset_partition_range_start": str(days[0]),
                "dagster/asset_partition_range_end": str(days[-1]),
            },
            resources={
                "store": self.store, "source": self.chain(), "ledger": self.ledger,
                "settings": self.settings, "universe": universe.load(), "desk_clock": self.clock,
            },
        )  # fmt: skip
        made, *_ = done.asset_materializations_for_node("lake_daily_bars")  # one a session
        return {name: value.value for name, value in made.metadata.items()}

    def chain(self) -> Chain:
        """The sources as a new process has them."""
        made = connected.chain(
            self.settings, book=SourceBook(self.ledger, self.clock), clock=self.clock
        )
        return replace(made, sleep=self.clock.forward)

    def close(self, session: date) -> None:
        """The market's clock stands after the close of `session`."""
        following = exchange().next(session)
        with self.ledger.begin() as conn:
            market.record_clock(
                conn,
                market.Clock(
                    now=exchange().close(session) + timedelta(minutes=30), session=session,
                    is_open=False, next_open=exchange().open(following),
                    next_close=exchange().close(following), early_close=False, replay=False,
                    state="paused", hold_reason=None, pace=Decimal(1), first_session=FIRST,
                    last_session=None, received_at=self.clock.now(),
                ),
            )  # fmt: skip

    def alerts(self) -> dict[str, alerts.Alert]:
        with self.ledger.connect() as conn:
            return {one.kind: one for one in alerts.unacknowledged(conn)}

    def standing(self) -> sources.SourceStanding:
        with self.ledger.connect() as conn:
            return sources.standing(conn, "alpaca")

    def who(self) -> dict[date, str]:
        """Who served each session's latest stock bars."""
        rows = load.daily(self.store, DAYS[0], DAYS[-1])
        return dict(rows.group_by("session").agg(pl.col("source").unique().first()).rows())

    def tick(self) -> dg.RunRequest | str:
        """What the sensor says."""
        context = dg.build_sensor_context(instance=self.instance)
        said = primary_recovered(
            context, store=self.store, ledger=self.ledger, settings=self.settings
        )
        if isinstance(said, dg.SkipReason):
            return str(said.skip_message)
        assert isinstance(said, dg.SensorResult)
        assert said.run_requests
        return said.run_requests[0]


@pytest.fixture(name="desk")
def _desk(postgres_dsn: str, tmp_path: Path) -> Iterator[Connected]:
    upgrade(postgres_dsn)
    with (
        served(alpaca(real())) as first,
        served(yahoo(of_yahoo(), known_as={"SPX": "^GSPC"})) as second,
    ):
        made = Connected(tmp_path, postgres_dsn, first, second)
        yield made
        made.ledger.dispose()


def test_failure_switch_cool_down_recovery_and_report(desk: Connected) -> None:
    # Both are well: Alpaca serves the stocks, Yahoo the index that Alpaca never has.
    assert desk.run(FIRST)["served_by"] == {"yahoo": 1, "alpaca": 5}
    assert desk.alerts() == {}

    # Alpaca fails five times in a row: Yahoo serves in the same run, and people are told.
    before = len(desk.alpaca.asked)
    desk.alpaca.always = DOWN
    assert desk.run(SECOND)["served_by"] == {"yahoo": 6}
    assert len(desk.alpaca.asked) - before == 5
    skipped_until = desk.standing().skipped_until
    assert skipped_until is not None
    assert timedelta(minutes=29) < skipped_until - NOON <= timedelta(minutes=31)
    alert = desk.alerts()["source_switched"]
    assert (alert.subject, alert.severity) == ("alpaca", "warning")
    assert "alpaca erred 5 times in a row; yahoo serves in its place." in alert.message
    assert "HTTP 500" in alert.message

    # During the cool-down, in another process, Alpaca is left alone.
    assert desk.run(THIRD)["served_by"] == {"yahoo": 6}
    assert len(desk.alpaca.asked) - before == 5
    assert desk.tick() == "alpaca has not answered since it erred"
    assert desk.who() == {FIRST: "alpaca", SECOND: "yahoo", THIRD: "yahoo"}
    assert {
        (one.kind, one.source, one.feed)
        for kind in (DAILY, INDEX)
        for one in landings(desk.store, kind)
    } == {
        ("daily", "alpaca", "sip"),
        ("daily", "yahoo", "consolidated"),
        ("index", "yahoo", "consolidated"),
    }

    # After it one question goes to Alpaca: it is still away, and is skipped anew.
    desk.clock.forward(31 * 60)
    assert "back_filled_sessions" not in desk.run(SECOND)
    assert desk.standing().failures == 6
    assert len(desk.alpaca.asked) - before == 6

    # After another cool-down Alpaca is well.
    desk.alpaca.always = None
    desk.clock.forward(31 * 60)
    assert desk.run(FOURTH)["served_by"] == {"yahoo": 1, "alpaca": 5}
    assert desk.standing() == sources.SourceStanding()
    assert "alpaca answers again, after 6 errors" in desk.alerts()["source_recovered"].message

    # The sensor asks for what Yahoo served; the run lands Alpaca's bars and reports.
    request = desk.tick()
    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/asset_partition_range_start"] == str(SECOND)
    assert request.tags["dagster/asset_partition_range_end"] == str(THIRD)
    told = desk.run(SECOND, THIRD)
    assert told["fetched_sessions"] == 0
    assert told["back_filled_sessions"] == 2
    assert told["figures_that_differ"] == 2
    assert set(desk.who().values()) == {"alpaca"}
    report(desk, told)

    # Nothing is left to do.
    asked = len(desk.alpaca.asked), len(desk.yahoo.asked)
    again = desk.run(*DAYS[:4])
    assert "back_filled_sessions" not in again
    assert (len(desk.alpaca.asked), len(desk.yahoo.asked)) == asked
    assert str(desk.tick()).startswith("every session was served by the first source")


def report(desk: Connected, told: dict[str, Any]) -> None:
    """The planted differences and no others: a cent of rounding is none."""
    ibm, msft = (
        real().filter((pl.col("symbol") == name) & (pl.col("session") == SECOND)).to_dicts()[0]
        for name in ("IBM", "MSFT")
    )
    wanted = [
        ["IBM", str(SECOND), "close", ibm["close"], ibm["close"] + 0.5, -0.5],
        ["MSFT", str(SECOND), "volume", msft["volume"], msft["volume"] * 2, -msft["volume"]],
    ]
    shown = [list(record.data.values()) for record in told["differences"].records]
    for row, plan in zip(shown, wanted, strict=True):
        assert row[:3] == plan[:3]
        assert row[3:] == pytest.approx(plan[3:], abs=1e-4)
    alert = desk.alerts()["source_differences"]
    assert alert.subject == "alpaca and yahoo"
    assert "differ in 2 figures of 10 bars, 2012-07-03 to 2012-07-05" in alert.message
    (key,) = [info.key for info in desk.store.list("comparisons/")]
    assert key in alert.message
    kept = json.loads(desk.store.get(key))
    assert kept["sessions"] == [str(SECOND), str(THIRD)]
    assert [row[0] for row in kept["differences"]] == ["IBM", "MSFT"]


def test_what_is_said_equally_is_compared_once_and_never_asked_again(desk: Connected) -> None:
    desk.yahoo.answer = yahoo(real(), known_as={"SPX": "^GSPC"})
    desk.alpaca.always = DOWN
    desk.run(FIRST)
    desk.alpaca.always = None
    desk.clock.forward(31 * 60)
    told = desk.run(FIRST)

    assert told["figures_that_differ"] == 0
    assert "source_differences" not in desk.alerts()
    asked = len(desk.alpaca.asked)
    desk.run(FIRST)
    assert len(desk.alpaca.asked) == asked


def test_a_run_that_is_cut_short_has_what_came_before(desk: Connected) -> None:
    """SECOND lies in the lake, so the range is two stretches; the second of them fails."""
    desk.run(SECOND)
    right, theirs = desk.alpaca.answer, desk.yahoo.answer
    third = str(int(datetime(2012, 7, 5, tzinfo=NEW_YORK).timestamp()))
    desk.alpaca.answer = lambda path, query: (
        DOWN if query["start"].startswith(str(THIRD)) else right(path, query)
    )
    desk.yahoo.answer = lambda path, query: (
        DOWN if query["period1"] == third else theirs(path, query)
    )
    with pytest.raises(NoSourceError):
        desk.run(FIRST, SECOND, THIRD)
    assert desk.who() == {FIRST: "alpaca", SECOND: "alpaca"}

    desk.alpaca.answer, desk.yahoo.answer = right, theirs
    desk.clock.forward(31 * 60)
    before = len(desk.alpaca.asked)
    assert desk.run(FIRST, SECOND, THIRD)["fetched_sessions"] == 1
    assert {query["start"][:10] for _, query in desk.alpaca.asked[before:]} == {str(THIRD)}


def test_a_file_of_one_symbol_is_completed_by_the_sources_and_stands(desk: Connected) -> None:
    """The file's own figure differs from what the sources say of it; nobody has Facebook."""
    mine = real().filter((pl.col("symbol") == "IBM") & (pl.col("session") == FIRST))
    mine = mine.with_columns(volume=pl.col("volume") + 1)
    land(
        desk.store, mine, kind=DAILY, source="file", landed_at=NOON,
        market_at=exchange().close(FIRST),
    )  # fmt: skip
    without = real().filter(pl.col("symbol") != "FB")
    desk.alpaca.answer, desk.yahoo.answer = (
        alpaca(without), yahoo(without, known_as={"SPX": "^GSPC"}),
    )  # fmt: skip

    assert desk.run(FIRST)["served_by"] == {"yahoo": 1, "alpaca": 3}

    rows = load.daily(desk.store, FIRST, FIRST)
    assert dict(rows.select("symbol", "source").rows()) == {
        "AAPL": "alpaca", "GOOG": "alpaca", "IBM": "file", "MSFT": "alpaca",
    }  # fmt: skip
    assert rows.filter(pl.col("symbol") == "IBM")["volume"][0] == mine["volume"][0]
    asked = len(desk.alpaca.asked), len(desk.yahoo.asked)
    assert desk.run(FIRST)["fetched_sessions"] == 0
    assert (len(desk.alpaca.asked), len(desk.yahoo.asked)) == asked


def test_with_one_source_there_is_nothing_to_ask_again(tmp_path: Path) -> None:
    said = primary_recovered(
        dg.build_sensor_context(),
        store=FolderStore(tmp_path / "lake"),
        ledger=engine("postgresql://nobody@127.0.0.1:9/none"),  # nor is the ledger asked
        settings=settings.load({"DESK_HOME": str(tmp_path)}),
    )

    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == "there is one source"


def test_errors_are_counted_once_each_by_runs_at_once(desk: Connected) -> None:
    books = [SourceBook(desk.ledger, desk.clock) for _ in range(2)]
    for n in range(3):
        books[n % 2].failed("alpaca", f"error {n}", skip_until=None)

    assert desk.standing().failures == 3
    with desk.ledger.connect() as conn:
        assert audit.verify(conn) is None
        assert [e.action for e in audit.entries(conn, subject="source:alpaca")] == [
            "source.fail"
        ] * 3
        assert conn.scalar(sa.text("select count(*) from desk.alerts")) == 0
