"""Who belonged to the universe when, on a market whose firms are known."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from adapters.market_data import load
from adapters.market_data.generated import GeneratedMarket
from assets import memberships
from assets.desk_time import decision_time
from config.universe import Listing, Universe
from quality.calendar import exchange
from tests.integration.market_data.truth import FIRST, LAST, SESSIONS, Loaded, market
from warehouse import Warehouse
from warehouse import universe as universe_table
from warehouse.place import Place

pytestmark = pytest.mark.long

LONG_AFTER = datetime(2020, 1, 1, tzinfo=UTC)
Spell = tuple[str, date, date | None]


def _by_last_trade(actions: pl.DataFrame) -> pl.DataFrame:
    """Date delistings a session earlier: by the last trade, not by the day after."""
    last_trade = pl.col("session").map_elements(exchange().previous, return_dtype=pl.Date)
    is_gone = pl.col("kind") == "delisting"
    return actions.with_columns(session=pl.when(is_gone).then(last_trade).otherwise("session"))


@pytest.fixture(name="desk", params=["day after", "last trade"])
def _desk(
    request: pytest.FixtureRequest, desk_place: Place, tmp_path: Path
) -> Iterator[tuple[Loaded, GeneratedMarket]]:
    """A market whose delistings are dated in either of the usual ways."""
    warehouse = Warehouse(desk_place)
    made, loaded = market(2, prefix="M", firms=25), Loaded.at(warehouse, tmp_path / "lake")
    dated = made.actions if request.param == "day after" else _by_last_trade(made.actions)
    loaded.take(dated, "actions", exchange().close(LAST))
    loaded.take(made.daily, "daily", exchange().close(LAST))
    yield loaded, made
    warehouse.close()


def of(made: GeneratedMarket) -> Universe:
    listings = (Listing(symbol=s, label=s, sector="x") for s in sorted(set(made.firms["symbol"])))
    return Universe(name="m", symbols=tuple(listings))


def recorded(loaded: Loaded, universe: Universe, *, as_of: datetime) -> int:
    """Derive and record what was known at an instant; return how many rows are new."""
    firsts = load.first_sessions(loaded.store, "daily", universe.names)
    with loaded.warehouse.reader() as conn:
        rows = memberships.known(conn, universe, firsts, as_of=as_of)
    return loaded.warehouse.write(lambda conn: universe_table.record(conn, rows), "market.universe")


def spells(loaded: Loaded, *, as_of: datetime) -> set[Spell]:
    with loaded.warehouse.reader() as conn:
        rows = universe_table.members(conn, "m", FIRST, LAST, as_of=as_of)
    return set(rows.select("symbol", "from_session", "to_session").rows())


def true_spells(made: GeneratedMarket) -> set[Spell]:
    """From the first to the last bar of each ticker of each firm; open where it lasts."""
    told = made.firms.select("symbol", "first", "last", "ended").rows()
    return {(symbol, first, last if ended else None) for symbol, first, last, ended in told}


def test_spells_are_those_of_the_firms_behind_the_tickers(
    desk: tuple[Loaded, GeneratedMarket],
) -> None:
    loaded, made = desk
    assert made.firms["symbol"].is_duplicated().any(), "no ticker is given away"

    recorded(loaded, of(made), as_of=LONG_AFTER)

    assert spells(loaded, as_of=LONG_AFTER) == true_spells(made)
    assert recorded(loaded, of(made), as_of=LONG_AFTER) == 0, "again adds nothing"


def test_derived_session_by_session_the_same_is_known_and_no_end_before_its_day(
    desk: tuple[Loaded, GeneratedMarket],
) -> None:
    loaded, made = desk
    universe = of(made)
    told: dict[date, set[Spell]] = {}
    for session in SESSIONS[::12]:
        recorded(loaded, universe, as_of=decision_time(session))
        told[session] = spells(loaded, as_of=decision_time(session))
    recorded(loaded, universe, as_of=LONG_AFTER)

    for session, then in told.items():
        assert spells(loaded, as_of=decision_time(session)) == then, session
        begun = {
            (s, a, b if b and b <= session else None)
            for s, a, b in true_spells(made)
            if a <= session
        }
        late = {(s, a, b if b and b <= session else None) for s, a, b in then}
        assert late == begun, session
    assert spells(loaded, as_of=LONG_AFTER) == true_spells(made)


def test_a_listing_of_the_file_ends_a_membership_before_the_market_does(
    desk: tuple[Loaded, GeneratedMarket],
) -> None:
    loaded, made = desk
    longest = made.firms.filter(first=FIRST).sort("last").row(-1, named=True)
    lasting = longest["symbol"]
    assert longest["last"] > SESSIONS[40]
    saturday = SESSIONS[30] + timedelta(days=(5 - SESSIONS[30].weekday()) % 7)
    listing = Listing(symbol=lasting, label="x", sector="x", to_session=saturday)

    recorded(loaded, Universe(name="m", symbols=(listing,)), as_of=LONG_AFTER)

    ((_, begins, ends),) = spells(loaded, as_of=LONG_AFTER)
    assert (begins, ends) == (FIRST, exchange().previous(saturday))
