"""The desk as it is now, with what research knows: for proposals that people ask for."""

from collections.abc import Iterator
from contextlib import contextmanager

from assets.picture import Viewer, limits_now
from warehouse import connect
from worker.desk import Desk


@contextmanager
def viewing(desk: Desk) -> Iterator[Viewer]:
    """Yield what a picture of the desk is taken with; the warehouse is open meanwhile."""
    limits = limits_now(desk.limits, desk.engine, desk_at=desk.clock.now())
    store = connect(desk.settings)
    try:
        yield Viewer(
            desk.settings, limits, desk.universe, desk.engine, store, desk.broker, desk.clock
        )
    finally:
        store.close()
