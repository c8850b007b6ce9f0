"""What a worker works with, opened once."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from adapters.brokers.alpaca import AlpacaBroker
from adapters.brokers.venue_control import VenueControl
from assets.desk_time import LedgerClock
from assets.picture import environment_of
from config import limits as limits_module
from config import settings as settings_module
from config import universe as universe_module
from config.limits import Limits
from config.settings import Settings
from config.universe import Universe
from ledger.connection import engine
from ledger.desk import DeskLedger


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the present in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """Settings, ledger, broker and clocks of this desk."""

    settings: Settings
    limits: Limits
    universe: Universe
    engine: sa.Engine
    ledger: DeskLedger
    broker: AlpacaBroker
    venue: VenueControl | None
    market: LedgerClock
    clock: WallClock

    @property
    def environment(self) -> str:
        """How the ledger names what this desk trades on."""
        return environment_of(self.settings)


def opened() -> Desk:
    """Return the desk that the settings name."""
    settings = settings_module.load()
    told = settings.broker
    database = engine(settings.database.url("desk"))
    venue = None
    if told.kind == "venue":
        venue = VenueControl(told.url, key_id=told.key_id, secret_key=told.secret_key)
    return Desk(
        settings=settings,
        limits=limits_module.load(),
        universe=universe_module.load(),
        engine=database,
        ledger=DeskLedger(database),
        broker=AlpacaBroker(
            key_id=told.key_id,
            secret_key=told.secret_key,
            url=told.url,
            data_url=told.data_url,
            feed=told.feed,
            paper=settings.mode != "live",
            account_number=settings.live.confirm_account or None,
            clock_seconds=told.clock_seconds,
        ),
        venue=venue,
        market=LedgerClock(database),
        clock=WallClock(),
    )
