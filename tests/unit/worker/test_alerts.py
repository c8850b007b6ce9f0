"""Rules raise alerts, alerts reach people through real servers, and nobody is told twice."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
import sqlalchemy as sa

from config import alerts as alerts_file
from config.alerts import AlertSettings
from ledger import alert_deliveries, alert_rules, alerts, audit, heartbeats, market
from tests.integration.sending.desk import StandingClock
from tests.unit.adapters_alerts.receivers import Mails, Posts, mail_server, webhook
from tests.unit.worker.desks import NOON, OPEN, WorkerDesk
from trading.alerting import Rule
from trading.errors import NotAllowedError
from worker.alerts import Courier, Watcher

D = Decimal
PRICE = Rule("", "last_price", "IBM", "below", D(190), "warning")


def forward(at_work: WorkerDesk, **span: float) -> None:
    clock = cast("StandingClock", at_work.desk.clock)
    clock.forward(timedelta(**span).total_seconds())


def quoted(at_work: WorkerDesk, price: str) -> None:
    with at_work.desk.engine.begin() as conn:
        market.record_quotes(
            conn,
            [
                market.Quote(
                    symbol="IBM", bid=None, ask=None, last=D(price), quoted_at=OPEN,
                    received_at=NOON,
                )
            ],
        )  # fmt: skip


def made(at_work: WorkerDesk, rule: Rule = PRICE, *, by: str = "maria") -> Rule:
    with at_work.desk.engine.begin() as conn:
        return alert_rules.add(conn, rule, person_id=at_work.people[by], desk_at=NOON)


def open_alerts(at_work: WorkerDesk) -> list[str]:
    with at_work.desk.engine.connect() as conn:
        return [alert.message for alert in alerts.unacknowledged(conn)]


def acknowledge_all(at_work: WorkerDesk) -> None:
    with at_work.desk.engine.begin() as conn:
        for alert in alerts.unacknowledged(conn):
            alerts.acknowledge(
                conn, alert_id=alert.alert_id, person_id=at_work.people["maria"],
                desk_at=at_work.desk.clock.now(),
            )  # fmt: skip


def watching(at_work: WorkerDesk, *rules: Rule) -> Watcher:
    return Watcher(at_work.desk, list(rules), NOON)


def test_a_rule_holds_beyond_its_threshold_and_only_there(at_work: WorkerDesk) -> None:
    made(at_work)
    watcher = watching(at_work)

    quoted(at_work, "190")
    watcher.look()
    assert open_alerts(at_work) == []
    quoted(at_work, "189.99")
    watcher.look()
    watcher.look()

    assert open_alerts(at_work) == ["IBM: last price is 189.99 USD, below 190.00 USD."]


def test_an_acknowledged_condition_stays_so_while_it_lasts(at_work: WorkerDesk) -> None:
    made(at_work)
    watcher = watching(at_work)
    quoted(at_work, "189")
    watcher.look()
    acknowledge_all(at_work)

    for price in ("188", "187.50", "189.90"):  # the figure moves, the condition is the same
        forward(at_work, minutes=30)
        quoted(at_work, price)
        watcher.look()
        assert open_alerts(at_work) == []
    with at_work.desk.engine.connect() as conn:
        assert len(alerts.lasting(conn)) == 1

    quoted(at_work, "191")
    watcher.look()
    forward(at_work, minutes=9)
    quoted(at_work, "189")
    watcher.look()
    assert open_alerts(at_work) == []  # it fluttered about the threshold

    quoted(at_work, "191")
    watcher.look()
    forward(at_work, minutes=11)
    quoted(at_work, "189")
    watcher.look()
    assert len(open_alerts(at_work)) == 1


def test_a_condition_that_ends_unseen_stays_open_for_people(at_work: WorkerDesk) -> None:
    made(at_work)
    watcher = watching(at_work)
    quoted(at_work, "189")
    watcher.look()
    quoted(at_work, "195")
    watcher.look()

    with at_work.desk.engine.connect() as conn:
        (alert,) = alerts.unacknowledged(conn)
        assert alert.over_at is not None
        assert audit.verify(conn) is None


def test_a_retired_rule_ends_its_condition_and_is_watched_no_more(at_work: WorkerDesk) -> None:
    rule = made(at_work)
    quoted(at_work, "189")
    watching(at_work).look()
    acknowledge_all(at_work)
    with at_work.desk.engine.begin() as conn:
        person = at_work.people["maria"]
        assert alert_rules.retire(conn, rule.rule_id, person_id=person, desk_at=NOON)
        assert not alert_rules.retire(conn, rule.rule_id, person_id=person, desk_at=NOON)
    watching(at_work).look()

    with at_work.desk.engine.connect() as conn:
        assert alerts.lasting(conn) == []
        made_and_retired = {row.action for row in audit.entries(conn, subject=rule.rule_id)}
    assert made_and_retired == {"alert_rule.make", "alert_rule.retire"}


def test_a_viewer_makes_no_rule_and_a_rule_watches_what_there_is(at_work: WorkerDesk) -> None:
    with pytest.raises(NotAllowedError):
        made(at_work, by="eva")
    with pytest.raises(ValueError, match="last_price"):
        made(at_work, replace(PRICE, measure="mood"))
    with pytest.raises(ValueError, match="figure of the desk"):
        made(at_work, replace(PRICE, measure="drawdown"))


def test_a_process_that_falls_silent_is_told_of_but_not_its_time_before_the_watch(
    at_work: WorkerDesk,
) -> None:
    rules = [r for r in alert_rules.built_in(alerts_file.load()) if r.rule_id == "silent_process"]
    with at_work.desk.engine.begin() as conn:
        heartbeats.beat(conn, "feed", 7, "b", NOON - timedelta(hours=9))
    watcher = watching(at_work, *rules)

    watcher.look()
    assert open_alerts(at_work) == []
    forward(at_work, seconds=61)
    watcher.look()

    assert open_alerts(at_work) == [
        "Feed: time without a sign of life is 61 seconds, above 60 seconds."
    ]


def told(posts: Posts, mails: Mails, **more: Any) -> AlertSettings:
    return AlertSettings.model_validate(
        {
            "webhook_url": posts.url, "smtp_host": "127.0.0.1", "smtp_port": mails.port,
            "smtp_security": "none", "mail_from": "desk@example.com",
            "mail_to": "maria@example.com",
        }
        | more
    )  # fmt: skip


def courier(at_work: WorkerDesk, settings: AlertSettings) -> Courier:
    changed = at_work.desk.settings.model_copy(update={"alerts": settings})
    return Courier(replace(at_work.desk, settings=changed))


def raised(at_work: WorkerDesk, severity: str = "warning", subject: str = "IBM") -> None:
    with at_work.desk.engine.begin() as conn:
        alerts.raise_once(
            conn, severity=severity, kind="unknown_order", subject=subject,
            message=f"Somebody sells {subject}.", desk_at=at_work.desk.clock.now(),
        )  # fmt: skip


def test_an_alert_is_sent_once_and_goes_further_while_nobody_answers(at_work: WorkerDesk) -> None:
    with webhook() as posts, mail_server() as mails:
        carrier = courier(at_work, told(posts, mails))
        raised(at_work)
        raised(at_work, "note", "MSFT")
        for _ in range(3):
            carrier.deliver()
        assert ([len(posts.bodies), len(mails.letters)]) == [1, 0]

        forward(at_work, minutes=10)
        carrier.deliver()
        carrier.deliver()
        assert ([len(posts.bodies), len(mails.letters)]) == [1, 1]

        raised(at_work, subject="AAPL")
        acknowledge_all(at_work)
        forward(at_work, hours=1)
        carrier.deliver()
        assert ([len(posts.bodies), len(mails.letters)]) == [1, 1]


def test_a_channel_that_fails_is_an_alert_that_the_other_channel_tells(
    at_work: WorkerDesk,
) -> None:
    with webhook() as posts, mail_server() as mails:
        posts.status = 500
        carrier = courier(at_work, told(posts, mails))
        raised(at_work)
        carrier.deliver()  # the webhook fails
        carrier.deliver()  # so the letter goes at once, and one about the webhook

        assert len(posts.bodies) == 1
        assert sorted(letter["Subject"].strip() for letter in mails.letters) == [
            "WARNING: Alerts do not go out by webhook: The webhook answered HTTP 500.",
            "WARNING: Somebody sells IBM.",
        ]
        posts.status = 200
        forward(at_work, seconds=61)
        carrier.deliver()
        assert len(posts.bodies) == 2

        with at_work.desk.engine.connect() as conn:
            open_now = {alert.kind: alert for alert in alerts.unacknowledged(conn)}
            kept = {one.channel: one for one in alert_deliveries.latest(conn) if one.attempts > 1}
        assert open_now["alert_channel_failed"].over_at is not None
        assert (kept["webhook"].state, kept["webhook"].attempts) == ("sent", 2)


def test_a_channel_is_given_up_for_an_alert_after_five_attempts(at_work: WorkerDesk) -> None:
    with webhook() as posts, mail_server() as mails:
        posts.status = 503
        carrier = courier(at_work, told(posts, mails, channels="webhook"))
        raised(at_work)
        for _ in range(9):
            carrier.deliver()
            forward(at_work, minutes=20)

        assert len(posts.bodies) == alert_deliveries.ATTEMPTS


def test_what_a_killed_worker_was_sending_is_sent_again(at_work: WorkerDesk) -> None:
    with webhook() as posts, mail_server() as mails:
        carrier = courier(at_work, told(posts, mails))
        raised(at_work)
        with at_work.desk.engine.begin() as conn:
            begun = alert_deliveries.due(
                conn, ["webhook"], severity="warning", escalate_after=timedelta(minutes=10),
                desk_at=NOON,
            )  # fmt: skip
            assert [alert_deliveries.begin(conn, one, desk_at=NOON) for one in begun] == [True] * 2
            assert not alert_deliveries.begin(conn, begun[0], desk_at=NOON)
        carrier.deliver()
        assert posts.bodies == []

        forward(at_work, minutes=3)
        carrier.deliver()
        assert len(posts.bodies) == 1


def test_the_built_in_rules_watch_what_there_is(at_work: WorkerDesk) -> None:
    rules = alert_rules.built_in(alerts_file.load())
    watching(at_work, *rules).look()

    assert {rule.severity for rule in rules} <= {"note", "warning"}
    assert open_alerts(at_work) == []
    with at_work.desk.engine.connect() as conn:
        assert conn.scalar(sa.text("select count(*) from desk.alerts")) == 0
