"""The account neither makes nor loses money by itself."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from venue.book import Book, as_record, from_record

MONDAY, TUESDAY, SETTLES = date(2012, 7, 9), date(2012, 7, 10), date(2012, 7, 12)


def traded(book: Book, qty: str, price: str, *, on: date = MONDAY, order: str = "o") -> Book:
    return book.filled(
        "IBM", Decimal(qty), Decimal(price), session=on, settles=SETTLES, order_id=order
    )


def test_an_average_entry_price_is_what_was_paid() -> None:
    book = traded(traded(Book(Decimal(100_000)), "10", "100"), "30", "110")
    position = book.positions["IBM"]
    assert (position.qty, position.entry) == (40, Decimal("107.5"))  # (1000 + 3300) / 40
    sold = traded(book, "-10", "120")
    assert sold.positions["IBM"].entry == Decimal("107.5")
    assert sold.cash == 100_000 - 1000 - 3300 + 1200


def test_a_sale_is_cash_at_once_and_settled_three_sessions_later() -> None:
    book = traded(traded(Book(Decimal(100_000)), "10", "100"), "-10", "105")
    assert (book.cash, book.settled_cash) == (100_050, 99_000)
    assert book.settled(TUESDAY).settled_cash == 99_000
    assert book.settled(SETTLES).settled_cash == 100_050


def test_only_a_round_trip_within_a_session_is_a_day_trade() -> None:
    book = traded(Book(Decimal(100_000)), "10", "100", order="in")
    assert len(traded(book, "-10", "101", order="out").day_trades) == 1
    in_parts = traded(traded(book, "-5", "101", order="out"), "-5", "101", order="out")
    assert len(in_parts.day_trades) == 1  # one order, however many fills
    assert traded(book, "-10", "101", on=TUESDAY, order="out").day_trades == ()


def test_a_split_changes_shares_and_prices_but_no_value() -> None:
    book = traded(Book(Decimal(100_000)), "10", "100").split("IBM", Decimal(2))
    position = book.positions["IBM"]
    assert (position.qty, position.entry, position.cost) == (20, 50, 1000)


trades = st.tuples(
    st.sampled_from(["IBM", "AAPL", "MSFT"]),
    st.decimals(-500, 500, places=3).filter(lambda q: q != 0),
    st.decimals(1, 900, places=4),
)


@given(st.lists(trades, max_size=30))
def test_cash_and_shares_are_conserved(done: list[tuple[str, Decimal, Decimal]]) -> None:
    book = Book(Decimal(100_000))
    for n, (symbol, qty, price) in enumerate(done):
        book = book.filled(symbol, qty, price, session=MONDAY, settles=SETTLES, order_id=str(n))
    assert book.cash == Decimal(100_000) - sum(q * p for _, q, p in done)
    for symbol in ("IBM", "AAPL", "MSFT"):
        assert book.qty(symbol) == sum(q for s, q, _ in done if s == symbol)
    assert from_record(as_record(book)) == book
