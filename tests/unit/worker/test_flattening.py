"""What people ask to be proposed: a person signs it, and only then is it sent."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from config import settings
from ledger import (
    filed,
    heartbeats,
    market,
    new_id,
    proposals,
    reconciliations,
    requests,
    signatures,
    state,
)
from ledger.filed import StoredProposal
from tests.integration.sending.desk import OPEN as MARKET_OPEN
from tests.integration.sending.desk import FakeBroker, StandingClock
from tests.unit.dashboard import proposed
from tests.unit.worker.desks import CLOSE, NOON, OPEN, WorkerDesk, clock_at
from trading.proposals import FLATTEN, from_content
from trading.state import TradingState
from warehouse.place import Place
from worker.flattening import FlattenSender, send_flatten

D = Decimal


@pytest.fixture
def holding(at_work: WorkerDesk) -> WorkerDesk:
    """The broker holds IBM and MSFT, and everything the checks ask for is known."""
    assert MARKET_OPEN == OPEN
    at_work.broker.holdings = {"IBM": D(20), "MSFT": D(100)}
    with at_work.desk.engine.begin() as conn:
        market.record_account(
            conn,
            market.Account(
                account_id="PA1", environment="replay", equity=D(100_000), last_equity=D(100_000),
                cash=D(90_000), settled_cash=D(90_000), buying_power=D(90_000), currency="USD",
                status="ACTIVE", as_of=OPEN, received_at=NOON,
            ),
        )  # fmt: skip
        reconciliations.record(
            conn, started_at=NOON, finished_at=NOON, market_at=OPEN, clean=True, differences=()
        )
        heartbeats.beat(
            conn, process="watch", pid=1, build=at_work.desk.settings.build, desk_at=NOON
        )
    return at_work


def told(asked: requests.Request) -> str:
    assert asked.outcome is not None
    return str(asked.outcome["sentence"])


def flattens(at: WorkerDesk) -> list[StoredProposal]:
    with at.desk.engine.connect() as conn:
        found = filed.in_states(conn, ("open", "signed", "superseded"))
    return [one for one in found if one.command == FLATTEN]


def test_it_reduces_the_desk_and_proposes_and_sends_nothing(holding: WorkerDesk) -> None:
    asked = holding.asks("flatten", {"reason": "the feed looks odd"})

    [made] = flattens(holding)
    assert asked.state == "done"
    assert told(asked).startswith(f"Proposal {made.code} closes every position by 2 orders.")
    assert [leg.symbol for leg in from_content(made.content).legs] == ["IBM", "MSFT"]
    with holding.desk.engine.connect() as conn:
        now = state.current(conn)
    assert (now.state, now.reason) == (TradingState.REDUCING, "the feed looks odd")
    send_flatten(holding.desk)
    assert holding.broker.submits == 0


def sign_flatten(at: WorkerDesk) -> None:
    at.asks("flatten", {"reason": "drill"})
    [made] = flattens(at)
    with at.desk.engine.begin() as conn:
        outcome = signatures.sign(
            conn,
            proposal_id=made.proposal_id,
            person_id=at.people["maria"],
            content_hash=made.content_hash,
            price=D("195.80"),
            market_at=OPEN,
            desk_at=NOON,
        )
    assert outcome.state == "signed", outcome


class Counting(FakeBroker):
    """Counts the looks at its account."""

    looks = 0

    def _answer(self, question: str) -> None:
        self.looks += question == "account"
        super()._answer(question)


def test_what_waits_of_a_flatten_is_tried_at_once_and_then_at_the_broker_s_pace(
    holding: WorkerDesk,
) -> None:
    sign_flatten(holding)
    clock = cast("StandingClock", holding.desk.clock)
    told = holding.desk.settings
    paced = told.broker.model_copy(update={"look_seconds": 10.0})
    broker = Counting(StandingClock(OPEN), holdings=holding.broker.holdings, away={"positions"})
    desk = replace(
        holding.desk, broker=cast("Any", broker), settings=told.model_copy(update={"broker": paced})
    )
    sender = FlattenSender(desk)
    looks = []
    for _ in range(4):
        sender.step()
        looks.append(broker.looks)
        clock.forward(5)

    assert looks == [1, 1, 2, 2]
    broker.away = set()
    sender.step()
    assert broker.submits == 2


def test_signed_it_is_sent_by_the_executor_though_the_desk_is_halted(holding: WorkerDesk) -> None:
    holding.asks("halt", {"reason": "drill"})
    sign_flatten(holding)

    send_flatten(holding.desk)
    send_flatten(holding.desk)

    sent = [(o.symbol, o.side, o.quantity) for o in holding.broker.held.values()]
    assert sent == [("IBM", "sell", D(20)), ("MSFT", "sell", D(100))]
    with holding.desk.engine.connect() as conn:
        assert state.current(conn).state is TradingState.HALTED


def test_asked_again_it_takes_the_place_of_the_one_that_waits(holding: WorkerDesk) -> None:
    holding.asks("flatten", {"reason": "one"})
    holding.broker.holdings["MSFT"] = D(60)
    holding.asks("flatten", {"reason": "two"})

    first, second = flattens(holding)

    assert (first.state, second.state) == ("superseded", "open")
    assert second.supersedes == first.proposal_id
    assert from_content(second.content).legs[1].quantity == 60


@pytest.mark.parametrize(
    ("by", "payload", "said"),
    [
        ("eva", {"reason": "out"}, "needs one of the roles"),
        ("maria", {"reason": " "}, "needs a reason"),
    ],
)
def test_who_may_not_or_says_no_reason_is_refused(
    holding: WorkerDesk, by: str, payload: dict[str, str], said: str
) -> None:
    asked = holding.asks("flatten", payload, by=by)

    assert asked.state == "refused"
    assert said in told(asked)
    assert flattens(holding) == []


def test_a_silent_broker_is_never_read_as_flat(holding: WorkerDesk) -> None:
    holding.broker.away = {"positions"}

    asked = holding.asks("flatten", {"reason": "out"})

    assert asked.state == "refused"
    assert told(asked) == "Not done: No answer to positions. Ask again."


@pytest.fixture
def with_research(at_work: WorkerDesk, desk_place: Place, tmp_path: Path) -> WorkerDesk:
    known = settings.load(
        {
            "DESK_HOME": str(tmp_path),
            "COUNTERSIGN_DATABASE__DSN": desk_place.dsn,
            "COUNTERSIGN_WAREHOUSE__PATH": desk_place.data_path,
        }
    )
    at_work.desk = replace(at_work.desk, settings=known)
    return at_work


def test_what_fits_is_proposed_anew_and_the_denied_one_stays_as_it_is(
    with_research: WorkerDesk,
) -> None:
    denied = proposed.proposal(proposal_id=new_id(), code="33CC-44DD", denied=True)
    with with_research.desk.engine.begin() as conn:
        before = proposals.add(conn, denied, desk_at=NOON)

    asked = with_research.asks("propose_fitting", {"proposal_id": denied.proposal_id})
    again = with_research.asks("propose_fitting", {"proposal_id": denied.proposal_id})

    with with_research.desk.engine.connect() as conn:
        old = filed.by_id(conn, denied.proposal_id)
        assert old is not None
        assert old.superseded_by is not None
        new = filed.by_id(conn, old.superseded_by)
    assert new is not None
    drafted = from_content(new.content)
    assert (drafted.legs[0].quantity, drafted.supersedes) == (D(8), denied.proposal_id)
    assert (old.state, old.content) == ("denied", before.content)
    assert told(asked).startswith(f"Proposal {new.code} for 8 IBM takes its place")
    assert again.state == "refused"


def test_nothing_is_proposed_for_what_has_expired_or_fits_in_no_size(
    with_research: WorkerDesk,
) -> None:
    late = proposed.proposal(proposal_id=new_id(), code="33CC-44DD", denied=True)
    plain = proposed.proposal(proposal_id=new_id(), code="33CC-44DE")
    with with_research.desk.engine.begin() as conn:
        for one in (late, plain):
            proposals.add(conn, one, desk_at=NOON)

    asked = with_research.asks("propose_fitting", {"proposal_id": plain.proposal_id})
    assert told(asked) == "No quantity of proposal 33CC-44DE would pass its checks."
    with with_research.desk.engine.begin() as conn:
        market.record_clock(conn, clock_at(CLOSE))
    asked = with_research.asks("propose_fitting", {"proposal_id": late.proposal_id})
    assert told(asked) == "The time of proposal 33CC-44DD is over."


TICKET = {
    "symbol": "IBM", "side": "sell", "quantity": "10", "limit_price": "195.00",
    "stop_loss_price": None, "reason": "Half of it is enough.",
}  # fmt: skip


def test_a_trade_entered_by_hand_waits_for_the_signature_of_another(
    holding: WorkerDesk, with_research: WorkerDesk
) -> None:
    price = D("195.80")
    with holding.desk.engine.begin() as conn:
        held = market.Position("IBM", D(20), price, price, 20 * price, D(0), OPEN, NOON)
        market.record_positions(conn, [held])
    asked = with_research.asks("propose_by_hand", TICKET)

    assert asked.state == "done"
    with holding.desk.engine.connect() as conn:
        [made] = filed.in_states(conn, ("open", "denied"))
    drafted = from_content(made.content)
    assert (drafted.entered_by, drafted.reason) == (holding.people["maria"], TICKET["reason"])
    assert drafted.legs[0].reduces
    assert told(asked).startswith(f"Proposal {made.code} ")


def test_a_trade_by_hand_that_a_check_denies_is_told_as_refused(
    holding: WorkerDesk, with_research: WorkerDesk
) -> None:
    asked = with_research.asks("propose_by_hand", TICKET | {"side": "buy", "quantity": "100000"})
    with holding.desk.engine.connect() as conn:
        [made] = filed.in_states(conn, ("open", "denied"))
    assert (asked.state, made.state) == ("refused", "denied")
    assert told(asked).startswith(f"Proposal {made.code} was denied: ")


def test_who_may_not_propose_or_says_no_reason_is_told(with_research: WorkerDesk) -> None:
    asked = with_research.asks("propose_by_hand", TICKET | {"reason": ""})
    assert (asked.state, told(asked)) == (
        "refused", "A trade entered by hand needs a reason: others sign it by that."
    )  # fmt: skip

    asked = with_research.asks("propose_by_hand", TICKET, by="eva")
    assert told(asked) == "Proposing needs one of the roles analyst, signatory."
    with with_research.desk.engine.connect() as conn:
        assert filed.in_states(conn, ("open", "denied")) == []
