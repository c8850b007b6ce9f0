"""A proposal as the desk makes it, with every part of its content."""

from datetime import UTC, date, datetime
from decimal import Decimal

from trading.proposals import (
    CheckResult,
    Contribution,
    DataVerdict,
    Effect,
    GateLine,
    Leg,
    Proposal,
    Rationale,
    Risk,
    Trust,
)

D = Decimal

RATIONALE = Rationale(
    probability=D("0.56"),
    expected_return=D("0.004"),
    low=D("-0.024"),
    high=D("0.032"),
    horizon=5,
    base_rate=D("0.52"),
    volatility=D("0.195"),
    contributions=(
        Contribution("return_5", "return over 5 sessions", D("0.0153"), D("0.031")),
        Contribution("volume_20", "volume against its 20-session mean", D("-0.27"), D("0.02")),
        Contribution("volatility_21", "volatility over 21 sessions", D("0.195"), D("-0.011")),
    ),
    trust=Trust(D("0.55"), D("0.60"), D("0.53"), D("0.48"), D("0.58"), 388),
    gates=(
        GateLine("hit_rate", passed=True, sentence="hit rate 53 % (needs > 45 %)"),
        GateLine("sharpe", passed=False, sentence="Sharpe 0.62 (needs > 1.00)"),
    ),
    feature_version="f3a91c22",
)

RISK = Risk(
    equity=D(100_400),
    loss_to_stop=D("230.50"),
    effects=(
        Effect("IBM, share of equity", D(0), D("0.049"), D("0.05"), "fraction"),
        Effect("Risk to the stop", None, D("0.0023"), D("0.004"), "fraction"),
        Effect("Cash", D("90400"), D("85501.75"), None, "USD"),
    ),
)


def proposal(
    *,
    proposal_id: str,
    code: str,
    symbol: str = "IBM",
    quantity: str = "25",
    limit: str = "195.93",
    reference: str = "195.83",
    signatures_needed: int = 1,
    denied: bool = False,
) -> Proposal:
    """One order to buy, advisory, on the replay; `denied` makes one check say no."""
    return Proposal(
        proposal_id=proposal_id,
        code=code,
        session=date(2012, 7, 2),
        environment="replay",
        account_id="PA-1",
        strategy="daily_ranking",
        model_version="sample/3",
        advisory=True,
        legs=(
            Leg(
                leg_no=1,
                symbol=symbol,
                side="buy",
                quantity=D(quantity),
                order_type="limit",
                time_in_force="day",
                reference_price=D(reference),
                limit_price=D(limit),
                stop_loss_price=D("186.71"),
            ),
        ),
        rationale=RATIONALE,
        risk=RISK,
        checks=(
            CheckResult(4, "trading_state", passed=True, warning=False, sentence="ACTIVE."),
            CheckResult(
                13,
                "position_too_large",
                passed=not denied,
                warning=False,
                sentence="It would be 6.0 % of equity; the limit for one position is 5.0 %.",
                figure=D("0.06"),
                limit=D("0.05"),
                unit="fraction",
                fits=D(8) if denied else None,
            ),
        ),
        data=(DataVerdict(date(2012, 7, 2), "passed", 24, 24, "sessions/2012-07-02.html"),),
        valid_from=datetime(2012, 7, 3, 13, 30, tzinfo=UTC),
        valid_until=datetime(2012, 7, 3, 17, 0, tzinfo=UTC),
        drift_bound=D("0.005"),
        drift_direction="both",
        signatures_needed=signatures_needed,
        four_eyes_notional=D(10_000),
        snapshot_id=42,
        created_market_at=datetime(2012, 7, 2, 20, 15, tzinfo=UTC),
    )
