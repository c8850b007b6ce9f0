"""Whatever happens to the stream, the warehouse ends with the bars of the replay."""

import os
from datetime import date

import polars as pl
import pytest

from ledger import alerts, feeds
from tests.integration.feed.replayed import STREAM_FAULTS, VALUES, Replayed, faults

pytestmark = pytest.mark.long

# A longer proof: FEED_FAULTS=10000 pytest tests/integration/feed
FAULTS = int(os.environ.get("FEED_FAULTS", "1000"))


def assert_ends_as_the_replay(desk: Replayed, session: date) -> None:
    columns = ["symbol", "bar_start", *VALUES]
    stored, told = desk.stored(session), desk.replayed(session)
    assert stored.select(columns).equals(told.select(columns))
    assert stored["simulated"].all()


def assert_marks_what_was_asked_for(desk: Replayed, versions: pl.DataFrame) -> None:
    first = versions.group_by("symbol", "bar_start", maintain_order=True).first()
    keys = {(row[0], row[1]) for row in first.select("symbol", "bar_start").iter_rows()}
    asked = first.filter("healed").select("symbol", "bar_start")
    healed = {(row[0], row[1]) for row in asked.iter_rows()}
    assert keys - desk.heard <= healed
    assert healed <= (keys - desk.heard) | desk.late | desk.lost


def test_a_thousand_faults_of_the_stream_end_with_the_bars_of_the_replay(
    feed_desk: Replayed,
) -> None:
    desk = feed_desk
    desk.venue.put("/venue/faults", faults(FAULTS, seed=2012))
    passed, minutes = [], 0
    while sum(desk.struck()[kind] for kind in STREAM_FAULTS) < FAULTS:
        passed.append(desk.opens())
        while desk.step(5):
            minutes += 5
            if minutes % 60 == 0:
                desk.look()
            if minutes % 250 == 0:
                desk.kill()
        desk.settle()

    for session in passed:
        assert_ends_as_the_replay(desk, session)
        assert_marks_what_was_asked_for(desk, desk.versions(session))
    # A bar that was told before its last trades is kept, and what replaced it stands after it.
    versions = pl.concat([desk.versions(session) for session in passed])
    assert versions.height > versions.select("symbol", "bar_start").n_unique()
    with desk.desk.engine.connect() as conn:
        state = feeds.latest(conn)
        assert alerts.unacknowledged(conn) == []
    assert state is not None
    assert (state.session, state.gaps, state.waiting, state.stale_since) == (passed[-1], 0, 0, None)
    assert state.healed > 0
