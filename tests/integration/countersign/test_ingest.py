"""`countersign ingest` beside the desk's code location: what is landed, loaded, and said.

Dagster's webserver is a server on loopback that runs what it is asked for in this process, with
the desk's own definitions, PostgreSQL and warehouse.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from adapters.market_data import generated, sample
from config import settings
from config.settings import Settings
from countersign.commands.ingest import app
from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from tests.integration.pipelines import small
from tests.integration.pipelines.small import SmallDesk

pytestmark = pytest.mark.long

MON, TUE, THU = date(2012, 7, 2), date(2012, 7, 3), date(2012, 7, 5)
BAR = ["symbol", "session", "open", "high", "low", "close", "volume"]
_RANGE = "dagster/asset_partition_range_"


@dataclass
class Webserver:
    """Answers as Dagster's does, and runs jobs at once."""

    desk: SmallDesk
    port: int = 0
    ran: list[tuple[str, str, str]] = field(default_factory=list)

    def answer(self, query: str, told: dict[str, Any]) -> dict[str, Any]:
        if "launchRun" in query:
            tags = {tag["key"]: tag["value"] for tag in told["tags"]}
            first, last = tags[f"{_RANGE}start"], tags[f"{_RANGE}end"]
            self.ran.append((told["job"], first, last))
            self.desk.run(told["job"], date.fromisoformat(first), date.fromisoformat(last))
            return {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "r"}}}
        assert "runOrError" in query
        run: dict[str, Any] = {"status": "SUCCESS", "executionPlan": None, "stepStats": []}
        return {"runOrError": {"__typename": "Run", **run}}


@contextmanager
def served(desk: SmallDesk) -> Iterator[Webserver]:
    told = Webserver(desk)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            data = json.dumps({"data": told.answer(asked["query"], asked["variables"])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(name="web")
def _web(postgres_server: Cluster, tmp_path: Path) -> Iterator[Webserver]:
    with small.fresh(postgres_server, tmp_path / "home") as desk:
        index = sample.index_bars().filter(pl.col("session").is_in([MON, TUE, THU]))
        desk.land(index, "index")
        desk.close(THU)
        with served(desk) as web:
            yield web


def ingested(settings: Settings, *arguments: str, port: int = 9) -> str:
    """Run the command; return what it prints, in single spaces."""
    environment = {
        "DESK_HOME": str(settings.home),
        "COUNTERSIGN_DATABASE__DSN": settings.database.dsn,
        "COUNTERSIGN_DAGSTER__PORT": str(port),
    }
    done = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def days(*sessions: date) -> pl.DataFrame:
    return sample.stocks().filter(pl.col("session").is_in(sessions)).select(BAR)


def minutes(*sessions: date) -> pl.DataFrame:
    """Minutes of all five symbols, as somebody would sell them."""
    daily = days(*sessions).cast({"volume": pl.Int64})
    opens = pl.Series([exchange().open(day) for day in daily["session"]])
    lengths = pl.Series([exchange().minutes(day) for day in daily["session"]])
    return generated.minutes(daily, opens, seed=1, lengths=lengths)


def test_days_and_minutes_are_landed_loaded_and_summed_up(web: Webserver, tmp_path: Path) -> None:
    home, desk = web.desk.settings, web.desk
    wrong = (pl.col("symbol") == "IBM") & (pl.col("session") == THU)
    close = pl.when(wrong).then(pl.col("close") * 10).otherwise("close").alias("close")
    days(MON, TUE, THU).with_columns(close).write_csv(tmp_path / "days.csv")
    told = minutes(MON, THU)
    told.write_parquet(tmp_path / "minutes.parquet")

    said = ingested(home, str(tmp_path / "days.csv"), "--kind", "daily", port=web.port)
    again = ingested(home, str(tmp_path / "days.csv"), "--kind", "daily", port=web.port)
    fine = ingested(home, str(tmp_path / "minutes.parquet"), "--kind", "minute", port=web.port)

    assert web.ran == [
        ("backfill", str(MON), str(THU)),
        # In the sessions that the minutes touch, and not in the one between.
        ("load_minutes", str(MON), str(MON)),
        ("load_minutes", str(THU), str(THU)),
    ]
    assert "15 rows (AAPL, FB, GOOG, IBM, MSFT), 2012-07-02 to 2012-07-05 landed" in said
    assert "Loaded 2012-07-02 to 2012-07-05." in said
    assert "In quarantine" in said
    assert said.endswith("s.")
    assert "All of it was landed before; nothing changed." in again
    assert f"{told.height:,} rows" in fine
    assert "Loaded 2012-07-02 to 2012-07-05" in fine
    stored = desk.table("select symbol, session, source from market.daily_bars")
    assert (stored.height, set(stored["source"])) == (14, {"file"})
    rows = desk.table(
        "select symbol, session, bar_start, close, known_at, source, simulated "
        "from market.minute_bars order by symbol, bar_start"
    )
    columns = ["symbol", "session", "close"]
    assert rows.select(columns).equals(told.sort("symbol", "bar_start").select(columns))
    assert (rows["known_at"] - rows["bar_start"]).unique().dt.total_minutes().to_list() == [1]
    assert (set(rows["source"]), rows["simulated"].any()) == ({"file"}, False)


def test_a_chain_of_options_is_landed_for_the_desk_to_take_up(tmp_path: Path) -> None:
    chain = pl.DataFrame(
        {
            "symbol": ["AAPL"], "session": [MON], "expiry": [date(2012, 7, 20)],
            "strike": [590.0], "right": ["call"], "bid": [14.0], "ask": [14.2], "last": [14.1],
            "volume": [100], "open_interest": [1000], "underlying_price": [592.52],
            "implied_volatility": [0.28],
        }
    )  # fmt: skip
    chain.write_csv(tmp_path / "chain.csv")

    said = ingested(nobodys(tmp_path), str(tmp_path / "chain.csv"), "--kind", "options")

    assert "1 rows (AAPL), 2012-07-02 landed" in said
    assert "a stopped one at the next ./desk up" in said


def test_without_a_running_desk_it_is_said_who_loads_it(tmp_path: Path) -> None:
    minutes(TUE).write_parquet(tmp_path / "minutes.parquet")
    days(TUE).write_csv(tmp_path / "days.csv")
    home = nobodys(tmp_path)

    fine = ingested(home, str(tmp_path / "minutes.parquet"), "--kind", "minute")
    daily = ingested(home, str(tmp_path / "days.csv"), "--kind", "daily")

    for said in (fine, daily):
        assert "a stopped one at the next ./desk up" in said


def nobodys(tmp_path: Path) -> Settings:
    """A home in which no desk runs."""
    return settings.load({"DESK_HOME": str(tmp_path / "home")})
