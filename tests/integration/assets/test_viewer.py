"""The picture behind a proposal: real ledger and warehouse, a broker in memory."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from assets.picture import Viewer, limits_now
from config import limits as limits_module
from config import settings as settings_module
from config import universe as universe_module
from ledger import engine, market, new_id
from ledger.tables import limit_overrides
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, SESSION, Case, proposed
from tests.integration.sending.desk import FakeBroker, StandingClock
from trading.picture import Picture
from trading.pretrade import judge_leg
from warehouse import connect
from warehouse.place import Place

D = Decimal
LIMITS = limits_module.load()


@pytest.fixture
def case(desk_dsn: str) -> Iterator[Case]:
    made = engine(desk_dsn, pool_size=5)
    case = Case.begin(made)
    _tell_market(case, is_open=False)
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


def _tell_market(case: Case, *, is_open: bool) -> None:
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


def _picture(viewer: Viewer, *, instead_of: str | None = None) -> Picture:
    return viewer.picture(
        ["MSFT"], session=SESSION, strategy="trend", model_version="m1", instead_of=instead_of
    )


def test_the_second_proposal_of_a_session_sees_the_first(case: Case, viewer: Viewer) -> None:
    first, second = proposed("IBM"), proposed("MSFT")  # 4,898.25 of 9,000 USD each
    alone = judge_leg(_picture(viewer), second.legs[0])[13]
    case.record(first)
    after = _picture(viewer)
    beside = judge_leg(after, second.legs[0])[13]

    assert alone.figure is not None
    assert "exposure would be" in alone.sentence
    assert beside.denies
    assert beside.sentence.startswith("It needs 9,796.50 USD with open orders")
    assert after.open_stop_risk == D("230.50")  # 25 x (195.93 - 186.71)


def test_a_new_price_does_not_count_the_proposal_it_replaces(case: Case, viewer: Viewer) -> None:
    made = proposed("MSFT")
    case.record(made)

    assert _picture(viewer).working_shares("MSFT", "buy") == 25
    assert _picture(viewer, instead_of=made.proposal_id).working_shares("MSFT", "buy") == 0


def test_a_leg_whose_past_nobody_has_is_denied(viewer: Viewer) -> None:
    answer = judge_leg(_picture(viewer), proposed("MSFT").legs[0])[16]

    assert answer.denies
    assert "100 past returns of MSFT" in answer.sentence


def test_while_the_market_is_open_the_broker_is_asked_for_a_quote(
    case: Case, viewer: Viewer
) -> None:
    assert _picture(viewer).quotes == {}

    _tell_market(case, is_open=True)

    assert _picture(viewer).quotes["MSFT"].price == D("30.60")


def test_overrides_of_the_account_change_the_limits(case: Case) -> None:
    with case.ledger.begin() as conn:
        conn.execute(
            sa.insert(limit_overrides).values(
                override_id=new_id(), account_id="PA1", name="positions", value=12,
                reason="a drill", person_id=case.person["Ada"], created_at=NOON, expires_at=CLOSE,
            )
        )  # fmt: skip

    before = CLOSE.replace(year=CLOSE.year - 1)
    assert limits_now(LIMITS, case.ledger, desk_at=before) == replace_positions(12)
    assert limits_now(LIMITS, case.ledger, desk_at=CLOSE) == LIMITS


def replace_positions(most: int) -> limits_module.Limits:
    return LIMITS.model_copy(update={"positions": most})


def test_a_restricted_symbol_of_the_universe_is_denied(viewer: Viewer) -> None:
    universe = viewer.universe.model_copy(update={"restricted": ("MSFT",)})
    answer = judge_leg(_picture(replace(viewer, universe=universe)), proposed("MSFT").legs[0])[7]

    assert answer.sentence == "MSFT is on the desk's restricted list."
    assert answer.denies
