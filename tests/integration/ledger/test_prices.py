"""What a share costs by the quote on record: what a signature is given at."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from config import limits as limits_module
from ledger import market
from ledger.prices import price_now
from tests.integration.ledger.cases import CLOSE, NOON, OPEN, SESSION

D = Decimal
LIMITS = limits_module.load()
AT_THE_OPEN = market.Clock(
    now=OPEN, session=OPEN.date(), is_open=True, next_open=None, next_close=CLOSE,
    early_close=True, replay=False, state="live", hold_reason=None, pace=D(1),
    first_session=SESSION, last_session=None, received_at=NOON,
)  # fmt: skip
GAPPED = market.Quote(
    "IBM", D("179.9"), D("180.1"), D("195.80"), OPEN, NOON, traded_at=OPEN - timedelta(hours=18)
)


def test_a_trade_of_yesterday_is_not_the_price_once_the_market_is_open(ledger: sa.Engine) -> None:
    with ledger.begin() as conn:
        assert price_now(conn, "IBM", limits=LIMITS) is None
        market.record_clock(conn, AT_THE_OPEN)
        market.record_quotes(conn, [GAPPED])

        assert price_now(conn, "IBM", limits=LIMITS) == D(180)


def test_a_trade_after_it_is_the_price(ledger: sa.Engine) -> None:
    traded = replace(GAPPED, last=D("180.05"), traded_at=OPEN)
    with ledger.begin() as conn:
        market.record_clock(conn, AT_THE_OPEN)
        market.record_quotes(conn, [GAPPED])
        market.record_quotes(conn, [traded])

        assert market.latest_quotes(conn) == {"IBM": traded}
        assert price_now(conn, "IBM", limits=LIMITS) == D("180.05")


def test_after_hours_the_last_trade_is_the_price_however_wide_the_quote(ledger: sa.Engine) -> None:
    with ledger.begin() as conn:
        market.record_clock(conn, replace(AT_THE_OPEN, is_open=False))
        market.record_quotes(conn, [replace(GAPPED, bid=D(150), ask=D(260))])

        assert price_now(conn, "IBM", limits=LIMITS) == D("195.80")


def test_a_stub_quote_is_no_price_while_the_market_is_open(ledger: sa.Engine) -> None:
    with ledger.begin() as conn:
        market.record_clock(conn, AT_THE_OPEN)
        market.record_quotes(conn, [replace(GAPPED, bid=D(100), ask=D(250))])

        assert price_now(conn, "IBM", limits=LIMITS) is None
