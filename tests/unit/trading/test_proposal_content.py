import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.trading.pictures import BUY
from trading.canonical import canonical_bytes
from trading.proposals import (
    CheckResult,
    DataVerdict,
    Effect,
    GateLine,
    Leg,
    Proposal,
    Rationale,
    Risk,
    Trust,
    code_of,
    from_content,
    is_intact,
)
from trading.tactics.tactic import Tactic

D = Decimal
RATIONALE = Rationale(
    probability=D("0.56"),
    expected_return=D("0.004"),
    low=D("-0.024"),
    high=D("0.032"),
    horizon=5,
    base_rate=D("0.52"),
    volatility=D("0.195"),
    contributions=(),
    trust=Trust(D("0.55"), D("0.60"), D("0.53"), D("0.48"), D("0.58"), 388),
    gates=(GateLine("sharpe", False, "Sharpe 0.62 (needs > 1.00)."),),
    feature_version="daily/1",
)
PROPOSAL = Proposal(
    proposal_id="0190",
    code="7F3A-9C21",
    session=date(2012, 7, 2),
    environment="replay",
    account_id="A1",
    strategy="swing",
    model_version="sample/3",
    advisory=True,
    legs=(BUY,),
    rationale=RATIONALE,
    risk=Risk(D(100_000), D("230.50"), (Effect("Cash", D(90_400), D("85501.75"), None, "USD"),)),
    checks=(CheckResult(13, "too_large", True, False, "It would be 4.9 % of equity.", D("0.049")),),
    data=(DataVerdict(date(2012, 7, 2), "passed", 24, 24, None),),
    valid_from=datetime(2012, 7, 2, 20, 0, tzinfo=UTC),
    valid_until=datetime(2012, 7, 3, 17, 0, tzinfo=UTC),
    drift_bound=D("0.005"),
    drift_direction="adverse",
    signatures_needed=1,
    four_eyes_notional=D(10_000),
    snapshot_id=7,
    created_market_at=datetime(2012, 7, 2, 20, 5, tzinfo=UTC),
)

# One other value for each field: none of them can be changed behind a signature.
OTHER: dict[str, Any] = {
    "proposal_id": "0191",
    "code": "7F3A-9C22",
    "session": date(2012, 7, 3),
    "environment": "live",
    "account_id": "A2",
    "strategy": "other",
    "model_version": None,
    "advisory": False,
    "legs": (replace(BUY, quantity=D(26)),),
    "rationale": None,
    "risk": replace(PROPOSAL.risk, loss_to_stop=None),
    "checks": (),
    "data": (),
    "valid_from": datetime(2012, 7, 2, 20, 0, 1, tzinfo=UTC),
    "valid_until": datetime(2012, 7, 3, 17, 0, 1, tzinfo=UTC),
    "drift_bound": D("0.0051"),
    "drift_direction": "both",
    "signatures_needed": 2,
    "four_eyes_notional": D(10_001),
    "snapshot_id": None,
    "created_market_at": datetime(2012, 7, 2, 20, 6, tzinfo=UTC),
    "entered_by": "maria",
    "supersedes": "0189",
    "label": "demo",
    "command": "flatten",
    "reason": "The results are better than the price says.",
}
OTHER_LEG: dict[str, Any] = {
    "leg_no": 2,
    "symbol": "AAPL",
    "side": "sell",
    "quantity": D(24),
    "order_type": "stop_limit",
    "time_in_force": "gtc",
    "reference_price": D("195.84"),
    "limit_price": None,
    "stop_price": D("190"),
    "take_profit_price": D("210"),
    "stop_loss_price": D("186.72"),
    "reduces": True,
    "tactic": Tactic(
        kind="adaptive",
        starts_at=datetime(2012, 7, 3, 13, 35, tzinfo=UTC),
        ends_at=datetime(2012, 7, 3, 16, 55, tzinfo=UTC),
    ),
    "trail_percent": D("5"),
    "trail_price": D("2.5"),
    "order_class": "oco",
}


