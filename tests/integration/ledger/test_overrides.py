"""A limit is changed by a signatory, with a reason and an end, and the audit log keeps it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from config import limits as limits_file
from ledger import audit, overrides, people
from ledger.people import Person
from tests.integration.ledger.cases import NOON, Case
from trading.errors import DeskError
from trading.limits import Override, effective

D = Decimal
LIMITS = limits_file.load()
WEEK = NOON + timedelta(days=7)
WHY = "The new strategy holds fewer names."


def person(case: Case, name: str) -> Person:
    with case.ledger.begin() as conn:
        found = people.by_id(conn, case.person[name])
    assert found is not None
    return found


def make(
    case: Case, name: str, value: str, *, by: str = "Maria", reason: str = WHY, days: int = 7
) -> None:
    told = Override(name, D(value), NOON + timedelta(days=days))
    with case.ledger.begin() as conn:
        overrides.make(
            conn, person(case, by), told, account_id="PA1", reason=reason, limits=LIMITS,
            desk_at=case.desk_at(),
        )  # fmt: skip


def now(case: Case, *, days: int = 0) -> limits_file.Limits:
    at = NOON + timedelta(days=days, hours=1)
    with case.ledger.begin() as conn:
        return effective(LIMITS, overrides.active(conn, account_id="PA1", desk_at=at), now=at)


def test_an_override_holds_until_its_end_and_is_in_the_audit_log(case: Case) -> None:
    make(case, "position_share", "0.08")
    make(case, "position_share", "0.10")

    assert now(case).position_share == D("0.10")
    assert now(case, days=7).position_share == LIMITS.position_share
    with case.ledger.begin() as conn:
        assert overrides.active(conn, account_id="another", desk_at=NOON) == []
        assert audit.verify(conn) is None
        kept = [one for one in audit.entries(conn) if one.action == "limit.override"]
    assert [one.actor for one in kept] == [case.person["Maria"]] * 2
    assert WHY in kept[0].payload


def test_it_is_taken_back_by_name(case: Case) -> None:
    make(case, "positions", "12")
    make(case, "collar", "0.02")

    with case.ledger.begin() as conn:
        was = overrides.revoke(
            conn, person(case, "Jan"), "positions", account_id="PA1", reason=WHY,
            desk_at=case.desk_at(),
        )  # fmt: skip

    assert was == 12
    assert now(case).positions == LIMITS.positions
    assert now(case).collar == D("0.02")


@pytest.mark.parametrize(
    ("name", "value", "changed", "said"),
    [
        ("position_share", "0.08", {"by": "Ann"}, "takes a signatory"),
        ("position_share", "0.08", {"reason": "because"}, "at least 20 characters"),
        ("position_share", "0.08", {"days": 0}, "must end later"),
        ("position_share", "0.21", {}, r"at most 0.20 \(`position_ceiling`\)"),
        ("position_ceiling", "0.30", {}, "cannot be overridden"),
        ("luck", "1", {}, "cannot be overridden"),
        ("gross_exposure", "-1", {}, "not allowed"),
        ("gross_exposure", "NaN", {}, "not allowed"),
        ("positions", "1.5", {}, "not allowed"),
    ],
)
def test_what_may_not_be_leaves_every_limit_as_it_is(
    case: Case, name: str, value: str, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(DeskError, match=said):
        make(case, name, value, **changed)  # type: ignore[arg-type]  # a test's shorthand

    assert now(case) == LIMITS
