"""The picture behind a proposal: real ledger and warehouse, a broker in memory."""

from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
import sqlalchemy as sa

from assets.desk_time import decision_time
from assets.picture import Viewer, limits_now
from assets.policies import policy
from config import limits as limits_module
from ledger import new_id
from ledger.tables import limit_overrides
from quality.calendar import exchange
from tests.integration.assets.viewed import LIMITS, tell_market
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, SESSION, Case, proposed
from tests.integration.warehouse import rows
from tests.integration.warehouse.test_subjects import MODEL
from trading.picture import Picture
from trading.pretrade import judge_leg
from warehouse import evidence, models

D = Decimal


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

    tell_market(case, is_open=True)

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


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [({}, "champion", ""), ({"k": 5}, "challenger", "k 5, now 3"), (None, "champion", "")],
)
def test_a_champion_stands_while_the_policy_is_the_one_its_gates_judged(
    viewer: Viewer, changed: dict[str, object] | None, status: str, said: str
) -> None:
    row = pl.DataFrame([MODEL | {"status": "champion"}])
    viewer.warehouse.write(lambda conn: models.record_version(conn, row), "models.versions")
    if changed is not None:  # a version filed before policies were kept has none
        judged = {"policy": asdict(policy(viewer.settings)) | changed}
        viewer.warehouse.write(lambda conn: evidence.store(conn, "m/1", judged), "models.evidence")

    told = viewer.model("m/1")

    assert told is not None
    assert (told.status, bool(told.reason)) == (status, bool(said))
    assert said in told.reason


def test_before_sending_the_newest_verdict_counts(case: Case, viewer: Viewer) -> None:
    """Passed in the evening; the bar is restated the next morning, and a person releases it."""
    rows.judge(viewer.warehouse, "IBM", SESSION, "passed", decision_time(SESSION))
    assert viewer.data(["IBM"])["IBM"].status == "passed"

    rows.judge(viewer.warehouse, "IBM", SESSION, "held", OPEN - timedelta(hours=1))
    assert viewer.data(["IBM"])["IBM"].status == "held"

    rows.judge(viewer.warehouse, "IBM", SESSION, "released", OPEN)
    assert viewer.data(["IBM"])["IBM"].status == "released"


@pytest.mark.parametrize(
    ("ratio", "ex_date", "expected"),
    [
        (0.1, SESSION, "100000"),  # 19 x 1,000,000 / 10, and 100,000 as they are
        (0.1, OPEN.date(), "95500"),  # of this morning: 20 sessions, the last one too
        (4.0, SESSION, "3805000"),  # (19 x 4,000,000 + 100,000) / 20
    ],
)
def test_average_volume_is_in_shares_of_today(
    case: Case, viewer: Viewer, ratio: float, ex_date: date, expected: str
) -> None:
    sessions = exchange().sessions(SESSION - timedelta(days=28), SESSION)[-20:]
    volumes = dict.fromkeys(sessions, 1_000_000) | {SESSION: 100_000}
    for session, volume in volumes.items():
        bar = rows.bar("IBM", session, 20.0, volume=volume, known_at=decision_time(session))
        rows.append(viewer.warehouse, bar)
        rows.judge(viewer.warehouse, "IBM", session, "passed", decision_time(session))
    announced = decision_time(sessions[0])
    rows.act(viewer.warehouse, rows.split("IBM", ex_date, ratio, known_at=announced))

    assert viewer.average_volume(["IBM"]) == {"IBM": D(expected)}
