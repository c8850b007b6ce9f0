from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trading.orders import Side
from trading.positions import (
    Event,
    Executed,
    Lot,
    Rescaled,
    add,
    begun_by,
    closings,
    correction,
    held,
    losses_in_a_row,
    price_of_change,
    quantities,
)


def executed(name: str, side: Side, quantity: int, price: int) -> Executed:
    return Executed(name, "IBM", side, Decimal(quantity), Decimal(price))


def test_average_cost_and_what_a_sale_realises() -> None:
    bought = [executed("a", "buy", 10, 100), executed("b", "buy", 10, 110)]
    sold = [executed("c", "sell", 5, 120), executed("d", "sell", 15, 100)]

    # average 105: 5 x 15 = 75 gained, 15 x 5 = 75 lost
    assert [c.realised for c in closings(bought + sold)] == [75, -75]
    assert quantities(bought + sold) == {}


def test_a_fill_through_zero_closes_and_opens_at_its_own_price() -> None:
    lot, realised = add(Lot(Decimal(10), Decimal(100)), executed("c", "sell", 15, 90))

    assert (lot, realised) == (Lot(Decimal(-5), Decimal(90)), Decimal(-100))


def test_losses_are_counted_back_to_the_last_gain() -> None:
    made = [
        executed("a", "buy", 30, 100),
        executed("b", "sell", 10, 90),
        executed("c", "sell", 10, 110),
        executed("d", "sell", 5, 99),
        executed("e", "sell", 5, 98),
    ]

    assert losses_in_a_row(closings(made)) == 2


def test_a_holding_begins_where_there_was_none_or_one_of_the_other_side() -> None:
    first: list[Event] = [
        executed("a", "buy", 10, 100),
        executed("b", "buy", 5, 100),
    ]
    assert begun_by(first) == {"IBM": "a"}
    split = [*first, Rescaled("IBM", Decimal(2)), executed("c", "sell", 20, 50)]
    assert begun_by(split) == {"IBM": "a"}  # 10 of 30 are left
    assert begun_by([*split, executed("d", "sell", 10, 50)]) == {}
    assert begun_by([*split, executed("d", "sell", 15, 50)]) == {"IBM": "d"}  # 5 short
    assert begun_by([*split, executed("d", "sell", 10, 50), executed("e", "buy", 1, 50)]) == {
        "IBM": "e"
    }


def test_what_happens_past_the_desk_realises_nothing_and_may_end_a_holding() -> None:
    bought, sold = executed("a", "buy", 20, 100), executed("b", "sell", 15, 110)

    def after(change: int, *more: Executed) -> list[Event]:
        price = Decimal(40)
        made = correction("IBM", held=Decimal(20), change=Decimal(change), price=price)
        return [bought, made, *more]

    assert held(after(-5)) == Lot(Decimal(15), Decimal(100))
    assert held(after(10)) == Lot(Decimal(30), Decimal(80))
    assert held(after(-25)) == Lot(Decimal(-5), Decimal(40))
    assert [one.realised for one in closings(after(-5, sold))] == [Decimal(150)]
    assert begun_by(after(-5)) == {"IBM": "a"}
    assert begun_by(after(-20)) == begun_by(after(-25)) == {}
    assert begun_by(after(-20, executed("c", "buy", 1, 90))) == {"IBM": "c"}


def test_shares_that_came_cost_what_the_averages_imply() -> None:
    twenty = Lot(Decimal(20), Decimal(40))

    # Ten more and an average of 50: they cost 1,500 - 800 together.
    assert price_of_change(twenty, Lot(Decimal(30), Decimal(50))) == 70
    assert price_of_change(Lot(), twenty) == 40
    assert price_of_change(twenty, Lot(Decimal(30), Decimal(20))) == 20  # they imply less than 0


@given(st.integers(2, 60), st.integers(1, 5_000))
def test_a_holding_ends_where_a_reverse_split_left_odd_shares(new: int, old: int) -> None:
    held, left = Decimal(old + new), Decimal((old + new) // new)
    events: list[Event] = [
        Executed("a", "IBM", "buy", held, Decimal(1)),
        Rescaled("IBM", left / held),
        Executed("b", "IBM", "sell", left, Decimal(1)),
    ]
    assert begun_by(events) == {}
    assert begun_by([*events, executed("c", "buy", 5, 1)]) == {"IBM": "c"}


@given(st.integers(1, 50), st.integers(1, 200), st.sampled_from(["0.1", "0.5", "1.5", "2", "7"]))
def test_a_split_changes_neither_cost_nor_what_a_sale_realises(
    quantity: int, price: int, ratio: str
) -> None:
    bought = executed("a", "buy", quantity * 10, price)
    times = Decimal(ratio)
    sold = Executed("b", "IBM", "sell", quantity * 10 * times, (price + 1) / times)

    (closed,) = closings([bought, Rescaled("IBM", times), sold])

    # one dollar on each of the shares as they were
    assert abs(closed.realised - quantity * 10) < Decimal("1e-20")


@given(
    st.lists(
        st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 50), st.integers(1, 200)),
        min_size=1,
        max_size=20,
    )
)
def test_cash_and_holding_at_the_last_price_make_up_all_profit(
    trades: list[tuple[Side, int, int]],
) -> None:
    fills = [executed(str(n), side, q, p) for n, (side, q, p) in enumerate(trades)]
    last = fills[-1].price
    lot, realised = Lot(), Decimal(0)
    for fill in fills:
        lot, gain = add(lot, fill)
        realised += gain

    worth = sum((f.cash for f in fills), Decimal(0)) + lot.quantity * last
    assert abs(realised + lot.quantity * (last - lot.average_price) - worth) < Decimal("1e-15")
