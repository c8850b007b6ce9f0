"""A withdrawal is no loss and a deposit hides none: highs and the last close move with them."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from ledger import alert_figures, market
from ledger import engine as ledger_engine
from ledger.desk import DeskLedger
from ledger.situation import situation
from ledger.tables import transfers
from tests.integration.sending.desk import LIMITS, SmallDesk
from trading.breakers import Circuit, trips
from trading.broker import BrokerBooking
from trading.checks.exposure import drawdown
from trading.picture import AccountNow
from trading.reconcile import Report, reconcile

D = Decimal


def compare(desk: SmallDesk) -> Report:
    """One more comparison, half a minute later on both clocks."""
    desk.clock.forward(30)
    desk.market.forward(30)
    return reconcile(
        desk.ledger, desk.broker, market=desk.market, desk=desk.clock, environment="replay"
    )


def book(desk: SmallDesk, amount: int, *, name: str = "t1", days_ago: int = 0) -> None:
    day = desk.market.now().date() - timedelta(days=days_ago)
    desk.broker.booked.append(BrokerBooking(name, "transfer", None, day, D(0), D(amount)))


def moves(desk: SmallDesk, amount: int) -> None:
    desk.broker.cash += amount


def lose(desk: SmallDesk, amount: int) -> None:
    """A fall of what is held, here of shares that the desk knows nothing of."""
    desk.broker.prices["IBM"] -= D(amount) / desk.broker.holdings["IBM"]


def account(desk: SmallDesk) -> AccountNow:
    with desk.engine.connect() as conn:
        now = situation(conn, desk_at=desk.clock.now(), market_at=desk.market.now())
    assert now.account is not None
    return now.account


def tripped(desk: SmallDesk) -> list[str]:
    circuit = Circuit(
        session=desk.market.now().date(), market_at=desk.market.now(), is_open=True,
        account=account(desk), feed_silent=None, broker_silent=None, alert_waits=None,
    )  # fmt: skip
    return [trip.kind for trip in trips(circuit, LIMITS)]


@pytest.fixture
def funded(desk: SmallDesk) -> SmallDesk:
    """A desk with 100,000 USD that was looked at; 1,000 shares of it are somebody's."""
    desk.broker.prices["IBM"] = D(50)
    desk.broker.holdings["IBM"] = D(1_000)
    moves(desk, -50_000)
    compare(desk)
    return desk


@pytest.mark.parametrize("amount", [-25_000, 25_000])
@pytest.mark.parametrize("order", ["together", "booked first", "cash first"])
def test_a_transfer_of_a_quarter_of_the_account_trips_nothing(
    desk: SmallDesk, amount: int, order: str
) -> None:
    compare(desk)
    if order != "cash first":
        book(desk, amount)
    if order != "booked first":
        moves(desk, amount)
    compare(desk)
    if order == "booked first":
        moves(desk, amount)
    elif order == "cash first":
        book(desk, amount)
    compare(desk)

    assert tripped(desk) == []
    now = account(desk)
    assert {now.equity, now.peak, now.last_equity} == {D(100_000) + amount}
    with desk.engine.connect() as conn:
        [point] = market.equity_curve(conn, environment="replay", account_id="PA1")
    assert point.paid_in == amount


def test_a_deposit_hides_no_loss(funded: SmallDesk) -> None:
    lose(funded, 16_000)
    compare(funded)
    assert tripped(funded) == ["breaker_daily_loss", "breaker_drawdown"]

    book(funded, 5_000)
    moves(funded, 5_000)
    compare(funded)

    assert tripped(funded) == ["breaker_daily_loss", "breaker_drawdown"]
    # 16,000 of 105,000
    assert drawdown(account(funded)) == pytest.approx(D("0.1524"), abs=D("0.0001"))


def test_cash_that_came_without_a_booking_hides_no_loss_for_long(desk: SmallDesk) -> None:
    compare(desk)
    moves(desk, 20_000)
    report = compare(desk)
    assert [one.kind for one in report.differences] == ["cash"]

    compare(desk)

    now = account(desk)
    assert [now.peak, now.last_equity] == [120_000, 120_000]


def test_cash_that_left_without_a_booking_is_a_loss(desk: SmallDesk) -> None:
    compare(desk)
    moves(desk, -25_000)
    compare(desk)
    compare(desk)

    assert tripped(desk) == ["breaker_drawdown_halt", "breaker_daily_loss", "breaker_drawdown"]


