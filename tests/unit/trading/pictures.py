"""A desk on which an order to buy 25 IBM passes every check."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from config import limits as limits_module
from trading.broker import BrokerAsset
from trading.picture import (
    AccountNow,
    Activity,
    DataNow,
    Holding,
    MarketNow,
    ModelNow,
    Picture,
    QuoteNow,
    Reconciled,
    SignedTerms,
)
from trading.pretrade import judge_leg
from trading.proposals import CheckResult, Leg
from trading.state import TradingState

NOW = datetime(2012, 7, 3, 14, 0, tzinfo=UTC)
LIMITS = limits_module.load()
BUY = Leg(
    leg_no=1,
    symbol="IBM",
    side="buy",
    quantity=Decimal(25),
    order_type="limit",
    time_in_force="day",
    reference_price=Decimal("195.83"),
    limit_price=Decimal("195.93"),
    stop_loss_price=Decimal("186.71"),
)
CLOSE = replace(BUY, side="sell", limit_price=Decimal("195.00"), stop_loss_price=None, reduces=True)
TERMS = SignedTerms(
    state="signed",
    intact=True,
    valid_until=datetime(2012, 7, 3, 17, 0, tzinfo=UTC),
    signers=("maria",),
    allowed_signers=frozenset({"maria", "jan"}),
    signatures_needed=1,
    entered_by=None,
    drift_bound=Decimal("0.005"),
    drift_direction="both",
)
ACCOUNT = AccountNow(
    equity=Decimal(100_000),
    cash=Decimal(90_000),
    settled_cash=Decimal(90_000),
    buying_power=Decimal(180_000),
    blocked=False,
    last_equity=Decimal(100_000),
    day_high=Decimal(100_000),
    peak=Decimal(100_000),
)
PICTURE = Picture(
    limits=LIMITS,
    environment="replay",
    sending=True,
    proposal_id="p1",
    account_environment="replay",
    trading_state=TradingState.ACTIVE,
    reconciled=Reconciled(clean=True, age_seconds=10),
    market=MarketNow(NOW, is_open=True, next_open=None, next_close=TERMS.valid_until),
    account=ACCOUNT,
    positions={},
    working=(),
    activity=Activity(last_minute=0, today=0, symbol_today={}, recent=()),
    model=ModelNow("sample/3", "challenger", advisory_allowed=True),
    signed=TERMS,
    quotes={"IBM": QuoteNow(Decimal("195.4"), Decimal("195.5"), Decimal("195.46"), 5)},
    data={"IBM": DataNow("passed", 0, 24, 24)},
    assets={
        "IBM": BrokerAsset("IBM", True, True, True, True),
    },
    average_volume={"IBM": Decimal(4_000_000)},
    sectors={"IBM": "Technology"},
    open_stop_risk=Decimal(0),
    consecutive_losses=0,
    builds=frozenset({"b1"}),
)
HOLDING = replace(PICTURE, positions={"IBM": Holding(Decimal(25), Decimal("195.46"))})


def result(number: int, leg: Leg = BUY, picture: Picture = PICTURE, **changes: Any) -> CheckResult:
    """The answer of one check after some changes to the picture."""
    results = judge_leg(replace(picture, **changes), leg)
    return next(r for r in results if r.number == number)
