"""Bookings, corrected executions, alerts and their rules, closed legs, as the log tells of them.

Each of them decides something: what is held, whether an order may be sent, whether a person has
seen what went wrong. The desk writes them together with a row of the log.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from ledger.retold import Place, figure_text, rows
from ledger.tables import alert_rules, alerts, bookings, fills, legs
from trading.canonical import utc_text

_Told = Mapping[str, Any]


def differences(conn: sa.Connection) -> Iterator[Place]:
    """Yield every booking, correction, alert and closed leg that the log tells otherwise."""
    yield from _bookings(conn)
    yield from _corrections(conn)
    yield from _alerts(conn)
    yield from _rules(conn)
    yield from _closed(conn)


def _bookings(conn: sa.Connection) -> Iterator[Place]:
    told = {str(row.payload.get("booking_id")): row.payload for row in rows(conn, "account.")}
    stored = {
        kept.booking_id: {
            "booking_id": kept.booking_id,
            "kind": kept.kind,
            "symbol": kept.symbol,
            "day": kept.day.isoformat(),
            "quantity": figure_text(kept.quantity),
            "cash": figure_text(kept.cash),
        }
        | _by_a_person(kept)
        for kept in conn.execute(sa.select(bookings))
    }
    yield from _compared("booking", stored, told)


def _by_a_person(kept: sa.Row[Any]) -> dict[str, Any]:
    """What a correction has beyond a booking of the broker's."""
    if kept.market_at is None:
        return {}
    return {
        "price": figure_text(kept.price),
        "market_at": utc_text(kept.market_at),
        "person_id": kept.person_id,
        "reason": kept.reason,
    }


def _corrections(conn: sa.Connection) -> Iterator[Place]:
    """Executions that the broker took back or changed; the others the broker itself tells."""
    taken_back: set[str] = set()
    corrected: dict[str, tuple[object, object]] = {}
    for row in rows(conn, "fill."):
        if row.action == "fill.bust":
            taken_back.add(row.subject)
        elif row.action == "fill.restore":
            taken_back.discard(row.subject)
        else:
            corrected[row.subject] = (row.payload.get("quantity"), row.payload.get("price"))
    query = sa.select(fills).where(
        sa.or_(
            fills.c.busted_at.is_not(None), fills.c.execution_id.in_(taken_back | set(corrected))
        )
    )
    found = {kept.execution_id: kept for kept in conn.execute(query)}
    for name in sorted(found.keys() | taken_back | corrected.keys()):
        kept = found.get(name)
        now = None if kept is None else (figure_text(kept.quantity), figure_text(kept.price))
        gone = kept is not None and kept.busted_at is not None
        if gone != (name in taken_back) or (name in corrected and corrected[name] != now):
            yield Place(f"execution {name}", f"Execution {name} is not as the log tells.")


def _alerts(conn: sa.Connection) -> Iterator[Place]:
    told: dict[str, dict[str, Any]] = {}
    for row in rows(conn, "alert."):
        if row.action == "alert.raise":
            names = ("kind", "severity", "about", "message")
            told[row.subject] = {name: row.payload.get(name) for name in names}
            told[row.subject] |= {"by": None, "closed": False}
        elif row.action != "alert.over" and row.subject in told:
            by = row.actor if row.action == "alert.acknowledge" else None
            told[row.subject] |= {"by": by, "closed": True}
    stored = {
        kept.alert_id: {
            "kind": kept.kind,
            "severity": kept.severity,
            "about": kept.subject,
            "message": kept.message,
            "by": kept.acknowledged_by,
            "closed": kept.acknowledged_at is not None,
        }
        for kept in conn.execute(sa.select(alerts))
    }
    yield from _compared("alert", stored, told)


def _rules(conn: sa.Connection) -> Iterator[Place]:
    told: dict[str, dict[str, Any]] = {}
    for row in rows(conn, "alert_rule."):
        if row.action == "alert_rule.make":
            names = ("severity", "threshold")
            told[row.subject] = {name: row.payload.get(name) for name in names}
            told[row.subject] |= {"made_by": row.actor, "retired_by": None}
        elif row.subject in told:
            told[row.subject]["retired_by"] = row.actor
    stored = {
        kept.rule_id: {
            "severity": kept.severity,
            "threshold": figure_text(kept.threshold),
            "made_by": kept.made_by,
            "retired_by": kept.retired_by,
        }
        for kept in conn.execute(sa.select(alert_rules))
    }
    yield from _compared("alert rule", stored, told)


def _closed(conn: sa.Connection) -> Iterator[Place]:
    told = {
        row.subject: (row.payload.get("code"), row.payload.get("sentence"))
        for row in rows(conn, "leg.close")
    }
    for kept in conn.execute(sa.select(legs).order_by(legs.c.leg_id)):
        now = None if kept.closed_at is None else (kept.closed_code, kept.closed_sentence)
        said = told.get(kept.leg_id)
        if now != said:
            ended = "open" if said is None else f"ended with {said[0]}"
            yield Place(f"leg {kept.leg_id}", f"Leg {kept.leg_id}: the log says it is {ended}.")


def _compared(what: str, stored: Mapping[str, _Told], told: Mapping[str, _Told]) -> Iterator[Place]:
    for name in sorted(stored.keys() | told.keys()):
        if stored.get(name) == told.get(name):
            continue
        said = "is not as the log tells"
        if name not in told:
            said = "is not in the log: it was added past the desk"
        elif name not in stored:
            said = "is in the log and gone"
        yield Place(f"{what} {name}", f"{what.capitalize()} {name} {said}.")
