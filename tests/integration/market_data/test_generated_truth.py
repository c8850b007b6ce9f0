"""Laws of the warehouse on markets whose truth is known: renamings, reuse, delistings and all."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from adapters.market_data import generated, load, sample
from adapters.object_store import FolderStore
from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from tests.integration.market_data.truth import LAST, SESSIONS, Loaded, market, worked_out
from tests.servers import fresh_database
from warehouse import Warehouse, actions, adjustment, bars, migrate
from warehouse.place import Place

pytestmark = pytest.mark.long

BAR = ["symbol", "session", "open", "high", "low", "close", "volume"]
CLOSED = exchange().close(LAST)
AFTER = CLOSED + timedelta(days=40)
LAG = timedelta(minutes=15)
numbers = count(1)  # a prefix per example: the warehouse is the module's
laws = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(1, 10_000)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(postgres_server: Cluster, folder: Path) -> Iterator[Warehouse]:
    with fresh_database(postgres_server) as dsn:
        place = Place(dsn, f"{folder / 'warehouse'}/")
        migrate.upgrade_place(place)
        made = Warehouse(place)
        yield made
        made.close()


def fresh(warehouse: Warehouse, folder: Path) -> tuple[str, Loaded]:
    """A prefix nobody has, and a lake of its own."""
    number = next(numbers)
    return f"E{number}Q", Loaded.at(warehouse, folder / f"lake{number}")


@st.composite
def pieces(draw: st.DrawFn) -> list[tuple[str, float, int]]:
    """How a file comes: some pieces of it, in any order, and the whole of it at some time."""
    kinds = st.sampled_from(["prefix", "suffix", "twice", "shuffled"])
    some = st.lists(
        st.tuples(kinds, st.floats(0.05, 0.95), st.integers(0, 99)), min_size=1, max_size=3
    )
    before, after = draw(some), draw(st.lists(st.tuples(kinds, st.floats(0.05, 0.95), st.just(3)),
                                              max_size=1))  # fmt: skip
    return [*before, ("shuffled", 1.0, 7), *after]


def piece(frame: pl.DataFrame, plan: tuple[str, float, int]) -> pl.DataFrame:
    kind, share, seed = plan
    rows = max(int(frame.height * share), 1)
    if kind == "prefix":
        return frame.head(rows)
    if kind == "suffix":
        return frame.tail(rows)
    if kind == "twice":
        return pl.concat([frame.head(rows), frame.sample(fraction=share, seed=seed)])
    return frame.sample(fraction=share, shuffle=True, seed=seed)


@laws
@given(seed=seeds, plan=pieces())
def test_whatever_pieces_a_file_comes_in_the_warehouse_is_the_file(
    seed: int, plan: list[tuple[str, float, int]], warehouse: Warehouse, folder: Path
) -> None:
    prefix, desk = fresh(warehouse, folder)
    made = market(seed, prefix=prefix)

    for n, one in enumerate(plan):
        at = CLOSED + timedelta(hours=n)
        desk.take(piece(made.actions, one), "actions", at)
        desk.take(piece(made.daily, one), "daily", at)

    daily, acts = desk.stored(prefix)
    assert_frame_equal(daily.select(BAR), made.daily.select(BAR).sort(BAR), check_exact=True)
    assert daily["assumed"].all()
    known = [exchange().close(day) + LAG for day in daily["session"]]
    assert daily["known_at"].to_list() == known
    told = made.actions.select("symbol", ex_date="session", kind="kind", known_at="announced_at")
    assert sorted(acts.select(told.columns).rows()) == sorted(told.rows())


@laws
@given(seed=seeds)
def test_adjusted_closes_are_those_of_the_firm_behind_the_ticker(
    seed: int, warehouse: Warehouse, folder: Path
) -> None:
    prefix, desk = fresh(warehouse, folder)
    made = market(seed, prefix=prefix)
    desk.take(made.actions, "actions", CLOSED)
    desk.take(made.daily, "daily", CLOSED)

    agree(desk, made, made.daily, made.actions, AFTER)


def agree(
    desk: Loaded,
    made: generated.GeneratedMarket,
    daily: pl.DataFrame,
    acts: pl.DataFrame,
    as_of: datetime,
) -> None:
    """What the warehouse says at `as_of` is what is worked out from these bars and actions."""
    expected = list(worked_out(made, daily, acts))
    found = desk.adjusted(sorted(set(made.firms["symbol"])), LAST, as_of)

    assert found.select("symbol", "session").rows() == [(c.symbol, c.session) for c in expected]
    for name, values in (
        ("split_adjusted_close", [c.split_adjusted for c in expected]),
        ("adjusted_close", [c.adjusted for c in expected]),
    ):
        np.testing.assert_allclose(found[name].to_numpy(), values, rtol=1e-9)


@st.composite
def corrections(draw: st.DrawFn) -> list[tuple[str, int, float]]:
    """What is corrected after the fact: which kind, which row of it, by which factor."""
    one = st.tuples(
        st.sampled_from(["close", "split", "cash_dividend", "cancelled"]),
        st.integers(0, 10_000),
        st.sampled_from([0.5, 0.99, 1.01, 2.0]),
    )
    return draw(st.lists(one, min_size=2, max_size=3))


@laws
@given(seed=seeds, plan=corrections())
def test_for_every_instant_later_knowledge_changes_nothing_and_the_newest_is_right(
    seed: int, plan: list[tuple[str, int, float]], warehouse: Warehouse, folder: Path
) -> None:
    prefix, desk = fresh(warehouse, folder)
    made = market(seed, prefix=prefix)
    symbols = sorted(set(made.firms["symbol"]))
    daily, acts = made.daily, made.actions
    desk.take(acts, "actions", CLOSED)
    desk.take(daily, "daily", CLOSED)
    instants = [exchange().close(day) + LAG for day in SESSIONS[40::60]]
    told: dict[datetime, pl.DataFrame] = {}

    for n, one in enumerate(plan, start=1):
        at = CLOSED + timedelta(days=n)
        instants += [at - timedelta(microseconds=1)]
        told |= {t: desk.adjusted(symbols, known_until(t), t) for t in instants if t not in told}
        daily, acts, row = corrected(daily, acts, one)
        desk.take(row, "actions" if "kind" in row.columns else "daily", at)

        agree(desk, made, daily, acts, at)

    for instant, before in told.items():
        again = desk.adjusted(symbols, known_until(instant), instant)
        assert_frame_equal(again, before, check_exact=True)


def known_until(instant: datetime) -> date:
    return min(LAST, exchange().last_closed(instant))


def corrected(
    daily: pl.DataFrame, acts: pl.DataFrame, plan: tuple[str, int, float]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return bars and actions with one value another than before, and the row that says so."""
    kind, place, factor = plan
    wanted = "cash_dividend" if kind == "cancelled" else kind
    rows = acts.with_row_index().filter(kind=wanted)
    if kind == "close" or rows.is_empty():
        at = place % daily.height
        is_it = pl.int_range(pl.len()) == at
        grown = pl.when(is_it).then(pl.col("close") * factor).otherwise("close").alias("close")
        return daily.with_columns(grown), acts, daily.with_columns(grown)[at]
    at = int(rows["index"][place % rows.height])
    scale = 0.0 if kind == "cancelled" else min(factor, 1.0) if wanted != "split" else factor
    column = "ratio" if kind == "split" else "amount"
    is_it = pl.int_range(pl.len()) == at
    changed = pl.when(is_it).then(pl.col(column) * scale).otherwise(column).alias(column)
    return daily, acts.with_columns(changed), acts.with_columns(changed)[at]


