"""Lots by hand, and the laws: shares, cash and profit are neither made nor lost."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.cash import cash_days
from trading.lots import Book, Booked, Corrected, Event, Sleeve, Trade, results

D = Decimal
DAY = date(2012, 7, 2)
NEXT = date(2012, 7, 3)
TREND, SWING = Sleeve("IBM", "trend", "m1"), Sleeve("IBM", "swing", "")


def trade(
    side: str, quantity: str, price: str, *, day: date = DAY, fee: str = "0",
    sleeve: Sleeve = TREND, trade_id: str = "t",
) -> Trade:  # fmt: skip
    return Trade(
        trade_id, day, sleeve, "sell" if side == "sell" else "buy", D(quantity), D(price), D(fee)
    )


def booked(kind: str, *, quantity: str = "0", cash: str = "0", symbol: str = "IBM") -> Booked:
    return Booked("b", NEXT, kind, symbol, D(quantity), D(cash))


def read(*events: Event) -> Book:
    book = Book()
    for event in events:
        book.apply(event)
    return book


def test_the_first_share_bought_is_the_first_one_sold() -> None:
    book = read(
        trade("buy", "10", "100", fee="1", trade_id="a"),
        trade("buy", "10", "110", fee="1", trade_id="b", sleeve=SWING),
        trade("sell", "15", "120", fee="3", trade_id="c"),
    )

    # Ten gain 20 each less fees of 1 and 2; five gain 10 each less 0.50 and 1.
    assert [(c.opened_by, c.sleeve, c.realised) for c in book.closed] == [
        ("a", TREND, D(197)), ("b", SWING, D("48.5")),
    ]  # fmt: skip
    (left,) = book.open_lots
    assert (left.trade_id, left.quantity, left.price, left.fee) == ("b", D(5), D(110), D("0.5"))


def test_a_sale_through_zero_closes_the_long_and_opens_a_short() -> None:
    book = read(trade("buy", "10", "100"), trade("sell", "25", "90"), trade("buy", "15", "80"))

    assert [closed.realised for closed in book.closed] == [D(-100), D(150)]
    assert book.open_lots == []


def test_a_split_keeps_the_cost_and_spreads_the_shares_exactly() -> None:
    book = read(
        trade("buy", "1", "90"), trade("buy", "2", "90"), booked("split", quantity="7"),
    )  # fmt: skip

    assert book.position("IBM") == D(10)
    cost = sum(lot.quantity * lot.price for lot in book.open_lots)
    assert cost == pytest.approx(D(270), abs=D("1e-18"))


def test_a_correction_takes_the_oldest_shares_or_brings_ones_of_the_account_s_own() -> None:
    bought = (trade("buy", "10", "100", trade_id="a"), trade("buy", "10", "110", trade_id="b"))

    less = read(*bought, Corrected("c", NEXT, "IBM", D(-15), D(0)))
    more = read(*bought, Corrected("c", NEXT, "IBM", D(5), D(120)))
    other = read(*bought, Corrected("c", NEXT, "IBM", D(-25), D(120)))

    assert [(one.trade_id, one.quantity) for one in less.open_lots] == [("b", D(5))]
    assert [(one.sleeve, one.quantity, one.price) for one in more.open_lots[2:]] == [
        (Sleeve("IBM", "", ""), D(5), D(120))
    ]
    assert [(one.trade_id, one.quantity) for one in other.open_lots] == [("c", D(-5))]
    assert less.closed == more.closed == other.closed == []


@given(st.integers(-60, 60).filter(bool), st.integers(1, 300), st.booleans())
def test_a_correction_itself_earns_nothing(change: int, price: int, later: bool) -> None:
    """Whatever went or came at whatever price: the shares' own day is all that is counted."""
    day = NEXT if later else DAY
    events: list[Event] = [
        trade("buy", "20", "100"), Corrected("c", day, "IBM", D(change), D(price)),
    ]  # fmt: skip
    closes = {DAY: {"IBM": D(105)}, NEXT: {"IBM": D(105)}}

    earned = results(events, closes)

    # On the second day nothing moved; on the first, those bought at 100 and kept gained 5 each.
    kept = 20 if later else max(min(20 + change, 20), 0)
    of_strategy = sum((one.profit for one in earned if one.sleeve == TREND), D(0))
    assert of_strategy == kept * 5
    if later:
        assert sum((one.profit for one in earned), D(0)) == 100


