"""`./desk limit` on a real ledger: typed by a signatory, and by nobody else."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ledger
from countersign.commands import limit
from countersign.errors import CommandError
from ledger import market, overrides, people

AT = datetime(2012, 7, 3, 14, 0, tzinfo=UTC)
ACCOUNT = market.Account(
    account_id="PA1", environment="paper", equity=Decimal(100_000), last_equity=None,
    cash=Decimal(100_000), settled_cash=None, buying_power=Decimal(100_000), currency="USD",
    status="ACTIVE", as_of=AT, received_at=AT,
)  # fmt: skip


@pytest.fixture(name="env")
def _env(desk_dsn: str, tmp_path: Path) -> dict[str, str]:
    engine = ledger.engine(desk_dsn, pool_size=1)
    with engine.begin() as conn:
        for login, role in (("ann", "signatory"), ("vic", "viewer")):
            people.add(
                conn, login=login, display_name=login.title(), roles=(role,), desk_at=AT,
                password="correct horse",
            )  # fmt: skip
        market.record_account(conn, ACCOUNT)
    engine.dispose()
    return {"DESK_HOME": str(tmp_path), "COUNTERSIGN_DATABASE__DSN": desk_dsn}


def typed(
    env: dict[str, str], *words: str, by: str = "ann", password: str = "correct horse"
) -> str:
    done = CliRunner().invoke(
        limit.app,
        [*words, "--by", by, "--reason", "Fewer names, each one larger.", "--password-stdin"],
        env=env,
        input=f"{password}\n",
    )
    if isinstance(done.exception, CommandError):
        return str(done.exception)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def standing(dsn: str) -> list[tuple[str, Decimal]]:
    engine = ledger.engine(dsn, pool_size=1)
    with engine.begin() as conn:
        told = overrides.active(conn, account_id="PA1", desk_at=datetime.now(UTC))
    engine.dispose()
    return [(one.name, one.value) for one in told]


def test_a_signatory_changes_a_limit_and_takes_it_back(env: dict[str, str], desk_dsn: str) -> None:
    made = typed(env, "position_share", "0.08", "--until", "2199-12-31")
    held = standing(desk_dsn)
    back = typed(env, "position_share")

    assert made == "position_share is 0.08 for account PA1 until 2199-12-31."
    assert held == [("position_share", Decimal("0.08"))]
    assert back == "position_share is 0.05 again for account PA1; it was 0.08."
    assert standing(desk_dsn) == []


def test_who_may_not_or_says_nonsense_changes_nothing(env: dict[str, str], desk_dsn: str) -> None:
    until = ("--until", "2199-12-31")
    said = [
        typed(env, "position_share", "0.08", *until, by="vic"),
        typed(env, "position_share", "0.08", *until, password="guess"),
        typed(env, "position_share", "much", *until),
        typed(env, "position_share", "0.08"),
        typed(env, "position_share"),
    ]

    assert [bool(one) for one in said] == [True] * 5
    assert "vic may not sign" in said[0]
    assert "not ann's password" in said[1]
    assert said[2] == "A limit is a number, was 'much'."
    assert "needs --until" in said[3]
    assert said[4] == "`position_share` is not overridden for account PA1."
    assert standing(desk_dsn) == []
