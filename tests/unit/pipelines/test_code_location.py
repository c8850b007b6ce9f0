"""The code location as Dagster loads it: names, lineage, and what every asset tells a reader."""

from collections import deque

import dagster as dg
import pytest

from pipelines.definitions import defs

ASSETS = {
    "lake_daily_bars", "corporate_actions", "index_bars", "daily_bars", "minute_bars", "options",
    "daily_features", "trained_model", "predictions", "outcomes", "signals", "proposals",
    "eligibility", "signatures", "orders", "fills", "positions", "risk_figures",
    "shadow_ledger", "performance", "end_of_day", "alerts_of_close",
    "audit_anchor", "strategy_gates", "forecast_records", "intraday_signals",
    "intraday_gates",
}  # fmt: skip
GRAPH = defs.resolve_asset_graph()


def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_the_assets_are_those_of_the_design() -> None:
    assert set(specs()) == ASSETS


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_every_asset_tells_what_it_is_whose_it_is_and_what_it_is_made_of(name: str) -> None:
    spec = specs()[name]

    assert spec.description
    assert spec.description.strip().endswith(".")
    assert spec.owners
    assert spec.group_name not in {None, "default"}
    assert spec.kinds


def test_the_jobs_are_those_of_the_design() -> None:
    named = {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}

    assert named == {
        "first_materialisation", "backfill", "train_model", "daily_run", "submit_orders",
        "reconcile", "maintenance", "load_minutes", "load_options", "watch_minutes",
    }  # fmt: skip


def test_every_job_says_what_it_does() -> None:
    for job in defs.resolve_all_job_defs():
        assert job.name.startswith("__") or job.description


def test_sensors_are_on_without_anyone_switching_them_on() -> None:
    sensors = {
        name: defs.resolve_sensor_def(name) for name in ("session_closed", "approved_orders")
    }

    for sensor in sensors.values():
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
        assert (sensor.minimum_interval_seconds or 0) <= 5


def test_only_the_checks_of_a_whole_delivery_stop_a_run() -> None:
    checks = {
        (key.asset_key.to_user_string(), key.name): GRAPH.get_check_spec(key).blocking
        for key in GRAPH.asset_check_keys
    }

    assert {name for name, blocking in checks.items() if blocking} == {
        ("daily_bars", "delivery_is_usable"),
        ("minute_bars", "delivery_is_usable"),
    }
    assert {name for name, blocking in checks.items() if not blocking} == {
        ("daily_bars", "every_expected_symbol_arrived"),
        ("daily_bars", "prices_are_consistent"),
        ("daily_bars", "keys_are_unique"),
        ("daily_bars", "prices_are_fresh"),
        ("daily_bars", "incoming_bars_are_like_the_year_before"),
        ("minute_bars", "sessions_are_complete"),
        ("options", "chains_are_fresh_and_whole"),
        ("daily_features", "features_are_finite_where_history_suffices"),
        ("daily_features", "features_meet_their_suite"),
        ("daily_features", "features_are_like_those_trained_on"),
        ("predictions", "serving_matches_training"),
        ("predictions", "predictions_meet_their_suite"),
        ("positions", "positions_meet_their_suite"),
    }


def test_positions_are_judged_once_a_session_and_not_after_each_fill() -> None:
    steps = {
        name: set(defs.resolve_job_def(name).graph.node_dict) for name in ("daily_run", "reconcile")
    }

    assert "positions_positions_meet_their_suite" in steps["daily_run"]
    assert steps["reconcile"] == {"fills_and_positions"}


def test_from_every_asset_a_way_leads_back_to_the_raw_object() -> None:
    root = dg.AssetKey("lake_daily_bars")

    for name in ASSETS - {"lake_daily_bars"}:
        assert root in ancestors(dg.AssetKey(name)), name


def test_a_position_descends_from_every_step_of_the_decision() -> None:
    before = {key.to_user_string() for key in ancestors(dg.AssetKey("positions"))}

    assert before >= {
        "fills", "orders", "signatures", "proposals", "signals", "predictions", "trained_model",
        "daily_features", "daily_bars", "index_bars", "corporate_actions", "lake_daily_bars",
    }  # fmt: skip


def test_whatever_has_sessions_is_made_for_a_range_in_one_run() -> None:
    for key in GRAPH.get_all_asset_keys():
        node = GRAPH.get(key)
        if node.is_partitioned:
            assert node.backfill_policy == dg.BackfillPolicy.single_run(), key


def test_orders_are_sent_before_anything_else_runs() -> None:
    priorities = {
        job.name: int(job.tags.get("dagster/priority", "0")) for job in defs.resolve_all_job_defs()
    }

    assert max(priorities, key=lambda name: priorities[name]) == "submit_orders"
    assert all(n <= 0 for j, n in priorities.items() if j not in {"submit_orders", "reconcile"})


def ancestors(key: dg.AssetKey) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    waiting = deque([key])
    while waiting:
        for parent in GRAPH.get(waiting.popleft()).parent_keys - found:
            found.add(parent)
            waiting.append(parent)
    return found
