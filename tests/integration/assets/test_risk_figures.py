"""Risk figures of real bars, on a real ledger and warehouse."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from adapters.market_data import sample
from assets.desk_time import decision_time
from assets.risk import risk_figures
from config import universe
from config.documents import ROOT
from ledger import engine, market
from warehouse import Warehouse, bars, index, risk, verdicts
from warehouse.place import Place

D = Decimal
SESSION = date(2012, 6, 29)
AT = datetime(2012, 6, 29, 20, 15, tzinfo=UTC)
HELD = {"AAPL": (D(20), D(584)), "IBM": (D(-30), D("195.58")), "FB": (D(100), D("31.10"))}


@pytest.fixture(name="ledger")
def _ledger(desk_dsn: str) -> Iterator[sa.Engine]:
    made = engine(desk_dsn, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as they are landed: each known a quarter of an hour after its close."""
    kept = rows.filter(pl.col("session").is_between(date(2010, 1, 4), SESSION))
    return kept.drop("sample_adjusted", strict=False).with_columns(
        source=pl.lit("test"),
        simulated=pl.lit(value=False),
        assumed=pl.lit(value=True),
        known_at=pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        + pl.duration(hours=20, minutes=15),
    )


def _hold(ledger: sa.Engine, held: dict[str, tuple[Decimal, Decimal]]) -> None:
    account = market.Account(
        account_id="PA1", environment="replay", equity=D(100_000), last_equity=D(100_000),
        cash=D(90_000), settled_cash=D(90_000), buying_power=D(90_000), currency="USD",
        status="ACTIVE", as_of=AT, received_at=AT,
    )  # fmt: skip
    with ledger.begin() as conn:
        market.record_account(conn, account)
        market.record_positions(
            conn,
            [
                market.Position(
                    symbol=symbol, quantity=quantity, average_price=price, market_price=price,
                    market_value=quantity * price, unrealised=D(0), as_of=AT, received_at=AT,
                )
                for symbol, (quantity, price) in held.items()
            ],
        )  # fmt: skip


def _figured(warehouse: Warehouse, ledger: sa.Engine) -> tuple[pl.DataFrame, dict[str, Any]]:
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [risk_figures],
            instance=instance,
            partition_key=SESSION.isoformat(),
            resources={
                "warehouse": warehouse, "ledger": ledger,
                "universe": universe.load(ROOT / "universe.toml"),
            },
        )  # fmt: skip
    (told,) = done.asset_materializations_for_node("risk_figures")
    with warehouse.reader() as conn:
        stored = risk.figures(conn, SESSION, SESSION, as_of=decision_time(SESSION))
    return stored, {name: value.value for name, value in told.metadata.items()}


def test_figures_of_a_book_with_a_short_and_a_new_listing(
    warehouse: Warehouse, ledger: sa.Engine
) -> None:
    prices = _told(sample.stocks())
    passed = prices.select(
        "symbol", "session", "known_at", dataset=pl.lit("daily_bars"), status=pl.lit("passed"),
        checks=pl.lit(12), checks_passed=pl.lit(12),
    )  # fmt: skip
    with warehouse.writer("market.daily_bars") as conn:
        bars.append_bars(conn, prices)
    with warehouse.writer("quality.verdicts") as conn:
        verdicts.record(conn, passed)
    with warehouse.writer("market.index_bars") as conn:
        index.append_bars(conn, _told(sample.index_bars()))
    _hold(ledger, HELD)

    stored, told = _figured(warehouse, ledger)

    total = stored.filter(portfolio="total")
    one = {row["measure"]: row["value"] for row in total.iter_rows(named=True)}
    assert one["gross_exposure"] == pytest.approx(0.1168 + 0.058674 + 0.0311)
    assert one["net_exposure"] == pytest.approx(0.1168 - 0.058674 + 0.0311)
    assert one["stress_single_name_gap"] == pytest.approx(0.3 * 0.1168)
    assert one["stress_flash_crash"] == pytest.approx(_flash_crash(), rel=1e-6)
    assert total.filter(measure="value_at_risk").height == 6 * 2 * 2
    assert set(stored["portfolio"]) == {"total", *HELD}
    assert "2008-09-12" in told["left_out"]["lehman"]
    assert "no price in 475 of 504 sessions" in told["left_out"]["FB"]
    assert "two sessions" in told["left_out"]["own record at 99%"]

    # again: the same figures, so no new version of a row
    again, _ = _figured(warehouse, ledger)
    assert again.equals(stored)
    with warehouse.reader() as conn:
        counted = conn.execute("select count(*) from risk.figures").fetchone()
    assert counted == (stored.height,)


