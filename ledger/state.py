"""The trading state: ACTIVE, REDUCING or HALTED, and who set it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ledger import audit, people
from ledger.connection import new_id
from ledger.tables import trading_state, trading_state_events
from trading.errors import NotAllowedError
from trading.state import TradingState

SILENCE = "dead man's switch"
"""Who set a state that ends by itself; what anybody else wants takes its place."""
_SET = "trading_state.set"
_KEEP = "trading_state.keep"  # what is in force, or less, was asked for anew
# After these an earlier wish to relax counts no more, nor one to resume after a wish to reduce.
_DECISIONS = (_SET, _KEEP, "request.halt")
_REDUCES = ("request.reduce", "request.flatten")


@dataclass(frozen=True)
class StateNow:
    """The trading state in force."""

    state: TradingState
    reason: str
    set_by: str  # person id, or the process that tripped it
    set_at: datetime


@dataclass(frozen=True)
class StateEvent:
    """One change of the trading state."""

    from_state: TradingState
    to_state: TradingState
    reason: str
    set_by: str
    set_at: datetime


def current(conn: sa.Connection) -> StateNow:
    """Return the trading state in force."""
    return _now(conn.execute(sa.select(trading_state)).one())


def locked(conn: sa.Connection) -> StateNow:
    """Return the trading state and keep it from changing until this transaction ends."""
    return _now(conn.execute(sa.select(trading_state).with_for_update(read=True)).one())


def tighten(
    conn: sa.Connection,
    *,
    to: TradingState,
    reason: str,
    process: str,
    desk_at: datetime,
    anew: bool = True,
) -> StateNow:
    """Tighten the state on behalf of a process; a laxer or equal one changes nothing.

    Parameters
    ----------
    anew : bool
        Whether it has a new reason: then what was asked for before relaxes nothing any more.

    Returns
    -------
    StateNow
        In force afterwards.
    """
    now = _now(conn.execute(sa.select(trading_state).with_for_update()).one())
    if to.strictness < now.state.strictness or (to == now.state and now.set_by != SILENCE):
        if anew:
            _keep(conn, now.state, to=to, reason=reason, by=process, desk_at=desk_at)
        return now
    return _set(conn, now.state, to=to, reason=reason, set_by=process, desk_at=desk_at)


def change(
    conn: sa.Connection,
    *,
    to: TradingState,
    reason: str,
    person_id: str,
    desk_at: datetime,
    request_id: str | None = None,
) -> StateNow:
    """Set the state on behalf of a person, who alone may relax it.

    Parameters
    ----------
    request_id : str, optional
        The request that asks for it, where it had to wait to be carried out: it was decided when
        that was made.

    Raises
    ------
    NotAllowedError
        If no reason is given, or the person may not: any active analyst, signatory or
        admin may tighten, a signatory or admin may relax. Or if the request would relax
        a state that was set, or asked for anew, after it was made.
    """
    now = _now(conn.execute(sa.select(trading_state).with_for_update()).one())
    relaxes = to.strictness < now.state.strictness
    allowed = ("signatory", "admin") if relaxes else ("analyst", "signatory", "admin")
    person = people.by_id(conn, person_id)
    if person is None or not any(person.may(role) for role in allowed):
        raise NotAllowedError(
            f"Going from {now.state} to {to} needs one of the roles {', '.join(allowed)}."
        )
    if not reason.strip():
        raise NotAllowedError("Changing the trading state needs a reason.")
    later = _DECISIONS + (_REDUCES if to is TradingState.ACTIVE else ())
    if relaxes and request_id is not None and audit.is_followed(conn, request_id, by=later):
        raise NotAllowedError(
            f"After this was asked for, the desk was set to {now.state} or told again to stop or "
            f"reduce ({now.reason}). Look why it is {now.state} now, then ask again."
        )
    if to == now.state and now.set_by != SILENCE:
        if request_id is None:  # a request stands in the log itself
            _keep(conn, now.state, to=to, reason=reason, by=person_id, desk_at=desk_at)
        return now
    return _set(conn, now.state, to=to, reason=reason, set_by=person_id, desk_at=desk_at)


def take_back(conn: sa.Connection, *, process: str, reason: str, desk_at: datetime) -> None:
    """Let all trading pass again where it was this process that tightened the state in force."""
    if current(conn).set_by != process:  # asked often: nobody who sends should wait for it
        return
    now = _now(conn.execute(sa.select(trading_state).with_for_update()).one())
    if now.set_by == process and now.state is not TradingState.ACTIVE:
        _set(
            conn,
            now.state,
            to=TradingState.ACTIVE,
            reason=reason,
            set_by=process,
            desk_at=desk_at,
        )


def history(conn: sa.Connection, *, last: int = 50) -> list[StateEvent]:
    """Return the newest changes, newest first."""
    query = (
        sa.select(trading_state_events).order_by(trading_state_events.c.set_at.desc()).limit(last)
    )
    return [
        StateEvent(
            from_state=TradingState(row.from_state),
            to_state=TradingState(row.to_state),
            reason=row.reason,
            set_by=row.set_by,
            set_at=row.set_at,
        )
        for row in conn.execute(query)
    ]


def _set(
    conn: sa.Connection,
    before: TradingState,
    *,
    to: TradingState,
    reason: str,
    set_by: str,
    desk_at: datetime,
) -> StateNow:
    row = conn.execute(
        sa.update(trading_state)
        .values(state=to.value, reason=reason, set_by=set_by, set_at=desk_at)
        .returning(trading_state)
    ).one()
    conn.execute(
        sa.insert(trading_state_events).values(
            event_id=new_id(),
            from_state=before.value,
            to_state=to.value,
            reason=reason,
            set_by=set_by,
            set_at=desk_at,
        )
    )
    audit.append(
        conn,
        at=desk_at,
        actor=set_by,
        action=_SET,
        subject="trading_state",
        payload={"from": before.value, "to": to.value, "reason": reason},
    )
    return _now(row)


def _keep(
    conn: sa.Connection,
    state: TradingState,
    *,
    to: TradingState,
    reason: str,
    by: str,
    desk_at: datetime,
) -> None:
    """Note that somebody wants no less than what is in force, now."""
    audit.append(
        conn,
        at=desk_at,
        actor=by,
        action=_KEEP,
        subject="trading_state",
        payload={"state": state.value, "to": to.value, "reason": reason},
    )


def _now(row: sa.Row[tuple[object, ...]]) -> StateNow:
    return StateNow(
        state=TradingState(row.state), reason=row.reason, set_by=row.set_by, set_at=row.set_at
    )
