"""What is told of matured forecasts: by hand, by scipy, and kept in the warehouse once."""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from assets.records import _walked, parts, record_row
from warehouse import Warehouse, evidence
from warehouse.place import Place

FIRST = date(2011, 1, 3)
DAYS = np.array([(FIRST - date(1970, 1, 1)).days + n for n in range(260)])


def told(n_sessions: int, n_symbols: int, seed: int = 5) -> pl.DataFrame:
    """Forecasts of every symbol in every session, right somewhat more often than not."""
    rng = np.random.default_rng(seed)
    n = n_sessions * n_symbols
    excess = 0.02 * rng.standard_normal(n)
    return pl.DataFrame(
        {
            "symbol": [f"S{i:02}" for _ in range(n_sessions) for i in range(n_symbols)],
            "session": [
                FIRST + timedelta(days=d) for d in range(n_sessions) for _ in range(n_symbols)
            ],
            "probability": 1.0 / (1.0 + np.exp(-20.0 * excess - rng.standard_normal(n))),
            "low": -0.03,
            "high": 0.02,
            "excess_return": excess,
            "horizon": 5,
        }
    )  # fmt: skip


def test_a_part_is_scored_by_hand() -> None:
    rows = told(1, 4).with_columns(
        probability=pl.Series([0.6, 0.4, 0.7, 0.5]),
        excess_return=pl.Series([0.01, 0.01, -0.04, 0.03]),
    )  # fmt: skip

    row = record_row("m/1", "live", "all", "", rows)

    # Right: 0.6 up and 0.5 up; wrong: 0.4 up, 0.7 down. Of four outcomes −4 % and 3 % lie outside.
    assert row["hit_rate"] == pytest.approx(0.5)
    assert row["brier"] == pytest.approx((0.4**2 + 0.6**2 + 0.7**2 + 0.5**2) / 4)
    assert row["coverage"] == pytest.approx(0.5)
    assert (row["ic"], row["hit_low"]) == (None, None)  # four names, one session
    assert row["lucky"] is True


def test_the_rank_correlation_is_scipys_and_its_range_holds_it() -> None:
    rows = told(120, 25)
    each = [
        spearmanr(day["probability"], day["excess_return"]).statistic
        for _, day in rows.group_by("session", maintain_order=True)
    ]

    row = record_row("m/1", "live", "all", "", rows)

    assert row["ic"] == pytest.approx(np.mean(each))
    assert row["icir"] == pytest.approx(np.mean(each) / np.std(each, ddof=1))
    low, high = row["ic_low"], row["ic_high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert 0.0 < low < np.mean(each) < high
    assert row["lucky"] is False


def test_calibration_counts_every_case_and_no_more_of_them_as_sure_than_horizons() -> None:
    row = record_row("m/1", "live", "all", "", told(100, 10))
    bins = json.loads(str(row["calibration"]))

    assert sum(told["n"] for told in bins) == 1_000
    assert sum(told["n_effective"] for told in bins) == pytest.approx(100 / 5)


def test_every_forecast_is_in_one_symbol_and_at_most_one_direction_of_the_market() -> None:
    rows = told(260, 3)
    rising = np.arange(260) % 2 == 0
    market = {"rising": rising, "falling": ~rising, "calm": np.zeros(260, dtype=np.bool_)}
    found = list(parts(rows, market, DAYS))
    counted = {
        part: sum(chosen.height for name, _, chosen in found if name == part)
        for part in ("all", "symbol", "regime")
    }

    assert counted == {"all": 780, "symbol": 780, "regime": 780}
    assert {name for part, name, _ in found if part == "regime"} == {"rising", "falling"}
    # 126 sessions each, every 63: they end after 126, 189 and 252 of 260
    rolling = [(name, chosen) for part, name, chosen in found if part == "rolling"]
    ends = [str(FIRST + timedelta(days=n - 1)) for n in (126, 189, 252)]
    assert [name for name, _ in rolling] == ends
    assert all(chosen["session"].n_unique() == 126 for _, chosen in rolling)


@pytest.fixture(name="warehouse")
def _warehouse(desk_place: Place) -> Iterator[Warehouse]:
    made = Warehouse(desk_place)
    yield made
    made.close()


def test_what_is_told_twice_is_kept_once_and_the_newest_counts(warehouse: Warehouse) -> None:
    for n_sessions, added in ((90, 1), (90, 0), (95, 1)):
        row = record_row("m/1", "live", "all", "", told(n_sessions, 2))
        frame = pl.DataFrame([row], schema=evidence.RECORD_SCHEMA)
        with warehouse.writer("models.records") as conn:
            assert evidence.store_records(conn, frame) == added
    with warehouse.reader() as conn:
        assert evidence.records(conn, "m/1")["sessions"].to_list() == [95]


def test_a_walk_forward_record_without_luck_is_made_anew(warehouse: Warehouse) -> None:
    row = record_row("m/1", "walk_forward", "all", "", told(90, 2))
    frame = pl.DataFrame([row], schema=evidence.RECORD_SCHEMA)
    with warehouse.writer("models.records") as conn:
        evidence.store_records(conn, frame)
        conn.execute("update models.records set luck = null")  # as older code left it
    with warehouse.reader() as conn:
        assert not _walked(evidence.records(conn, "m/1"))
    with warehouse.writer("models.records") as conn:
        assert evidence.store_records(conn, frame) == 1
    with warehouse.reader() as conn:
        assert _walked(evidence.records(conn, "m/1"))


def test_evidence_comes_back_as_it_was_told(warehouse: Warehouse) -> None:
    content = {"members": [["xgboost", 0.5], ["linear", 0.5]], "trials": {"clusters": 3}}
    for added in (2, 0):
        with warehouse.writer("models.evidence") as conn:
            assert evidence.store(conn, "m/1", content) == added
    with warehouse.reader() as conn:
        assert evidence.latest(conn, "m/1") == content
        assert evidence.latest(conn, "m/2") == {}
