"""Rules looked at, and alerts taken to people: once each, to more of them while nobody answers."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.alerts import Channel, ChannelError, Message, from_settings
from config import alerts as alerts_file
from ledger import alert_deliveries, alert_figures, alert_rules, alerts, market
from ledger.alert_deliveries import LOG, Due
from trading.alerting import MEASURES, Rule, holding
from worker.desk import Desk
from worker.loop import Task

log = logging.getLogger(__name__)

_RULES_SECONDS = 5.0
_DELIVERY_SECONDS = 3.0
_AT_ONCE = 10  # messages a look, so that a storm does not hold the worker
_ACTOR = "alerts"
_CHANNEL_FAILED = "alert_channel_failed"
_LEVELS = {"note": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}


def tasks(desk: Desk) -> list[Task]:
    """Return what alerts need of a worker."""
    built_in = alert_rules.built_in(alerts_file.load())
    return [
        Task("alert rules", Watcher(desk, built_in, desk.clock.now()).look, _RULES_SECONDS),
        Task("alert deliveries", Courier(desk).deliver, _DELIVERY_SECONDS),
    ]


@dataclass
class Watcher:
    """Raises an alert for each rule that holds, and ends those that hold no more."""

    desk: Desk
    built_in: list[Rule]
    since: datetime

    def look(self) -> None:
        """Compare every rule with its figures, once."""
        desk_at = self.desk.clock.now()
        with self.desk.engine.begin() as conn:
            figures = alert_figures.figures(conn, desk_at=desk_at, watched_since=self.since)
            rules = [*self.built_in, *alert_rules.active(conn)]
            mine = [rule for rule in rules if MEASURES[rule.measure].source == "worker"]
            alerts.watch(
                conn,
                holding(mine, figures),
                looked_at=figures,
                rules=mine,
                desk_at=desk_at,
                market_at=_market_at(conn),
                actor=_ACTOR,
            )


@dataclass
class Courier:
    """Takes alerts to the log and the channels."""

    desk: Desk
    channels: dict[str, Channel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.channels:
            self.channels = from_settings(self.desk.settings.alerts)

    def deliver(self) -> None:
        """Send what is due, at most ten messages."""
        told, desk_at = self.desk.settings.alerts, self.desk.clock.now()
        with self.desk.engine.connect() as conn:
            waiting = alert_deliveries.due(
                conn,
                list(self.channels),
                severity=told.severity,
                escalate_after=timedelta(minutes=told.escalate_minutes),
                desk_at=desk_at,
            )
        for what in waiting[:_AT_ONCE]:
            self._send(what)

    def _send(self, what: Due) -> None:
        with self.desk.engine.begin() as conn:
            if not alert_deliveries.begin(conn, what, desk_at=self.desk.clock.now()):
                return
        failure = None
        try:
            self._hand_over(what)
        except ChannelError as e:
            failure = str(e)
        with self.desk.engine.begin() as conn:
            desk_at = self.desk.clock.now()
            alert_deliveries.finish(conn, what, desk_at=desk_at, failure=failure)
            if what.channel != LOG:
                _note_channel(conn, what.channel, failure, desk_at)

    def _hand_over(self, what: Due) -> None:
        if what.channel == LOG:
            alert = what.alert
            log.log(_LEVELS[alert.severity], "ALERT %s %s: %s", *_named(alert))
        else:
            self.channels[what.channel].send(
                message(what.alert, origin=self.desk.settings.dashboard.origin)
            )


def message(alert: alerts.Alert, *, origin: str) -> Message:
    """Return an alert as it leaves the desk."""
    at = f"{alert.raised_at:%a %d %b %Y %H:%M:%S} UTC"
    if alert.market_at is not None:
        at += f", market time {alert.market_at:%a %d %b %Y %H:%M} UTC"
    return Message(
        severity=alert.severity,
        text=alert.message,
        kind=alert.kind,
        subject=alert.subject,
        at=at,
        link=f"{origin}/alerts",
    )


def _named(alert: alerts.Alert) -> tuple[Any, ...]:
    return alert.severity, alert.kind, alert.message


def _note_channel(
    conn: sa.Connection, channel: str, failure: str | None, desk_at: datetime
) -> None:
    """A channel that fails is itself an alert, told by the others."""
    subject = alert_deliveries.about(channel)
    if failure is None:
        alerts.over(
            conn, noticed_by=f"{_ACTOR}:{channel}", still=(), desk_at=desk_at,
            kinds=(_CHANNEL_FAILED,),
        )  # fmt: skip
        return
    alerts.raise_once(
        conn,
        severity="warning",
        kind=_CHANNEL_FAILED,
        subject=subject,
        message=f"Alerts do not go out by {channel}: {failure}",
        desk_at=desk_at,
        actor=f"{_ACTOR}:{channel}",
        condition=failure,
    )


def _market_at(conn: sa.Connection) -> datetime | None:
    clock = market.latest_clock(conn)
    return None if clock is None else clock.now
