"""Fails Dagster runs whose worker is gone, in a process of its own: Dagster is large."""

import sys
from collections.abc import Sequence

from dagster import DagsterInstance, DagsterRunStatus

_ENDED = "The process of this run is gone; the supervisor ended the run."


def fail(run_ids: Sequence[str]) -> None:
    """Fail the runs that are still active (cancel those being cancelled) and free their slots."""
    with DagsterInstance.get() as instance:
        for run_id in run_ids:
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                continue
            if run.status == DagsterRunStatus.CANCELING:
                instance.report_run_canceled(run, message=_ENDED)
            else:
                instance.report_run_failed(run, message=_ENDED)
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)


if __name__ == "__main__":
    fail(sys.argv[1:])
