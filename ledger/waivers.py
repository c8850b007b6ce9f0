"""Gates that people let pass for a model: rows of the audit log, one for each person's word."""

import json
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from ledger import audit
from ledger.people import Person, by_id
from ledger.tables import audit_log
from quant.gates import Waiver
from quant.gates.promotion import NEVER_WAIVED
from quant.gates.verdicts import GATES, title
from trading.errors import NotAllowedError

_ACTION = "gate.waived"
_SHORTEST_REASON = 20


def grant(
    conn: sa.Connection,
    person: Person,
    *,
    model_version: str,
    gate: str,
    reason: str,
    expires_at: datetime,
    market_at: datetime,
    desk_at: datetime,
) -> None:
    """Record one person's word that a gate need not be met; it takes a second person's to count.

    Parameters
    ----------
    person : Person
        A signatory.
    model_version : str
        As in "sample-daily/3".
    gate : str
        Name in the gates file.
    reason : str
        At least 20 characters; kept for ever.
    expires_at, market_at : datetime
        Market time (aware UTC): when the word ends, and now.
    desk_at : datetime
        Wall time (aware UTC), for the log.

    Raises
    ------
    NotAllowedError
        If the person may not sign, the gate does not exist or can never be waived, the reason is
        short or the end has passed.
    """
    if not person.may("signatory"):
        raise NotAllowedError(f"{person.login} may not waive a gate: it takes two signatories.")
    if gate not in GATES:
        raise NotAllowedError(f"No gate is called {gate!r}; there are {', '.join(GATES)}.")
    if gate in NEVER_WAIVED:
        raise NotAllowedError(f"{title(gate)} can never be waived, by nobody.")
    if len(reason.strip()) < _SHORTEST_REASON:
        raise NotAllowedError(f"A waiver's reason needs at least {_SHORTEST_REASON} characters.")
    if expires_at <= market_at:
        raise NotAllowedError(
            f"A waiver must end later than now, {market_at:%Y-%m-%d %H:%M} UTC on the market's "
            f"clock; was {expires_at:%Y-%m-%d %H:%M}."
        )
    audit.append(
        conn,
        at=desk_at,
        actor=person.person_id,
        action=_ACTION,
        subject=model_version,
        payload={"gate": gate, "reason": reason, "expires_at": expires_at.isoformat()},
    )


def granted(conn: sa.Connection, model_version: str) -> tuple[Waiver, ...]:
    """Return the waivers of a model, one for each gate, with everyone who gave their word.

    A person's later word replaces the earlier one; a waiver ends when the first of them does.
    Whether it counts is for `quant.gates.decide` to say.
    """
    query = (
        sa.select(audit_log.c.actor, audit_log.c.payload)
        .where(audit_log.c.action == _ACTION, audit_log.c.subject == model_version)
        .order_by(audit_log.c.seq)
    )
    words: dict[str, dict[str, Mapping[str, str]]] = {}
    for actor, payload in conn.execute(query):
        told = json.loads(payload)
        words.setdefault(told["gate"], {})[actor] = told
    return tuple(_waiver(conn, gate, by_person) for gate, by_person in words.items())


def _waiver(conn: sa.Connection, gate: str, words: Mapping[str, Mapping[str, str]]) -> Waiver:
    known = {actor: by_id(conn, actor) for actor in words}
    return Waiver(
        gate=gate,
        # Who may no longer sign takes their word with them.
        people=tuple(
            person.login for person in known.values() if person and person.may("signatory")
        ),
        reason="; ".join(dict.fromkeys(told["reason"] for told in words.values())),
        expires_at=min(datetime.fromisoformat(told["expires_at"]) for told in words.values()),
    )
