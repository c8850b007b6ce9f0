"""Where somebody traded past the desk, a person books what the broker holds; nothing is sent."""

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from adapters.brokers.alpaca import AlpacaBroker
from ledger import audit, fills, lots, new_id, people, position_corrections
from ledger import state as states
from ledger.ended_stops import look
from ledger.position_corrections import Differing, differing
from ledger.situation import situation
from ledger.tables import bookings
from ledger.tables import fills as executions
from tests.integration.sending.at_venue import compared
from tests.integration.sending.desk import NOON, SmallDesk
from tests.integration.sending.giving_way import STOP, protected
from tests.integration.sending.test_reconciling import compare, sent
from tests.integration.venue.served import ServedVenue
from trading.broker import BrokerOrder
from trading.errors import NotAllowedError, OutcomeUnknownError
from trading.lots import Book, Sleeve, results
from trading.orders import Order, OrderState
from trading.reconcile import Report, reconcile
from trading.state import TradingState

D = Decimal
WHY = "Sold at the broker's own page while the desk was down."


def shown(desk: SmallDesk) -> list[Differing]:
    told = {one.symbol: one for one in desk.broker.positions()}
    with desk.engine.connect() as conn:
        return differing(conn, told)


def book(desk: SmallDesk, what: list[Differing], *, by: str = "Maria", reason: str = WHY) -> None:
    told = {one.symbol: one for one in desk.broker.positions()}
    with desk.engine.begin() as conn:
        person = people.by_id(conn, desk.signers[by])
        assert person is not None
        position_corrections.book(
            conn, person, what, told=told, reason=reason, request_id=new_id(),
            market_at=desk.market.now(), desk_at=desk.clock.now(),
        )  # fmt: skip


def past_the_desk(desk: SmallDesk, symbol: str, quantity: int, price: str) -> None:
    """A person trades at the broker itself."""
    name = f"web-{len(desk.broker.held)}"
    side = "buy" if quantity > 0 else "sell"
    desk.broker.held[name] = BrokerOrder(
        broker_order_id=f"b-{name}", client_order_id=name, symbol=symbol,
        side="buy" if side == "buy" else "sell", quantity=D(abs(quantity)), order_type="market",
        limit_price=None, stop_price=None, state=OrderState.ACCEPTED, filled_quantity=D(0),
        average_price=None, submitted_at=desk.market.now(), updated_at=desk.market.now(),
    )  # fmt: skip
    desk.broker.fill(name, abs(quantity), price)


@pytest.fixture
def holding(desk: SmallDesk) -> SmallDesk:
    """Hold 20 IBM, bought at 195.80."""
    desk.broker.fill(sent(desk), 20, "195.80")
    assert compare(desk).clean
    desk.market.forward(60)
    return desk


def test_what_a_person_sold_at_the_broker_is_booked_and_the_comparison_agrees(
    holding: SmallDesk,
) -> None:
    past_the_desk(holding, "IBM", -5, "196.00")
    assert {one.kind for one in compare(holding).differences if one.grave} == {
        "position_quantity", "unknown_order", "unknown_fill",
    }  # fmt: skip
    found = shown(holding)

    book(holding, found)

    assert found == [Differing("IBM", D(20), D(15), D("195.80"))]
    assert compare(holding).clean
    assert holding.broker.submits == 1  # the purchase, long ago
    with holding.engine.connect() as conn:
        assert fills.holdings(conn) == {"IBM": D(15)}
        assert states.current(conn).state is TradingState.REDUCING  # until a person resumes
        assert conn.scalar(sa.select(sa.func.count()).select_from(executions)) == 1
        [row] = conn.execute(sa.select(bookings)).all()
        logged = {entry.action: entry.actor for entry in audit.entries(conn, subject="IBM")}
    assert (row.kind, row.quantity, row.reason) == ("correction", D(-5), WHY)
    assert row.person_id == logged["account.correction"] == holding.signers["Maria"]


def test_cash_of_what_a_person_sold_at_the_broker_moves_no_peak(holding: SmallDesk) -> None:
    peak = _peak(holding)
    past_the_desk(holding, "IBM", -5, "195.80")
    compare(holding)

    book(holding, shown(holding))
    holding.market.forward(60)
    compare(holding)
    holding.market.forward(60)
    compare(holding)

    assert _peak(holding) == peak


def _peak(desk: SmallDesk) -> Decimal | None:
    with desk.engine.connect() as conn:
        account = situation(conn, desk_at=desk.clock.now(), market_at=desk.market.now()).account
    assert account is not None
    return account.peak


def test_a_position_from_nowhere_and_a_new_ticker_are_booked(holding: SmallDesk) -> None:
    del holding.broker.holdings["IBM"]
    holding.broker.holdings["MSFT"] = D(20)  # as if IBM were called so from today
    assert not compare(holding).clean

    book(holding, shown(holding))

    assert compare(holding).clean
    with holding.engine.connect() as conn:
        assert fills.holdings(conn) == {"MSFT": D(20)}
        booked = dict(conn.execute(sa.select(bookings.c.symbol, bookings.c.price)).tuples().all())
    assert booked == {"IBM": None, "MSFT": D("30.60")}  # the broker's average price


def test_shares_bought_and_sold_again_leave_nothing_but_are_settled(holding: SmallDesk) -> None:
    past_the_desk(holding, "IBM", 5, "195.00")
    past_the_desk(holding, "IBM", -5, "196.00")
    assert not compare(holding).clean

    book(holding, shown(holding))

    assert compare(holding).clean


