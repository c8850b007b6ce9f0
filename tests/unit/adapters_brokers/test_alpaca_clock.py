"""Market time is counted on between the broker's words, and never past a turn of the market."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.brokers.alpaca_clock import CountedClock
from trading.broker import BrokerClock

OPENS = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)
CLOSES = datetime(2012, 7, 3, 17, 0, tzinfo=UTC)
TOMORROW = timedelta(days=1)


@dataclass
class Market:
    """The broker's clock, the machine's two, and how often the broker was asked."""

    at: datetime = OPENS - timedelta(minutes=10)
    monotonic: float = 1000.0
    wall: float = 5000.0
    late: timedelta = field(
        default=timedelta(0)
    )  # by which the broker says too late that it turned
    asked: int = 0

    def told(self) -> BrokerClock:
        self.asked += 1
        told = self.at - self.late
        is_open = OPENS <= told < CLOSES
        return BrokerClock(
            now=self.at,
            is_open=is_open,
            next_open=OPENS if told < OPENS else OPENS + TOMORROW,
            next_close=CLOSES if told < CLOSES else CLOSES + TOMORROW,
        )

    def forward(self, seconds: float, *, asleep: bool = False) -> None:
        self.at += timedelta(seconds=seconds)
        self.wall += seconds
        if not asleep:
            self.monotonic += seconds


def counted(market: Market, seconds: float = 60.0) -> CountedClock:
    return CountedClock(
        market.told, seconds=seconds, monotonic=lambda: market.monotonic, wall=lambda: market.wall
    )


def test_a_minute_is_counted_from_one_answer() -> None:
    market = Market()
    clock = counted(market)
    for _ in range(120):
        assert clock.now() == replace(market.told(), now=market.at)
        market.forward(1)

    assert market.asked == 120 + 2  # the first line of the loop asks by itself


@pytest.mark.parametrize(
    ("at", "is_open"),
    [(OPENS - timedelta(seconds=5), True), (CLOSES - timedelta(seconds=5), False)],
)
def test_at_an_expected_turn_the_broker_is_asked(at: datetime, is_open: bool) -> None:
    market = Market(at)
    clock = counted(market)
    assert clock.now().is_open is not is_open
    market.forward(5)

    assert clock.now().is_open is is_open
    assert market.asked == 2


def test_a_turn_that_the_broker_is_late_to_tell_is_asked_for_until_it_does() -> None:
    market = Market(OPENS - timedelta(seconds=1), late=timedelta(seconds=2))
    clock = counted(market)
    seen = []
    for _ in range(5):
        seen.append(clock.now().is_open)
        market.forward(1)

    assert seen == [False, False, False, True, True]
    assert market.asked == 4


def test_a_machine_that_slept_asks_when_it_wakes() -> None:
    market = Market()
    clock = counted(market)
    clock.now()
    market.forward(30, asleep=True)

    assert clock.now().now == market.at


def test_a_time_that_jumps_is_asked_for_each_time() -> None:
    market = Market()
    clock = counted(market, seconds=0.0)
    clock.now()
    market.at += timedelta(hours=3)

    assert clock.now().now == market.at
