"""A ledger with account and clock, and a viewer on a real warehouse with a broker in memory."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from assets.picture import Viewer
from config import limits as limits_module
from config import settings as settings_module
from config import universe as universe_module
from ledger import engine, market
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, SESSION, Case
from tests.integration.sending.desk import FakeBroker, StandingClock
from warehouse import connect
from warehouse.place import Place

D = Decimal
LIMITS = limits_module.load()


@pytest.fixture
def case(desk_dsn: str) -> Iterator[Case]:
    made = engine(desk_dsn, pool_size=5)
    case = Case.begin(made)
    tell_market(case, is_open=False)
    yield case
    made.dispose()


@pytest.fixture
def viewer(
    case: Case, desk_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Viewer]:
    monkeypatch.setenv("DESK_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATABASE__DSN", desk_place.dsn)
    monkeypatch.setenv("COUNTERSIGN_WAREHOUSE__PATH", desk_place.data_path)
    settings = settings_module.load()
    store = connect(settings)
    yield Viewer(
        settings, LIMITS, universe_module.load(), case.ledger, store,
        FakeBroker(StandingClock(OPEN)), StandingClock(NOON),
    )  # fmt: skip
    store.close()


def tell_market(case: Case, *, is_open: bool) -> None:
    account = market.Account(
        account_id="PA1", environment="replay", equity=D(100_000), last_equity=D(100_000),
        cash=D(9_000), settled_cash=D(9_000), buying_power=D(9_000), currency="USD",
        status="ACTIVE", as_of=OPEN, received_at=NOON,
    )  # fmt: skip
    clock = market.Clock(
        now=OPEN, session=OPEN.date(), is_open=is_open, next_open=None, next_close=CLOSE,
        early_close=True, replay=True, state="running", hold_reason=None, pace=D(1),
        first_session=SESSION, last_session=None, received_at=NOON,
    )  # fmt: skip
    with case.ledger.begin() as conn:
        market.record_account(conn, account)
        market.record_clock(conn, clock)