def test_a_dividend_goes_to_the_lots_that_are_held() -> None:
    events: list[Trade | Booked] = [
        trade("buy", "30", "100"), trade("buy", "10", "100", sleeve=SWING),
        booked("dividend", cash="40"), booked("interest", cash="3", symbol=""),
    ]  # fmt: skip
    closes = {DAY: {"IBM": D(100)}, NEXT: {"IBM": D(101)}}

    found = {(r.session, r.sleeve): r for r in results(events, closes)}

    assert found[NEXT, TREND].profit == D(30) + D(30)
    assert found[NEXT, SWING].profit == D(10) + D(10)
    assert found[NEXT, Sleeve("", "", "")].income == D(3)


def test_a_symbol_without_a_close_keeps_its_last_in_shares_after_the_split() -> None:
    events: list[Trade | Booked] = [trade("buy", "10", "100"), booked("split", quantity="10")]

    (_, after) = results(events, {DAY: {"IBM": D(104)}, NEXT: {}})

    assert (after.profit, after.value) == (D(0), D(1040))


def test_an_event_in_no_session_is_refused() -> None:
    with pytest.raises(ValueError, match="no closes, the first 2012-07-02"):
        results([trade("buy", "1", "1")], {NEXT: {}})


_money = st.decimals("1", "500", places=2)
_moves = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from(["IBM", "MSFT"]), st.sampled_from(["trend", "swing"]),
        st.sampled_from(["buy", "sell"]), st.integers(1, 40), _money,
        st.decimals("0", "2", places=2),
    ),
    min_size=1, max_size=25,
)  # fmt: skip
_closes = st.lists(st.tuples(_money, _money), min_size=6, max_size=6)


def _events(moves: list[tuple[int, str, str, str, int, Decimal, Decimal]]) -> list[Trade]:
    return [
        Trade(
            str(n), DAY + timedelta(days=day), Sleeve(symbol, strategy, ""),
            "sell" if side == "sell" else "buy", D(quantity), price, fee,
        )
        for n, (day, symbol, strategy, side, quantity, price, fee) in enumerate(
            sorted(moves, key=lambda move: move[0])
        )
    ]  # fmt: skip


@settings(max_examples=80, deadline=None, derandomize=True)
@given(_moves, _closes)
def test_shares_cash_and_profit_are_conserved(
    moves: list[tuple[int, str, str, str, int, Decimal, Decimal]],
    prices: list[tuple[Decimal, Decimal]],
) -> None:
    events = _events(moves)
    closes = {
        DAY + timedelta(days=n): {"IBM": one, "MSFT": other}
        for n, (one, other) in enumerate(prices)
    }
    book = Book()
    found = results(events, closes, book=book)

    shares: dict[str, Decimal] = defaultdict(Decimal)
    cash = D(0)
    for one in events:
        sign = 1 if one.side == "buy" else -1
        shares[one.sleeve.symbol] += sign * one.quantity
        cash -= sign * one.quantity * one.price + one.fee
    last = closes[max(closes)]
    worth = sum((quantity * last[symbol] for symbol, quantity in shares.items()), D(0))
    # The sum of the lots is the position.
    assert {name: book.position(name) for name in shares} == dict(shares)
    # The profits of all sleeves and sessions are what the account is worth beyond its start.
    assert sum(r.profit for r in found) == pytest.approx(cash + worth, abs=D("1e-12"))
    # They are what was realised and what is open, fees of open lots paid.
    realised = sum((closed.realised for closed in book.closed), D(0))
    unrealised = sum(
        (lot.quantity * (last[lot.sleeve.symbol] - lot.price) - lot.fee for lot in book.open_lots),
        D(0),
    )
    assert realised + unrealised == pytest.approx(cash + worth, abs=D("1e-12"))
    # The cash ledger ends where the broker does.
    days = cash_days(events, {DAY - timedelta(days=1): D(10_000), max(closes): D(10_000) + cash})
    assert days[-1].difference == D(0)


def test_the_cash_ledger_names_what_moved_and_what_the_broker_has_beyond_it() -> None:
    events: list[Trade | Booked] = [
        trade("buy", "10", "100", fee="1"), trade("sell", "4", "110", day=NEXT, fee="1"),
        booked("dividend", cash="5"), booked("transfer", cash="-200", symbol=""),
    ]  # fmt: skip

    first, second = cash_days(events, {DAY: D("8999"), NEXT: D("9240.50")})

    assert (first.opening, first.trades, first.fees) == (D(10_000), D(-1000), D(-1))
    assert (second.opening, second.trades, second.dividends) == (D(8999), D(440), D(5))
    assert (second.transfers, second.closing) == (D(-200), D(9243))
    assert second.difference == D("-2.50")
