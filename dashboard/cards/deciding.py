"""Writing what a person decided; every function returns why not, or an empty text."""

from ledger.pages import Proposal
from ledger.people import Person

_NOT_YET = "This version of the desk cannot record decisions; nothing was written."


def sign(proposal: Proposal, person: Person) -> str:
    """Sign what was on the screen."""
    del proposal, person
    return _NOT_YET


def veto(proposal: Proposal, person: Person, *, reason: str, text: str) -> str:
    """Veto with a reason."""
    del proposal, person, reason, text
    return _NOT_YET


def withdraw(proposal: Proposal, person: Person) -> str:
    """Take a signature back before it is sent."""
    del proposal, person
    return _NOT_YET