SPLITS = [("AAPL", date(2000, 6, 21)), ("AAPL", date(2005, 2, 28)), ("MSFT", date(2003, 2, 18))]


@pytest.fixture(scope="module", name="real")
def _real(warehouse: Warehouse, folder: Path) -> pl.DataFrame:
    """The sample's closes as the warehouse adjusts them, beside the sample's own columns."""
    store, (first, last) = FolderStore(folder / "real"), (date(2000, 3, 1), date(2013, 3, 1))
    sample.seed(store, until=last)
    known, rows = load.actions(store, first, last), load.versions(store, first, last)

    def write(conn: Any) -> None:
        actions.append(conn, known)
        bars.append_bars(conn, rows)

    warehouse.write(write, "market.corporate_actions", "market.daily_bars")
    with warehouse.reader() as conn:
        found = adjustment.adjusted_closes(
            conn, sorted(set(rows["symbol"])), first, last, as_of=AFTER.replace(year=2020),
            judged=False,
        )  # fmt: skip
    theirs = sample.stocks().select("symbol", "session", "sample_adjusted")
    return found.join(theirs, on=["symbol", "session"]).sort("symbol", "session")


def test_the_real_series_go_on_over_every_split(real: pl.DataFrame) -> None:
    """The sample's own adjusted column tells each ratio; it is no oracle for our dividends."""
    steps = real.with_columns(
        ours=pl.col("split_adjusted_close") / pl.col("close"),
        theirs=pl.col("sample_adjusted") / pl.col("close"),
    ).with_columns(pl.col("ours", "theirs") / pl.col("ours", "theirs").shift(1).over("symbol"))
    split = steps.filter(pl.col("theirs") > 1.5)

    assert split.select("symbol", "session").rows() == SPLITS
    assert split["theirs"].to_list() == pytest.approx([2.0, 2.0, 2.0], rel=1e-6)
    assert split["ours"].to_list() == pytest.approx([2.0, 2.0, 2.0], rel=1e-12)
    elsewhere = steps.join(split, on=["symbol", "session"], how="anti").drop_nulls("ours")
    assert (elsewhere["ours"] - 1.0).abs().max() == pytest.approx(0.0, abs=1e-12)


def test_no_real_return_over_a_split_is_a_halving(real: pl.DataFrame) -> None:
    returns = real.with_columns(
        (pl.col("split_adjusted_close").log().diff().over("symbol")).alias("ours"),
        (pl.col("sample_adjusted").log().diff().over("symbol")).alias("theirs"),
    )

    for symbol, day in SPLITS:
        ((ours, theirs),) = returns.filter(symbol=symbol, session=day)["ours", "theirs"].rows()
        assert ours == pytest.approx(theirs, abs=1e-6)  # no dividend was paid on these days
        assert abs(ours) < 0.1
