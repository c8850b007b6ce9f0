"""A trade that a person enters becomes a proposal, which somebody else signs."""

from assets.by_hand import hand_proposal
from assets.hand_tickets import ticket_of
from ledger import people, proposals
from ledger.requests import Request
from trading.errors import NotAllowedError
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
    with viewing(desk) as viewer:
        drafted = hand_proposal(viewer, ticket, person_id=person.person_id)
    with desk.engine.begin() as conn:
        proposals.add(conn, drafted, desk_at=desk.clock.now())
    denied = next((check for check in drafted.checks if check.denies), None)
    if denied is not None:
        raise NotAllowedError(f"Proposal {drafted.code} was denied: {denied.sentence}")
    return f"Proposal {drafted.code} waits for the signature of another person."
