"""The venue replays a generated market as it replays the sample."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from adapters.market_data import generated, load, replayed
from adapters.market_data.alpaca import AlpacaMarketData
from adapters.object_store import FolderStore
from config import settings, universe
from countersign.commands.generate import app
from countersign.processes.homes import Home
from countersign.processes.plan import venue as planned
from quality.calendar import exchange
from tests.integration.venue.served import ServedVenue, run
from venue.paper import PaperVenue, WrongStateError
from venue.recorded import UnreadableMarketError, recorded
from venue.settings import VenueConfig

START = date(2012, 7, 2)
DAYS = exchange().sessions(date(2012, 1, 3), date(2012, 8, 31))
BAR = ["symbol", "session", "open", "high", "low", "close", "volume"]


@pytest.fixture(name="made", scope="module")
def _made() -> generated.GeneratedMarket:
    return generated.market(DAYS, symbols=12, seed=4)


@pytest.fixture(name="folder")
def _folder(made: generated.GeneratedMarket, tmp_path: Path) -> Path:
    replayed.write(tmp_path / "market", made, first=DAYS[0])
    return tmp_path / "market"


def test_bars_quotes_and_orders_are_those_of_the_market(
    made: generated.GeneratedMarket, folder: Path, tmp_path: Path
) -> None:
    venue = ServedVenue(tmp_path / "state", "--market", str(folder), start=str(START))
    try:
        symbol = str(made.daily.filter(session=DAYS[-1])["symbol"][0])
        asked = f"symbols={symbol},GENX,AAPL&timeframe=1Day&start={DAYS[0]}&end={DAYS[-1]}"
        told = venue.get(f"/v2/stocks/bars?{asked}&limit=10000")["bars"]
        assert set(told) == {symbol, "GENX"}
        assert closes(told[symbol]) == true_closes(made.daily, symbol, until=START)

        assert {a["symbol"] for a in venue.get("/v2/assets")} == {*made.sectors, "GENX"}
        order = {"symbol": symbol, "qty": "1", "side": "buy", "type": "market",
                 "time_in_force": "day"}  # fmt: skip
        placed = venue.post("/v2/orders", order)
        refused = venue.post("/v2/orders", order | {"symbol": "AAPL"}, status=422)
        assert 'asset "AAPL" not found' in refused["message"]

        venue.post("/venue/jump", {"to": "2012-07-03"})

        filled = venue.get(f"/v2/orders/{placed['id']}")
        (bar,) = made.daily.filter(symbol=symbol, session=date(2012, 7, 3)).to_dicts()
        assert filled["status"] == "filled"
        assert float(filled["filled_avg_price"]) == pytest.approx(bar["open"], rel=0.002)
        minutes = venue.get(
            f"/v2/stocks/bars?symbols={symbol}&timeframe=1Min&start=2012-07-03&end=2012-07-04"
        )["bars"][symbol]
        assert (len(minutes), minutes[-1]["c"]) == (210, bar["close"])
        assert sum(m["v"] for m in minutes) == bar["volume"]
    finally:
        venue.stop()


def closes(bars: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return [(bar["t"][:10], bar["c"]) for bar in bars]


def true_closes(daily: pl.DataFrame, symbol: str, *, until: date) -> list[tuple[str, float]]:
    rows = daily.filter(pl.col("symbol") == symbol, pl.col("session") <= until).sort("session")
    return [(str(day), close) for day, close in rows["session", "close"].rows()]


def test_splits_and_dividends_are_told_and_nothing_the_protocol_lacks(
    made: generated.GeneratedMarket, folder: Path
) -> None:
    told = [(a.kind, a.symbol, a.ex_date, float(a.value)) for a in recorded(folder).actions]

    expected = made.actions.filter(pl.col("kind").is_in(["split", "cash_dividend"]))
    assert sorted(told) == sorted(
        (kind.removeprefix("cash_"), symbol, day, ratio or amount)
        for kind, symbol, day, ratio, amount in expected[
            "kind", "symbol", "session", "ratio", "amount"
        ].rows()
    )


def test_a_replay_belongs_to_its_market(folder: Path, tmp_path: Path) -> None:
    config = VenueConfig(state=tmp_path / "state", start=START, market=folder)
    PaperVenue(config).close()
    PaperVenue(config).close()

    with pytest.raises(WrongStateError, match="generated"):
        PaperVenue(VenueConfig(state=tmp_path / "state", start=START))
    replayed.write(folder, generated.market(DAYS, symbols=3, seed=9), first=DAYS[0])
    with pytest.raises(WrongStateError, match="belongs to the replay"):
        PaperVenue(config)


def test_a_market_that_cannot_be_read_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "actions.csv").write_text("kind,symbol,ex_date,value\nmerger,G0001,2012-07-03,1\n")

    with pytest.raises(UnreadableMarketError, match=r"actions\.csv has a 'merger'"):
        recorded(folder)
    done = run("--state", str(tmp_path / "s"), "--port", "1", "--start", "2012-07-02",
               "--market", str(tmp_path / "nowhere"))  # fmt: skip
    assert done.returncode == 2


def test_generate_use_gives_the_desk_and_its_venue_the_same_market(tmp_path: Path) -> None:
    environment = {"DESK_HOME": str(tmp_path)}
    done = CliRunner().invoke(
        app, ["--symbols", "30", "--years", "1.5", "--use"], env=environment, catch_exceptions=False
    )
    assert done.exit_code == 0, done.output

    told = settings.load(environment)
    market = recorded(tmp_path / "market")
    listed = universe.load(environ=environment)
    assert set(listed.names) == set(market.stocks)
    assert market.last_session == told.history.last_session
    assert f"--market={tmp_path / 'market'}" in planned(told, Home(tmp_path)).command
    assert AlpacaMarketData(told)._made_up  # what the venue tells is marked as simulated
    # The lake ends where the replay begins, and both say the same of the year before.
    lake = load.daily(FolderStore(tmp_path / "lake"), date(2010, 1, 4), date(2013, 12, 31))
    assert lake["session"].max() == told.venue.start
    shared = lake.filter(pl.col("session") > told.venue.start - timedelta(days=365))
    assert shared.height > 5000
    for row in shared.sample(50, seed=1).iter_rows(named=True):
        bar = market.bars[row["symbol"]][row["session"]]
        assert (bar.open, bar.close, bar.volume) == (row["open"], row["close"], row["volume"])
    assert (tmp_path / "generated" / "firms.csv").is_file()
