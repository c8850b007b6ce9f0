"""The sheet of a close: figures that agree with each other, and reasons for those left out."""

from dataclasses import replace

import numpy as np
import pytest

from config import scenarios
from config.documents import ROOT
from config.scenarios import Window
from quant.risk import Holdings, Sheet, coverage_record, kupiec_test, record_figures, risk_sheet

SCENARIOS = scenarios.load(ROOT / "scenarios.toml").scenarios
N_OBS = 700


def _holdings() -> Holdings:
    rng = np.random.default_rng(1)
    index = rng.normal(3e-4, 0.01, N_OBS)
    own = rng.normal(0, 0.008, (N_OBS, 3))
    returns = index[:, None] * np.array([1.2, 0.8, 1.0]) + own
    returns[: N_OBS - 30, 2] = np.nan  # listed thirty sessions ago
    return Holdings(
        symbols=("A", "B", "C"),
        sectors=("Tech", "Oil", "Tech"),
        weights=np.array([0.4, 0.3, 0.1]),
        quantities=np.array([100.0, 50.0, 10.0]),
        volumes=np.array([1000.0, 500.0, np.nan]),
        sessions=np.datetime64("2010-01-04") + np.arange(N_OBS),
        returns=returns,
        index=index,
    )


HOLDINGS = _holdings()


@pytest.fixture(scope="module", name="sheet")
def _sheet() -> Sheet:
    return risk_sheet(HOLDINGS, SCENARIOS, rng=np.random.default_rng(2))


def _one(sheet: Sheet, measure: str, **where: object) -> float:
    found = [
        figure.value
        for figure in sheet.figures
        if figure.measure == measure
        and all(getattr(figure, key) == value for key, value in where.items())
    ]
    assert len(found) == 1, (measure, where, found)
    return found[0]


def test_no_row_is_told_twice(sheet: Sheet) -> None:
    keys = [(f.portfolio, f.measure, f.method, f.level, f.horizon) for f in sheet.figures]

    assert len(set(keys)) == len(keys)
    assert all(np.isfinite(figure.value) for figure in sheet.figures)


def test_every_method_level_and_horizon_is_there(sheet: Sheet) -> None:
    found = {(f.method, f.level, f.horizon) for f in sheet.figures if f.measure == "value_at_risk"}

    assert len(found) == 6 * 2 * 2


def test_components_add_up(sheet: Sheet) -> None:
    parts = [f.value for f in sheet.figures if f.measure == "component_value_at_risk"]
    recent = HOLDINGS.filled[-504:]
    whole = 2.326347874 * np.sqrt(HOLDINGS.weights @ np.cov(recent.T) @ HOLDINGS.weights)

    assert sum(parts) == pytest.approx(whole)
    assert _one(sheet, "undiversified_value_at_risk") > whole


def test_what_was_not_listed_moved_with_the_index_by_its_beta() -> None:
    # thirty returns are too few for a beta of its own
    assert HOLDINGS.betas[2] == 1.0
    assert HOLDINGS.betas[:2] == pytest.approx([1.2, 0.8], abs=0.1)
    np.testing.assert_array_equal(HOLDINGS.filled[0, 2], HOLDINGS.index[0])


def test_stress_of_the_index_is_its_move_by_beta(sheet: Sheet) -> None:
    slope = float(HOLDINGS.weights @ HOLDINGS.betas)

    assert _one(sheet, "stress_index_10") == pytest.approx(0.10 * slope)
    assert _one(sheet, "stress_index_20") == pytest.approx(0.20 * slope)
    assert _one(sheet, "stress_single_name_gap", method="gap: A") == pytest.approx(0.3 * 0.4)
    assert _one(sheet, "stress_sector_down_25", method="sector: Tech") == pytest.approx(0.125)


def test_a_window_inside_the_past_is_replayed_and_others_are_left_out(sheet: Sheet) -> None:
    days = (HOLDINGS.sessions > np.datetime64("2010-05-03")) & (
        HOLDINGS.sessions <= np.datetime64("2010-05-07")
    )
    growth = np.prod(1 + HOLDINGS.filled[days], axis=0) - 1

    assert _one(sheet, "stress_flash_crash") == pytest.approx(-growth @ HOLDINGS.weights)
    assert "2008-09-12 to 2008-11-20" in sheet.left_out["lehman"]
    assert "2020-02-19 to 2020-03-23" in sheet.left_out["march_2020"]


def test_nothing_but_windows_is_left_out(sheet: Sheet) -> None:
    windows = {name for name, scenario in SCENARIOS.items() if isinstance(scenario, Window)}

    assert set(sheet.left_out) <= {*windows, "C"}
    assert sheet.left_out["C"].startswith("no price in 474 of 504 sessions")


def test_the_record_is_told_with_its_tests(sheet: Sheet) -> None:
    way = {"method": "hypothetical, historical", "level": 0.95}
    exceptions = _one(sheet, "exceptions", **way)

    # 450 sessions beyond the first 250: 22.5 exceptions expected
    assert _one(sheet, "expected_exceptions", **way) == pytest.approx(22.5)
    assert _one(sheet, "record_is_sufficient", **way) == 1.0
    assert _one(sheet, "kupiec_p_value", **way) == pytest.approx(
        kupiec_test(int(exceptions), 450, level=0.95).p_value
    )
    # 450 at 99 % expect 4.5
    assert _one(sheet, "record_is_sufficient", method=way["method"], level=0.99) == 0.0
    assert 0.0 <= _one(sheet, "basel_plus_factor", method=way["method"]) <= 1.0


def test_too_few_exceptions_are_judged_by_monte_carlo() -> None:
    record = coverage_record(np.full(100, 0.01), np.full(100, 0.02), level=0.99)

    told = {f.measure: f.value for f in record_figures(record, level=0.99, method="own")}
    assert told["kupiec_p_value"] == record.tests.unconditional.monte_carlo_p_value
    assert told["record_is_sufficient"] == 0.0


def test_liquidity_is_told_of_what_has_a_volume(sheet: Sheet) -> None:
    days = {f.portfolio: f.value for f in sheet.figures if f.measure == "days_to_exit"}

    assert days == {"A": pytest.approx(1.0), "B": pytest.approx(1.0)}


def test_the_same_state_gives_the_same_sheet(sheet: Sheet) -> None:
    again = risk_sheet(HOLDINGS, SCENARIOS, rng=np.random.default_rng(2))

    assert again == sheet


def test_a_short_past_leaves_out_what_it_cannot_carry() -> None:
    short = replace(
        HOLDINGS,
        sessions=HOLDINGS.sessions[-100:],
        returns=HOLDINGS.returns[-100:],
        index=HOLDINGS.index[-100:],
    )

    found = risk_sheet(short, SCENARIOS, rng=np.random.default_rng(2))

    assert "at least 250 returns" in found.left_out["filtered"]
    assert "window of 250" in found.left_out["record at 99%"]
    assert _one(found, "value_at_risk", method="normal", level=0.99, horizon=1) > 0


def test_an_empty_book_has_its_exposures_only() -> None:
    empty = Holdings(
        (), (), np.empty(0), np.empty(0), np.empty(0), HOLDINGS.sessions,
        np.empty((N_OBS, 0)), HOLDINGS.index,
    )  # fmt: skip

    found = risk_sheet(empty, SCENARIOS, rng=np.random.default_rng(2))

    assert {f.measure: f.value for f in found.figures}["gross_exposure"] == 0.0
    assert len(found.figures) == 6
