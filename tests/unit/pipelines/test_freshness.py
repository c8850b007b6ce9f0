"""Freshness policies: none in a replay, and outside it never a false alarm on a holiday."""

from datetime import date, timedelta
from itertools import pairwise

import dagster as dg

from config import settings
from pipelines.definitions import defs
from pipelines.freshness import DAILY, EARLY_WORD, LONGEST, policy, with_freshness
from quality.calendar import exchange

PAPER = {
    "COUNTERSIGN_MODE": "paper", "COUNTERSIGN_BROKER__KIND": "alpaca",
    "COUNTERSIGN_BROKER__KEY_ID": "K", "COUNTERSIGN_BROKER__SECRET_KEY": "S",
}  # fmt: skip


def test_a_replay_is_not_measured_by_the_wall_clock() -> None:
    assert policy(settings.load({})) is None
    assert {spec.freshness_policy for spec in defs.resolve_all_asset_specs()} == {None}


def test_every_asset_of_the_daily_run_and_no_other_is_watched_outside_a_replay() -> None:
    assert defs.assets is not None
    asked = policy(settings.load(PAPER))
    made = dg.Definitions(assets=with_freshness(defs.assets, asked), resources=defs.resources)

    watched = {s.key.to_user_string() for s in made.resolve_all_asset_specs() if s.freshness_policy}
    steps = set(defs.resolve_job_def("daily_run").graph.node_dict)
    assert watched == DAILY
    assert watched <= steps


def test_no_planned_holiday_is_taken_for_a_pipeline_that_has_stopped() -> None:
    """A session's run ends within half an hour of its close, from 2013 on."""
    closes = [exchange().close(day) for day in exchange().sessions(date(2013, 1, 2), date.today())]  # noqa: DTZ011 - whole days
    longest = max(later - earlier for earlier, later in pairwise(closes))

    assert longest == timedelta(days=4, hours=3)
    assert longest + timedelta(minutes=30) < LONGEST
    assert EARLY_WORD < LONGEST
