"""A proposal, a signature and an order as the ledger would give them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from ledger.pages import Leg, Mark, Order, Proposal

SIGNED_AT = datetime(2012, 7, 3, 13, 31, 7, tzinfo=UTC)

LEG = Leg(
    leg_id="leg",
    leg_no=1,
    symbol="IBM",
    side="buy",
    quantity=Decimal(25),
    order_type="limit",
    limit_price=Decimal("195.93"),
    stop_price=None,
    time_in_force="day",
    take_profit_price=None,
    stop_loss_price=Decimal("186.71"),
    reference_price=Decimal("195.83"),
    reduces=False,
    closed_code=None,
    closed_sentence=None,
    waiting_sentence=None,
)

PROPOSAL = Proposal(
    proposal_id="p1",
    code="7F3A-9C21",
    session=date(2012, 7, 2),
    environment="replay",
    account_id="PA-1",
    strategy="daily_ranking",
    model_version="sample/3",
    advisory=True,
    state="open",
    content={},
    content_hash="0" * 64,
    valid_from=datetime(2012, 7, 3, 13, 30, tzinfo=UTC),
    valid_until=datetime(2012, 7, 3, 17, 0, tzinfo=UTC),
    drift_bound=Decimal("0.005"),
    drift_direction="both",
    signatures_needed=1,
    four_eyes_notional=Decimal(10000),
    notional=Decimal("4898.25"),
    entered_by=None,
    superseded_by=None,
    created_market_at=datetime(2012, 7, 2, 20, 15, tzinfo=UTC),
    decided_at=None,
    sending_at=None,
    note=None,
    legs=(LEG,),
    marks=(),
)

SIGNATURE = Mark(
    signature_id="s1",
    person_id="maria",
    person="Maria",
    kind="sign",
    reason_code=None,
    reason_text=None,
    signed_at=SIGNED_AT,
    market_at=SIGNED_AT,
    withdrawn_at=None,
)

VETO = replace(SIGNATURE, kind="veto", reason_code="news", reason_text="Earnings tonight")

ORDER = Order(
    client_order_id="cs-1",
    proposal_id="p1",
    code="7F3A-9C21",
    leg_id="leg",
    attempt=1,
    state="filled",
    symbol="IBM",
    side="buy",
    quantity=Decimal(25),
    order_type="limit",
    limit_price=Decimal("195.93"),
    stop_price=None,
    time_in_force="day",
    filled_quantity=Decimal(25),
    average_price=Decimal("195.50"),
    reference_price=Decimal("195.83"),
    intended_at=SIGNED_AT,
    intended_market_at=SIGNED_AT,
    sent_at=SIGNED_AT,
    acknowledged_at=SIGNED_AT,
    final_at=SIGNED_AT,
    reason=None,
)
