"""A rebalance becomes one proposal of many legs, recorded once, with a word on every symbol."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import sqlalchemy as sa

from assets.book import rebalanced
from assets.picture import Viewer
from assets.proposing import Known
from config import settings as settings_module
from config import universe
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger import engine, filed, market
from quant.typing import FloatArray
from tests.integration.sending.desk import NOON, StandingClock
from tests.unit.assets.test_rebalancing import NAMES, PRICES, picture
from tests.unit.trading.pictures import LIMITS
from tests.unit.worker.desks import clock_at
from trading.picture import Picture
from trading.proposals import from_content

D = Decimal
SESSION = date(2012, 7, 2)
HELD = {"IBM": D(25), "AAPL": D(8)}


@dataclass
class Seen:
    """What a viewer tells the drafting, without a warehouse."""

    settings: Settings
    ledger: sa.Engine
    limits: Limits = LIMITS
    universe: Universe = field(default_factory=universe.load)
    clock: StandingClock = field(default_factory=lambda: StandingClock(NOON))
    environment: str = "replay"
    drift: float = 0.001  # of a session

    def picture(self, symbols: Sequence[str], **_asked: object) -> Picture:
        return picture(**{name: int(held) for name, held in HELD.items()})

    def returns(self, symbols: Sequence[str], session: date) -> Mapping[str, FloatArray]:
        rng = np.random.default_rng(7)
        return {name: self.drift + 0.01 * rng.standard_normal(250) for name in symbols}


def known(*wanted: str) -> Known:
    prediction = {
        "probability": 0.56, "expected_return": 0.004, "low": -0.02, "high": 0.03, "horizon": 5,
        "volatility": 0.195, "margin": 0.1, "feature_version": "f1", "contributions": "[]",
    }  # fmt: skip
    verdict = {"status": "passed", "checks": 24, "checks_passed": 24, "report": None}
    return Known(
        closes={name: float(price) for name, price in PRICES.items()},
        barred={},
        ranges={name: float(price) / 100 for name, price in PRICES.items()},
        signals={name: {"target_weight": 0.05 if name in wanted else 0.0} for name in NAMES},
        predictions=dict.fromkeys(NAMES, prediction),
        verdicts=dict.fromkeys(NAMES, verdict),
        held_back={},
        version={
            "model_version": "m1", "status": "challenger", "base_rate": 0.52, "calibration": "[]",
        },
        gates=(),
        snapshot=7,
    )  # fmt: skip


@pytest.fixture
def viewer(desk_dsn: str, tmp_path: Path) -> Iterator[Seen]:
    told = settings_module.load(
        {
            "DESK_HOME": str(tmp_path),
            "COUNTERSIGN_DATABASE__DSN": desk_dsn,
            "COUNTERSIGN_STRATEGY__PORTFOLIO": "minimum_variance",
            "COUNTERSIGN_STRATEGY__TACTIC": "twap",
            "COUNTERSIGN_STRATEGY__GROSS": "0.06",
        }
    )
    made = engine(desk_dsn)
    with made.begin() as conn:
        market.record_clock(conn, clock_at(NOON.replace(year=2012, month=7, day=2, hour=21)))
    yield Seen(told, made)
    made.dispose()


def decide(viewer: Seen, said: Known) -> dict[str, Any]:
    account = market.Account(
        account_id="PA1", environment="replay", equity=D(100_000), last_equity=D(100_000),
        cash=D(90_000), settled_cash=D(90_000), buying_power=D(90_000), currency="USD",
        status="ACTIVE", as_of=NOON, received_at=NOON,
    )  # fmt: skip
    made = rebalanced(cast("Viewer", viewer), said, SESSION, HELD, account)
    return {decision.symbol: decision for decision in made}


def test_one_proposal_sells_trims_protects_and_buys(viewer: Seen) -> None:
    decisions = decide(viewer, known("IBM", "MSFT"))

    with viewer.ledger.connect() as conn:
        [stored] = filed.open_ones(conn)
    proposal = from_content(stored.content)
    sides = [(leg.side, leg.order_type, leg.symbol) for leg in proposal.legs]
    assert ("sell", "limit", "AAPL") in sides  # no longer wanted: all 8
    assert sides[-1] == ("buy", "limit", "MSFT")
    assert [leg.leg_no for leg in proposal.legs] == list(range(1, len(proposal.legs) + 1))
    assert {decisions[name].proposal_id for name in ("AAPL", "MSFT")} == {stored.proposal_id}
    assert (decisions["GOOG"].outcome, decisions["GOOG"].reason_code) == ("none", "no_bar")
    assert proposal.rationale is None
    assert not proposal.is_denied
    # 6 % of 100,000 USD at most in what is wanted, whatever is bought or kept of it
    bought = sum((leg.notional for leg in proposal.legs if leg.side == "buy"), D(0))
    assert bought <= 6_000


def test_each_leg_says_how_it_is_worked(viewer: Seen) -> None:
    decide(viewer, known("MSFT"))

    with viewer.ledger.connect() as conn:
        [stored] = filed.open_ones(conn)
    by_symbol = {leg.symbol: leg for leg in from_content(stored.content).legs}
    sale, purchase = by_symbol["AAPL"].tactic, by_symbol["MSFT"].tactic
    assert sale is not None
    assert purchase is not None
    assert (sale.kind, purchase.kind) == ("twap", "adaptive")  # the purchase brings its stop


def test_decided_again_nothing_is_added(viewer: Seen) -> None:
    first = decide(viewer, known("IBM", "MSFT"))
    second = decide(viewer, known("IBM", "MSFT"))

    assert {n: d.proposal_id for n, d in first.items()} == {
        n: d.proposal_id for n, d in second.items()
    }


def test_where_no_book_is_found_only_what_is_not_wanted_is_sold(viewer: Seen) -> None:
    told = viewer.settings.strategy.model_copy(update={"portfolio": "maximum_sharpe"})
    viewer.settings = viewer.settings.model_copy(update={"strategy": told})
    viewer.drift = -0.01  # nothing is expected to earn more than cash

    decisions = decide(viewer, known("IBM", "MSFT"))

    with viewer.ledger.connect() as conn:
        [stored] = filed.open_ones(conn)
    [leg] = from_content(stored.content).legs
    assert (leg.symbol, leg.quantity) == ("AAPL", D(8))
    assert "Nothing is rebalanced: no maximum Sharpe weights" in decisions["IBM"].sentence


def test_without_a_forecast_nothing_is_rebalanced(viewer: Seen) -> None:
    decisions = decide(viewer, replace(known("IBM"), predictions={}))

    assert {decision.outcome for decision in decisions.values()} == {"none"}
