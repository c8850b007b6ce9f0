"""A trade that a person enters becomes a proposal, which somebody else signs."""

from uuid import UUID, uuid5

from assets.by_hand import hand_proposal
from assets.hand_tickets import ticket_of
from ledger import filed, people, proposals
from ledger.requests import Request
from trading.errors import NotAllowedError
from trading.proposals import Proposal, from_content
from worker.desk import Desk
from worker.viewing import viewing

_ROLES = ("analyst", "signatory")


def propose_by_hand(desk: Desk, asked: Request) -> str:
    """Propose what a person entered; return what to tell.

    Raises
    ------
    NotAllowedError
        If the person may not, or the ticket makes no sense; nothing is stored then. If a check
        denies the trade: the proposal is stored as denied, where its card tells all figures.
    """
    ticket = ticket_of(asked.payload)
    with desk.engine.connect() as conn:
        person = people.by_id(conn, asked.person_id or "")
    if person is None or not any(person.may(role) for role in _ROLES):
        raise NotAllowedError(f"Proposing needs one of the roles {', '.join(_ROLES)}.")
    # One id for one request: asked to do it again, the desk finds what it stored before it died.
    proposal_id = str(uuid5(UUID(asked.request_id), "proposal"))
    made = _stored(desk, proposal_id)
    if made is None:
        with viewing(desk) as viewer:
            made = hand_proposal(
                viewer, ticket, proposal_id=proposal_id, person_id=person.person_id
            )
        with desk.engine.begin() as conn:
            proposals.add(conn, made, desk_at=desk.clock.now())
    denied = next((check for check in made.checks if check.denies), None)
    if denied is not None:
        raise NotAllowedError(f"Proposal {made.code} was denied: {denied.sentence}")
    return f"Proposal {made.code} waits for the signature of another person."


def _stored(desk: Desk, proposal_id: str) -> Proposal | None:
    with desk.engine.connect() as conn:
        if filed.by_id(conn, proposal_id) is None:
            return None
        return from_content(filed.content(conn, proposal_id))
