"""A correction of positions is asked for by a person, and booked if the broker says so still."""

from decimal import Decimal

import pytest

from ledger import fills, reconciliations
from tests.unit.worker.desks import WorkerDesk

D = Decimal
WHY = "Bought at the broker's own page while the desk was down."


def asks(at_work: WorkerDesk, theirs: str, *, reason: str = WHY, by: str = "maria") -> str:
    shown = [{"symbol": "MSFT", "ours": "0", "theirs": theirs}]
    asked = at_work.asks("correct_positions", {"reason": reason, "positions": shown}, by=by)
    assert asked.outcome is not None
    return f"{asked.state}: {asked.outcome['sentence']}"


def held(at_work: WorkerDesk) -> dict[str, Decimal]:
    with at_work.desk.engine.connect() as conn:
        return fills.holdings(conn)


def test_what_was_shown_is_booked_and_nothing_is_sent(at_work: WorkerDesk) -> None:
    at_work.broker.holdings = {"MSFT": D(7)}

    said = asks(at_work, "7")

    assert said.startswith("done: Booked as the broker holds it: 7 MSFT (was 0). Nothing was sent")
    assert held(at_work) == {"MSFT": D(7)}
    assert at_work.broker.submits == 0


def test_another_quantity_than_was_shown_is_refused(at_work: WorkerDesk) -> None:
    at_work.broker.holdings = {"MSFT": D(8)}

    said = asks(at_work, "7")

    assert said == (
        "refused: The broker holds 8 MSFT and the ledger 0; shown were 7 and 0. "
        "Nothing was booked: look again."
    )
    assert held(at_work) == {}


def test_without_an_answer_of_the_broker_nothing_is_booked(at_work: WorkerDesk) -> None:
    at_work.broker.holdings = {"MSFT": D(7)}
    at_work.broker.away = {"positions"}

    assert asks(at_work, "7") == "refused: Not done: No answer to positions. Ask again."
    assert held(at_work) == {}


@pytest.mark.parametrize(
    "positions", [None, [{"symbol": "MSFT"}], "MSFT", [{"symbol": "A", "ours": "x", "theirs": "1"}]]
)
def test_figures_that_make_no_sense_are_refused(at_work: WorkerDesk, positions: object) -> None:
    asked = at_work.asks("correct_positions", {"reason": WHY, "positions": positions})

    assert asked.state == "refused"
    assert "What to correct is a list of symbols" in str(asked.outcome)


def test_who_may_not_sign_may_not_correct(at_work: WorkerDesk) -> None:
    at_work.broker.holdings = {"MSFT": D(7)}

    assert asks(at_work, "7", by="eva").startswith("refused: eva may not correct a position")
    with at_work.desk.engine.connect() as conn:
        newest = reconciliations.latest(conn)
    assert newest is not None
    assert not newest.clean
