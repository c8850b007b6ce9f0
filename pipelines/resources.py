"""What assets, checks and sensors are given; each is opened once per process, when asked for."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
from sqlalchemy import Engine

from adapters import object_store
from adapters.market_data import connected
from adapters.market_data.landed_minutes import LandedMinutes
from adapters.mlflow.registry import MlflowRegistry
from adapters.object_store.protocol import ObjectStore
from config import gates as gates_module
from config import limits as limits_module
from config import settings as settings_module
from config import universe as universe_module
from config.gates import Gates
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger.connection import engine
from ledger.sources import SourceBook
from warehouse import Warehouse, connect

if TYPE_CHECKING:
    from adapters.brokers.alpaca import AlpacaBroker


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the present in UTC."""
        return datetime.now(UTC)


@cache
def settings() -> Settings:
    """Return the desk's settings."""
    return settings_module.load()


@cache
def limits() -> Limits:
    """Return the limits in the file; overrides stand in the ledger."""
    return limits_module.load()


@cache
def universe() -> Universe:
    """Return the symbols the desk looks at."""
    return universe_module.load()


@cache
def gates() -> Gates:
    """Return what a model must meet."""
    return gates_module.load()


@cache
def ledger() -> Engine:
    """Return the ledger's engine."""
    return engine(settings().database.url("desk"))


@cache
def warehouse() -> Warehouse:
    """Return the warehouse."""
    return connect(settings())


@cache
def store() -> ObjectStore:
    """Return the lake."""
    return object_store.from_settings(settings())


@cache
def source() -> LandedMinutes:
    """Return the sources of bars and corporate actions, each asked before the next."""
    book = SourceBook(ledger(), desk_clock())
    chain = connected.chain(settings(), book=book, clock=desk_clock())
    return LandedMinutes(store(), chain)


@cache
def broker() -> "AlpacaBroker":
    """Return the broker."""
    from adapters.brokers.alpaca import (  # noqa: PLC0415  its client costs more than a second
        AlpacaBroker,
    )

    told = settings().broker
    return AlpacaBroker(
        key_id=told.key_id,
        secret_key=told.secret_key,
        url=told.url,
        data_url=told.data_url,
        feed=told.feed,
        paper=settings().mode != "live",
        account_number=settings().live.confirm_account or None,
        clock_seconds=told.clock_seconds,
    )


@cache
def registry() -> MlflowRegistry:
    """Return the model registry."""
    return MlflowRegistry(settings().mlflow.tracking_uri)


@cache
def desk_clock() -> WallClock:
    """Return the desk's clock."""
    return WallClock()


def _resource(opened: Callable[[], Any]) -> dg.ResourceDefinition:
    return dg.ResourceDefinition(resource_fn=lambda _context: opened())


RESOURCES = {
    opened.__name__: _resource(opened)
    for opened in (
        settings, limits, universe, gates, ledger, warehouse, store, source, broker,
        registry, desk_clock,
    )
}  # fmt: skip
