"""The accounts of a small desk on real bars: by hand, and nothing made or lost on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from adapters.market_data import sample
from adapters.object_store.folder import FolderStore
from assets.desk_time import decision_time
from assets.end_of_day import end_of_day
from assets.performance import performance
from config import universe
from config.documents import ROOT
from ledger import alerts, engine, fills, market
from ledger.tables import bookings, legs, orders
from ledger.tables import fills as fills_table
from quality.calendar import exchange
from tests.integration.ledger.cases import Case, proposed
from warehouse import Warehouse, accounts, bars, verdicts
from warehouse.place import Place

pytestmark = pytest.mark.long

D = Decimal
FIRST, BOUGHT, PAID, SOLD = (date(2012, 6, day) for day in (20, 21, 22, 25))
# USD a share at the close, from the sample.
CLOSE = {
    row["session"]: D(str(row["close"]))
    for row in sample.stocks().filter(symbol="IBM").iter_rows(named=True)
    if date(2012, 6, 1) <= row["session"] <= SOLD
}


@dataclass
class Desk:
    """A case with a warehouse and a lake."""

    case: Case
    warehouse: Warehouse
    store: FolderStore

    def run(self, session: date, *assets: dg.AssetsDefinition) -> None:
        with dg.DagsterInstance.ephemeral() as instance:
            dg.materialize(
                list(assets),
                instance=instance,
                partition_key=session.isoformat(),
                resources={
                    "warehouse": self.warehouse, "ledger": self.case.ledger, "store": self.store,
                    "universe": universe.load(ROOT / "universe.toml"),
                },
            )  # fmt: skip

    def rows(self, table: str, session: date = SOLD) -> pl.DataFrame:
        with self.warehouse.reader() as conn:
            return accounts.between(conn, table, FIRST, session, as_of=decision_time(SOLD))


@pytest.fixture
def desk(desk_place: Place, tmp_path: Path) -> Iterator[Desk]:
    made = Warehouse(desk_place)
    ledger = engine(desk_place.dsn, pool_size=2)
    kept = sample.stocks().filter(pl.col("session").is_between(date(2012, 6, 1), SOLD))
    told = kept.drop("sample_adjusted", strict=False).with_columns(
        source=pl.lit("test"), simulated=pl.lit(value=False), assumed=pl.lit(value=True),
        known_at=pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        + pl.duration(hours=20, minutes=15),
    )  # fmt: skip
    with made.writer("market.daily_bars") as conn:
        bars.append_bars(conn, told)
    passed = told.select(
        "symbol", "session", "known_at", dataset=pl.lit("daily_bars"), status=pl.lit("passed"),
        checks=pl.lit(12), checks_passed=pl.lit(12),
    )  # fmt: skip
    with made.writer("quality.verdicts") as conn:
        verdicts.record(conn, passed)
    yield Desk(Case.begin(ledger), made, FolderStore(tmp_path / "lake"))
    made.close()
    ledger.dispose()


def _filled(case: Case, strategy: str, side: str, quantity: int, price: str, day: date) -> str:
    """A proposal whose order, made before the opening, was filled at once; a fee of 1 USD."""
    made = proposed(strategy=strategy, side=side, quantity=quantity, session=day, reference="195")
    case.record(made)
    at = exchange().open(day)
    name = f"cs-{strategy}-{side}"
    with case.ledger.begin() as conn:
        leg_id = conn.scalar(sa.select(legs.c.leg_id).where(legs.c.proposal_id == made.proposal_id))
        conn.execute(
            sa.insert(orders).values(
                client_order_id=name, leg_id=leg_id, proposal_id=made.proposal_id, attempt=1,
                broker_order_id=f"b-{name}", state="filled", symbol="IBM", side=side,
                quantity=quantity, order_type="limit", time_in_force="day",
                filled_quantity=quantity, average_price=D(price), intended_at=at,
                intended_market_at=at, final_at=at, build="b1",
            )
        )  # fmt: skip
        conn.execute(
            sa.insert(fills_table).values(
                execution_id=f"e-{name}", client_order_id=name, broker_order_id=f"b-{name}",
                symbol="IBM", side=side, quantity=quantity, price=D(price), fee=D(1),
                market_at=at, recorded_at=at, source="reconcile",
            )
        )  # fmt: skip
    return made.code


def _marked(case: Case, session: date, shares: int, cash: str) -> None:
    value = shares * CLOSE[session]
    with case.ledger.begin() as conn:
        market.record_equity(
            conn,
            market.EquityPoint(
                environment="replay", session=session, equity=D(cash) + value, cash=D(cash),
                gross=value, net=value,
            ),
        )  # fmt: skip


def _traded(case: Case) -> str:
    """25 and 10 IBM bought by two strategies, a dividend of 17.50, 30 sold."""
    at = datetime(2012, 6, 25, 20, 15, tzinfo=UTC)
    with case.ledger.begin() as conn:
        market.record_account(
            conn,
            market.Account(
                account_id="PA1", environment="replay", equity=D(100_000), last_equity=None,
                cash=D(100_000), settled_cash=None, buying_power=D(100_000), currency="USD",
                status="ACTIVE", as_of=at, received_at=at,
            ),
        )  # fmt: skip
        conn.execute(
            sa.insert(bookings).values(
                booking_id="d1",
                kind="dividend",
                symbol="IBM",
                day=PAID,
                quantity=D(0),
                cash=D("17.50"),
                recorded_at=at,
                source="reconcile",
            )
        )
    _marked(case, FIRST, 0, "100000")
    code = _filled(case, "trend", "buy", 25, "196", BOUGHT)
    _filled(case, "swing", "buy", 10, "196", BOUGHT)
    _marked(case, BOUGHT, 35, "93138")  # 100,000 - 35 * 196 - 2
    _marked(case, PAID, 35, "93155.50")
    _filled(case, "trend", "sell", 30, "194", SOLD)
    _marked(case, SOLD, 5, "98974.50")  # + 30 * 194 - 1
    return code


def test_lots_cash_profit_and_attribution_are_those_of_the_account(desk: Desk) -> None:
    code = _traded(desk.case)

    for session in (BOUGHT, PAID, SOLD, SOLD):
        desk.run(session, performance)

    (lot,) = desk.rows("portfolio.lots").filter(session=SOLD).iter_rows(named=True)
    with desk.case.ledger.connect() as conn:
        assert {lot["symbol"]: D(lot["quantity"])} == fills.holdings(conn)
    assert (lot["strategy"], lot["price"]) == ("trend", 196.0)
    assert lot["fee"] == pytest.approx(0.2)
    closings = desk.rows("portfolio.closings").sort("strategy")
    # The executions of one instant count in the order of their ids: 10 of swing, then 20 of trend,
    # at a loss of 2 each, less their parts of the fees of both trades.
    assert closings["realised"].to_list() == pytest.approx(
        [-20 - 1 - 10 / 30, -40 - 20 / 25 - 20 / 30]
    )

    cash = desk.rows("portfolio.cash_days")
    assert cash["closing"].to_list() == cash["told"].to_list()
    earned = desk.rows("portfolio.results")
    equity = D("98974.50") + 5 * CLOSE[SOLD]
    assert earned["profit"].sum() == pytest.approx(float(equity - 100_000))
    assert earned["income"].sum() == pytest.approx(17.5)

    shares = desk.rows("portfolio.attributions").filter(session=SOLD)
    total = float(equity / 100_000 - 1)
    by_way = dict(shares.group_by("way").agg(pl.col("contribution").sum()).iter_rows())
    assert by_way == pytest.approx(dict.fromkeys(("strategy", "model", "symbol", "sector"), total))

    (cost,) = desk.rows("portfolio.shortfalls").filter(code=code).iter_rows(named=True)
    opened = float(
        sample.stocks().filter(symbol="IBM", session=BOUGHT)["open"][0]
    )  # the order was made before the opening
    assert cost["delay"] == pytest.approx(25 * (opened - 195))
    assert cost["execution"] == pytest.approx(25 * (196 - opened))
    assert cost["total_bps"] == pytest.approx((25 * (196 - 195) + 1) / (25 * 195) * 10_000)


def test_a_late_bust_takes_lots_and_closings_back(desk: Desk) -> None:
    _traded(desk.case)
    desk.run(SOLD, performance)
    assert (desk.rows("portfolio.lots").height, desk.rows("portfolio.closings").height) == (1, 2)

    for name in ("e-cs-trend-sell", "e-cs-swing-buy"):
        with desk.case.ledger.begin() as conn:
            conn.execute(
                sa.update(fills_table)
                .where(fills_table.c.execution_id == name)
                .values(busted_at=datetime(2012, 6, 26, tzinfo=UTC))
            )
    desk.run(SOLD, performance)

    (lot,) = desk.rows("portfolio.lots").iter_rows(named=True)
    assert (lot["lot_id"], lot["quantity"]) == ("e-cs-trend-buy", 25.0)
    assert desk.rows("portfolio.closings").is_empty()


def test_the_same_session_again_adds_no_row(desk: Desk) -> None:
    _traded(desk.case)
    desk.run(SOLD, performance)
    with desk.warehouse.reader() as conn:
        before = [conn.execute(f"select count(*) from {t}").fetchone() for t in accounts.TABLES]

    desk.run(SOLD, performance)

    with desk.warehouse.reader() as conn:
        assert before == [
            conn.execute(f"select count(*) from {t}").fetchone() for t in accounts.TABLES
        ]


def test_the_end_of_day_report_tells_the_session_and_needs_nothing_else(desk: Desk) -> None:
    _traded(desk.case)
    vetoed = proposed(strategy="drift", session=FIRST)
    desk.case.record(vetoed)
    at = exchange().open(SOLD)
    desk.case.veto(vetoed, "Jan", market_at=at, reason="news")
    with desk.case.ledger.begin() as conn:
        alerts.raise_once(
            conn, severity="warning", kind="k", subject="s", desk_at=at, market_at=at,
            message="A <script>price</script> | fell.",
        )  # fmt: skip

    desk.run(SOLD, performance, end_of_day)
    desk.run(SOLD, end_of_day)

    (report,) = desk.rows("portfolio.day_reports").iter_rows(named=True)
    page = desk.store.get(report["object_key"]).decode()
    assert "<h1>End of day, Mon 25 Jun 2012</h1>" in page
    assert f"<td>Jan</td><td>{vetoed.code}</td><td>buy 25 IBM</td><td>news</td>" in page
    assert "sell 30 IBM</td><td>filled</td>" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page
    assert "0.00 USD of it not explained" in report["text"]
    assert "differs from the cash ledger by 0.00 USD" in report["text"]
    assert r"A \<script\>price\</script\> \| fell." in report["text"]


def test_the_end_of_day_report_tells_what_was_signed_and_not_sent_and_why(desk: Desk) -> None:
    at, case = exchange().open(SOLD), desk.case
    ended, waiting, sent, taken_back = (
        proposed(symbol, session=FIRST) for symbol in ("AAPL", "FB", "IBM", "MSFT")
    )
    for made in (ended, waiting, sent, taken_back):
        case.record(made)
        assert case.sign(made, "Maria", market_at=at).recorded
    case.withdraw(taken_back, "Maria")
    why = "AAPL moved +0.61 % after it was signed; the signature covered ±0.50 %."
    with case.ledger.begin() as conn:
        conn.execute(
            sa.update(legs)
            .where(legs.c.proposal_id == ended.proposal_id)
            .values(closed_at=at, closed_code="drifted", closed_sentence=why)
        )
        leg_id = conn.scalar(sa.select(legs.c.leg_id).where(legs.c.proposal_id == sent.proposal_id))
        conn.execute(
            sa.insert(orders).values(
                client_order_id="cs-sent", leg_id=leg_id, proposal_id=sent.proposal_id, attempt=1,
                state="accepted", symbol="IBM", side="buy", quantity=25, order_type="limit",
                time_in_force="day", filled_quantity=0, intended_at=at, intended_market_at=at,
                build="b1",
            )
        )  # fmt: skip

    desk.run(SOLD, performance, end_of_day)

    (report,) = desk.rows("portfolio.day_reports").iter_rows(named=True)
    section = report["text"].split("## Signed, not sent\n")[1].split("## ")[0]
    said, _, _, _, *lines = section.strip().splitlines()
    assert said == "2 orders."
    assert sorted(lines) == sorted(
        [
            f"| 09:30 | {ended.code} | buy 25 AAPL | {why} |",
            f"| 09:30 | {waiting.code} | buy 25 FB | It waits to be sent. |",
        ]
    )


def test_a_desk_whose_account_was_never_heard_has_no_accounts(desk: Desk) -> None:
    desk.run(SOLD, performance)

    assert desk.rows("portfolio.results").is_empty()
