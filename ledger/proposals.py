"""Proposals: stored with the bytes that were shown, and how they end."""

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ledger import alerts, audit, filed, people, stops
from ledger.connection import new_id
from ledger.orders import protective
from ledger.tables import legs, proposals
from trading.canonical import Content, canonical_bytes
from trading.errors import ContentMismatchError, NotAllowedError, RetryError
from trading.proposals import HASH_VERSION, Proposal
from trading.wording import shares

_NOT_SENT = "Not sent. The signature expired before it could be sent."


def record(conn: sa.Connection, proposal: Proposal, *, desk_at: datetime) -> str:
    """Store a proposal, once: a repeated daily run never asks for the same trade twice.

    A proposal of a model is known already when one of the same session, account and strategy
    wants a leg's symbol and side and is open or signed, or was made by the same model version
    and not superseded, however it ended. One entered by hand is known by its id alone.

    Parameters
    ----------
    proposal : Proposal
        Its canonical bytes are stored as they are hashed. Denied by a check, it is kept as
        ``denied`` and can never be signed.
    desk_at : datetime
        Wall time.

    Returns
    -------
    str
        The id under which the ledger has it, which may be an earlier one's.

    Raises
    ------
    ContentMismatchError
        If its id is known with another content.
    RetryError
        If another proposal bears its code: draft it anew, with a new id.
    ValueError
        If it supersedes another: that is `supersede`'s to record.
    """
    if proposal.supersedes is not None:
        raise ValueError(f"{proposal.code} supersedes another proposal: record it by `supersede`.")
    _lock_trades(conn, proposal)
    known = _known(conn, proposal)
    return known if known is not None else _insert(conn, proposal, desk_at)


def add(conn: sa.Connection, proposal: Proposal, *, desk_at: datetime) -> filed.StoredProposal:
    """Store a proposal under its id, once, whatever else the session holds; see `record`.

    One that supersedes another replaces it.

    Returns
    -------
    filed.StoredProposal
        As stored.

    Raises
    ------
    ContentMismatchError
        If its id is known with another content.
    NotAllowedError
        If what it supersedes was decided or replaced meanwhile: then nothing is stored.
    """
    if proposal.supersedes is not None:
        if supersede(conn, proposal.supersedes, proposal, desk_at=desk_at) is None:
            raise NotAllowedError(
                f"What {proposal.code} was to replace had been decided meanwhile. Nothing was "
                "stored."
            )
    else:
        _lock_trades(conn, proposal)
        if _same(conn, proposal) is None:
            _insert(conn, proposal, desk_at)
    found = filed.by_id(conn, proposal.proposal_id)
    assert found is not None
    return found


def supersede(
    conn: sa.Connection, old: str, new: Proposal, *, desk_at: datetime, actor: str = "desk"
) -> str | None:
    """Replace a proposal that is open, or ended unsent, by a new one; once.

    Parameters
    ----------
    old : str
        Its id. An open one becomes ``superseded`` and its signatures count no more; one that
        lapsed, expired or was denied keeps its state.
    new : Proposal
        Must say that it supersedes `old`.
    actor : str
        Who asked: a person id, or the process.

    Returns
    -------
    str or None
        The new proposal's id; None when `old` was decided or replaced meanwhile: then nothing
        is recorded.

    Raises
    ------
    ValueError
        If `new` does not supersede `old`.
    """
    if new.supersedes != old:
        raise ValueError(f"{new.code} must supersede {old}, it says {new.supersedes}.")
    _lock_trades(conn, new)
    is_open = proposals.c.state == "open"
    replaced = conn.execute(
        sa.update(proposals)
        .where(
            proposals.c.proposal_id == old,
            proposals.c.state.in_(("open", "lapsed", "expired", "denied")),
            proposals.c.sending_at.is_(None),
            proposals.c.superseded_by.is_(None),
        )
        .values(
            superseded_by=new.proposal_id,
            state=sa.case((is_open, "superseded"), else_=proposals.c.state),
            decided_at=sa.case((is_open, desk_at), else_=proposals.c.decided_at),
            note=sa.case((is_open, f"Replaced by {new.code}."), else_=proposals.c.note),
        )
        .returning(proposals.c.state)
    ).one_or_none()
    if replaced is None:
        found = filed.by_id(conn, old)
        again = found is not None and found.superseded_by == new.proposal_id
        return new.proposal_id if again else None
    made = _insert(conn, new, desk_at)
    _told(conn, old, "proposal.supersede", desk_at, {"by": made, "code": new.code}, actor=actor)
    return made


