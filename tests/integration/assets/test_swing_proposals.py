"""The swing rules propose by the model's path: their own name, gates and stop, and the word."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from assets.drafting import allowed_entry
from assets.picture import Viewer
from assets.proposing import Known, facts_of, proposal_for
from config import settings as settings_module
from ledger import engine, market
from tests.integration.assets.test_rebalance import SESSION, Seen, known
from tests.integration.sending.desk import NOON
from tests.unit.assets.test_rebalancing import PRICES
from tests.unit.worker.desks import clock_at
from trading.proposals import GateLine, Proposal

D = Decimal
SWING = "swing trend with model"
MET = GateLine(gate="deflated_sharpe", passed=True, sentence="Deflated Sharpe 0.97 (needs ≥ 0.95)")
UNMET = replace(MET, passed=False, sentence="Deflated Sharpe 0.41 (needs ≥ 0.95)")


@pytest.fixture(name="viewer")
def _viewer(desk_dsn: str, tmp_path: Path) -> Iterator[Seen]:
    made = engine(desk_dsn)
    with made.begin() as conn:
        market.record_clock(conn, clock_at(NOON.replace(year=2012, month=7, day=2, hour=21)))
    told = {"DESK_HOME": str(tmp_path), "COUNTERSIGN_DATABASE__DSN": desk_dsn}
    yield Seen(settings_module.load(told), made)
    made.dispose()


def said(*gates: GateLine, status: str = "champion") -> Known:
    """A champion, and the swing strategy alone wants IBM."""
    told = known()
    assert told.version is not None
    return replace(
        told,
        signals={**told.signals, "MSFT": {"target_weight": 0.03, "strategy": SWING}},
        version=told.version | {"status": status},
        strategy_gates={SWING: gates},
    )


def proposed(viewer: Seen, told: Known) -> Proposal:
    account = market.Account(
        account_id="PA1", environment="replay", equity=D(100_000), last_equity=D(100_000),
        cash=D(90_000), settled_cash=D(90_000), buying_power=D(90_000), currency="USD",
        status="ACTIVE", as_of=NOON, received_at=NOON,
    )  # fmt: skip
    facts, picture = facts_of(told, "MSFT", D(0)), viewer.picture(["MSFT"])
    leg = allowed_entry(facts, weight=D("0.03"), equity=account.equity, picture=picture)
    assert leg is not None
    return proposal_for(cast("Viewer", viewer), told, SESSION, facts, leg, account, picture)


@pytest.mark.parametrize("gates", [(), (MET, UNMET)])
def test_rules_whose_gates_are_not_met_are_advisory_whatever_the_model_is(
    viewer: Seen, gates: tuple[GateLine, ...]
) -> None:
    proposal = proposed(viewer, said(*gates))

    assert proposal.strategy == SWING
    assert proposal.advisory
    assert proposal.rationale is not None
    assert proposal.rationale.gates == gates


def test_rules_that_met_their_gates_are_as_advisory_as_the_model_they_ask(viewer: Seen) -> None:
    assert not proposed(viewer, said(MET)).advisory
    assert proposed(viewer, said(MET, status="challenger")).advisory


def test_the_stop_lies_three_average_true_ranges_below_the_limit(viewer: Seen) -> None:
    [leg] = proposed(viewer, said(UNMET)).legs
    average = (PRICES["MSFT"] / 100).quantize(D("0.01"))

    assert leg.limit_price is not None
    assert leg.stop_loss_price is not None
    assert abs(leg.limit_price - leg.stop_loss_price - 3 * average) <= D("0.01")
