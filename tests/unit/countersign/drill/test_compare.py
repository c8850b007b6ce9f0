"""The comparison can fail: whatever is planted into agreeing sides is found, and as what it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from countersign.drill.compare import (
    Execution,
    Finding,
    Kept,
    LedgerSide,
    Signed,
    There,
    VenueSide,
    compare,
    counts,
)
from countersign.drill.limits_kept import Breach

NOON = datetime(2012, 11, 1, 16, 0, tzinfo=UTC)
CLEAN = dict.fromkeys(("duplicates", "lost", "unsigned", "unexplained", "limit_breaches"), 0)

SIGNED = (
    Signed("leg-1", "cs-1", "IBM", "buy", Decimal(20), Decimal("195.90")),
    Signed("leg-2", "cs-2", "MSFT", "sell", Decimal(50), Decimal("28.00")),
    Signed("leg-3", "cs-3", "AAPL", "buy", Decimal(7), None, ended="Not sent. It is too large."),
    Signed("leg-4", "cs-4", "AAPL", "buy", Decimal(3), None),
)
LEDGER = LedgerSide(
    orders=(
        Kept("cs-1", "leg-1", None, "filled", Decimal(20), Decimal("195.80")),
        Kept("stop-1", "leg-1", "cs-1", "accepted", Decimal(0), None),
        Kept("cs-2", "leg-2", None, "canceled", Decimal(0), None),
        Kept("cs-4", "leg-4", None, "rejected", Decimal(0), None, "The broker refused it."),
    ),
    executions=(Execution("x1", "cs-1", "IBM", "buy", Decimal(20), Decimal("195.80"), NOON),),
    positions={"IBM": Decimal(20)},
)
VENUE = VenueSide(
    orders=(
        There("cs-1", None, "IBM", "buy", Decimal(20), "filled", Decimal(20), Decimal("195.80")),
        There("stop-1", "cs-1", "IBM", "sell", Decimal(20), "accepted", Decimal(0), None),
        There("cs-2", None, "MSFT", "sell", Decimal(50), "canceled", Decimal(0), None),
    ),
    executions=LEDGER.executions,
    positions={"IBM": Decimal(20)},
    cash=Decimal("96084.00"),  # 100,000 - 20 * 195.80
    first_cash=Decimal(100_000),
)


def found(ledger: LedgerSide = LEDGER, venue: VenueSide = VENUE) -> list[Finding]:
    return compare(SIGNED, ledger, venue)


def with_order(told: There) -> VenueSide:
    return replace(VENUE, orders=(*VENUE.orders, told))


def changed(name: str, **what: object) -> VenueSide:
    orders = [replace(o, **what) if o.client_order_id == name else o for o in VENUE.orders]  # type: ignore[arg-type]
    return replace(VENUE, orders=orders)


def kept(name: str, **what: object) -> LedgerSide:
    orders = [replace(o, **what) if o.client_order_id == name else o for o in LEDGER.orders]  # type: ignore[arg-type]
    return replace(LEDGER, orders=orders)


def without(name: str) -> LedgerSide:
    orders = [order for order in LEDGER.orders if order.client_order_id != name]
    return replace(LEDGER, orders=orders)


def test_sides_that_agree_have_no_finding() -> None:
    assert found() == []
    assert counts(found()) == CLEAN


def test_a_second_order_of_a_leg_is_a_duplicate() -> None:
    again = There("cs-1b", None, "IBM", "buy", Decimal(20), "accepted", Decimal(0), None)
    attempt = Kept("cs-1b", "leg-1", None, "accepted", Decimal(0), None)
    ledger = replace(LEDGER, orders=(*LEDGER.orders, attempt))

    assert counts(found(ledger, with_order(again)))["duplicates"] == 1


def test_the_same_order_listed_twice_is_a_duplicate() -> None:
    assert counts(found(venue=with_order(VENUE.orders[0])))["duplicates"] == 1


def test_an_order_filled_beyond_what_was_signed_is_a_duplicate() -> None:
    venue = changed("cs-1", filled=Decimal(40))

    assert counts(found(kept("cs-1", filled=Decimal(40)), venue))["duplicates"] == 1


def test_an_execution_recorded_twice_is_a_duplicate() -> None:
    ledger = replace(LEDGER, executions=[*LEDGER.executions, *LEDGER.executions])

    assert counts(found(ledger))["duplicates"] == 1


@pytest.mark.parametrize(
    "ledger",
    [
        without("cs-4"),  # never sent, no reason
        kept("cs-4", state="sent"),
        kept("cs-4", state="unresolved"),
        kept("cs-4", reason=None),
        kept("cs-4", state="filled"),
    ],
)
def test_a_leg_that_is_nowhere_is_lost(ledger: LedgerSide) -> None:
    assert counts(found(ledger)) == CLEAN | {"lost": 1}


def test_an_order_that_vanished_from_the_venue_is_lost_and_unexplained() -> None:
    venue = replace(VENUE, orders=VENUE.orders[1:])

    told = counts(found(venue=venue))

    assert told["lost"] == 1
    assert told["unexplained"] == 1


def test_an_order_nobody_signed_is_told_unless_the_desk_raised_an_alert_about_it() -> None:
    stranger = There("x", None, "IBM", "buy", Decimal(1), "canceled", Decimal(0), None)
    venue = with_order(stranger)

    assert counts(found(venue=venue))["unsigned"] == 1
    assert compare(SIGNED, LEDGER, venue, strangers={"x"}) == []


def protected(*, renewed: int, filled: int = 0) -> list[Finding]:
    """IBM's stop was signed for itself, gave way to a sale and came back for what was left."""
    stop = Signed("leg-5", "cs-5", "IBM", "sell", Decimal(20), None, protects=True)
    ours = (
        Kept("cs-5", "leg-5", None, "canceled", Decimal(12), Decimal("186.00"), "For a sale."),
        Kept("cs-6", "leg-5", "cs-5", "accepted", Decimal(filled), None),
    )
    theirs = (
        There("cs-5", None, "IBM", "sell", Decimal(20), "canceled", Decimal(12), Decimal("186.00")),
        There("cs-6", None, "IBM", "sell", Decimal(renewed), "accepted", Decimal(filled), None),
    )
    return compare(
        (*SIGNED, stop),
        replace(LEDGER, orders=(*LEDGER.orders, *ours)),
        replace(VENUE, orders=(*VENUE.orders, *theirs)),
    )


