"""What was paid in or out is told apart from what was gained or lost, whatever comes first."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.broker import BrokerAccount
from trading.looking import account_now
from trading.transfers import Look, PaidIn, Transfers, after

D = Decimal
ZERO = D(0)
OPEN = datetime(2012, 7, 3, 13, 30, tzinfo=UTC)
START = Look(rest=D(100), booked=D(0), last_equity=D(100), market_at=OPEN, is_open=True)


@dataclass
class Account:
    """An account whose cash and bookings move when a test says so, and the desk that looks."""

    cash: Decimal = START.rest
    booked: Decimal = ZERO
    last_equity: Decimal = START.rest
    at: datetime = OPEN
    is_open: bool = True
    agrees: bool = True
    corrections: int = 0
    gained: Decimal = ZERO
    high: Decimal = START.rest
    known: Transfers = field(default_factory=lambda: Transfers(START))

    @property
    def equity(self) -> Decimal:
        return self.cash + self.gained

    def look(self, *, cash: int = 0, booked: int = 0, minutes: int = 1) -> Transfers:
        """Cash and books move by so much, then the desk looks, as `ledger.views` does."""
        self.cash, self.booked = self.cash + cash, self.booked + booked
        self.at += timedelta(minutes=minutes)
        look = Look(
            self.cash, self.booked, self.last_equity, self.at, self.is_open, self.corrections
        )
        now = after(self.known, look, agrees=self.agrees)
        self.high += now.counted - self.known.counted
        if now.rises:
            self.high = max(self.high, self.equity)
        self.known = now
        return now


@pytest.mark.parametrize("amount", [50, -50])
def test_a_transfer_counts_with_the_look_that_tells_of_cash_and_booking(amount: int) -> None:
    account = Account()

    assert account.look(cash=amount, booked=amount).counted == amount
    assert account.look().counted == amount


@pytest.mark.parametrize("amount", [50, -50])
def test_a_transfer_booked_before_its_cash_moved_waits_for_it(amount: int) -> None:
    account = Account()

    assert account.look(booked=amount).counted == 0
    assert account.look(cash=amount).counted == amount
    assert account.look().counted == amount


def test_a_deposit_counts_with_the_next_look_though_its_cash_was_not_seen() -> None:
    account = Account()
    account.look(booked=50)

    assert account.look().counted == 50
    assert account.look(cash=50).counted == 50
    assert account.look().counted == 50


def test_a_withdrawal_counts_only_once_its_cash_left() -> None:
    account = Account()

    assert [account.look(booked=-50).counted, account.look().counted] == [0, 0]
    assert account.look(cash=-50).counted == -50


def test_cash_that_came_without_a_word_counts_once_it_stayed_and_not_again_when_it_is_booked() -> (
    None
):
    account = Account()

    came = account.look(cash=50)
    assert came.counted == 0
    assert not came.rises
    assert account.look().counted == 50
    assert account.look(booked=50).counted == 50
    assert account.look().counted == 50
    assert account.high == 150  # not 200: the deposit itself was never a high


def test_cash_that_left_without_a_word_is_a_loss_until_it_is_booked() -> None:
    account = Account()
    account.look(cash=-50)

    assert account.look().counted == 0
    assert account.high - account.equity == 50
    assert account.look(booked=-50).counted == -50
    assert account.high - account.equity == 0


def test_what_was_taken_for_a_deposit_and_is_booked_as_a_dividend_counts_no_more() -> None:
    account = Account()
    account.look(cash=5)
    assert account.look().counted == 5

    account.cash -= 5  # a dividend is taken out of the rest
    account.look()

    assert account.look().counted == 0


def test_a_fill_heard_before_its_cash_counts_for_nothing() -> None:
    account = Account()

    # Bought for 30: the fill is known, the cash told is that of before it.
    assert account.look(cash=30).counted == 0
    assert account.look(cash=-30).counted == 0
    assert account.look().counted == 0


def test_cash_of_shares_that_nobody_here_sold_is_no_deposit() -> None:
    account = Account(agrees=False)

    assert [account.look(cash=50).counted, account.look().counted] == [0, 0]
    # … and keeps no transfer from counting.
    assert account.look(cash=-20, booked=-20).counted == -20


def test_a_deposit_booked_long_after_its_cash_while_positions_differ_is_no_loss() -> None:
    account = Account(agrees=False)
    account.look(cash=50)
    account.look()
    account.look()

    assert account.look(booked=50).counted == 50
    assert account.high == account.equity == 150  # its cash was never a high: it moves it once


def test_once_cash_is_explained_equity_may_be_a_high_again() -> None:
    account = Account(agrees=False)
    account.look(cash=50)
    assert not account.look().rises

    account.agrees, account.corrections = True, 1

    assert account.look().rises


def test_cash_of_shares_that_a_person_booked_as_sold_past_the_desk_is_no_deposit() -> None:
    account = Account(agrees=False)
    account.look(cash=50)
    account.look()

    account.agrees, account.corrections = True, 1

    assert [account.look().counted, account.look().counted] == [0, 0]
    account.look(cash=20)
    assert account.look().counted == 20  # and what comes later is one


def test_the_same_look_again_changes_nothing() -> None:
    account = Account()
    seen = account.look(cash=50)

    assert after(seen, seen.look, agrees=True) is seen


def test_a_deposit_hides_no_drawdown_and_a_withdrawal_is_none() -> None:
    account = Account(gained=D(-15))
    account.look()

    account.look(cash=50, booked=50)  # 15 of 150 are lost, not 0
    assert [account.high, account.equity] == [150, 135]

    account.look(cash=-90, booked=-90)  # 15 of 60, not 105 of 150
    assert [account.high, account.equity] == [60, 45]


PAID = st.integers(-60, 60)
LAG = st.integers(-2, 2)  # looks by which the booking follows its cash, or precedes it
GAINS = st.integers(-20, 20)


@given(st.lists(st.one_of(GAINS, st.tuples(PAID, LAG)), max_size=25))
def test_what_was_lost_from_the_peak_is_what_it_would_be_without_any_transfer(
    past: Iterable[int | tuple[int, int]],
) -> None:
    account, alone, paid = Account(), Account(), 0
    for step in past:
        if isinstance(step, int):
            for each in (account, alone):
                each.gained += step
                each.look()
            continue
        amount, lag = step
        paid += amount
        for look in range(max(abs(lag) + 1, 3)):  # until it is settled either way
            cash_comes, books_come = max(-lag, 0) == look, max(lag, 0) == look
            account.look(cash=amount * cash_comes, booked=amount * books_come)

    assert account.known.counted == paid
    assert account.high - account.equity == alone.high - alone.equity


@given(st.lists(st.tuples(st.integers(-60, 60), st.integers(-60, 60)), max_size=30))
def test_every_transfer_counts_exactly_once_however_cash_and_books_come(
    past: list[tuple[int, int]],
) -> None:
    account = Account()
    for cash, booked in past:
        account.look(cash=cash, booked=booked)
    total = sum(booked for _, booked in past)
    account.look(cash=total - sum(cash for cash, _ in past))  # all that is booked has moved
    for _ in range(2):
        account.look()

    assert account.known.counted == total


def evening(account: Account) -> None:
    account.is_open, account.at = False, account.at + timedelta(hours=7)
    account.look()


def last_close(account: Account) -> Decimal | None:
    known = account.known
    return PaidIn(known.counted, known.day, known.look.last_equity).last_close(account.last_equity)


@pytest.mark.parametrize("amount", [50, -50])
def test_the_loss_of_the_day_is_measured_without_what_was_paid_since_the_close(amount: int) -> None:
    account = Account()
    account.look(cash=amount, booked=amount)

    assert last_close(account) == account.equity

    evening(account)  # the broker tells the new close only hours later
    assert last_close(account) == account.equity

    account.last_equity = account.equity
    account.look(minutes=600)
    account.is_open = True
    account.look(minutes=30)
    assert last_close(account) == account.equity


@pytest.mark.parametrize("amount", [50, -50])
def test_what_was_paid_after_a_close_belongs_to_the_day_after_it(amount: int) -> None:
    account = Account()
    evening(account)
    account.look(cash=amount, booked=amount)
    assert last_close(account) == account.equity

    account.last_equity = START.rest + D("0.01")  # of the close before it
    account.look(minutes=30)
    assert last_close(account) == account.equity + D("0.01")


@pytest.mark.parametrize(("amount", "expected"), [(50, 200), (-50, 50)])
def test_of_what_was_paid_while_nobody_looked_the_day_s_loss_is_taken_to_be_the_larger(
    amount: int, expected: int
) -> None:
    account = Account()
    account.last_equity = START.rest + amount  # the close has it in it already, or not
    account.look(cash=amount, booked=amount, minutes=24 * 60)

    assert last_close(account) == expected


def test_a_close_that_is_corrected_within_the_session_keeps_what_was_paid_since() -> None:
    account = Account()
    account.look(cash=-50, booked=-50)

    account.last_equity = D("100.01")
    account.look()

    assert last_close(account) == D("50.01")


def test_a_close_told_after_the_last_look_may_have_a_withdrawal_in_it() -> None:
    taken, paid = (PaidIn(D(a), D(a), D(100)) for a in (-50, 50))

    assert [taken.last_close(D(100)), taken.last_close(D(50))] == [50, 50]
    assert [paid.last_close(D(100)), paid.last_close(D(150))] == [150, 200]
    assert replace(taken, last_equity=None).last_close(None) is None


def test_before_sending_a_withdrawal_of_the_day_is_no_loss_either() -> None:
    told = BrokerAccount("PA1", D(50), D(100), D(50), D(50), D(50), "USD", "ACTIVE", False)

    now = account_now(told, paid_in=PaidIn(D(-50), D(-50), D(100)), day_high=D(50), peak=D(50))

    assert [now.equity, now.last_equity, now.peak] == [50, 50, 50]
