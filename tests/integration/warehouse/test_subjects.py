"""What each room of the warehouse keeps comes back, once, and as it was known."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from tests.integration.warehouse.rows import DAY, LONG_AFTER, frame, judge, series
from warehouse import (
    Warehouse,
    features,
    findings,
    index,
    landings,
    models,
    pages,
    portfolio,
    predictions,
    quarantine,
    risk,
    universe,
    verdicts,
)
from warehouse.versions import Appended

AT = datetime(2012, 7, 2, 20, 15, tzinfo=UTC)
LATER = AT + timedelta(days=7)
NEXT = DAY + timedelta(days=1)

PREDICTION = {
    "symbol": "A", "session": DAY, "model_version": "m/1", "kind": "live",
    "probability": 0.62, "margin": 0.4, "expected_return": 0.01,
    "low": -0.03, "high": 0.05, "horizon": 5, "volatility": 0.3,
    "contributions": "[]", "feature_version": "f1", "snapshot_id": 7, "simulated": False,
    "known_at": AT,
}  # fmt: skip
OUTCOME = {
    "symbol": "A", "session": DAY, "model_version": "m/1", "kind": "live", "excess_return": 0.02,
    "outperformed": True, "matured_session": date(2012, 7, 10), "known_at": LATER,
}  # fmt: skip
MODEL = {
    "model_version": "m/1", "run_id": "r", "feature_version": "f1", "snapshot_id": 7,
    "programme": "sample/equity", "first_session": DAY, "last_session": NEXT, "rows": 10,
    "horizon": 5, "hyperparameters": "{}", "base_rate": 0.5, "calibration": "[]",
    "importance": "[]", "simulated": False, "status": "challenger", "trained_at": AT,
}  # fmt: skip
TRIAL = {
    "trial_id": "t1", "programme": "sample/equity", "study": "s", "number": 0,
    "configuration": "{}", "configuration_hash": "h1", "state": "complete", "score": 0.1,
    "first_session": DAY, "returns": [0.01, -0.02], "hand_made": False,
}  # fmt: skip
GATE = {
    "model_version": "m/1", "gate": "sharpe", "value": None, "threshold": 1.0, "comparison": ">",
    "passed": False, "reason": "r", "sentence": "s",
}  # fmt: skip
FEATURES = {
    "symbol": "A", "session": DAY, "version": "f1", "simulated": False,
    "values": [1.0, float("nan")], "known_at": AT,
}  # fmt: skip
FINDING = {
    "finding_id": "f1", "dataset": "daily_bars", "symbol": "A", "session": DAY, "rule": "spike",
    "severity": "error", "message": "The close jumped.", "figures": "{}", "known_at": AT,
}  # fmt: skip
HELD = {
    "quarantine_id": "q1", "finding_id": "f1", "dataset": "daily_bars", "symbol": "A",
    "session": DAY, "row": "{}", "status": "held", "known_at": AT,
}  # fmt: skip
REPORT = {
    "report_id": "r1", "suite": "daily_bars", "first_session": DAY, "last_session": NEXT,
    "expectations": 9, "passed": 8, "path": "daily/1.html",
}  # fmt: skip
MEMBER = {
    "universe": "sample", "symbol": "A", "from_session": DAY, "sector": "IT",
    "point_in_time": False, "known_at": AT,
}  # fmt: skip
LANDING = {
    "object_key": "equities/a", "sha256": "x", "kind": "daily", "source": "t", "rows": 5,
    "first_session": DAY, "last_session": NEXT, "landed_at": AT,
}  # fmt: skip
SIGNAL = {
    "session": DAY, "symbol": "A", "strategy": "top", "model_version": "m/1",
    "target_weight": 0.05, "probability": 0.62, "known_at": AT,
}  # fmt: skip
DECISION = {
    "session": DAY, "symbol": "A", "outcome": "none", "reason_code": "history",
    "sentence": "A: 30 sessions of history, 252 needed", "figures": "{}", "known_at": AT,
}  # fmt: skip
FIGURE = {
    "session": DAY, "portfolio": "total", "measure": "volatility", "method": "ewma",
    "level": None, "horizon": 1, "value": 0.2, "unit": "fraction", "n_obs": 250, "known_at": AT,
}  # fmt: skip
VERDICT = {
    "dataset": "daily_bars", "symbol": "A", "session": DAY, "status": "held", "checks": 12,
    "checks_passed": 11, "finding_id": "f1", "known_at": AT,
}  # fmt: skip

Record = Callable[[duckdb.DuckDBPyConnection, pl.DataFrame], int]
WRITTEN: list[tuple[str, Record, dict[str, Any]]] = [
    ("models.predictions", predictions.record, PREDICTION),
    ("models.outcomes", predictions.record_outcomes, OUTCOME),
    ("models.versions", models.record_version, MODEL),
    ("models.trials", models.record_trials, TRIAL),
    ("models.gates", models.record_gates, GATE),
    ("features.daily", features.record, FEATURES),
    ("quality.findings", findings.record, FINDING),
    ("quality.quarantine", quarantine.record, HELD),
    ("quality.reports", findings.record_reports, REPORT),
    ("quality.verdicts", verdicts.record, VERDICT),
    ("market.universe", universe.record, MEMBER),
    ("market.landings", landings.record, LANDING),
    ("portfolio.signals", portfolio.record_signals, SIGNAL),
    ("portfolio.decisions", portfolio.record_decisions, DECISION),
    ("risk.figures", risk.record, FIGURE),
]


def put(warehouse: Warehouse, table: str, record: Record, *rows: dict[str, Any]) -> int:
    with warehouse.writer(table) as conn:
        return record(conn, pl.DataFrame(list(rows)))


def test_every_subject_is_written_once(warehouse: Warehouse) -> None:
    for table, record, row in WRITTEN:
        assert put(warehouse, table, record, row) == 1, table
        assert put(warehouse, table, record, row) == 0, table
        assert put(warehouse, table, record, row, row) == 0, table


def test_a_gate_that_no_figure_can_meet_is_kept(warehouse: Warehouse) -> None:
    hopeless = GATE | {"gate": "track_record", "value": 590.0, "threshold": float("inf")}

    put(warehouse, "models.gates", models.record_gates, hopeless)

    with warehouse.reader() as conn:
        kept = models.latest_gates(conn, "m/1").row(0, named=True)
    assert (kept["gate"], kept["value"], kept["threshold"]) == ("track_record", 590.0, float("inf"))


def test_a_missing_column_is_named_for_every_subject(warehouse: Warehouse) -> None:
    for table, record, row in WRITTEN:
        name = next(iter(row))
        short = {key: value for key, value in row.items() if key != name}
        with pytest.raises(ValueError, match=f"Rows for {table} must have the columns {name}"):
            put(warehouse, table, record, short)


def test_the_newest_word_of_a_run_counts(warehouse: Warehouse) -> None:
    put(warehouse, "models.predictions", predictions.record, PREDICTION)
    put(warehouse, "models.predictions", predictions.record, PREDICTION | {"probability": 0.55})

    with warehouse.reader() as conn:
        found = predictions.known(conn, DAY, DAY, as_of=LONG_AFTER)
    assert found["probability"].to_list() == [0.55]


def test_two_words_of_one_key_in_a_frame_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match="must have one row per key"):
        put(
            warehouse, "models.predictions", predictions.record, PREDICTION,
            PREDICTION | {"probability": 0.5},
        )  # fmt: skip


def test_outcomes_are_joined_when_they_are_known(warehouse: Warehouse) -> None:
    put(warehouse, "models.predictions", predictions.record, PREDICTION)
    put(warehouse, "models.outcomes", predictions.record_outcomes, OUTCOME)

    with warehouse.reader() as conn:
        assert predictions.matured(conn, as_of=LATER)["excess_return"].to_list() == [0.02]
        assert predictions.unscored(conn, as_of=LATER).is_empty()
        assert predictions.matured(conn, as_of=AT).is_empty()
        assert predictions.unscored(conn, as_of=AT).height == 1
        bins = predictions.calibration(conn, as_of=LATER)
    assert bins.rows() == [(6, 1, pytest.approx(0.62), 1.0)]


def test_the_serving_version_is_the_champion_else_the_newest(warehouse: Warehouse) -> None:
    newer = MODEL | {"model_version": "m/2", "trained_at": LATER}
    put(warehouse, "models.versions", models.record_version, MODEL, newer)

    with warehouse.reader() as conn:
        assert models.serving(conn, "sample/equity", as_of=LATER)["model_version"].to_list() == [
            "m/2"
        ]
        assert models.serving(conn, "sample/equity", as_of=AT)["model_version"].to_list() == ["m/1"]
        assert models.serving(conn, "sample/equity", as_of=AT - timedelta(days=1)).is_empty()
    put(warehouse, "models.versions", models.record_version, MODEL | {"status": "champion"})
    with warehouse.reader() as conn:
        assert models.serving(conn, "sample/equity", as_of=LATER)["model_version"].to_list() == [
            "m/1"
        ]


def test_the_champion_of_another_programme_does_not_serve(warehouse: Warehouse) -> None:
    other = MODEL | {"model_version": "o/1", "programme": "other/equity", "status": "champion"}
    put(warehouse, "models.versions", models.record_version, other)

    with warehouse.reader() as conn:
        assert models.serving(conn, "sample/equity", as_of=LATER).is_empty()
    put(warehouse, "models.versions", models.record_version, MODEL)
    with warehouse.reader() as conn:
        found = models.serving(conn, "sample/equity", as_of=LATER)
        assert found["model_version"].to_list() == ["m/1"]
        found = models.serving(conn, "other/equity", as_of=LATER)
        assert found["model_version"].to_list() == ["o/1"]


def test_pages_show_what_the_programme_says(warehouse: Warehouse) -> None:
    other = {"model_version": "o/1", "symbol": "B", "session": NEXT}
    named = MODEL | {"model_version": "o/1", "programme": "other/equity", "trained_at": LATER}
    put(warehouse, "models.versions", models.record_version, MODEL, named)
    put(warehouse, "models.predictions", predictions.record, PREDICTION, PREDICTION | other)
    put(
        warehouse, "models.outcomes", predictions.record_outcomes,
        OUTCOME, OUTCOME | other | {"outperformed": False},
    )  # fmt: skip

    with warehouse.reader() as conn:
        said = pages.predictions(conn, programme="sample/equity")
        newest = pages.newest_version(conn, programme="sample/equity")
        score = pages.live_score(conn, programme="sample/equity")
    assert said["model_version"].to_list() == ["m/1"]
    assert newest["model_version"].to_list() == ["m/1"]
    assert score == (1, 1.0)


def test_trials_are_counted_by_configuration(warehouse: Warehouse) -> None:
    failed = {"trial_id": "t3", "state": "failed", "score": None, "returns": None}
    rows = [TRIAL, TRIAL | {"trial_id": "t2", "number": 1}, TRIAL | failed | {"number": 2}]
    rows[2]["configuration_hash"] = "h2"
    put(warehouse, "models.trials", models.record_trials, *rows)

    with warehouse.reader() as conn:
        assert models.trial_counts(conn, "sample/equity") == (2, 3, 2)
        assert models.trial_counts(conn, "other") == (0, 0, 0)
        assert models.trials(conn, "sample/equity")["trial_id"].to_list() == ["t1", "t2", "t3"]


def test_a_configuration_has_the_newest_returns_it_ever_earned(warehouse: Warehouse) -> None:
    failed = TRIAL | {"state": "fail", "score": None, "first_session": None, "returns": None}
    filed: list[dict[str, Any]] = [
        failed | {"trial_id": "t1"},
        TRIAL | {"trial_id": "t2", "returns": [0.5]},
        TRIAL | {"trial_id": "t3", "returns": [0.25, 0.0]},
        failed | {"trial_id": "t4", "returns": []},
        failed | {"trial_id": "t5", "configuration_hash": "h0"},
    ]
    for row in filed:  # one after the other: later ones are newer
        put(warehouse, "models.trials", models.record_trials, row)

    with warehouse.reader() as conn:
        told = models.configurations(conn, "sample/equity")
        assert models.configurations(conn, "other").is_empty()
    assert told.rows() == [("h0", None, None), ("h1", DAY, [0.25, 0.0])]


def test_features_come_back_as_a_matrix_in_the_order_of_their_names(warehouse: Warehouse) -> None:
    with warehouse.writer("features.versions") as conn:
        assert features.register(conn, "f1", ["momentum", "volatility"]) is True
        assert features.register(conn, "f1", ["momentum", "volatility"]) is False
        with pytest.raises(ValueError, match="registered with other names"):
            features.register(conn, "f1", ["volatility", "momentum"])
    other = FEATURES | {"symbol": "B", "values": [3.0, 4.0], "known_at": LATER}
    put(warehouse, "features.daily", features.record, FEATURES, other)

    with warehouse.reader() as conn:
        rows, values = features.matrix(conn, "f1", ["A", "B"], DAY, DAY, as_of=LATER)
        early, _ = features.matrix(conn, "f1", ["A", "B"], DAY, DAY, as_of=AT)
        assert features.names(conn, "f1") == ("momentum", "volatility")
        none, empty = features.matrix(conn, "f1", ["C"], DAY, DAY, as_of=AT)
        with pytest.raises(features.UnknownVersionError, match="'f2'"):
            features.matrix(conn, "f2", ["A"], DAY, DAY, as_of=AT)

    assert rows["symbol"].to_list() == ["A", "B"]
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, np.array([[1.0, np.nan], [3.0, 4.0]], dtype=np.float32))
    assert early["symbol"].to_list() == ["A"]
    assert (none.height, empty.shape) == (0, (0, 2))


def test_a_wider_feature_set_leaves_the_earlier_one_readable(warehouse: Warehouse) -> None:
    with warehouse.writer("features.versions") as conn:
        features.register(conn, "f1", ["momentum", "volatility"])
        features.register(conn, "wider", ["spread", "momentum", "volatility"])
    wider = FEATURES | {"version": "wider", "values": [0.5, 1.0, 2.0], "known_at": LATER}
    put(warehouse, "features.daily", features.record, FEATURES, wider)

    with warehouse.reader() as conn:
        _, earlier = features.matrix(conn, "f1", ["A"], DAY, DAY, as_of=LATER)
        _, now = features.matrix(conn, "wider", ["A"], DAY, DAY, as_of=LATER)
        assert features.names(conn, "f1") == ("momentum", "volatility")

    np.testing.assert_array_equal(earlier, np.array([[1.0, np.nan]], dtype=np.float32))
    assert now.tolist() == [[0.5, 1.0, 2.0]]


def test_no_verdict_means_not_usable(warehouse: Warehouse) -> None:
    judge(warehouse, "A", DAY, "passed")
    put(warehouse, "quality.findings", findings.record, FINDING | {"symbol": "B"})
    put(warehouse, "quality.verdicts", verdicts.record, VERDICT | {"symbol": "B"})

    with warehouse.reader() as conn:
        found = verdicts.status(conn, ["A", "B", "C"], DAY, as_of=LATER)
        held = verdicts.held_back(conn, [DAY])

    assert found["usable"].to_list() == [True, False, False]
    assert found["status"].to_list() == ["passed", "held", None]
    assert found["message"].to_list() == [None, "The close jumped.", None]
    assert held["symbol"].to_list() == ["B"]


def test_a_released_row_no_longer_waits(warehouse: Warehouse) -> None:
    put(warehouse, "quality.quarantine", quarantine.record, HELD)
    decided = {"status": "released", "person": "ada", "reason": "true print", "known_at": AT}
    put(warehouse, "quality.quarantine", quarantine.record, HELD | decided)

    with warehouse.reader() as conn:
        assert quarantine.latest_held(conn).is_empty()
        state = quarantine.latest_states(conn, quarantine_id="q1")
    assert state.select("status", "person").rows() == [("released", "ada")]


def test_members_are_those_of_the_sessions(warehouse: Warehouse) -> None:
    left = MEMBER | {"symbol": "B", "from_session": date(2010, 1, 4), "to_session": DAY}
    put(warehouse, "market.universe", universe.record, MEMBER | {"to_session": None}, left)

    with warehouse.reader() as conn:
        both = universe.members(conn, "sample", DAY, DAY, as_of=LATER)
        one = universe.members(conn, "sample", NEXT, NEXT, as_of=LATER)
        none = universe.members(conn, "sample", DAY, DAY, as_of=AT - timedelta(days=1))

    assert both["symbol"].to_list() == ["A", "B"]
    assert one["symbol"].to_list() == ["A"]
    assert none.is_empty()


def test_a_rate_holds_until_the_next(warehouse: Warehouse) -> None:
    rows = pl.DataFrame(
        {
            "session": [date(2012, 6, 1), DAY, date(2012, 8, 1)],
            "annual_rate": [0.01, 0.02, 0.03],
            "source": ["t"] * 3,
            "known_at": [AT - timedelta(days=31), AT, AT + timedelta(days=30)],
        }
    )
    with warehouse.writer("market.rates") as conn:
        assert index.append_rates(conn, rows) == Appended(new=3)

    with warehouse.reader() as conn:
        found = index.rates(conn, date(2012, 6, 20), date(2012, 7, 20), as_of=LONG_AFTER)
        early = index.rates(
            conn, date(2012, 6, 20), date(2012, 7, 20), as_of=AT - timedelta(days=1)
        )
    assert found["annual_rate"].to_list() == [0.01, 0.02]
    assert early["annual_rate"].to_list() == [0.01]


def test_index_bars_are_restated_like_any_other(warehouse: Warehouse) -> None:
    with warehouse.writer("market.index_bars") as conn:
        assert index.append_bars(conn, frame(*series("SPX", [1000.0, 1010.0]))) == Appended(new=2)
    with warehouse.writer("market.index_bars") as conn:
        again = index.append_bars(conn, frame(*series("SPX", [1000.0, 1011.0])), learned_at=LATER)
    assert again == Appended(unchanged=1, restated=1)

    with warehouse.reader() as conn:
        before = index.bars(conn, "SPX", DAY, NEXT, as_of=LATER - timedelta(days=1))
        after = index.bars(conn, "SPX", DAY, NEXT, as_of=LATER)
    assert before["close"].to_list() == [1000.0, 1010.0]
    assert after["close"].to_list() == [1000.0, 1011.0]


def test_decisions_signals_and_risk_come_back(warehouse: Warehouse) -> None:
    put(warehouse, "portfolio.signals", portfolio.record_signals, SIGNAL)
    put(warehouse, "portfolio.decisions", portfolio.record_decisions, DECISION)
    put(warehouse, "risk.figures", risk.record, FIGURE, FIGURE | {"level": 0.99, "value": 0.3})

    with warehouse.reader() as conn:
        assert portfolio.signals(conn, DAY, DAY, as_of=AT)["target_weight"].to_list() == [0.05]
        told = portfolio.latest_decisions(conn, DAY, DAY)
        figures = risk.figures(conn, DAY, DAY, as_of=AT, portfolio="total")
        assert findings.known(conn, DAY, DAY, as_of=AT).is_empty()
        assert landings.latest(conn, kind="daily").is_empty()
    assert told["sentence"].to_list() == ["A: 30 sessions of history, 252 needed"]
    assert sorted(figures["value"]) == [0.2, 0.3]
