"""A past to compare with its log, and what one with the database's password does to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from ledger import proposals as proposals_module
from ledger import state, verification
from ledger.desk import DeskLedger
from ledger.tables import audit_log
from tests.integration.ledger.cases import NOON, OPEN, Case, proposed
from trading.ledger import Stamp
from trading.orders import Order, OrderState, client_order_id
from trading.proposals import Proposal
from trading.state import TradingState

AT = Stamp(NOON, OPEN + timedelta(minutes=5), "dispatch")


@dataclass
class Past:
    """A ledger with one proposal sent, one vetoed, one expired, one replaced, one open."""

    case: Case
    sent: str  # the order's id
    rows: int

    def changed(self, *deeds: sa.Executable | Callable[[sa.Connection], None]) -> list[str]:
        """The places that do not hold after these deeds; then all is as it was."""
        with self.case.ledger.connect() as conn, conn.begin() as work:
            for deed in deeds:
                if isinstance(deed, sa.Executable):
                    conn.execute(deed)
                else:
                    deed(conn)
            places = verification.verify(conn).places
            work.rollback()
        return [place.where for place in places]


def lived(made: sa.Engine) -> Past:
    case = Case.begin(made)
    bought, vetoed, expired, old = (proposed(s) for s in ("IBM", "MSFT", "AAPL", "GOOG"))
    for one in (bought, vetoed, expired, old):
        case.record(one)
    new = proposed("GOOG", limit="196.00", supersedes=old.proposal_id)
    with made.begin() as conn:
        proposals_module.supersede(conn, old.proposal_id, new, desk_at=case.desk_at())
    case.sign(bought, "Maria")
    case.veto(vetoed, "Jan")
    case.sign(new, "Ada")
    case.withdraw(new, "Ada")
    name = sent(case, bought)
    with made.begin() as conn:
        state.tighten(conn, to=TradingState.REDUCING, reason="drill", process="watch", desk_at=NOON)
        conn.execute(sa.text("ALTER TABLE desk.audit_log DISABLE TRIGGER USER"))
        rows = int(conn.scalar(sa.select(sa.func.count()).select_from(audit_log)) or 0)
    return Past(case, name, rows)


def sent(case: Case, proposal: Proposal) -> str:
    """The proposal's only leg goes out and is accepted."""
    ledger, until = DeskLedger(case.ledger), NOON + timedelta(seconds=40)
    leg = ledger.lease_leg(owner="run/1", now=NOON, until=until, skip=frozenset())
    assert leg is not None
    name = client_order_id(proposal_id=proposal.proposal_id, leg_no=1, attempt=1)
    order = Order(
        client_order_id=name, leg_id=leg.leg_id, proposal_id=proposal.proposal_id, attempt=1,
        symbol=leg.leg.symbol, side=leg.leg.side, quantity=leg.leg.quantity,
        order_type=leg.leg.order_type, time_in_force=leg.leg.time_in_force,
        limit_price=leg.leg.limit_price, stop_loss_price=leg.leg.stop_loss_price,
    )  # fmt: skip
    refused = ledger.write_intent(
        order, reduces=False, owner="run/1", build="b1", lease_until=until, at=AT
    )
    assert refused is None
    assert ledger.mark_sent(name, reduces=False, owner="run/1", until=until, at=AT)
    ledger.conclude(name, to=OrderState.UNRESOLVED, reason="No answer.", at=AT)
    return name
