"""`./desk flatten`: ask for a proposal that closes every position."""

import datetime as dt
import getpass
import uuid
from typing import Annotated

import sqlalchemy as sa
import typer

import ledger
from countersign.console import console
from countersign.errors import CommandError
from countersign.requested import waited_for
from countersign.running import running
from ledger import people, requests

app = typer.Typer(add_completion=False)


@app.command()
def flatten(
    reason: Annotated[str, typer.Argument(help="Why; kept in the audit log.")],
) -> None:
    """Close every position: the desk only reduces, and a proposal waits to be signed.

    Open orders are cancelled but the stops of entries. Nothing is sent before a signatory has
    signed the proposal under Approvals; then it goes out even while trading is HALTED and the
    pipeline is dead.
    """
    engine = ledger.engine(running().database.url("desk"), pool_size=1)
    try:
        done = waited_for(engine, _asked(engine, reason))
    finally:
        engine.dispose()
    sentence = str((done.outcome or {}).get("sentence") or "")
    if done.state != "done":
        raise CommandError(
            sentence
            or "The executor has not answered yet. It goes on with the request when it runs: see "
            "./desk status, then Approvals."
        )
    console.print(sentence)


def _asked(engine: sa.Engine, reason: str) -> requests.Request:
    """Ask as the operating-system user."""
    desk_at, login = dt.datetime.now(dt.UTC), getpass.getuser()
    with engine.begin() as conn:
        person = people.ensure(
            conn, login=login, display_name=login, roles=people.ROLES, origin="os", desk_at=desk_at
        )
        return requests.add(
            conn,
            kind="flatten",
            payload={"reason": reason},
            person_id=person.person_id,
            idempotency_key=uuid.uuid4().hex,
            desk_at=desk_at,
        )
