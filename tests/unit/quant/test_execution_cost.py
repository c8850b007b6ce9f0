"""Implementation shortfall: the textbook's order, and parts that add up to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.execution_cost import Execution, implementation_shortfall

prices = st.decimals("0.01", 500, places=2)


def test_the_order_of_the_textbook() -> None:
    # Madhavan, Treynor & Wagner, "Execution of portfolio decisions", in Maginn, Tuttle, Pinto &
    # McLeavey (2007), "Managing investment portfolios", 3rd ed., Wiley, example of Impulse
    # Robotics: decided at 10.00 to buy 1,000; on the market at 10.05; 700 bought at 10.07 for a
    # fee of 14; 10.08 at the end. Paper gains 80, the real portfolio loses 7: 87 or 0.87 %, of
    # which delay 0.35 %, execution 0.14 %, missed 0.24 % and fees 0.14 %
    found = implementation_shortfall(
        "buy",
        Decimal(1000),
        decision_price=Decimal("10.00"),
        arrival_price=Decimal("10.05"),
        final_price=Decimal("10.08"),
        fills=[Execution(Decimal(700), Decimal("10.07"))],
        fees=Decimal(14),
    )

    assert [found.delay, found.execution, found.opportunity] == [35, 14, 24]
    assert found.total == 87
    assert found.fraction == Decimal("0.0087")


def test_waiting_that_paid_is_a_saving() -> None:
    found = implementation_shortfall(
        "sell",
        Decimal(100),
        decision_price=Decimal(50),
        arrival_price=Decimal(51),
        final_price=Decimal(52),
        fills=[Execution(Decimal(60), Decimal(51)), Execution(Decimal(20), Decimal("50.5"))],
    )

    # 80 arrived a dollar higher; 20 of them were sold 50 cents lower; 20 remain, up two
    assert [found.delay, found.execution, found.opportunity] == [-80, 10, -40]


@given(
    st.sampled_from(["buy", "sell"]),
    st.lists(st.tuples(st.integers(1, 100), prices), max_size=4),
    st.integers(0, 100),
    prices,
    prices,
    prices,
    st.decimals(0, 50, places=2),
)
def test_parts_add_up_to_paper_less_real(
    side: str,
    filled: list[tuple[int, Decimal]],
    unfilled: int,
    decision: Decimal,
    arrival: Decimal,
    final: Decimal,
    fees: Decimal,
) -> None:
    quantity = sum(q for q, _ in filled) + unfilled
    if not quantity:
        return
    found = implementation_shortfall(
        side,  # type: ignore[arg-type]  # drawn from the two
        Decimal(quantity),
        decision_price=decision,
        arrival_price=arrival,
        final_price=final,
        fills=[Execution(Decimal(q), p) for q, p in filled],
        fees=fees,
    )

    sign = 1 if side == "buy" else -1
    paper = sign * quantity * (final - decision)
    real = sum((sign * q * (final - p) for q, p in filled), Decimal(0)) - fees
    assert found.total == paper - real


def test_more_than_decided_and_prices_of_nothing_are_refused() -> None:
    def asked(quantity: str, price: str) -> None:
        implementation_shortfall(
            "buy",
            Decimal(quantity),
            decision_price=Decimal(price),
            arrival_price=Decimal(10),
            final_price=Decimal(10),
            fills=[Execution(Decimal(5), Decimal(10))],
        )

    with pytest.raises(ValueError, match="5 were filled of 4"):
        asked("4", "10")
    with pytest.raises(ValueError, match="`decision_price` must be positive"):
        asked("9", "0")
