"""What a person's tables and the broker say of firms is judged as it was known."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from assets.eligibility import eligibility_asset
from config import universe
from countersign.processes.postgres import Cluster
from quant.features import DAILY
from tests.integration.pipelines import small
from tests.integration.pipelines.small import SmallDesk
from tests.integration.warehouse.rows import append, bar, judge
from warehouse import features

pytestmark = pytest.mark.timeout(600)
FIRST, LAST, NEXT = date(2012, 6, 29), date(2012, 7, 2), date(2012, 7, 3)
RULES = universe.load().eligibility.model_copy(
    update={"earnings": "earnings.csv", "fundamentals": "fundamentals.csv"}
)
UNIVERSE = universe.load().model_copy(update={"eligibility": RULES})


@pytest.fixture
def desk(postgres_server: Cluster, tmp_path: Path) -> Iterator[SmallDesk]:
    with small.fresh(postgres_server, tmp_path) as made:
        with made.warehouse.writer("features.versions") as conn:
            features.register(conn, DAILY.version, DAILY.names)
        for session, close in ((FIRST, 195.58), (LAST, 195.83), (NEXT, 196.65)):
            append(made.warehouse, bar("IBM", session, close))
            judge(made.warehouse, "IBM", session, "passed")
        (tmp_path / "earnings.csv").write_text("symbol,date\n")
        (tmp_path / "fundamentals.csv").write_text(
            "symbol,known_at,shares_outstanding\nIBM,2012-06-30,1150000000\n"
        )
        yield made


def judged(desk: SmallDesk, session: date) -> dict[str, dict[str, object]]:
    """Run the asset for one session; return what is stored of it by symbol."""
    with dg.build_asset_context(partition_key=str(session)) as context:
        eligibility_asset(
            context, store=desk.store, warehouse=desk.warehouse, ledger=desk.ledger,
            broker=desk.broker, settings=desk.settings, universe=UNIVERSE,
        )  # fmt: skip
    found = desk.table(
        "select * from market.eligibility where session = $session "
        "qualify row_number() over (partition by symbol order by recorded_at desc) = 1",
        session=session,
    )
    return {row["symbol"]: row for row in found.iter_rows(named=True)}


def test_a_past_session_is_judged_again_as_it_was_known(desk: SmallDesk) -> None:
    desk.close(LAST)
    told = judged(desk, LAST)
    assert told["IBM"]["next_earnings"] is None
    assert told["IBM"]["shortable"] is True
    assert told["IBM"]["market_cap"] == pytest.approx(1.15e9 * 195.83)
    assert told["AAPL"]["market_cap"] is None
    assert judged(desk, FIRST)["IBM"]["market_cap"] is None, "the shares were told a day later"

    # A report on the day after the next, noted only when LAST was over and NEXT had opened.
    desk.close(NEXT)
    Path(desk.settings.home, "earnings.csv").write_text("symbol,date\nIBM,2012-07-05\n")
    assert judged(desk, NEXT)["IBM"]["next_earnings"] == date(2012, 7, 5)
    assert judged(desk, LAST) == told
