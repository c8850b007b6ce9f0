"""Every row that the log tells of, altered, added or taken out past the desk, is named."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from config import limits as limits_file
from countersign.drill.ledger_side import unsound
from countersign.processes.postgres import Cluster
from ledger import (
    alert_rules,
    alerts,
    audit,
    bookings,
    engine,
    fills,
    new_id,
    orders,
    overrides,
    people,
    position_corrections,
    tables,
)
from ledger.desk import DeskLedger
from ledger.migrate import upgrade
from tests.integration.ledger.cases import NOON, OPEN, Case, proposed
from tests.integration.ledger.past import AT, Past, lived
from tests.servers import fresh_database
from trading.alerting import Rule
from trading.broker import BrokerBooking, BrokerFill
from trading.limits import Override
from trading.orders import Fill
from trading.positions import Lot

D = Decimal
WEEK = NOON + timedelta(days=7)
BOOKINGS = ["booking correction-r-MSFT", "booking dividend-1", "booking split-1"]
WHY = "The new strategy holds fewer names."
SPLIT = BrokerBooking("split-1", "split", "IBM", date(2012, 7, 3), D(25), D(0))
DIVIDEND = BrokerBooking("dividend-1", "dividend", "IBM", date(2012, 7, 3), D(0), D("18.75"))


@pytest.fixture(scope="module")
def past(postgres_server: Cluster) -> Iterator[Past]:
    """Every change to it is taken back."""
    with fresh_database(postgres_server) as dsn:
        upgrade(dsn)
        made = engine(dsn, pool_size=5)
        told = lived(made)
        limits_and_people(told.case)
        executions_and_alerts(told)
        a_leg_without_order(told.case)
        yield told
        made.dispose()


def limits_and_people(case: Case) -> None:
    limits = limits_file.load()
    with case.ledger.begin() as conn:
        maria = people.by_id(conn, case.person["Maria"])
        assert maria is not None
        for name, value in (
            ("position_share", "0.08"),
            ("position_share", "0.1"),
            ("collar", "0.02"),
        ):
            overrides.make(
                conn, maria, Override(name, D(value), WEEK), account_id="PA1", reason=WHY,
                limits=limits, desk_at=case.desk_at(),
            )  # fmt: skip
        overrides.revoke(
            conn, maria, "collar", account_id="PA1", reason=WHY, desk_at=case.desk_at()
        )
        made = people.add(
            conn, login="eve", display_name="Eve", roles=("viewer",), desk_at=case.desk_at(),
            password="correct horse battery",
        )  # fmt: skip
        people.set_password(
            conn, person_id=made.person_id, password="correct horse staple",
            changed_by=case.person["Maria"], desk_at=case.desk_at(),
        )  # fmt: skip
    case.set_roles("Ann", "analyst", "steward")


def executions_and_alerts(told: Past) -> None:
    case, person = told.case, told.case.person["Ann"]
    with case.ledger.begin() as conn:
        conn.execute(
            sa.update(tables.orders)
            .where(tables.orders.c.client_order_id == told.sent)
            .values(broker_order_id="b-1")
        )
        first, second = (execution(told.sent, f"x{n}") for n in (1, 2))
        fills.add(conn, [first, second], at=AT)
        fills.bust(conn, ["x1", "x2"], at=AT)
        fills.add(conn, [second], at=AT)  # the broker tells it again
        fills.correct(conn, execution(told.sent, "x2", price="195.70"), at=AT)
        bookings.add(conn, [SPLIT, DIVIDEND], at=AT)
        maria = people.by_id(conn, case.person["Maria"])
        assert maria is not None
        shown = position_corrections.Differing("MSFT", D(0), D(7), None)
        position_corrections.book(
            conn, maria, [shown], told={"MSFT": Lot(D(7), D("30.60"))}, reason=WHY,
            request_id="r", market_at=OPEN, desk_at=case.desk_at(),
        )  # fmt: skip
        seen, cleared = (
            alerts.raise_once(
                conn, severity="critical", kind=kind, subject="IBM", message="Look at it.",
                desk_at=case.desk_at(), market_at=OPEN, actor="watch",
            )
            for kind in ("stop_passed", "unknown_order")
        )  # fmt: skip
        assert seen is not None
        assert cleared is not None
        alerts.acknowledge(conn, alert_id=seen.alert_id, person_id=person, desk_at=case.desk_at())
        alerts.clear(
            conn, kind="unknown_order", subject="IBM", desk_at=case.desk_at(), actor="watch"
        )
        rule = Rule("", "drawdown", "", "above", D("0.05"), "warning")
        alert_rules.add(conn, rule, person_id=person, desk_at=case.desk_at())


def a_leg_without_order(case: Case) -> None:
    """A signed leg that was not sent, for a recorded reason."""
    unsent = proposed("FB", limit="30.50", reference="30.45")
    case.record(unsent)
    case.sign(unsent, "Maria")
    with case.ledger.connect() as conn:
        leg = conn.scalar(
            sa.select(tables.legs.c.leg_id).where(tables.legs.c.proposal_id == unsent.proposal_id)
        )
    DeskLedger(case.ledger).close_leg(str(leg), code="collar", sentence="Too far.", at=AT)


def execution(name: str, identity: str, *, price: str = "195.80") -> BrokerFill:
    return BrokerFill(
        fill=Fill(identity, D(5), D(price)), broker_order_id="b-1", client_order_id=name,
        symbol="IBM", side="buy", fee=D(0), market_at=OPEN,
    )  # fmt: skip


def test_an_honest_past_holds(past: Past) -> None:
    assert past.changed() == []


def of(login: str) -> sa.ColumnElement[bool]:
    return tables.people.c.login == login


@pytest.mark.parametrize(
    ("login", "changed"),
    [
        ("vic", {"roles": ["viewer", "signatory"]}),
        ("ann", {"roles": ["analyst"]}),
        ("eve", {"active": False}),
        ("eve", {"password_hash": "$argon2id$another"}),
        ("maria", {"password_hash": "$argon2id$of somebody who is the system's user"}),
        ("eve", {"origin": "oidc"}),
    ],
    ids=str,
)
def test_a_person_who_was_made_another_is_named(
    past: Past, login: str, changed: dict[str, object]
) -> None:
    assert past.changed(sa.update(tables.people).where(of(login)).values(changed)) == [
        f"person {login}"
    ]


def test_people_added_or_taken_out_are_named(past: Past) -> None:
    added = sa.insert(tables.people).values(
        person_id=new_id(), login="mallory", display_name="M", roles=["signatory"], origin="os",
        active=True, created_at=NOON,
    )  # fmt: skip

    assert past.changed(added) == ["person mallory"]
    assert past.changed(sa.delete(tables.people).where(of("vic"))) == ["person vic"]


def on(name: str) -> sa.ColumnElement[bool]:
    return tables.limit_overrides.c.name == name


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("position_share", {"value": D("0.2")}),
        ("position_share", {"expires_at": WEEK + timedelta(days=3650)}),
        ("position_share", {"revoked_at": NOON}),
        ("position_share", {"reason": "Another reason than the one given."}),
        ("collar", {"revoked_at": None}),
        ("collar", {"account_id": "PA2"}),
    ],
    ids=str,
)
def test_a_changed_limit_that_was_altered_is_named(
    past: Past, name: str, changed: dict[str, object]
) -> None:
    places = past.changed(sa.update(tables.limit_overrides).where(on(name)).values(changed))

    assert set(places) == {f"limit {name}"}


def test_a_limit_nobody_changed_and_one_taken_out_are_named(past: Past) -> None:
    added = sa.insert(tables.limit_overrides).values(
        override_id=new_id(), account_id="PA1", name="order_notional", value=D(10**9), reason=WHY,
        person_id=past.case.person["Maria"], created_at=NOON, expires_at=WEEK,
    )  # fmt: skip

    assert past.changed(added) == ["limit order_notional"]
    assert past.changed(sa.delete(tables.limit_overrides).where(on("collar"))) == ["limit collar"]


@pytest.mark.parametrize(
    ("table", "changed", "places"),
    [
        (tables.bookings, {"quantity": D(26)}, BOOKINGS),
        (tables.bookings, {"cash": D(1)}, BOOKINGS),
        (tables.bookings, {"reason": "It was so."}, BOOKINGS[:1]),
        (tables.bookings, {"price": D(31)}, BOOKINGS[:1]),
        (tables.fills, {"busted_at": None}, ["execution x1"]),
        (tables.fills, {"busted_at": NOON}, ["execution x2"]),
        (tables.fills, {"price": D("195.71")}, ["execution x2"]),
        (tables.alerts, {"acknowledged_at": None}, ["alert"]),
        (tables.alerts, {"severity": "warning"}, ["alert"]),
        (tables.alert_rules, {"threshold": D("0.5")}, ["alert rule"]),
        (tables.alert_rules, {"retired_by": "x"}, ["alert rule"]),
    ],
    ids=str,
)
def test_what_the_account_and_people_said_cannot_be_altered_unnoticed(
    past: Past, table: sa.Table, changed: dict[str, object], places: list[str]
) -> None:
    if "retired_by" in changed:
        changed = {"retired_by": past.case.person["Jan"], "retired_at": NOON}
    found = past.changed(sa.update(table).values(changed))

    kinds = {where.rpartition(" ")[0] if where.startswith("alert") else where for where in found}
    assert sorted(kinds) == places


def test_an_acknowledgement_in_another_s_name_and_a_lost_alert_are_named(past: Past) -> None:
    seen = tables.alerts.c.acknowledged_by.is_not(None)
    by_jan = sa.update(tables.alerts).where(seen).values(acknowledged_by=past.case.person["Jan"])
    (place,) = past.changed(by_jan)

    assert place.startswith("alert ")
    assert past.changed(sa.delete(tables.alerts).where(seen)) == [place]


def test_a_leg_that_was_opened_again_or_ended_past_the_desk_is_named(past: Past) -> None:
    ended = tables.legs.c.closed_at.is_not(None)
    (place,) = past.changed(sa.update(tables.legs).where(ended).values(closed_at=None))
    assert place.startswith("leg ")
    assert place in past.changed(sa.update(tables.legs).values(closed_code="expired"))


def test_an_order_that_is_not_its_leg_s_trade_is_named(past: Past) -> None:
    for changed in (
        {"symbol": "MSFT"}, {"side": "sell"}, {"limit_price": D("205.00")},
        {"stop_loss_price": D("100")}, {"order_type": "market"},
    ):  # fmt: skip
        places = past.changed(sa.update(tables.orders).values(changed))
        assert places == [f"order {past.sent}"], changed


def test_a_stop_that_took_another_s_place_is_told_from_its_intent_on(past: Past) -> None:
    """The log says `order.renew` of it: it is intended then, and of those shares at that price."""
    with past.case.ledger.connect() as conn:
        entry = orders.by_id(conn, past.sent)
    assert entry is not None
    row = {"client_order_id": "cs-stop", "attempt": 1001, "parent_client_order_id": past.sent}
    row |= {"order_type": "stop", "side": "sell", "stop_price": D("186.71"), "limit_price": None}
    row |= {"state": "intended", "broker_order_id": None}

    def renewed(conn: sa.Connection, **changed: object) -> None:
        from_entry = conn.execute(sa.select(tables.orders)).mappings().one()
        conn.execute(sa.insert(tables.orders).values({**from_entry, **row, **changed}))

    def told(conn: sa.Connection) -> None:
        renewed(conn)
        told_only(conn)

    def told_only(conn: sa.Connection) -> None:
        audit.append(
            conn, at=NOON, actor="run/2", action="order.renew", subject="cs-stop",
            payload={
                "proposal": entry.proposal_id, "instead_of": "cs-old", "quantity": entry.quantity,
                "stop_price": D("186.71"), "build": "b1",
            },
        )  # fmt: skip

    def at_another_price(conn: sa.Connection) -> None:
        renewed(conn, stop_price=D("150"))
        told_only(conn)

    assert past.changed(told) == []
    assert past.changed(renewed) == ["order cs-stop"]  # nobody intended it
    assert past.changed(told_only) == ["order cs-stop"]  # intended, and gone
    assert past.changed(at_another_price) == ["order cs-stop"]


def test_a_drill_counts_what_the_log_tells_otherwise_but_for_the_legs_it_altered(
    past: Past,
) -> None:
    mine = tables.proposals.c.state == "open"
    with past.case.ledger.connect() as conn, conn.begin() as work:
        code, proposal_id = conn.execute(
            sa.select(tables.proposals.c.code, tables.proposals.c.proposal_id).where(mine)
        ).first() or ("", "")
        assert unsound(conn) == []
        altered = sa.update(tables.legs).where(tables.legs.c.proposal_id == proposal_id)
        conn.execute(altered.values(quantity=tables.legs.c.quantity + 1))
        conn.execute(sa.update(tables.people).where(of("vic")).values(roles=["admin"]))
        found, but_for_its_own = unsound(conn), unsound(conn, tampered={code})
        work.rollback()

    assert {one.subject for one in found} == {f"proposal {code}", "person vic"}
    assert [(one.kind, one.subject) for one in but_for_its_own] == [("unexplained", "person vic")]
