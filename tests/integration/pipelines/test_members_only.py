"""Outside its membership a symbol teaches nothing and begins nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adapters.market_data import generated
from adapters.market_data.landing import land
from assets.judging import market_of
from assets.material import EPOCH, Material, material_of
from assets.strategies import to_members, told_of
from config import settings
from config.settings import Settings
from config.universe import Listing, Universe
from countersign.processes.postgres import Cluster
from quality.calendar import exchange
from quant.entries import entry_samples
from quant.features import DAILY, DailyPanel
from quant.models import Dataset
from quant.samples import samples
from quant.strategies import SwingRules
from quant.typing import BoolArray
from tests.integration.pipelines.test_later_knowledge import (
    LAST,
    NAMES,
    SESSIONS,
    WALL,
    Small,
    full,
    made,
    opened,
)
from warehouse import features

pytestmark = pytest.mark.long

JOINED, LEFT = SESSIONS[-20], SESSIONS[-60]
LATE, GONE = NAMES[:2]


@pytest.fixture(scope="module")
def small(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Four shares with bars of all sessions; one joins the list late, one leaves it early."""
    with opened(postgres_server, tmp_path_factory.mktemp("members")) as one:
        told = {LATE: {"from_session": JOINED}, GONE: {"to_session": LEFT}}
        one.universe = Universe(
            name="made", index=generated.INDEX, point_in_time=True, minimum_history=60,
            symbols=tuple(
                Listing(symbol=s, label=s, sector="Energy", **told.get(s, {})) for s in NAMES
            ),
        )  # fmt: skip
        for frame, simulated in (
            (full().filter(pl.col("session") < SESSIONS[-30]), True),
            (full().filter(pl.col("session") >= SESSIONS[-30]), False),
        ):
            one.seconds += 1
            land(
                one.store, frame, kind="daily", source="t", market_at=exchange().close(LAST),
                landed_at=WALL + timedelta(seconds=one.seconds), simulated=simulated,
            )  # fmt: skip
        one.land(made().index, "index", exchange().close(LAST))
        one.load(tuple(SESSIONS))
        rows = one.features(tuple(SESSIONS))
        with one.warehouse.writer("features.versions") as conn:
            features.register(conn, DAILY.version, DAILY.names)
        one.warehouse.write(lambda conn: features.record(conn, rows), "features.daily")
        yield one


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    first = str(SESSIONS[0])
    return settings.load(
        {
            "DESK_HOME": str(tmp_path),
            "COUNTERSIGN_TRAINING__FIRST_SESSION": first,
            "COUNTERSIGN_HISTORY__FIRST_SESSION": first,
        }
    )


@pytest.fixture
def material(small: Small, told: Settings) -> Material:
    return material_of(small.warehouse, told, small.universe, LAST)


def assert_members_only(data: Dataset, material: Material) -> None:
    days = material.panel.index_sessions[data.sessions]
    for symbol in material.panel.symbols:
        mine = days[data.symbols == material.panel.symbols.index(symbol)]
        first = JOINED if symbol == LATE else SESSIONS[0]
        last = LEFT if symbol == GONE else LAST
        assert mine.size > 0
        assert mine.min() >= (first - EPOCH).days
        assert mine.max() <= (last - EPOCH).days


def test_sessions_before_and_after_a_membership_teach_nothing(material: Material) -> None:
    told = (material.panel, material.matrix, material.names)

    returns = samples(*told, material.index_open, horizon=5, minimum_history=60)
    entries = entry_samples(*told, SwingRules(), minimum_history=60)

    assert_members_only(returns, material)
    assert_members_only(entries, material)


def test_what_trades_are_compared_with_holds_members_alone(material: Material) -> None:
    market = market_of(material.panel)
    joined = int(np.searchsorted(material.panel.index_sessions, (JOINED - EPOCH).days))
    span = slice(joined - 30, joined - 1)  # one has left, the other has not joined
    others = [material.panel.symbols.index(s) for s in NAMES if s not in {LATE, GONE}]

    held = market.held(span)

    gains = market.closes[span][1:, others] / market.opens[span][1, others]
    assert np.cumprod(1 + held)[1:] == pytest.approx(gains.mean(axis=1))


def test_nothing_is_begun_outside_a_membership(small: Small, told: Settings) -> None:
    said = told_of(small.warehouse, told, small.universe, LAST, filtered=False)

    assert said.allowed is not None
    assert_begun_by_members_only(said.allowed, said.panel)


def test_a_model_that_agrees_everywhere_lets_members_begin_alone(material: Material) -> None:
    panel = material.panel
    everywhere = np.ones((panel.index_sessions.size, len(panel.symbols)), dtype=np.bool_)

    allowed = to_members(panel, everywhere)

    assert allowed is not None
    assert_begun_by_members_only(allowed, panel)
    assert not to_members(panel, ~everywhere).any()  # type: ignore[union-attr]  # as above


def assert_begun_by_members_only(allowed: BoolArray, panel: DailyPanel) -> None:
    late, gone = (panel.symbols.index(s) for s in (LATE, GONE))
    days = panel.index_sessions
    joined, left = ((day - EPOCH).days for day in (JOINED, LEFT))
    np.testing.assert_array_equal(allowed[:, late], days >= joined)
    np.testing.assert_array_equal(allowed[:, gone], days <= left)


def test_simulated_bars_of_any_session_mark_what_the_rules_are_told(
    small: Small, told: Settings
) -> None:
    assert told_of(small.warehouse, told, small.universe, LAST, filtered=False).simulated
