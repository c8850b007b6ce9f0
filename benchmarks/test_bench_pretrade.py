"""The pre-trade verdict on a desk with a full book: one order, and a batch of thirty.

Budget: 2 ms for one order, 50 ms for thirty, each judged with those before it sent. The book holds
thirty symbols with two years of returns each, so that value at risk is that of all of them.
"""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.unit.trading.pictures import ACCOUNT, BUY, PICTURE
from trading.broker import BrokerAsset
from trading.picture import DataNow, Holding, Picture, QuoteNow
from trading.pretrade import CHECKS, denials, judge
from trading.proposals import Leg

HUNDRED = Decimal(100)
HELD = tuple(f"H{n:02}" for n in range(30))
WANTED = tuple(f"S{n:02}" for n in range(30))
SESSIONS = 504


def full_book() -> tuple[list[Leg], Picture]:
    """Thirty holdings of 1 % each, thirty orders of 1 % each, and no limit reached."""
    rng = np.random.default_rng(7)
    symbols = (*HELD, *WANTED)
    picture = replace(
        PICTURE,
        limits=PICTURE.limits.model_copy(update={"positions": 60, "orders_per_minute": 60}),
        account=replace(ACCOUNT, cash=Decimal(70_000), buying_power=Decimal(200_000)),
        positions={symbol: Holding(Decimal(10), HUNDRED) for symbol in HELD},
        quotes={symbol: QuoteNow(None, None, HUNDRED, 5) for symbol in symbols},
        data={symbol: DataNow("passed", 0, 24, 24) for symbol in symbols},
        assets={symbol: BrokerAsset(symbol, True, True, True, True) for symbol in symbols},
        average_volume=dict.fromkeys(symbols, Decimal(1_000_000)),
        sectors={symbol: f"Sector {n % 6}" for n, symbol in enumerate(symbols)},
        returns={symbol: rng.normal(0.0, 0.01, SESSIONS) for symbol in symbols},
        stop_demanded=True,
    )
    legs = [
        replace(
            BUY,
            leg_no=number,
            symbol=symbol,
            quantity=Decimal(10),
            reference_price=HUNDRED,
            limit_price=HUNDRED,
            stop_loss_price=Decimal(95),
        )
        for number, symbol in enumerate(WANTED, start=1)
    ]
    return legs, picture


@pytest.mark.parametrize("legs", [1, 30])
def test_bench_pretrade(benchmark: BenchmarkFixture, legs: int) -> None:
    batch, picture = full_book()

    results = benchmark(judge, picture, batch[:legs])

    # Judged to the end: a batch that is denied early would be no result.
    assert len(results) == len(CHECKS)
    assert denials(results) == ()
