"""What a desk asks of Alpaca while an order works: half of the 200 calls a minute it allows."""

from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from adapters.brokers.alpaca import AlpacaBroker
from assets.desk_time import LedgerClock
from config import settings, universe
from ledger import market
from tests.integration.sending.at_venue import compared
from tests.integration.sending.desk import LIMITS, SmallDesk, StandingClock, proposed
from tests.integration.venue.served import ServedVenue
from tests.unit.worker.desks import clock_at
from trading.dispatch import send_signed
from worker import executor, watch
from worker.desk import Desk
from worker.loop import Task

ASKING = {
    "clock", "quotes", "reconciliation", "overdue orders", "splits", "flatten", "parts", "stops",
}  # fmt: skip
BUDGET = 100


@pytest.fixture
def calls() -> Counter[str]:
    return Counter()


@pytest.fixture
def worker(desk: SmallDesk, served: ServedVenue, calls: Counter[str], tmp_path: Path) -> Desk:
    """The watch and the executor of a desk set to Alpaca, whose place the venue takes."""
    told = settings.load(
        {
            "DESK_HOME": str(tmp_path), "COUNTERSIGN_MODE": "paper",
            "COUNTERSIGN_BROKER__KIND": "alpaca", "COUNTERSIGN_BROKER__KEY_ID": "PKTEST",
            "COUNTERSIGN_BROKER__SECRET_KEY": "secret",
        }
    )  # fmt: skip
    broker = AlpacaBroker(
        key_id="PKTEST", secret_key="secret", url=served.url, data_url=served.url, paper=True,
        feed="iex", clock_seconds=told.broker.clock_seconds,
    )  # fmt: skip

    def count(answer: requests.Response, **_more: Any) -> None:
        calls[str(answer.request.path_url).split("?")[0]] += 1

    for client in (broker._trading, broker._data):
        client._session.hooks["response"].append(count)
    with desk.engine.begin() as conn:
        market.record_clock(conn, clock_at(broker.clock().now))
    return Desk(
        settings=told, limits=LIMITS, universe=universe.load(), engine=desk.engine,
        ledger=desk.ledger, broker=broker, venue=None, market=LedgerClock(desk.engine),
        clock=cast("Any", desk.clock),
    )  # fmt: skip


def minute(tasks: list[Task], clock: StandingClock) -> None:
    """Run the tasks for a minute in which nothing takes any time: more often they never run."""
    due = dict.fromkeys((task.name for task in tasks), 0.0)
    for at in range(120):
        for task in tasks:
            if due[task.name] <= at / 2:
                task.step()
                due[task.name] = at / 2 + task.seconds
        clock.forward(0.5)


def test_while_an_order_with_a_stop_works_the_budget_is_kept(
    desk: SmallDesk, worker: Desk, calls: Counter[str]
) -> None:
    broker = worker.broker
    desk.account_id = broker.account().account_id
    desk.sign(proposed())
    compared(desk, broker)
    send_signed(desk.ledger, broker, sender=desk.sender(), desk=desk.clock, market=desk.market)
    compared(desk, broker)
    assert desk.ledger.working_orders()
    tasks = [
        task for task in (*watch.tasks(worker), *executor.tasks(worker)) if task.name in ASKING
    ]
    assert {task.name for task in tasks} == ASKING
    calls.clear()

    minute(tasks, desk.clock)

    assert desk.ledger.working_orders()
    assert calls.total() <= BUDGET, calls
