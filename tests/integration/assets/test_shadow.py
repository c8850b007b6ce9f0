"""The shadow ledger of real bars: what was signed and what was vetoed earn the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from adapters.market_data import sample
from assets.desk_time import decision_time
from assets.shadow import shadow_ledger
from config import settings, universe
from config.documents import ROOT
from ledger import engine
from tests.integration.ledger.cases import Case, proposed
from trading.proposals import Proposal
from warehouse import Warehouse, bars, index, shadow, verdicts
from warehouse.place import Place

DECIDED, ENTERED, LEFT = date(2012, 6, 20), date(2012, 6, 21), date(2012, 6, 28)


@pytest.fixture(name="case")
def _case(desk_dsn: str) -> Iterator[Case]:
    ledger = engine(desk_dsn, pool_size=2)
    yield Case.begin(ledger)
    ledger.dispose()


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    with made.writer("market.daily_bars") as conn:
        bars.append_bars(conn, _told(sample.stocks()))
    with made.writer("market.index_bars") as conn:
        index.append_bars(conn, _told(sample.index_bars()))
    passed = _told(sample.stocks()).select(
        "symbol", "session", "known_at", dataset=pl.lit("daily_bars"), status=pl.lit("passed"),
        checks=pl.lit(12), checks_passed=pl.lit(12),
    )  # fmt: skip
    with made.writer("quality.verdicts") as conn:
        verdicts.record(conn, passed)
    yield made
    made.close()


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    kept = rows.filter(pl.col("session").is_between(date(2012, 6, 1), date(2012, 7, 6)))
    return kept.drop("sample_adjusted", strict=False).with_columns(
        source=pl.lit("test"), simulated=pl.lit(value=False), assumed=pl.lit(value=True),
        known_at=pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        + pl.duration(hours=20, minutes=15),
    )  # fmt: skip


def _opens(session: date) -> float:
    rows = sample.stocks().filter(symbol="IBM", session=session)
    return float(rows["open"][0])


def _proposed(strategy: str) -> Proposal:
    made = proposed(strategy=strategy, session=DECIDED, limit="250", reference="198")
    return replace(made, legs=(replace(made.legs[0], stop_loss_price=Decimal(150)),))


def _followed(warehouse: Warehouse, ledger: sa.Engine, session: date, home: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [shadow_ledger],
            instance=instance,
            partition_key=session.isoformat(),
            resources={
                "warehouse": warehouse, "ledger": ledger,
                "universe": universe.load(ROOT / "universe.toml"),
                "settings": settings.load({"DESK_HOME": str(home)}),
            },
        )  # fmt: skip


def test_a_veto_is_followed_as_what_was_signed_is(
    case: Case, warehouse: Warehouse, tmp_path: Path
) -> None:
    signed, vetoed, expired = (_proposed(name) for name in ("trend", "swing", "drift"))
    for one in (signed, vetoed, expired):
        case.record(one)
    case.sign(signed, "Maria")
    case.veto(vetoed, "Jan", reason="price")

    _followed(warehouse, case.ledger, ENTERED, tmp_path)
    with warehouse.reader() as conn:
        before = shadow.cases(conn, as_of=decision_time(LEFT))
        assert shadow.latest_figures(conn).is_empty()
    _followed(warehouse, case.ledger, LEFT, tmp_path)
    _followed(warehouse, case.ledger, LEFT, tmp_path)

    with warehouse.reader() as conn:
        after = shadow.cases(conn, as_of=decision_time(LEFT))
        figures = shadow.latest_figures(conn)
    assert set(before["status"]) == {"held"}
    assert set(after["verdict"]) == {"signed", "vetoed"}  # the open one is still to decide
    assert after["profit"].n_unique() == 1
    assert after["profit"][0] == pytest.approx(_by_hand(), abs=0.01)
    assert set(after["left_at"]) == {LEFT}

    (veto,) = figures.filter(verdict="vetoed", cut="person").iter_rows(named=True)
    assert (veto["label"], veto["cases"], veto["low_bps"]) == ("Jan", 1, None)
    assert set(figures.filter(verdict="vetoed")["cut"]) == {"all", "person", "reason", "strategy"}
    assert figures.filter(verdict="vetoed", cut="reason")["label"][0] == "price"


def _by_hand() -> float:
    """25 shares, 2 bps of half spread at the open of both days; the impact is below a cent."""
    return 25 * (_opens(LEFT) * (1 - 0.0002) - _opens(ENTERED) * (1 + 0.0002))