def expire(conn: sa.Connection, *, market_at: datetime, desk_at: datetime) -> list[str]:
    """Close what was neither decided nor sent by the end of its validity.

    Parameters
    ----------
    market_at : datetime
        The market's clock; at the very end of its validity a proposal has expired.

    Returns
    -------
    list of str
        Codes of the proposals that expired.
    """
    # In one order of ids, and the audit's lock last, so that two callers cannot deadlock.
    due = conn.scalars(
        sa.select(proposals.c.proposal_id)
        .where(*_unsent(), proposals.c.valid_until <= market_at)
        .order_by(proposals.c.proposal_id)
    ).all()
    note = sa.case(
        (proposals.c.state == "signed", _NOT_SENT),
        else_="Expired. Nobody decided in time; nothing was sent.",
    )
    ended = [
        row
        for proposal_id in due
        if (
            row := conn.execute(
                sa.update(proposals)
                .where(
                    proposals.c.proposal_id == proposal_id,
                    *_unsent(),
                    proposals.c.valid_until <= market_at,
                )
                .values(state="expired", decided_at=desk_at, note=note)
                .returning(proposals.c.proposal_id, proposals.c.code, proposals.c.note)
            ).one_or_none()
        )
    ]
    for row in ended:
        told: dict[str, Content] = {"code": row.code, "market_at": market_at, "note": row.note}
        _told(conn, row.proposal_id, "proposal.expire", desk_at, told)
        if row.note == _NOT_SENT:
            _tell_unprotected(conn, row.proposal_id, market_at=market_at, desk_at=desk_at)
    return [row.code for row in ended]


def _tell_unprotected(
    conn: sa.Connection, proposal_id: str, *, market_at: datetime, desk_at: datetime
) -> None:
    """Tell people of shares that would have a stop, had what they signed been sent."""
    signed = sa.select(legs).where(
        legs.c.proposal_id == proposal_id, legs.c.reduces, protective(legs)
    )
    for leg in conn.execute(signed).all():
        bare = min(stops.without(conn, leg.symbol, leg.side), leg.quantity)
        if bare > 0:
            alerts.raise_once(
                conn,
                severity="critical",
                kind="stop_refused",
                subject=leg.symbol,
                message=f"{shares(bare)} {leg.symbol} have no stop by the order that was signed "
                f"for them. {_NOT_SENT} Protect them anew under Approvals, or sell them.",
                desk_at=desk_at,
                market_at=market_at,
            )


def lapse(conn: sa.Connection, proposal_id: str, *, sentence: str, desk_at: datetime) -> bool:
    """End a proposal of which nothing was sent, saying why; True when it was this call."""
    return _end(conn, proposal_id, "lapsed", "proposal.lapse", sentence, desk_at, actor="desk")


def withdraw(
    conn: sa.Connection, proposal_id: str, *, person_id: str, sentence: str, desk_at: datetime
) -> bool:
    """Take a whole proposal back until it is being sent; True when it was this call.

    Raises
    ------
    NotAllowedError
        If the person is neither the one who entered it nor an active signatory or admin.
    """
    person, found = people.by_id(conn, person_id), filed.by_id(conn, proposal_id)
    owns = found is not None and found.entered_by == person_id
    if person is None or not (
        person.active and (owns or person.may("signatory") or person.may("admin"))
    ):
        raise NotAllowedError(
            "Withdrawing a proposal needs the role signatory or admin, or to have entered it."
        )
    return _end(
        conn, proposal_id, "withdrawn", "proposal.withdraw_all", sentence, desk_at, actor=person_id
    )


def _add_legs(conn: sa.Connection, proposal: Proposal) -> None:
    conn.execute(
        sa.insert(legs),
        [
            asdict(leg)
            | {
                "leg_id": new_id(),
                "proposal_id": proposal.proposal_id,
                "tactic": json.loads(canonical_bytes(leg.content())).get("tactic"),
            }
            for leg in proposal.legs
        ],
    )


