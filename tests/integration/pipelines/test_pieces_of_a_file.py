"""However a file is cut, repeated and shuffled on its way, the warehouse holds the same rows."""

import random
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from tests.integration.pipelines.test_later_knowledge import LAST, NAMES, Small, full, opened

pytestmark = [pytest.mark.timeout(300), pytest.mark.long]

SESSIONS = exchange().sessions(date(2012, 5, 7), LAST)
WRONG, TWICE = SESSIONS[-6], SESSIONS[-3]
_BARS = (
    "select symbol, session, open, high, low, close, volume, known_at from market.daily_bars "
    "order by all"
)
# Two different bars of one session that are sent again are held again: the last word counts.
_VERDICTS = (
    "select symbol, session, arg_max(status, known_at) as status from quality.verdicts "
    "group by all order by all"
)
_HELD = "select distinct symbol, session from quality.quarantine order by all"


def file() -> pl.DataFrame:
    """Two months of four shares: one close in cents, and one session with two different bars."""
    rows = full().filter(pl.col("session") >= SESSIONS[0]).sort("session", "symbol")
    cents = (pl.col("symbol") == NAMES[0]) & (pl.col("session") == WRONG)
    prices = ("open", "high", "low", "close")
    rows = rows.with_columns(
        pl.when(cents).then(pl.col(n) * 100).otherwise(pl.col(n)).alias(n) for n in prices
    )
    other = rows.filter((pl.col("symbol") == NAMES[1]) & (pl.col("session") == TWICE))
    return pl.concat([rows, other.with_columns(pl.col("volume") + 100)])


def warehouse_of(server: Cluster, home: Path, pieces: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Land the pieces, load all sessions, and return what the warehouse then holds."""
    with opened(server, home) as small:
        small.land(index_bars(), "index", exchange().close(LAST))
        for piece in pieces:
            small.land(piece, "daily", exchange().close(LAST))
        small.load(SESSIONS)
        return _tables(small)


def index_bars() -> pl.DataFrame:
    level = 1_400.0
    return pl.DataFrame(
        {
            "symbol": "SPX", "session": list(SESSIONS), "open": level, "high": level * 1.01,
            "low": level * 0.99, "close": level, "volume": 0,
        }
    )  # fmt: skip


def _tables(small: Small) -> list[pl.DataFrame]:
    with small.warehouse.reader() as conn:
        return [conn.execute(query).pl() for query in (_BARS, _VERDICTS, _HELD)]


cuts = st.lists(st.tuples(st.integers(0, 150), st.integers(1, 160)), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def whole(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> list[pl.DataFrame]:
    return warehouse_of(postgres_server, tmp_path_factory.mktemp("whole"), [file()])


def test_the_whole_file_s_errors_are_held(whole: list[pl.DataFrame]) -> None:
    bars, _, held = whole

    assert set(held.iter_rows()) == {
        (NAMES[0], WRONG),
        (NAMES[1], TWICE),
    }
    assert bars.height == len(SESSIONS) * len(NAMES) - 2


@settings(
    max_examples=2,
    phases=[Phase.generate],  # an example takes seconds: none is tried again to be made smaller
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=cuts, seed=st.integers(0, 99))
def test_pieces_repeats_and_shuffles_of_a_file_make_the_same_warehouse(
    postgres_server: Cluster,
    whole: list[pl.DataFrame],
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[int, int]],
    seed: int,
) -> None:
    rows = file().sample(fraction=1.0, shuffle=True, seed=seed)
    pieces = [rows, *(_cut(file(), *part) for part in parts)]
    random.Random(seed).shuffle(pieces)

    held = warehouse_of(postgres_server, tmp_path_factory.mktemp("pieces"), pieces)

    for mine, theirs in zip(held, whole, strict=True):
        assert_frame_equal(mine, theirs)


def _cut(rows: pl.DataFrame, start: int, length: int) -> pl.DataFrame:
    """Return a part of the file that holds both or none of the two bars of one session."""
    both = (pl.col("symbol") == NAMES[1]) & (pl.col("session") == TWICE)
    part = rows.slice(min(start, rows.height - 1), length)
    if part.filter(both).height == 1:
        part = pl.concat([part.filter(~both), rows.filter(both)])
    return part
