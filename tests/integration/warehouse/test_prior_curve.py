"""The volume curve of prior sessions, from the warehouse to the slices of a tactic."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from assets.tactics import prior_curve
from quality.calendar import exchange
from tests.integration.warehouse.rows import bar
from warehouse import Warehouse, prices

FIRST, SECOND = date(2012, 7, 9), date(2012, 7, 10)
EARLY_CLOSE = date(2012, 7, 3)
LATER = datetime(2012, 7, 11, tzinfo=UTC)
D = Decimal


def trade(warehouse: Warehouse, session: date, volumes: dict[int, int], symbol: str = "A") -> None:
    """Store the minutes of a session, by their number from the opening (negative: before it)."""
    opens = exchange().open(session)
    rows = []
    for minute, volume in volumes.items():
        start = opens + timedelta(minutes=minute)
        row = bar(known_at=start + timedelta(minutes=1)) | {"bar_start": start, "healed": False}
        rows.append(row | {"symbol": symbol, "session": session, "volume": volume})
    with warehouse.writer("market.minute_bars") as conn:
        prices.append_minutes(conn, pl.DataFrame(rows).drop("object_key", "assumed"))


def curve(warehouse: Warehouse, *sessions: date, as_of: datetime = LATER) -> tuple[Decimal, ...]:
    return prior_curve(warehouse, "A", sessions, as_of=as_of)


def test_it_is_the_mean_of_the_sessions_shares_without_first_and_last_minutes(
    warehouse: Warehouse,
) -> None:
    # Six slices over the 380 minutes from 09:35: they end after 63, 126, 190, 253, 316 and 380.
    # On the 9th all of it is traded in the first, on the 10th half of it in the last.
    trade(warehouse, FIRST, {0: 9_000, 5: 600, 389: 9_000})
    trade(warehouse, SECOND, {4: 9_000, 67: 1, 384: 1, 385: 9_000})

    # (1 + 0.5) / 2 until the end of the first five
    assert curve(warehouse, FIRST, SECOND) == (*[D("0.7500")] * 5, D(1))


def test_what_was_learned_later_counts_not(warehouse: Warehouse) -> None:
    trade(warehouse, FIRST, {10: 100, 300: 300})
    opens = exchange().open(FIRST)

    assert curve(warehouse, FIRST, as_of=opens) == ()
    assert curve(warehouse, FIRST, as_of=opens + timedelta(minutes=11)) == (
        *[D("1.0000")] * 5,
        D(1),
    )
    assert curve(warehouse, FIRST) == (*[D("0.2500")] * 4, D("1.0000"), D(1))


def test_early_closes_other_symbols_and_hours_before_the_opening_are_left_out(
    warehouse: Warehouse,
) -> None:
    trade(warehouse, EARLY_CLOSE, {10: 100})
    trade(warehouse, FIRST, {-30: 500, 10: 100}, symbol="B")
    trade(warehouse, SECOND, {-30: 500, 384: 100})

    assert curve(warehouse, EARLY_CLOSE) == ()
    assert curve(warehouse, FIRST) == ()
    assert curve(warehouse, EARLY_CLOSE, FIRST, SECOND) == (*[D("0.0000")] * 5, D(1))


def test_sessions_without_volume_make_no_curve(warehouse: Warehouse) -> None:
    trade(warehouse, FIRST, {10: 0, 0: 500})

    assert curve(warehouse, FIRST) == ()
    assert curve(warehouse) == ()


def test_a_curve_is_what_a_tactic_takes(warehouse: Warehouse) -> None:
    drawn = np.random.default_rng(7).integers(1, 5_000, size=390)
    trade(warehouse, FIRST, {minute: int(volume) for minute, volume in enumerate(drawn)})

    found = curve(warehouse, FIRST)

    inside = drawn[5:-5]
    by_hand = [D(str(round(inside[:n].sum() / inside.sum(), 4))) for n in (63, 126, 190, 253, 316)]
    assert found == (*by_hand, D(1))
