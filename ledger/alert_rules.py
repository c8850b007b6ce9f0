"""Alert rules: the built-in ones, and those that people make: kept, retired, never changed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from config.alerts import BuiltInRules
from ledger import audit, people
from ledger.alerts import ACKNOWLEDGERS
from ledger.connection import new_id
from ledger.tables import alert_rules
from trading.alerting import MEASURES, Rule, in_words, require_known, require_within_reach

_DEED = "Making or retiring a rule"


def built_in(told: BuiltInRules) -> list[Rule]:
    """Return the rules of the file as the desk watches them."""
    return [
        Rule(
            rule_id=name,
            measure=one.measure,
            subject=one.subject,
            comparison=one.comparison,
            threshold=one.threshold,
            severity=one.severity,
        )
        for name, one in told.rules.items()
    ]


def add(conn: sa.Connection, rule: Rule, *, person_id: str, desk_at: datetime) -> Rule:
    """Keep a person's rule under a new id; it is watched from the next look on.

    Raises
    ------
    NotAllowedError
        If the person is not active or a mere viewer.
    ValueError
        If it watches what is not a measure, or its threshold can never be crossed.
    """
    people.require(conn, person_id, ACKNOWLEDGERS, deed=_DEED)
    require_known(rule)
    require_within_reach(rule)
    made = Rule(**(vars(rule) | {"rule_id": new_id()}))
    conn.execute(sa.insert(alert_rules).values(**vars(made), made_by=person_id, made_at=desk_at))
    audit.append(
        conn,
        at=desk_at,
        actor=person_id,
        action="alert_rule.make",
        subject=made.rule_id,
        payload={"rule": in_words(made), "severity": made.severity, "threshold": made.threshold},
    )
    return made


def retire(conn: sa.Connection, rule_id: str, *, person_id: str, desk_at: datetime) -> bool:
    """Watch a rule no more; return whether it was watched until now.

    Raises
    ------
    NotAllowedError
        If the person is not active or a mere viewer.
    """
    people.require(conn, person_id, ACKNOWLEDGERS, deed=_DEED)
    row = conn.execute(
        sa.update(alert_rules)
        .where(alert_rules.c.rule_id == rule_id, alert_rules.c.retired_at.is_(None))
        .values(retired_by=person_id, retired_at=desk_at)
        .returning(alert_rules)
    ).one_or_none()
    if row is None:
        return False
    audit.append(
        conn,
        at=desk_at,
        actor=person_id,
        action="alert_rule.retire",
        subject=rule_id,
        payload={"rule": in_words(_rule(row))},
    )
    return True


def active(conn: sa.Connection) -> list[Rule]:
    """Return the rules that people made and nobody retired, oldest first."""
    # A measure that this code does not know was a newer code's: it must not stop the others.
    query = sa.select(alert_rules).where(
        alert_rules.c.retired_at.is_(None), alert_rules.c.measure.in_(MEASURES)
    )
    return [_rule(row) for row in conn.execute(query.order_by(alert_rules.c.rule_id))]


def _rule(row: sa.Row[Any]) -> Rule:
    return Rule(
        rule_id=row.rule_id,
        measure=row.measure,
        subject=row.subject,
        comparison=row.comparison,
        threshold=row.threshold,
        severity=row.severity,
    )