def test_a_stop_made_anew_of_one_signed_for_itself_is_signed_within_its_size() -> None:
    assert counts(protected(renewed=8)) == CLEAN
    assert counts(protected(renewed=21))["unsigned"] == 1


def test_a_stop_that_closed_more_than_was_signed_is_a_duplicate() -> None:
    assert counts(protected(renewed=8, filled=8))["duplicates"] == 0
    assert counts(protected(renewed=9, filled=9))["duplicates"] == 1


def test_a_stop_that_hangs_on_nothing_signed_is_unsigned() -> None:
    assert counts(found(venue=changed("stop-1", parent="x")))["unsigned"] == 1


@pytest.mark.parametrize(
    "venue",
    [
        changed("cs-2", state="accepted"),
        changed("cs-1", filled=Decimal(19)),
        changed("cs-1", average_price=Decimal("195.81")),
        changed("cs-2", quantity=Decimal(51)),
        changed("cs-2", side="buy"),
        changed("cs-2", symbol="IBM"),
        replace(VENUE, cash=Decimal("96083.00")),
        replace(VENUE, dividends=Decimal(5)),
    ],
)
def test_any_difference_is_unexplained(venue: VenueSide) -> None:
    assert counts(found(venue=venue)) == CLEAN | {"unexplained": 1}


@pytest.mark.parametrize(
    "alter",
    [
        lambda fill: replace(fill, execution_id="x2"),
        lambda fill: replace(fill, quantity=Decimal(19)),
        lambda fill: replace(fill, price=Decimal("195.79")),
        lambda fill: replace(fill, client_order_id="cs-2"),
    ],
)
def test_executions_that_differ_are_unexplained(alter: Callable[[Execution], Execution]) -> None:
    ledger = replace(LEDGER, executions=tuple(alter(fill) for fill in LEDGER.executions))

    assert counts(found(ledger))["unexplained"] >= 1


def test_a_fill_beyond_the_signed_limit_is_unexplained() -> None:
    price = Decimal("195.92")
    venue = changed("cs-1", average_price=price)

    [told] = found(kept("cs-1", average_price=price), venue)

    assert told.sentence == "Filled at 195.92, signed with the limit 195.90."


@pytest.mark.parametrize(
    "positions", [{}, {"IBM": Decimal(21)}, {"IBM": Decimal(20), "FB": Decimal(1)}]
)
def test_positions_that_differ_are_unexplained(positions: dict[str, Decimal]) -> None:
    assert counts(found(ledger=replace(LEDGER, positions=positions))) == CLEAN | {"unexplained": 1}
    # At the venue they do not follow from its own executions either.
    assert counts(found(venue=replace(VENUE, positions=positions))) == CLEAN | {"unexplained": 2}


def test_splits_and_dividends_explain_shares_and_cash() -> None:
    venue = replace(
        VENUE, positions={"IBM": Decimal(40)}, split_shares={"IBM": Decimal(20)},
        cash=VENUE.cash + 17, dividends=Decimal(17),
    )  # fmt: skip

    assert found(replace(LEDGER, positions={"IBM": Decimal(40)}), venue) == []
    assert counts(found(venue=venue)) == CLEAN | {"unexplained": 1}  # the desk has not booked it


def test_breaches_of_limits_are_counted() -> None:
    told = compare(SIGNED, LEDGER, VENUE, breaches=[Breach("IBM", "7 % of equity.")])

    assert counts(told) == CLEAN | {"limit_breaches": 1}
