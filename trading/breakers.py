"""Circuit breakers: what takes the desk out of ACTIVE without asking, and leaves it to a person.

Each trips once in an episode: a person who resumes with a reason has decided about that episode,
and the same one does not trip again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from config.limits import Limits
from trading.checks.exposure import drawdown
from trading.picture import AccountNow
from trading.state import TradingState
from trading.wording import money, percent


@dataclass(frozen=True)
class Circuit:
    """What the breakers look at; None is "nobody knows", and trips nothing by itself."""

    session: date
    market_at: datetime
    is_open: bool
    account: AccountNow | None
    feed_silent: timedelta | None  # wall time since the live feed's last word
    broker_silent: timedelta | None  # wall time since the broker last answered all questions
    alert_waits: timedelta | None  # wall time the oldest critical alert is unacknowledged
    alert_id: str | None = None


@dataclass(frozen=True)
class Trip:
    """One breaker that trips: the state it asks for, and why."""

    kind: str
    episode: str  # it trips once for each
    to: TradingState
    sentence: str


def trips(circuit: Circuit, limits: Limits) -> tuple[Trip, ...]:
    """Return every breaker whose condition holds, the sternest first.

    Parameters
    ----------
    circuit : Circuit
        The figures of one moment.
    limits : Limits
        Fractions of equity and wall seconds at which each trips.

    Returns
    -------
    tuple of Trip
        Empty while all is well.
    """
    found = [
        *_losses(circuit, limits),
        *_silence(circuit, limits),
        *_unheard(circuit, limits),
    ]
    return tuple(sorted(found, key=lambda trip: trip.to is not TradingState.HALTED))


def _losses(circuit: Circuit, limits: Limits) -> Iterator[Trip]:
    account = circuit.account
    if account is None:
        return
    lost, limit = _day_loss(account), limits.daily_loss_reduce
    if lost >= limit:
        yield Trip(
            "breaker_daily_loss",
            circuit.session.isoformat(),
            TradingState.REDUCING,
            f"The desk lost {percent(lost)} today; {percent(limit)} reduce it.",
        )
    fallen = drawdown(account)
    if fallen is None or account.peak is None:
        return
    for kind, to, limit in (
        ("breaker_drawdown_halt", TradingState.HALTED, limits.drawdown_halt),
        ("breaker_drawdown", TradingState.REDUCING, limits.drawdown_reduce),
    ):
        if fallen >= limit:
            yield Trip(
                kind,
                # By what it would be without transfers: one of them begins no other episode.
                f"peak {money(account.peak - account.paid_in)}",
                to,
                f"Equity is {percent(fallen)} below its peak of {money(account.peak)}; "
                f"{percent(limit)} make the desk {to}.",
            )


def _day_loss(account: AccountNow) -> Decimal:
    marks = [mark for mark in (account.last_equity, account.day_high) if mark is not None]
    best = max(marks, default=Decimal(0))
    return max((best - account.equity) / best, Decimal(0)) if best > 0 else Decimal(0)


def _silence(circuit: Circuit, limits: Limits) -> Iterator[Trip]:
    limit = timedelta(seconds=limits.silence_reduce_seconds)
    for kind, who, silent, counts in (
        ("breaker_feed", "The live feed", circuit.feed_silent, circuit.is_open),
        ("breaker_broker", "The broker", circuit.broker_silent, True),
    ):
        if counts and silent is not None and silent >= limit:
            yield Trip(
                kind,
                circuit.session.isoformat(),
                TradingState.REDUCING,
                f"{who} has said nothing for {silent.total_seconds():.0f} s; "
                f"{limit.total_seconds():.0f} s reduce the desk.",
            )


def _unheard(circuit: Circuit, limits: Limits) -> Iterator[Trip]:
    limit = timedelta(minutes=limits.alert_reduce_minutes)
    if circuit.alert_waits is not None and circuit.alert_waits >= limit:
        minutes = circuit.alert_waits.total_seconds() // 60
        yield Trip(
            "breaker_alert",
            circuit.alert_id or "",
            TradingState.REDUCING,
            f"A critical alert has waited {minutes:.0f} minutes for somebody; "
            f"{limits.alert_reduce_minutes} reduce the desk.",
        )
