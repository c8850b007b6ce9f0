"""A plan is the seed's alone, brings every fault, and has as many legs as were asked for."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.drill.befall import BEFALLS
from countersign.drill.classes import FAULTS, chosen
from countersign.drill.conductor import OF_SIGNATURES
from countersign.drill.plan import MOST_ORDERS, Plan, planned
from countersign.errors import CommandError
from quality.calendar import exchange

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


def plan(seed: int = 1, orders: int = 40, faults: tuple[str, ...] = tuple(FAULTS)) -> Plan:
    return planned(seed=seed, orders=orders, faults=faults, symbols=SYMBOLS)


def test_the_same_seed_plans_the_same() -> None:
    assert plan(seed=5) == plan(seed=5)
    assert plan(seed=5) != plan(seed=6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, MOST_ORDERS))
def test_legs_are_as_many_as_asked_and_every_fault_is_planned(seed: int, orders: int) -> None:
    made = plan(seed, orders)

    steps = [step for session in made.sessions for step in session]
    assert sum(len(step.legs) for step in steps) == orders
    assert {step.fault for step in steps if step.fault} == set(FAULTS) - {"split"}
    assert made.splits
    assert len(exchange().sessions(made.start, date(2013, 3, 1))) > len(made.sessions)
    for session in made.sessions:
        assert sum(len(step.legs) for step in session) <= 50  # ten a day of five symbols


def test_without_faults_nothing_but_legs_is_planned() -> None:
    made = plan(faults=())

    assert not any(step.fault for session in made.sessions for step in session)
    assert not made.splits


def test_every_class_has_a_deed() -> None:
    assert set(FAULTS) == {*BEFALLS, *OF_SIGNATURES, "split"}


def test_names_are_chosen_in_the_order_of_the_list() -> None:
    assert chosen("all") == tuple(FAULTS)
    assert chosen("none") == ()
    assert chosen(" halt, lost_reply ") == ("lost_reply", "halt")


@pytest.mark.parametrize("told", ["halt,hault", "", "all,halt", "none,halt"])
def test_a_wrong_name_is_told_with_what_is_allowed(told: str) -> None:
    with pytest.raises(CommandError, match="lost_reply") as refused:
        chosen(told)

    assert all(name in str(refused.value) for name in FAULTS)
