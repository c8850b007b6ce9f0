"""Plant one labelled case in the embedded desk, so that each kind of card can be seen."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa

from adapters.brokers.venue_control import VenueControl
from config.settings import Settings
from ledger import filed, market, proposals
from ledger.connection import engine, new_id
from quality.calendar import exchange
from trading.errors import AskError
from trading.proposals import Proposal, code_of, from_content

_LABEL = "demo"
_BAD_FACTOR = 0.1  # a slipped decimal point
_PATIENCE_SECONDS = 180.0
_COUNT_SECONDS = 15.0  # between two lines of a count-down

Say = Callable[[str], None]


class CannotPlantError(AskError):
    """The desk is not in a state in which the case can be shown."""


def plant(settings: Settings, case: str, *, say: Say) -> str:
    """Plant a case and return what to look for.

    Parameters
    ----------
    case : str
        bad-data, four-eyes, lapse or split.
    say : callable
        Told what is waited for, line by line.

    Raises
    ------
    CannotPlantError
        Saying what is missing.
    """
    ledger = engine(settings.database.url("desk"))
    told = settings.broker
    venue = VenueControl(told.url, key_id=told.key_id, secret_key=told.secret_key)
    try:
        return _CASES[case](ledger, venue, say)
    finally:
        venue.close()
        ledger.dispose()


def _bad_data(_ledger: sa.Engine, venue: VenueControl, _say: Say) -> str:
    status = venue.status()
    closed = not status.is_open and exchange().close(status.session) <= status.now
    session = exchange().next(status.session) if closed else status.session
    venue.plant(
        {
            "kind": "bad_close",
            "symbol": "AAPL",
            "session": session.isoformat(),
            "factor": _BAD_FACTOR,
        }
    )
    return (
        f"The close of AAPL on {session} will arrive with a slipped decimal point. Let the replay "
        "pass that close (./desk venue jump close); a minute later Data quality shows the row held "
        "back, and Today says why AAPL has no proposal."
    )


def _four_eyes(ledger: sa.Engine, _venue: VenueControl, _say: Say) -> str:
    old = _an_open_proposal(ledger)
    proposal_id = new_id()
    # The limit is lowered for this one proposal, below what it costs.
    new = replace(
        old,
        proposal_id=proposal_id,
        code=code_of(proposal_id),
        label=_LABEL,
        four_eyes_notional=(old.notional / 2).quantize(Decimal("0.01")),
        signatures_needed=2,
        supersedes=old.proposal_id,
    )
    with ledger.begin() as conn:
        made = proposals.supersede(conn, old.proposal_id, new, desk_at=datetime.now(UTC))
    if made is None:
        raise CannotPlantError(f"Proposal {old.code} was decided a moment ago. Try again.")
    return (
        f"Proposal {new.code} takes the place of {old.code} and needs two signatures. Add a second "
        "person with ./desk user add NAME --role signatory; nobody can sign twice."
    )


def _lapse(ledger: sa.Engine, venue: VenueControl, say: Say) -> str:
    _an_open_proposal(ledger)
    say(
        "Sign a proposal in the dashboard now, while the market is open. As soon as you do, its "
        "price runs away before the order is sent."
    )
    until, told = time.monotonic() + _PATIENCE_SECONDS, _PATIENCE_SECONDS
    while (left := until - time.monotonic()) > 0:
        if left <= told:
            say(f"Waiting for a signature: {left:.0f} s left. Ctrl-C ends it; nothing is planted.")
            told -= _COUNT_SECONDS
        with ledger.connect() as conn:
            signed = filed.in_states(conn, ("signed",))
        fresh = [p for p in signed if p.sending_at is None]
        if fresh:
            return _run_away(ledger, venue, fresh[-1].proposal_id)
        time.sleep(0.2)
    raise CannotPlantError(
        f"Nobody signed within {_PATIENCE_SECONDS:.0f} s. Start this, then sign a proposal in the "
        "dashboard while the market is open: its price runs away before the order is sent."
    )


def _run_away(ledger: sa.Engine, venue: VenueControl, proposal_id: str) -> str:
    with ledger.connect() as conn:
        proposal = from_content(filed.content(conn, proposal_id))
    leg = proposal.legs[0]
    direction = 1 if leg.side == "buy" else -1
    gap = direction * (2 * proposal.drift_bound)
    venue.plant({"kind": "price_gap", "symbol": leg.symbol, "fraction": float(gap)})
    return (
        f"{leg.symbol} moved {gap:+.2%} right after you signed {proposal.code}: it lapses, unsent."
    )


def _split(_ledger: sa.Engine, venue: VenueControl, _say: Say) -> str:
    status = venue.status()
    ex_date = exchange().next(status.session)
    venue.plant({"kind": "split", "symbol": "AAPL", "ratio": 2, "ex_date": ex_date.isoformat()})
    return (
        f"AAPL splits two for one before it opens on {ex_date}: positions double, prices halve, "
        "and its features do not jump. Let the replay pass that close to see it."
    )


def _an_open_proposal(ledger: sa.Engine) -> Proposal:
    with ledger.connect() as conn:
        waiting = filed.open_ones(conn)
        clock = market.latest_clock(conn)
        if not waiting:
            when = clock.next_close if clock else None
            raise CannotPlantError(
                "No proposal waits for a decision. The next ones come after the close"
                + (f" of {when:%a %d %b %Y}." if when else ".")
            )
        return from_content(filed.content(conn, waiting[0].proposal_id))


_CASES: Mapping[str, Callable[[sa.Engine, VenueControl, Say], str]] = {
    "bad-data": _bad_data,
    "four-eyes": _four_eyes,
    "lapse": _lapse,
    "split": _split,
}