def test_what_is_traded_after_a_correction_is_found_again(holding: SmallDesk) -> None:
    past_the_desk(holding, "IBM", -5, "196.00")
    compare(holding)
    book(holding, shown(holding))
    assert compare(holding).clean
    holding.market.forward(60)
    past_the_desk(holding, "IBM", -5, "196.00")
    past_the_desk(holding, "IBM", 5, "196.00")

    found = {one.kind for one in compare(holding).differences if one.grave}

    assert found == {"unknown_order", "unknown_fill"}


@pytest.mark.parametrize(
    ("by", "reason", "said"),
    [("Ann", WHY, "takes a signatory"), ("Maria", "Oops.", "at least 20 characters")],
)
def test_who_may_not_or_says_no_reason_books_nothing(
    holding: SmallDesk, by: str, reason: str, said: str
) -> None:
    with holding.engine.begin() as conn:
        holding.signers["Ann"] = people.add(
            conn, login="ann", display_name="Ann", roles=("analyst",), desk_at=NOON, origin="os"
        ).person_id
    past_the_desk(holding, "IBM", -5, "196.00")
    compare(holding)

    with pytest.raises(NotAllowedError, match=said):
        book(holding, shown(holding), by=by, reason=reason)


def test_figures_that_changed_since_they_were_shown_are_not_booked(holding: SmallDesk) -> None:
    past_the_desk(holding, "IBM", -5, "196.00")
    compare(holding)
    seen = shown(holding)
    past_the_desk(holding, "IBM", -5, "196.00")

    with pytest.raises(NotAllowedError, match="The broker holds 10 IBM and the ledger 20; shown"):
        book(holding, seen)
    with pytest.raises(NotAllowedError, match="do not differ about MSFT"):
        book(holding, [Differing("MSFT", D(0), D(5), None)])
    with pytest.raises(NotAllowedError, match="each symbol once"):
        book(holding, [])
    with holding.engine.connect() as conn:
        assert fills.holdings(conn) == {"IBM": D(20)}


def test_an_own_execution_that_is_still_to_be_told_is_waited_for(desk: SmallDesk) -> None:
    name = sent(desk)
    desk.broker.fill(name, 20, "195.80")
    late, desk.broker.executions = desk.broker.executions, []
    compare(desk)

    with pytest.raises(NotAllowedError, match="not told of every execution"):
        book(desk, shown(desk))
    desk.broker.executions = late
    assert compare(desk).clean


def test_while_nobody_knows_what_became_of_an_own_order_its_shares_are_not_corrected(
    desk: SmallDesk,
) -> None:
    def unanswered(_order: Order) -> None:
        raise OutcomeUnknownError("No answer.")

    desk.broker.on_submit = unanswered
    name = sent(desk)
    desk.broker.holdings["IBM"] = D(20)  # it arrived; no listing tells of it yet
    assert not compare(desk).clean

    with pytest.raises(NotAllowedError, match=f"what became of order {name}"):
        book(desk, shown(desk))


def test_a_person_s_trade_is_no_strategy_s_profit_or_loss(holding: SmallDesk) -> None:
    past_the_desk(holding, "IBM", -5, "150.00")  # 45.80 below what was paid
    past_the_desk(holding, "MSFT", 10, "30.60")
    compare(holding)
    book(holding, shown(holding))
    day = holding.market.now().date()
    with holding.engine.connect() as conn:
        events = lots.events(conn, last=day)
        assert fills.losses_in_a_row(conn, "trend") == 0
    made = Book()

    earned = results(events, {day: {"IBM": D("196.80"), "MSFT": D("31.60")}}, book=made)

    # The fifteen IBM that are left gained a dollar each; nothing was realised.
    assert {one.sleeve: one.profit for one in earned} == {
        Sleeve("IBM", "trend", "m1"): D(15), Sleeve("MSFT", "", ""): D(10),
    }  # fmt: skip
    assert made.closed == []
    assert made.position("IBM") == D(15)


def test_a_stop_that_ended_before_a_correction_is_missed_for_the_rest(desk: SmallDesk) -> None:
    protected(desk)
    desk.broker.held[STOP] = replace(desk.broker.held[STOP], state=OrderState.CANCELED)
    past_the_desk(desk, "IBM", -5, "196.00")
    compare(desk)

    book(desk, shown(desk))

    assert compare(desk).clean
    with desk.engine.connect() as conn:
        [bare] = look(conn, booked_by=desk.market.now()).bare
    assert (bare.symbol, bare.quantity) == ("IBM", D(15))


@pytest.mark.parametrize("quantity", ["5", "-5"])
def test_at_a_venue_a_trade_past_the_desk_is_settled_too(
    desk: SmallDesk, served: ServedVenue, broker: AlpacaBroker, quantity: str
) -> None:
    compared(desk, broker)
    side = "buy" if D(quantity) > 0 else "sell"
    served.post(
        "/v2/orders",
        {"symbol": "IBM", "qty": "5", "side": side, "type": "market", "time_in_force": "day"},
    )
    served.post("/venue/step", {"minutes": 2})

    def again() -> Report:
        desk.market.at = broker.clock().now
        return reconcile(desk.ledger, broker, market=desk.market, desk=desk.clock)

    assert not again().clean
    told = {one.symbol: one for one in broker.positions()}
    with desk.engine.begin() as conn:
        person = people.by_id(conn, desk.signers["Maria"])
        assert person is not None
        found = differing(conn, told)
        position_corrections.book(
            conn, person, found, told=told, reason=WHY, request_id=new_id(),
            market_at=broker.clock().now, desk_at=desk.clock.now(),
        )  # fmt: skip

    assert [one.theirs for one in found] == [D(quantity)]
    assert again().clean