def test_a_transfer_counts_once_over_restarts_and_whatever_the_clock_does(desk: SmallDesk) -> None:
    compare(desk)
    book(desk, -25_000)
    moves(desk, -25_000)
    compare(desk)
    desk.clock.forward(-3_600)  # the clock is put right
    desk.ledger = DeskLedger(desk.engine)
    for _ in range(3):
        compare(desk)

    now = account(desk)
    assert {now.equity, now.peak, now.last_equity} == {D(75_000)}


def test_a_look_that_is_recorded_twice_counts_once(desk: SmallDesk) -> None:
    """The connection breaks after the commit, and the same answers are written again."""
    compare(desk)
    book(desk, 25_000)
    moves(desk, 25_000)
    compare(desk)
    for _ in range(2):
        desk.market.forward(-30)
        desk.clock.forward(-30)
        compare(desk)

    assert account(desk).peak == 125_000


@pytest.mark.parametrize("amount", [-25_000, 100_000])
@pytest.mark.parametrize("days", [0, 1, 3, 400])
def test_what_was_paid_before_the_desk_first_looked_moves_nothing(
    desk_dsn: str, amount: int, days: int
) -> None:
    desk = SmallDesk(ledger_engine(desk_dsn))
    book(desk, amount, days_ago=days)

    for _ in range(4):
        compare(desk)

    now = account(desk)
    assert [now.peak, now.last_equity] == [100_000, 100_000]
    assert tripped(desk) == []
    with desk.engine.connect() as conn:
        assert conn.scalar(sa.select(transfers.c.due)) == 0
    desk.engine.dispose()


def test_a_transfer_that_is_booked_days_later_for_a_day_since_the_first_look_counts(
    desk: SmallDesk,
) -> None:
    compare(desk)
    desk.market.forward(3 * 86_400)
    compare(desk)
    book(desk, -25_000, days_ago=2)
    moves(desk, -25_000)
    compare(desk)

    assert account(desk).peak == 75_000


def test_another_account_begins_anew(desk: SmallDesk) -> None:
    compare(desk)
    desk.broker.account_id = "PA2"
    moves(desk, -25_000)
    compare(desk)

    with desk.engine.connect() as conn:
        [row] = conn.execute(sa.select(transfers))
    assert (row.account_id, row.counted, row.adrift) == ("PA2", 0, 0)


def test_another_account_has_a_peak_and_a_high_of_its_own(desk: SmallDesk) -> None:
    """A paper account that was made anew is smaller than the one before it: nothing was lost."""
    compare(desk)
    desk.broker.account_id = "PA2"
    moves(desk, -40_000)
    compare(desk)

    now = account(desk)
    assert [now.equity, now.peak] == [60_000, 60_000]
    with desk.engine.connect() as conn:
        [point] = market.equity_curve(conn, environment="replay", account_id="PA2")
        assert market.equity_curve(conn, environment="replay", account_id="PA1") == []
    assert point.high == 60_000


def test_an_account_that_comes_back_has_the_peak_it_had(desk: SmallDesk) -> None:
    desk.broker.opens -= timedelta(days=1)  # yesterday and today are one long session
    desk.market.forward(-86_400)
    compare(desk)
    desk.market.forward(86_400)
    desk.broker.account_id = "PA2"
    moves(desk, -25_000)
    compare(desk)
    book(desk, 10_000)  # into the other account
    moves(desk, 10_000)
    compare(desk)
    assert account(desk).peak == 85_000

    desk.broker.account_id = "PA1"
    compare(desk)

    assert account(desk).peak == 100_000


def test_an_analyst_s_rule_sees_no_loss_in_a_withdrawal(desk: SmallDesk) -> None:
    compare(desk)
    book(desk, -25_000)
    moves(desk, -25_000)
    compare(desk)
    with desk.engine.connect() as conn:
        told = alert_figures.figures(
            conn, desk_at=desk.clock.now(), watched_since=desk.clock.now() - timedelta(hours=1)
        )

    assert {one.value for one in told if one.measure == "day_gain"} == {D(0)}


def test_a_transfer_begins_no_other_episode_of_a_drawdown(funded: SmallDesk) -> None:
    lose(funded, 16_000)
    compare(funded)
    before = account(funded)
    book(funded, 1_000)
    moves(funded, 1_000)
    compare(funded)
    after = account(funded)

    assert [before.peak, after.peak] == [100_000, 101_000]
    episodes = {
        trip.episode
        for one in (before, after)
        for trip in trips(
            Circuit(
                session=funded.market.now().date(), market_at=funded.market.now(), is_open=True,
                account=one, feed_silent=None, broker_silent=None, alert_waits=None,
            ),
            LIMITS,
        )
        if trip.kind == "breaker_drawdown"
    }  # fmt: skip
    assert len(episodes) == 1