def _lock_trades(conn: sa.Connection, proposal: Proposal) -> None:
    trades = {(leg.symbol, leg.side) for leg in proposal.legs}
    lock_trades(conn, proposal.session, proposal.account_id, trades)


def lock_trades(
    conn: sa.Connection, session: date, account_id: str, trades: Collection[tuple[str, str]]
) -> None:
    """Keep every other transaction off these symbols and sides of a session until this ends.

    Always taken before any row, and in one order, so that no two can wait for each other.
    """
    for symbol, side in sorted(trades):
        conn.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"),
            {"name": f"{session} {account_id} {symbol} {side}"},
        )


def _same(conn: sa.Connection, proposal: Proposal) -> str | None:
    """Return the proposal's id if the ledger has it already, with the same content."""
    found = filed.by_id(conn, proposal.proposal_id)
    if found is None:
        return None
    if found.content_hash != proposal.canonical()[1]:
        raise ContentMismatchError(
            f"Proposal {proposal.proposal_id} is stored with another content. Draft a changed "
            "proposal under a new id."
        )
    return found.proposal_id


def _known(conn: sa.Connection, proposal: Proposal) -> str | None:
    """Return the id of the proposal this one repeats, if any."""
    same = _same(conn, proposal)
    if same is not None:
        return same
    if proposal.entered_by is not None:
        return None
    wanted = sa.tuple_(legs.c.symbol, legs.c.side).in_(
        sorted({(leg.symbol, leg.side) for leg in proposal.legs})
    )
    return conn.scalar(
        sa.select(proposals.c.proposal_id)
        .where(
            proposals.c.session == proposal.session,
            proposals.c.environment == proposal.environment,
            proposals.c.account_id == proposal.account_id,
            proposals.c.strategy == proposal.strategy,
            proposals.c.entered_by.is_(None),
            sa.exists().where(legs.c.proposal_id == proposals.c.proposal_id, wanted),
            sa.or_(
                proposals.c.state.in_(("open", "signed")),
                sa.and_(
                    proposals.c.model_version.is_not_distinct_from(proposal.model_version),
                    proposals.c.state != "superseded",
                ),
            ),
        )
        .order_by(proposals.c.created_at.desc(), proposals.c.proposal_id)
        .limit(1)
    )


def _insert(conn: sa.Connection, proposal: Proposal, desk_at: datetime) -> str:
    stored, digest = proposal.canonical()
    state = "denied" if proposal.is_denied else "open"
    made = conn.execute(
        insert(proposals)
        .values(
            **{name: getattr(proposal, name) for name in filed.COPIED},
            state=state,
            content=stored,
            content_hash=digest,
            hash_version=HASH_VERSION,
            created_at=desk_at,
        )
        .on_conflict_do_nothing()
        .returning(proposals.c.proposal_id)
    ).one_or_none()
    if made is None:
        raise RetryError(
            f"Another proposal bears the code {proposal.code}. Draft this one with a new id."
        )
    _add_legs(conn, proposal)
    _told(
        conn,
        proposal.proposal_id,
        "proposal.record",
        desk_at,
        {"code": proposal.code, "content_hash": digest, "state": state},
        actor=proposal.entered_by or "desk",
    )
    return proposal.proposal_id


def _unsent() -> tuple[sa.ColumnElement[bool], ...]:
    return (proposals.c.state.in_(("open", "signed")), proposals.c.sending_at.is_(None))


def _end(
    conn: sa.Connection,
    proposal_id: str,
    state: str,
    action: str,
    sentence: str,
    desk_at: datetime,
    *,
    actor: str,
) -> bool:
    changed = conn.execute(
        sa.update(proposals)
        .where(proposals.c.proposal_id == proposal_id, *_unsent())
        .values(state=state, decided_at=desk_at, note=sentence)
    ).rowcount
    if changed:
        _told(conn, proposal_id, action, desk_at, {"sentence": sentence}, actor=actor)
    return bool(changed)


def _told(
    conn: sa.Connection,
    subject: str,
    action: str,
    at: datetime,
    payload: dict[str, Content],
    *,
    actor: str = "desk",
) -> None:
    audit.append(conn, at=at, actor=actor, action=action, subject=subject, payload=payload)
