"""A gate is let pass by two signatories' words, which the audit log keeps."""

from datetime import timedelta

import pytest

from ledger import audit, people, waivers
from ledger.people import Person
from tests.integration.ledger.cases import CLOSE, NOON, Case
from trading.errors import NotAllowedError

MODEL = "sample-daily/3"
WEEK = CLOSE + timedelta(days=7)


def person(case: Case, login: str, role: str = "signatory") -> Person:
    with case.ledger.begin() as conn:
        return people.add(
            conn, login=login, display_name=login.title(), roles=(role,), desk_at=NOON,
            password="correct horse",
        )  # fmt: skip


def waive(case: Case, who: Person, gate: str = "trades", **changed: object) -> None:
    told = {"reason": "Few names, and each trade was read.", "expires_at": WEEK} | changed
    with case.ledger.begin() as conn:
        waivers.grant(
            conn, who, model_version=MODEL, gate=gate, market_at=CLOSE, desk_at=NOON,
            **told,  # type: ignore[arg-type]  # a test's shorthand
        )  # fmt: skip


def test_two_words_make_one_waiver_that_ends_with_the_earlier(case: Case) -> None:
    wanda, wim = person(case, "wanda"), person(case, "wim")
    waive(case, wanda, reason="The record is short by nine trades.")
    waive(case, wim, expires_at=WEEK - timedelta(days=2))

    with case.ledger.begin() as conn:
        (given,) = waivers.granted(conn, MODEL)
        assert waivers.granted(conn, "sample-daily/4") == ()
        assert audit.verify(conn) is None

    assert (given.gate, given.people) == ("trades", ("wanda", "wim"))
    assert given.expires_at == WEEK - timedelta(days=2)
    assert given.reason == (
        "The record is short by nine trades.; Few names, and each trade was read."
    )


def test_the_same_person_twice_is_one_person(case: Case) -> None:
    wanda = person(case, "wanda")
    waive(case, wanda)
    waive(case, wanda, expires_at=WEEK + timedelta(days=1))

    with case.ledger.begin() as conn:
        (given,) = waivers.granted(conn, MODEL)

    assert given.people == ("wanda",)
    assert given.expires_at == WEEK + timedelta(days=1)


@pytest.mark.parametrize(
    ("gate", "changed", "said"),
    [
        ("deflated_sharpe", {}, "can never be waived"),
        ("overfitting_probability", {}, "can never be waived"),
        ("leakage_probes", {}, "can never be waived"),
        ("universe_point_in_time", {}, "can never be waived"),
        ("luck", {}, "No gate is called 'luck'"),
        ("trades", {"reason": "because"}, "at least 20 characters"),
        ("trades", {"expires_at": CLOSE}, "must end later than now, 2012-07-03 17:00 UTC"),
    ],
)
def test_what_cannot_be_waived_leaves_no_word(
    case: Case, gate: str, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(NotAllowedError, match=said):
        waive(case, person(case, "wanda"), gate, **changed)

    with case.ledger.begin() as conn:
        assert waivers.granted(conn, MODEL) == ()


def test_who_may_not_sign_may_not_waive(case: Case) -> None:
    with pytest.raises(NotAllowedError, match="takes two signatories"):
        waive(case, person(case, "eve", role="viewer"))
