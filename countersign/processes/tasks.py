"""The single steps of a start-up, each in a short-lived process of its own.

They are kept out of the supervisor because what they import is large. Progress goes to standard
output as one JSON object a line; everything else goes to the log.
"""

import datetime as dt
import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from config import settings, universe
from config.settings import Settings, SettingsError
from countersign.graphql import Dagster, DagsterError
from countersign.processes.plan import LOCATION
from countersign.processes.ports import LOOPBACK
from trading.errors import DeskError

JOB = "first_materialisation"
# Each look makes the webserver read every event of the run, thousands by its end.
_LOOK_SECONDS = 3.0
_FEATURES, _PROGRAMME = "countersign/feature_version", "countersign/programme"
_RUNNING = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED")


def say(detail: str, progress: float | None = None) -> None:
    """Tell the supervisor how far the step is (0 to 1)."""
    sys.stdout.write(json.dumps({"detail": detail, "progress": progress}) + "\n")
    sys.stdout.flush()


def tables(told: Settings) -> None:
    """Bring the ledger and the warehouse to this version's tables."""
    ledger = importlib.import_module("ledger.migrate")
    warehouse = importlib.import_module("warehouse.migrate")
    ensure_buckets(told)
    revision = ledger.upgrade(told.database.url("desk"))
    say(f"ledger at {revision}", 0.5)
    applied = warehouse.upgrade(told)
    say(f"ledger at {revision}, {len(applied)} warehouse migrations applied")


def lake(told: Settings) -> None:
    """Land the sample's past in the lake; what is there stays."""
    store = importlib.import_module("adapters.object_store").from_settings(told)
    store.check()
    if told.broker.kind != "venue":
        say("reachable")
        return
    sample = importlib.import_module("adapters.market_data.sample")
    sample.seed(store, until=told.venue.start, progress=_share)
    say(f"daily prices up to {told.venue.start}")


def dagster(_told: Settings) -> None:
    """Create Dagster's tables before three of its processes try to at once."""
    importlib.import_module("dagster").DagsterInstance.get().dispose()
    say("storage ready")


def first_materialisation(told: Settings) -> None:
    """Run the whole pipeline once for features and programme, or follow the run begun earlier.

    Features of another version are not what the model was trained on: after an upgrade that
    changed them, all sessions get the new ones, and a model learns from those. Another universe
    is another programme, in which no model of the former one serves.
    """
    webserver = Dagster(f"http://{LOOPBACK}:{told.dagster.port}", LOCATION)
    subject = _subject()
    _wait_loaded(webserver)
    if webserver.newest_run(JOB, ["SUCCESS"], tags=subject):
        say("was done before")
        return
    run_id = webserver.newest_run(JOB, _RUNNING, tags=subject)
    if run_id is None:
        ledger = importlib.import_module("ledger").engine(told.database.url("desk"), pool_size=1)
        _wait_for_clock(ledger)
        run_id = webserver.launch(JOB, tags=_history(told, ledger) | subject)
    reached = webserver.progress(run_id)
    while not reached.is_final:
        doing = ", ".join(sorted(reached.running)) or reached.status.lower()
        say(f"{reached.done} of {reached.steps} steps; {doing}", reached.done / reached.steps)
        time.sleep(_LOOK_SECONDS)
        reached = webserver.progress(run_id)
    if reached.status != "SUCCESS":
        raise DagsterError(
            f"The first materialisation ended as {reached.status}: see "
            f"{webserver.url}/runs/{run_id}. ./desk down and ./desk up run it again."
        )
    say(f"{reached.steps} steps")


def _subject() -> dict[str, str]:
    """Return the tags that tell what a first materialisation is of."""
    return {
        _FEATURES: importlib.import_module("quant.features").DAILY.version,
        _PROGRAMME: universe.load().programme,
    }


def _history(told: Settings, ledger: Any) -> dict[str, str]:
    """Return the tags that make the run one over all sessions that have closed."""
    return {
        "dagster/asset_partition_range_start": told.history.first_session.isoformat(),
        "dagster/asset_partition_range_end": _last_session(told, ledger).isoformat(),
    }


def _wait_for_clock(ledger: Any, seconds: float = 60) -> None:
    """Wait until the worker `watch` has told what time it is; if it does not, the run says so."""
    until = time.monotonic() + seconds
    while _clock(ledger) is None and time.monotonic() < until:
        say("waiting for the market's clock")
        time.sleep(0.2)


def _last_session(told: Settings, ledger: Any) -> dt.date:
    """Return the newest closed session by the market's clock; at first, where the replay starts."""
    clock = _clock(ledger)
    if clock is None:
        return told.venue.start
    calendar = importlib.import_module("quality.calendar").exchange()
    closed: dt.date = calendar.last_closed(clock.now)
    return max(told.venue.start, closed)


def _clock(ledger: Any) -> Any:
    with ledger.connect() as conn:
        return importlib.import_module("ledger.market").latest_clock(conn)


def ensure_buckets(told: Settings) -> None:
    """Make the buckets that the lake and the warehouse name, unless they are there."""
    buckets = {told.lake.bucket} if told.lake.kind == "s3" else set()
    if told.warehouse.kind == "s3":
        buckets.add(told.warehouse.bucket)
    for bucket in sorted(buckets):
        place = told.lake.model_copy(update={"kind": "s3", "bucket": bucket})
        stores = importlib.import_module("adapters.object_store")
        stores.from_settings(told.model_copy(update={"lake": place})).ensure_bucket()


def _share(done: float, detail: str = "") -> None:
    say(detail, done)


def _wait_loaded(webserver: Dagster, seconds: float = 120) -> None:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    while not webserver.is_loaded():
        if dt.datetime.now(dt.UTC) > until:
            raise DagsterError(f"The pipeline was not loaded within {seconds:.0f} s.")
        say("loading the pipeline")
        time.sleep(0.5)


_TASKS: dict[str, Callable[[Settings], None]] = {
    "tables": tables,
    "lake": lake,
    "dagster": dagster,
    "first_materialisation": first_materialisation,
}


def main(name: str) -> int:
    """Carry out one step; a failure that a person can act on is told in one sentence."""
    try:
        _TASKS[name](settings.load())
    except (SettingsError, DeskError, DagsterError) as e:
        sys.stdout.write(json.dumps({"failed": str(e)}) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