def _flash_crash() -> float:
    """Loss of the book from 3 to 7 May 2010 (the test lands no dividends)."""
    closes: dict[tuple[str, date], float] = {
        (symbol, session): close
        for table in (sample.stocks(), sample.index_bars())
        for symbol, session, close in table.select("symbol", "session", "close").iter_rows()
    }
    first, last = date(2010, 5, 3), date(2010, 5, 7)
    moves = {s: closes[s, last] / closes[s, first] - 1.0 for s in ("AAPL", "IBM", "SPX")}
    # FB, not yet listed, has too few returns for a beta of its own: it moves with the index
    return -(0.1168 * moves["AAPL"] - 0.058674 * moves["IBM"] + 0.0311 * moves["SPX"])


def said_before(warehouse: Warehouse, ledger: sa.Engine) -> list[date]:
    """An account that holds nothing, and a figure of 2 % said after each of eleven sessions."""
    with warehouse.writer("market.index_bars") as conn:
        index.append_bars(conn, _told(sample.index_bars()))
    _hold(ledger, {})
    sessions = sample.index_bars().filter(pl.col("session") <= SESSION)["session"].to_list()[-11:]
    said = pl.DataFrame(
        {
            "session": sessions,
            "known_at": [datetime.combine(s, time(20, 15), UTC) for s in sessions],
        }
    ).with_columns(
        portfolio=pl.lit("total"), measure=pl.lit("value_at_risk"), method=pl.lit("historical"),
        level=pl.lit(0.99), horizon=pl.lit(1), value=pl.lit(0.02), unit=pl.lit("fraction"),
        n_obs=pl.lit(504),
    )  # fmt: skip
    with warehouse.writer("risk.figures") as conn:
        risk.record(conn, said)
    return sessions


def test_the_desks_own_record_is_tested_whatever_it_holds(
    warehouse: Warehouse, ledger: sa.Engine
) -> None:
    sessions = said_before(warehouse, ledger)
    with ledger.begin() as conn:
        for place, session in enumerate(sessions):
            # One session loses 3 %; half of what is left was taken out in another.
            equity = D(100_000) if place < 5 else D(97_000)
            paid_in = D(0) if place < 8 else D(-48_500)
            point = market.EquityPoint(
                "replay", session, equity + paid_in, equity, D(0), D(0), paid_in=paid_in
            )
            market.record_equity(conn, point)

    stored, _ = _figured(warehouse, ledger)

    assert set(stored.filter(pl.col("method") == "market value")["value"]) == {0.0}
    own = stored.filter(method="own, historical", level=0.99)
    told = dict(own.select("measure", "value").iter_rows())
    assert told["exceptions"] == 1.0
    assert told["expected_exceptions"] == pytest.approx(0.1)
    assert told["record_is_sufficient"] == 0.0
    # one or more of ten at 1 %: 1 - 0.99^10
    assert told["kupiec_p_value"] == pytest.approx(1 - 0.99**10, abs=0.01)
    assert set(own["n_obs"]) == {10}


def test_a_loss_over_sessions_that_were_not_looked_at_is_none_of_one_session(
    warehouse: Warehouse, ledger: sa.Engine
) -> None:
    sessions = said_before(warehouse, ledger)
    with ledger.begin() as conn:
        for session in (*sessions[:5], *sessions[8:]):
            # The desk was off for three closes, and 4 % were lost until it looked again.
            equity = D(100_000) if session < sessions[5] else D(96_000)
            point = market.EquityPoint("replay", session, equity, equity, D(0), D(0))
            market.record_equity(conn, point)

    stored, _ = _figured(warehouse, ledger)

    own = stored.filter(method="own, historical", level=0.99)
    assert dict(own.select("measure", "value").iter_rows())["exceptions"] == 0.0
    assert set(own["n_obs"]) == {6}
