"""What was signed, sent; and what the broker made of it."""

import time
from collections.abc import Callable

import dagster as dg
from sqlalchemy import Engine

from assets.desk_time import LedgerClock
from assets.picture import Viewer, environment_of, limits_now
from assets.proposals import proposals_asset
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger import runs
from ledger.desk import DeskLedger
from trading.broker import Broker
from trading.clock import DeskClock
from trading.dispatch import Report, Sender, send_signed
from trading.reconcile import reconcile
from trading.sending import merged
from warehouse import Warehouse

_OWNERS = ["team:desk"]
_LOOK_SECONDS = 0.5  # between two looks for what was signed meanwhile
_AGAIN_SECONDS = 10.0  # before what had to wait is checked again: each check asks the broker


class Sending(dg.Config):
    """How a run sends."""

    # A run takes seconds to start: one that stays spares the next orders the wait.
    stay_seconds: float = 0.0


signatures = dg.AssetSpec(
    "signatures",
    deps=[proposals_asset],
    group_name="orders",
    owners=_OWNERS,
    kinds={"postgres"},
    description="A person's consent to the bytes of one proposal. Made in the dashboard only.",
)


@dg.asset(
    deps=[signatures],
    group_name="orders",
    kinds={"postgres", "alpaca"},
    owners=_OWNERS,
    name="orders",
)
def orders_asset(
    context: dg.AssetExecutionContext,
    config: Sending,
    ledger: dg.ResourceParam[Engine],
    warehouse: dg.ResourceParam[Warehouse],
    broker: dg.ResourceParam[Broker],
    settings: dg.ResourceParam[Settings],
    limits: dg.ResourceParam[Limits],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> dg.MaterializeResult[None]:
    """Signed legs as orders at the broker: each once, or none with the reason."""
    desk, market = DeskLedger(ledger), LedgerClock(ledger)

    def send() -> Report:
        now = limits_now(limits, ledger, desk_at=desk_clock.now())
        viewer = Viewer(settings, now, universe, ledger, warehouse, broker, desk_clock)
        sender = Sender(
            owner=f"run/{context.run_id}",
            build=settings.build,
            environment=viewer.environment,
            limits=now,
            facts=viewer,
        )
        return send_signed(desk, broker, sender=sender, market=market, desk=desk_clock)

    _note(context, ledger, desk_clock, "started")
    report = _sent(send, desk, desk_clock, stay_seconds=config.stay_seconds)
    _note(context, ledger, desk_clock, "succeeded")
    if report.problem is not None:
        context.log.warning(f"Stopped early, the next run goes on: {report.problem}")
    return dg.MaterializeResult(metadata=_metadata(report))


def _sent(
    send: Callable[[], Report],
    ledger: DeskLedger,
    clock: DeskClock,
    *,
    stay_seconds: float,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Send what waits, and for some seconds what is signed next; return all that was done."""
    ends = monotonic() + stay_seconds
    report = send()
    again = monotonic() + _AGAIN_SECONDS
    while report.problem is None and monotonic() < ends:
        sleep(_LOOK_SECONDS)
        waits = ledger.waiting_legs(not_leased_at=clock.now())
        known = len(report.waiting) + len(report.unresolved)
        if waits > known or (waits and monotonic() >= again):
            report = merged(report, send())
            again = monotonic() + _AGAIN_SECONDS
    return report


def _metadata(report: Report) -> dict[str, int | str]:
    return {
        "sent": len(report.sent),
        "acknowledged": len(report.acknowledged),
        "rejected": len(report.rejected),
        "not_known_yet": len(report.unresolved),
        "will_not_be_sent": len(report.closed),
        "waiting": len(report.waiting),
        "waiting_for": "; ".join(sorted(set(report.waiting.values()))) or "nothing",
        "orders": ", ".join(report.sent) or "none",
    }


def _note(context: dg.AssetExecutionContext, ledger: Engine, clock: DeskClock, state: str) -> None:
    with ledger.begin() as conn:
        runs.record(
            conn,
            run_id=context.run_id,
            job=context.job_name,
            state=state,
            desk_at=clock.now(),
        )


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "fills",
            deps=[orders_asset],
            description="Executions of the desk's orders: shares, price (USD), market time.",
            group_name="orders",
            owners=_OWNERS,
            kinds={"postgres", "alpaca"},
        ),
        dg.AssetSpec(
            "positions",
            deps=["fills"],
            description="What is held at the broker, compared with the ledger.",
            group_name="orders",
            owners=_OWNERS,
            kinds={"postgres", "alpaca"},
        ),
    ]
)
def fills_and_positions(
    ledger: dg.ResourceParam[Engine],
    broker: dg.ResourceParam[Broker],
    settings: dg.ResourceParam[Settings],
    universe: dg.ResourceParam[Universe],
    desk_clock: dg.ResourceParam[DeskClock],
) -> tuple[dg.MaterializeResult[None], dg.MaterializeResult[None]]:
    """Compare orders, fills, positions and cash with the broker's."""
    report = reconcile(
        DeskLedger(ledger),
        broker,
        market=LedgerClock(ledger),
        desk=desk_clock,
        universe=universe.names,
        environment=environment_of(settings),
    )
    told = {"clean": report.clean, "differences": len(report.differences)}
    return (
        dg.MaterializeResult(asset_key="fills", metadata=told),
        dg.MaterializeResult(asset_key="positions", metadata=told),
    )
