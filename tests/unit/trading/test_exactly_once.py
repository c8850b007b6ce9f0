import contextlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import limits as limits_module
from tests.unit.trading.memory import Clock, Facts, MemoryBroker, MemoryLedger
from trading.broker import Broker
from trading.dispatch import Report, Sender, send_signed
from trading.ledger import Ledger
from trading.orders import OrderState
from trading.state import TradingState

POINTS = ("leased", "checked", "intended", "marked", "sent", "acknowledged")
FAULTS = ("before", "after", "rate", "none")
LIMITS = limits_module.load()


class KilledError(BaseException):
    """kill -9."""


def kill_at(point: str) -> Callable[[str], None]:
    def reached(here: str) -> None:
        if here == point:
            raise KilledError(point)

    return reached


def run(
    ledger: MemoryLedger,
    broker: MemoryBroker,
    clock: Clock,
    *,
    owner: str,
    at: str = "",
    facts: Facts | None = None,
) -> Report:
    sender = Sender(
        owner=owner,
        build="b1",
        environment="replay",
        limits=LIMITS,
        facts=facts or Facts(),
        reached=kill_at(at),
    )
    return send_signed(
        cast("Ledger", ledger), cast("Broker", broker), sender=sender, desk=clock, market=clock
    )


def settled(ledger: MemoryLedger, broker: MemoryBroker, clock: Clock) -> None:
    """Let dispatchers run on, well past every lease and grace time."""
    for n in range(12):
        clock.pass_(20)
        run(ledger, broker, clock, owner=f"later{n}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_signed_leg_is_sent_once_and_acknowledged(clock: Clock) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock)

    first = run(ledger, broker, clock, owner="a")
    second = run(ledger, broker, clock, owner="b")

    assert (len(first.acknowledged), second) == (1, Report())
    assert ledger.only_order().state is OrderState.ACCEPTED


class Restricted(Facts):
    """IBM is on the list of what may not be traded."""

    def restricted(self) -> frozenset[str]:
        return frozenset({"IBM"})


class Wild(Facts):
    """IBM moves 25 times as much as the index: 4.898 % of equity weigh 122 %."""

    def betas(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        return dict.fromkeys(symbols, Decimal(25))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Restricted(), "Not sent. IBM is on the desk's restricted list."),
        (Wild(), "Not sent. Beta exposure would be 122.5 %; the limit is 120.0 %."),
    ],
)
def test_what_the_desk_s_own_lists_and_figures_forbid_is_not_sent(
    facts: Facts, said: str, clock: Clock
) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock)

    report = run(ledger, broker, clock, owner="a", facts=facts)

    assert len(report.closed) == 1
    assert broker.held == {}
    assert ledger.closed == said


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_any_point_with_any_fault_there_is_exactly_one_order(
    point: str, fault: str, clock: Clock
) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock, faults=[fault])

    with contextlib.suppress(KilledError):
        run(ledger, broker, clock, owner="a", at=point)
    settled(ledger, broker, clock)

    assert list(broker.held) == list(ledger.orders)
    assert ledger.only_order().state is OrderState.ACCEPTED


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from((*POINTS, "")), st.integers(0, 90)), max_size=6),
    st.lists(st.sampled_from(FAULTS), max_size=6),
)
def test_any_sequence_of_kills_and_faults_ends_with_exactly_one_order(
    kills: list[tuple[str, int]], faults: list[str]
) -> None:
    clock = Clock()
    ledger, broker = MemoryLedger(), MemoryBroker(clock, faults=list(faults))
    for n, (point, seconds) in enumerate(kills):
        with contextlib.suppress(KilledError):
            run(ledger, broker, clock, owner=f"d{n}", at=point)
        clock.pass_(seconds)
    for _ in range(4):
        settled(ledger, broker, clock)

    assert len(broker.held) == 1
    assert list(broker.held) == list(ledger.orders)


def test_a_refused_order_ends_and_is_never_sent_again(clock: Clock) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock, faults=["refuse"])

    report = run(ledger, broker, clock, owner="a")
    settled(ledger, broker, clock)

    assert len(report.rejected) == 1
    assert broker.held == {}
    assert ledger.only_order().state is OrderState.REJECTED


def test_nothing_is_sent_again_before_the_grace_time(clock: Clock) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock, faults=["before"])
    run(ledger, broker, clock, owner="a")

    clock.pass_(LIMITS.resend_grace_seconds - 1)
    early = run(ledger, broker, clock, owner="b")
    clock.pass_(2)
    late = run(ledger, broker, clock, owner="c")

    assert (early.sent, len(early.unresolved)) == ([], 1)
    assert len(late.acknowledged) == 1


def test_a_broker_that_cannot_be_asked_settles_nothing(clock: Clock) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock, faults=["after"])
    run(ledger, broker, clock, owner="a")
    broker.away = True
    clock.pass_(100)

    report = run(ledger, broker, clock, owner="b")

    assert report.problem is not None
    assert ledger.only_order().state is OrderState.UNRESOLVED


def test_a_halt_between_intent_and_send_stops_it(clock: Clock) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock)
    with pytest.raises(KilledError):
        run(ledger, broker, clock, owner="a", at="intended")
    ledger.state = TradingState.HALTED

    settled(ledger, broker, clock)

    assert broker.held == {}
    assert ledger.only_order().state is OrderState.UNRESOLVED


def test_a_price_gap_after_the_signature_lapses_the_leg(clock: Clock) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock)
    broker.price *= 1 + LIMITS.next_session_drift * 2

    run(ledger, broker, clock, owner="a")

    assert broker.held == {}
    assert ledger.closed is not None
    assert ledger.closed.startswith("Not sent. IBM moved +")


def test_a_gap_after_an_unknown_outcome_ends_it_unsent(clock: Clock) -> None:
    ledger, broker = MemoryLedger(), MemoryBroker(clock, faults=["before"])
    run(ledger, broker, clock, owner="a")
    broker.price *= 1 + LIMITS.next_session_drift * 2

    settled(ledger, broker, clock)

    assert broker.held == {}
    assert ledger.only_order().state is OrderState.CANCELED


def test_an_unsigned_leg_is_never_sent(clock: Clock) -> None:
    for changes in ({"intact": False}, {"signers": ()}, {"state": "open"}):
        ledger, broker = MemoryLedger().with_terms(**changes), MemoryBroker(clock)

        run(ledger, broker, clock, owner="a")

        assert (broker.held, ledger.orders) == ({}, {})
