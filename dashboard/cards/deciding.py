"""Writing what a person decided; each call says whether it was recorded, or why not."""

import sqlalchemy as sa

from dashboard import data, states
from dashboard.cards import decision
from ledger import signatures, standing, transact
from ledger.pages import Proposal
from ledger.people import Person
from trading.errors import ContentMismatchError
from trading.signatures import SignOutcome


def sign(proposal: Proposal, person: Person) -> SignOutcome:
    """Sign what was on the screen, at the price that was on it.

    What the ledger knows is judged once more: nobody signs what could not be sent.
    """
    clock = data.desk().clock
    price = decision.price_now(proposal)
    if clock is None or price is None or states.is_stale(clock.received_at, now=data.now()):
        return _refused(
            proposal,
            "Not signed: the market's figures are old, there is no quote, or its bid and ask are "
            "too far apart to be a price.",
        )
    desk_at, limits, sectors = data.now(), data.limits(), data.universe().sectors

    def work(conn: sa.Connection) -> SignOutcome:
        denied = standing.against_signing(
            conn, proposal.proposal_id, limits=limits, sectors=sectors, desk_at=desk_at
        )
        if denied:
            return _refused(proposal, f"Not signed. {denied[0].sentence}", code=denied[0].code)
        return signatures.sign(
            conn,
            proposal_id=proposal.proposal_id,
            person_id=person.person_id,
            content_hash=proposal.content_hash,
            price=price,
            market_at=clock.now,
            desk_at=desk_at,
        )

    try:
        return transact(data.engine(), work)
    except ContentMismatchError as e:
        return _refused(proposal, f"Not signed: {e}", code="content_altered")


def veto(proposal: Proposal, person: Person, *, reason: str, text: str) -> SignOutcome:
    """Veto with a reason."""
    clock = data.desk().clock
    if clock is None:
        return _refused(proposal, "Not vetoed: the market's clock has not been heard yet.")
    desk_at = data.now()
    return transact(
        data.engine(),
        lambda conn: signatures.veto(
            conn,
            proposal_id=proposal.proposal_id,
            person_id=person.person_id,
            content_hash=proposal.content_hash,
            reason_code=reason,
            reason_text=text or None,
            market_at=clock.now,
            desk_at=desk_at,
        ),
    )


def withdraw(proposal: Proposal, person: Person) -> SignOutcome:
    """Take a signature back before it is sent."""
    clock = data.desk().clock
    if clock is None:
        return _refused(proposal, "Not withdrawn: the market's clock has not been heard yet.")
    desk_at = data.now()
    return transact(
        data.engine(),
        lambda conn: signatures.withdraw(
            conn,
            proposal_id=proposal.proposal_id,
            person_id=person.person_id,
            market_at=clock.now,
            desk_at=desk_at,
        ),
    )


def _refused(proposal: Proposal, sentence: str, *, code: str = "not_now") -> SignOutcome:
    return SignOutcome(
        recorded=False,
        code=code,
        sentence=sentence,
        state=proposal.state,
        given=0,
        needed=proposal.signatures_needed,
    )
