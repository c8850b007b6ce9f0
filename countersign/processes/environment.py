"""The environment of every child: where the desk is, and that nobody calls home."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from config.build import REPOSITORY
from config.settings import Settings
from countersign.processes.homes import Home

# A range of sessions is one run: its events are written in batches (docs/adr/0005).
_RANGES = {
    "DAGSTER_EVENT_BATCH_SIZE": "500",
    "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "true",
}
# Threads of a kernel that wait for each other sleep instead of spinning: where other processes
# take their turn on the same cores, XGBoost's two threads were measured 20 times slower spinning.
_PATIENT = {"OMP_WAIT_POLICY": "passive"}
# Arrow's own allocator takes huge pages that the kernel clears and gathers first: reading bars took
# two to three times the processor, and what reserved memory after it paid too (docs/reports).
_SPARING = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
_QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def of_children(
    settings: Settings, home: Home, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment that the desk's processes are started with."""
    told = _PATIENT | _SPARING | dict(environ) | _QUIET | _RANGES
    told |= {
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "DESK_HOME": str(home.root),
        "DAGSTER_HOME": str(home.dagster),
        "DESK_DAGSTER_URL": with_driver(settings.database.url("dagster"), "psycopg2"),
        # A proxy of the machine is never asked for the desk's own addresses.
        "NO_PROXY": _with_loopback(environ.get("NO_PROXY", "")),
        "no_proxy": _with_loopback(environ.get("no_proxy", "")),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", ""))),
    }
    return told


def with_driver(url: str, driver: str) -> str:
    """Return a PostgreSQL address that names its SQLAlchemy driver."""
    return urlunsplit(urlsplit(url)._replace(scheme=f"postgresql+{driver}"))


def _with_loopback(hosts: str) -> str:
    return ",".join(filter(None, (hosts, "127.0.0.1", "localhost")))
