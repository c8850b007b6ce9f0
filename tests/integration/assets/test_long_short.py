"""A long/short policy is for research: it opens nothing, and bars nobody from leaving."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from assets.picture import Viewer
from assets.proposals import _propose
from assets.proposing import Decision, Known, facts_of
from config import settings as settings_module
from ledger import engine, market
from tests.integration.assets.test_rebalance import SESSION, Seen, known
from tests.integration.sending.desk import NOON
from tests.unit.worker.desks import clock_at

D = Decimal
OWN, SWING = "model swing", "swing trend with model"


@pytest.fixture(name="viewer")
def _viewer(desk_dsn: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Seen]:
    """A desk whose policy is long/short, unless the test asks for another."""
    made = engine(desk_dsn)
    with made.begin() as conn:
        market.record_clock(conn, clock_at(NOON.replace(year=2012, month=7, day=2, hour=21)))
    told = {
        "DESK_HOME": str(tmp_path),
        "COUNTERSIGN_DATABASE__DSN": desk_dsn,
        "COUNTERSIGN_STRATEGY__LONG_SHORT": getattr(request, "param", "true"),
    }
    yield Seen(settings_module.load(told), made)
    made.dispose()


def said(symbol: str, weight: float, strategy: str = OWN) -> Known:
    told = known()
    wanted = {"target_weight": weight, "strategy": strategy}
    return replace(told, signals={**told.signals, symbol: wanted})


def decided(viewer: Seen, told: Known, symbol: str, held: Decimal) -> Decision:
    account = market.Account(
        account_id="PA1", environment="replay", equity=D(100_000), last_equity=D(100_000),
        cash=D(90_000), settled_cash=D(90_000), buying_power=D(90_000), currency="USD",
        status="ACTIVE", as_of=NOON, received_at=NOON,
    )  # fmt: skip
    facts = facts_of(told, symbol, held)
    return _propose(cast("Viewer", viewer), told, SESSION, facts, account)


@pytest.mark.parametrize("weight", [0.05, -0.05])
def test_neither_side_of_it_is_opened_and_the_decision_says_why(
    viewer: Seen, weight: float
) -> None:
    decision = decided(viewer, said("MSFT", weight), "MSFT", D(0))

    assert (decision.outcome, decision.reason_code) == ("none", "research_only")
    assert "`strategy.long_short` is for research" in decision.sentence
    assert decision.proposal_id is None


@pytest.mark.parametrize("viewer", ["false"], indirect=True)
def test_a_short_sale_that_was_asked_for_before_it_was_switched_off_is_not_opened(
    viewer: Seen,
) -> None:
    decision = decided(viewer, said("MSFT", -0.05), "MSFT", D(0))

    assert (decision.outcome, decision.reason_code) == ("none", "research_only")


def test_what_is_held_is_proposed_for_sale_where_it_would_be_sold_short(viewer: Seen) -> None:
    decision = decided(viewer, said("IBM", -0.05), "IBM", D(25))

    assert decision.outcome == "proposed"
    assert decision.sentence.startswith("Sell 25 at ")


def test_what_is_held_and_still_wanted_stays(viewer: Seen) -> None:
    assert decided(viewer, said("IBM", 0.05), "IBM", D(25)).reason_code == "already_held"


def test_rules_with_a_record_of_their_own_go_on(viewer: Seen) -> None:
    decision = decided(viewer, said("MSFT", 0.03, SWING), "MSFT", D(0))

    assert decision.reason_code != "research_only"
