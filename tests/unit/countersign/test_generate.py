"""What a generated market leaves to be asked of the venue: nothing of the past."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from adapters.market_data import generated, landing
from adapters.object_store import FolderStore
from assets import deliveries
from countersign.commands.generate import _note_unlisted, _until
from quality.calendar import exchange

FIRST, LAST, END = date(2010, 1, 4), date(2010, 12, 31), date(2012, 12, 31)


def test_tickers_that_begin_after_the_history_are_not_asked_for_in_it(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    made = generated.market(exchange().sessions(FIRST, END), symbols=25, seed=1)
    sessions = list(exchange().sessions(FIRST, LAST))
    past = _until(made, LAST).daily
    names = sorted(made.sectors)
    assert set(names) - set(past["symbol"]), "the market has a ticker that begins later"
    landing.land(
        store, past.with_columns(pl.col("volume").cast(pl.Int64)), kind="daily",
        source=generated.SOURCE, simulated=True, landed_at=datetime(2026, 1, 2, tzinfo=UTC),
        market_at=exchange().close(LAST),
    )  # fmt: skip
    assert deliveries.missing(store, sessions, names)

    _note_unlisted(store, made, sessions)

    assert deliveries.missing(store, sessions, names) == {}
