from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from config import limits
from trading.breakers import Circuit, Trip, trips
from trading.picture import AccountNow
from trading.state import TradingState

LIMITS = limits.load()
ACCOUNT = AccountNow(
    equity=Decimal(100_000),
    cash=Decimal(100_000),
    settled_cash=Decimal(100_000),
    buying_power=Decimal(100_000),
    blocked=False,
    last_equity=Decimal(100_000),
    day_high=Decimal(100_000),
    peak=Decimal(100_000),
)
CALM = Circuit(
    session=date(2012, 7, 3),
    market_at=datetime(2012, 7, 3, 14, tzinfo=UTC),
    is_open=True,
    account=ACCOUNT,
    feed_silent=timedelta(seconds=1),
    broker_silent=timedelta(seconds=1),
    alert_waits=None,
)


def kinds(found: tuple[Trip, ...]) -> list[tuple[str, TradingState]]:
    return [(trip.kind, trip.to) for trip in found]


def test_a_calm_desk_and_one_that_knows_nothing_trip_nothing() -> None:
    blind = replace(CALM, account=None, feed_silent=None, broker_silent=None)

    assert trips(CALM, LIMITS) == ()
    assert trips(blind, LIMITS) == ()


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        # of 100,000: just within 5 %, then at it
        ("95000.01", []),
        ("95000.00", [("breaker_daily_loss", TradingState.REDUCING)]),
    ],
)
def test_the_loss_of_the_day(equity: str, expected: list[tuple[str, TradingState]]) -> None:
    lost = replace(ACCOUNT, equity=Decimal(equity))

    assert kinds(trips(replace(CALM, account=lost), LIMITS)) == expected


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        # of a peak of 120,000: 15 % are 102,000, 20 % are 96,000; the day began at 98,000
        ("102000.01", []),
        ("102000.00", [("breaker_drawdown", TradingState.REDUCING)]),
        (
            "96000.00",
            [
                ("breaker_drawdown_halt", TradingState.HALTED),
                ("breaker_drawdown", TradingState.REDUCING),
            ],
        ),
    ],
)
def test_the_way_down_from_the_peak(equity: str, expected: list[tuple[str, TradingState]]) -> None:
    now = Decimal(equity)
    fallen = replace(ACCOUNT, equity=now, last_equity=now, day_high=now, peak=Decimal(120_000))

    found = trips(replace(CALM, account=fallen), LIMITS)

    assert kinds(found) == expected
    assert all("120,000 USD" in trip.sentence for trip in found)


@pytest.mark.parametrize(("seconds", "trip"), [(119, False), (120, True)])
@pytest.mark.parametrize("who", ["feed", "broker"])
def test_silence(who: str, seconds: int, *, trip: bool) -> None:
    silent = timedelta(seconds=seconds)
    quiet = (
        replace(CALM, feed_silent=silent) if who == "feed" else replace(CALM, broker_silent=silent)
    )

    assert kinds(trips(quiet, LIMITS)) == (
        [(f"breaker_{who}", TradingState.REDUCING)] if trip else []
    )


def test_a_feed_is_silent_while_the_market_is_closed() -> None:
    assert trips(replace(CALM, is_open=False, feed_silent=timedelta(days=2)), LIMITS) == ()


@pytest.mark.parametrize(("minutes", "trip"), [(14.9, False), (15, True)])
def test_an_alert_nobody_takes_note_of(minutes: float, *, trip: bool) -> None:
    waits = replace(CALM, alert_waits=timedelta(minutes=minutes), alert_id="a1")

    assert [one.episode for one in trips(waits, LIMITS)] == (["a1"] if trip else [])
