"""Sensors look at what is: a lost tick or a dead run costs nothing."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
)

from config import settings
from config.settings import Settings
from ledger import daily_runs, market, runs
from ledger.connection import engine
from pipelines.sensors import approved_orders, model_is_due, session_closed
from quality.calendar import exchange
from quality.own_checks import features_are_like_those_trained_on
from tests.integration.sending.desk import SmallDesk
from tests.unit.worker.desks import clock_at

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
MONDAY, TUESDAY = date(2012, 7, 2), date(2012, 7, 3)


class Ticks:
    """A ledger, an instance without runs, and the ticks of the sensors."""

    def __init__(self, small: SmallDesk, told: Settings) -> None:
        self.small, self.told = small, told
        self.instance = dg.DagsterInstance.ephemeral()

    def model_exists(self, trained_to: date = MONDAY) -> None:
        told = {"trained_to": trained_to.isoformat()}
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization("trained_model", metadata=told)
        )

    def compared(self, *, drifted: bool) -> None:
        self.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=features_are_like_those_trained_on.check_key.asset_key,
                check_name=features_are_like_those_trained_on.check_key.name,
                passed=not drifted,
                severity=dg.AssetCheckSeverity.WARN,
            )
        )

    def comparison_planned(self) -> None:
        """As a daily run does when it begins."""
        run = dg.DagsterRun(job_name="daily_run", run_id=str(uuid.uuid4()))
        self.instance.add_run(run)
        compared = features_are_like_those_trained_on.check_key
        planned = AssetCheckEvaluationPlanned(
            asset_key=compared.asset_key, check_name=compared.name
        )
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
            job_name=run.job_name,
            event_specific_data=planned,
        )
        self.instance.report_dagster_event(event, run.run_id)

    def close(self, session: date) -> None:
        with self.small.engine.begin() as conn:
            market.record_clock(conn, clock_at(exchange().close(session) + timedelta(minutes=1)))

    def decided(self, session: date) -> None:
        with self.small.engine.begin() as conn:
            daily_runs.start(conn, session=session, desk_at=NOON)
            daily_runs.finish(conn, session=session, proposals=0, desk_at=NOON)

    def run_exists(
        self, job: str, status: dg.DagsterRunStatus, session: date | None = None
    ) -> None:
        tags = {} if session is None else {"dagster/partition": session.isoformat()}
        run = dg.DagsterRun(job_name=job, run_id=str(uuid.uuid4()), status=status, tags=tags)
        self.instance.add_run(run)

    def closed(self) -> list[str | None] | str:
        return self._told(session_closed, {"ledger": self.small.engine, "settings": self.told})

    def approved(self) -> list[str | None] | str:
        return self._told(
            approved_orders, {"ledger": self.small.engine, "desk_clock": self.small.clock}
        )

    def due(self) -> list[str | None] | str:
        return self._told(model_is_due, {"ledger": self.small.engine, "settings": self.told})

    def _told(
        self, sensor: dg.SensorDefinition, resources: dict[str, object]
    ) -> list[str | None] | str:
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            result = sensor(context)
        if isinstance(result, dg.SkipReason):
            return str(result.skip_message)
        assert isinstance(result, dg.SensorResult)
        assert all(request.run_key is None for request in result.run_requests or ())
        return [request.partition_key for request in result.run_requests or ()]


@pytest.fixture
def ticks(desk_dsn: str, tmp_path: Path) -> Iterator[Ticks]:
    made = engine(desk_dsn)
    told = settings.load({"DESK_HOME": str(tmp_path), "COUNTERSIGN_DATABASE__DSN": desk_dsn})
    yield Ticks(SmallDesk(made), told)
    made.dispose()


def test_without_a_model_no_session_is_decided(ticks: Ticks) -> None:
    ticks.close(MONDAY)

    assert "there is no model yet" in ticks.closed()


def test_a_closed_session_is_asked_for_until_it_is_decided(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.close(MONDAY)

    # The same answer again: a tick whose run was lost costs nothing.
    assert [ticks.closed(), ticks.closed()] == [["2012-07-02"], ["2012-07-02"]]
    ticks.decided(MONDAY)
    assert ticks.closed() == "every closed session has been decided on"


def test_the_oldest_undecided_session_comes_first(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.close(TUESDAY)

    assert ticks.closed() == ["2012-07-02"]
    ticks.decided(MONDAY)
    assert ticks.closed() == ["2012-07-03"]


def test_a_session_that_is_under_way_is_not_started_twice(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.close(MONDAY)
    ticks.run_exists("daily_run", dg.DagsterRunStatus.STARTED, MONDAY)

    assert ticks.closed() == "the run of 2012-07-02 is under way"


def test_a_failed_run_is_tried_again_but_not_for_ever(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.close(MONDAY)

    ticks.run_exists("daily_run", dg.DagsterRunStatus.FAILURE, MONDAY)
    ticks.run_exists("daily_run", dg.DagsterRunStatus.FAILURE, MONDAY)
    assert ticks.closed() == ["2012-07-02"]
    ticks.run_exists("daily_run", dg.DagsterRunStatus.FAILURE, MONDAY)
    assert "failed 3 times" in ticks.closed()


def test_nothing_is_decided_before_the_market_was_heard(ticks: Ticks) -> None:
    ticks.model_exists()

    assert ticks.closed() == "every closed session has been decided on"


def sessions_after(n: int) -> date:
    return exchange().sessions(MONDAY, MONDAY + timedelta(days=60))[n]


def test_a_model_is_trained_anew_after_so_many_sessions(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.close(sessions_after(20))
    assert ticks.due() == "the model is 20 sessions old; 21 are allowed"

    ticks.close(sessions_after(21))
    assert ticks.due() == [None]
    ticks.run_exists("train_model", dg.DagsterRunStatus.STARTED)
    assert ticks.due() == "a training is under way"


def test_a_model_whose_features_drifted_is_trained_anew_sooner(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.compared(drifted=True)
    ticks.close(sessions_after(4))
    why = ", as its features have drifted"
    assert ticks.due() == f"the model is 4 sessions old; 5 are allowed{why}"

    ticks.close(sessions_after(5))
    assert ticks.due() == [None]
    ticks.compared(drifted=False)
    assert ticks.due() == "the model is 5 sessions old; 21 are allowed"


def test_while_features_are_compared_what_was_found_before_counts(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.close(sessions_after(5))
    ticks.comparison_planned()
    assert ticks.due() == "the model is 5 sessions old; 21 are allowed"

    ticks.compared(drifted=True)
    ticks.comparison_planned()
    assert ticks.due() == [None]


def test_what_an_earlier_model_drifted_from_does_not_count(ticks: Ticks) -> None:
    ticks.model_exists()
    ticks.compared(drifted=True)
    ticks.model_exists()
    ticks.close(sessions_after(5))

    assert ticks.due() == "the model is 5 sessions old; 21 are allowed"


def test_a_desk_may_leave_drift_to_be_told(ticks: Ticks) -> None:
    told = ticks.told.training.model_copy(update={"every_drifted": 99})
    ticks.told = ticks.told.model_copy(update={"training": told})
    ticks.model_exists()
    ticks.compared(drifted=True)
    ticks.close(sessions_after(20))

    assert "20 sessions old; 21 are allowed" in ticks.due()


def test_nothing_is_sent_where_nothing_is_signed(ticks: Ticks) -> None:
    assert ticks.approved() == "no signed leg waits"


def test_a_signed_leg_is_asked_for_on_every_tick_until_it_is_sent(ticks: Ticks) -> None:
    ticks.small.signed()

    assert ticks.approved() == [None]
    assert ticks.approved() == [None]


def test_a_run_that_is_under_way_is_waited_for(ticks: Ticks) -> None:
    ticks.small.signed()
    ticks.run_exists("submit_orders", dg.DagsterRunStatus.STARTING)

    assert ticks.approved() == "1 wait; a run is already under way"


def test_a_run_that_died_is_followed_by_another_after_a_minute(ticks: Ticks) -> None:
    ticks.small.signed()
    with ticks.small.engine.begin() as conn:
        runs.record(
            conn, run_id="r1", job="submit_orders", state="started", desk_at=ticks.small.clock.now()
        )

    assert ticks.approved() == "1 wait; a run is already under way"
    ticks.small.clock.forward(61)
    assert ticks.approved() == [None]
