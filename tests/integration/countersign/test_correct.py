"""`./desk correct` on a real ledger: what differs is shown, and a signatory asks to book it."""

import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

import ledger
from countersign.commands import correct
from countersign.errors import CommandError
from ledger import market, people, requests
from ledger.tables import requests as table

D = Decimal
AT = datetime(2012, 7, 3, 14, 0, tzinfo=UTC)
WHY = "Bought at the broker's own page."


@pytest.fixture(name="env")
def _env(desk_dsn: str, tmp_path: Path) -> dict[str, str]:
    engine = ledger.engine(desk_dsn, pool_size=1)
    held = market.Position("IBM", D(5), D("195.80"), None, None, None, AT, AT)
    with engine.begin() as conn:
        people.add(
            conn, login="ann", display_name="Ann", roles=("signatory",), desk_at=AT,
            password="correct horse",
        )  # fmt: skip
        market.record_positions(conn, [held])
    engine.dispose()
    return {"DESK_HOME": str(tmp_path), "COUNTERSIGN_DATABASE__DSN": desk_dsn}


def typed(env: dict[str, str], *words: str, answers: str = "") -> str:
    done = CliRunner().invoke(correct.app, list(words), env=env, input=answers)
    if isinstance(done.exception, CommandError):
        return str(done.exception)
    return " ".join(done.output.split())


def asked(dsn: str) -> list[requests.Request]:
    engine = ledger.engine(dsn, pool_size=1)
    with engine.connect() as conn:
        found = requests.latest(conn)
    engine.dispose()
    return found


def answering(dsn: str) -> threading.Thread:
    """Carries out the first request, as the executor would."""

    def work() -> None:
        engine = ledger.engine(dsn, pool_size=1)
        taken, until = None, time.monotonic() + 20
        while taken is None and time.monotonic() < until:
            with engine.begin() as conn:
                taken = requests.take(conn, kinds=requests.KINDS, owner="test", desk_at=AT)
                if taken is not None:
                    requests.finish(
                        conn, request_id=taken.request_id, state="done", desk_at=AT,
                        outcome={"sentence": "Booked."},
                    )  # fmt: skip
            time.sleep(0.05)
        engine.dispose()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_without_a_symbol_it_shows_what_differs_and_asks_for_nothing(
    env: dict[str, str], desk_dsn: str
) -> None:
    said = typed(env)

    assert "IBM │ 0 │ 5 │ +5 │ 195.80" in said
    assert "./desk correct SYMBOL… --by LOGIN --reason TEXT" in said
    assert asked(desk_dsn) == []


def test_a_signatory_who_says_yes_asks_for_what_was_shown(
    env: dict[str, str], desk_dsn: str
) -> None:
    worker = answering(desk_dsn)
    said = typed(
        env, "ibm", "--by", "ann", "--reason", WHY, "--password-stdin",
        answers="y\ncorrect horse\n",
    )  # fmt: skip
    worker.join()

    assert said.endswith("Booked.")
    [made] = asked(desk_dsn)
    assert made.kind == "correct_positions"
    assert made.payload == {
        "reason": WHY, "positions": [{"symbol": "IBM", "ours": "0", "theirs": "5"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "answers", "said"),
    [
        (("MSFT",), "", "do not differ about MSFT. Those that do: IBM."),
        (("IBM",), "", "needs --by, the signatory who types this, and --reason"),
        (("IBM", "--by", "ann", "--reason", WHY, "--password-stdin"), "n\n", "Aborted"),
        (
            ("IBM", "--by", "ann", "--reason", WHY, "--yes", "--password-stdin"),
            "guess\n",
            "That is not ann's password",
        ),
    ],
)
def test_who_does_not_confirm_or_is_somebody_else_asks_for_nothing(
    env: dict[str, str], desk_dsn: str, words: tuple[str, ...], answers: str, said: str
) -> None:
    assert said in typed(env, *words, answers=answers)
    assert asked(desk_dsn) == []


def test_where_all_agrees_there_is_nothing_to_book(env: dict[str, str], desk_dsn: str) -> None:
    engine = ledger.engine(desk_dsn, pool_size=1)
    with engine.begin() as conn:
        conn.execute(sa.text("DELETE FROM desk.positions"))
        conn.execute(sa.delete(table))
    engine.dispose()

    assert typed(env) == "Broker and ledger do not differ about any position."