def test_every_field_of_proposal_and_leg_has_another_value_here() -> None:
    assert set(OTHER) == set(Proposal.__dataclass_fields__)
    assert set(OTHER_LEG) == set(Leg.__dataclass_fields__)


@pytest.mark.parametrize("name", OTHER)
def test_any_change_of_the_proposal_changes_its_hash(name: str) -> None:
    changed = replace(PROPOSAL, **{name: OTHER[name]})

    assert changed.canonical()[1] != PROPOSAL.canonical()[1]


@pytest.mark.parametrize("name", OTHER_LEG)
def test_any_change_of_a_leg_changes_the_hash(name: str) -> None:
    changed = replace(PROPOSAL, legs=(replace(BUY, **{name: OTHER_LEG[name]}),))

    assert changed.canonical()[1] != PROPOSAL.canonical()[1]


def test_what_is_equal_has_equal_bytes_however_it_was_written() -> None:
    same = replace(
        PROPOSAL,
        drift_bound=D("0.00500"),
        valid_until=datetime.fromisoformat("2012-07-03T13:00:00-04:00"),
    )

    assert same.canonical() == PROPOSAL.canonical()


def test_stored_bytes_give_the_proposal_back_and_the_same_bytes_again() -> None:
    stored, told = PROPOSAL.canonical()

    assert from_content(stored) == PROPOSAL
    assert from_content(stored).canonical() == (stored, told)


def test_what_was_signed_before_tactics_and_commands_existed_keeps_its_bytes() -> None:
    told = json.loads(PROPOSAL.canonical()[0])

    assert "command" not in told
    assert "reason" not in told
    assert "tactic" not in told["legs"][0]


@pytest.mark.parametrize("kind", ["adaptive", "twap", "vwap"])
def test_a_tactic_stands_in_the_bytes_with_every_parameter(kind: str) -> None:
    tactic = replace(
        OTHER_LEG["tactic"],
        kind=kind,
        slices=1 if kind == "adaptive" else 2,
        curve=(D("0.6"), D(1)) if kind == "vwap" else (),
    )
    proposal = replace(PROPOSAL, legs=(replace(BUY, tactic=tactic),), command="flatten")
    stored, told = proposal.canonical()

    assert set(json.loads(stored)["legs"][0]["tactic"]) == set(Tactic.__dataclass_fields__)
    assert from_content(stored) == proposal
    assert from_content(stored).canonical() == (stored, told)


def test_altering_any_byte_is_noticed() -> None:
    stored, told = PROPOSAL.canonical()

    assert is_intact(stored, told)
    for at in range(len(stored)):
        assert not is_intact(stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :], told)


def test_bytes_of_another_version_are_refused() -> None:
    told = json.loads(PROPOSAL.canonical()[0]) | {"hash_version": 2}

    with pytest.raises(ValueError, match="hash version"):
        from_content(canonical_bytes(told))


def test_money_counts_all_legs_at_their_worst_price() -> None:
    market = replace(BUY, leg_no=2, limit_price=None)

    # 25 x 195.93 + 25 x 195.83
    assert replace(PROPOSAL, legs=(BUY, market)).notional == D("9794.00")


def test_a_warning_does_not_deny_and_a_failure_does() -> None:
    warned = CheckResult(6, "data_not_trusted", True, True, "Old.")
    failed = CheckResult(13, "too_large", False, False, "Too large.")

    assert not replace(PROPOSAL, checks=(warned,)).is_denied
    assert replace(PROPOSAL, checks=(warned, failed)).is_denied


@given(st.text(min_size=1, max_size=40))
def test_a_code_is_eight_hexadecimal_digits_and_stable(proposal_id: str) -> None:
    code = code_of(proposal_id)

    assert code == code_of(proposal_id)
    assert len(code) == 9
    assert code[4] == "-"
    assert int(code.replace("-", ""), 16) >= 0
