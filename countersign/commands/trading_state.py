"""`./desk halt | reduce | resume`: the trading state, straight in the ledger."""

import datetime as dt
import getpass
import uuid

import sqlalchemy as sa

import ledger
from countersign.console import console
from countersign.errors import CommandError
from countersign.running import running
from ledger import people, requests, state
from trading.errors import DeskError
from trading.state import TradingState


def set_state(to: TradingState, reason: str) -> None:
    """Set the state as the operating-system user; it needs no other process.

    After a halt a worker is asked to cancel what is open.
    """
    engine = ledger.engine(running().database.url("desk"), pool_size=1)
    try:
        with engine.begin() as conn:
            now = _changed(conn, to, reason)
    except DeskError as e:
        raise CommandError(str(e)) from e
    finally:
        engine.dispose()
    console.print(f"Trading is {now.state}: {now.reason}")


def _changed(conn: sa.Connection, to: TradingState, reason: str) -> state.StateNow:
    desk_at = dt.datetime.now(dt.UTC)
    login = getpass.getuser()
    person = people.ensure(
        conn, login=login, display_name=login, roles=people.ROLES, origin="os", desk_at=desk_at
    )
    now = state.change(conn, to=to, reason=reason, person_id=person.person_id, desk_at=desk_at)
    if to is TradingState.HALTED:
        requests.add(
            conn,
            kind="halt",
            payload={"reason": reason},
            person_id=person.person_id,
            idempotency_key=uuid.uuid4().hex,
            desk_at=desk_at,
        )
    return now
