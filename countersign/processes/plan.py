"""The processes of a desk: their commands, ports and probes."""

import signal
import sys
from urllib.parse import urlsplit

from config.build import REPOSITORY
from config.settings import Settings
from countersign.processes import probes
from countersign.processes.children import Spec
from countersign.processes.environment import with_driver
from countersign.processes.homes import Home
from countersign.processes.ports import LOOPBACK
from countersign.processes.postgres import MAJOR, Cluster, identity

LOCATION = "countersign"
"""The name of the code location in Dagster."""

WORKERS = ("feed", "executor", "watch")

# The highest rank stops first: whatever may start work, then services, the database last.
_STARTS_WORK, _SERVES, _STORES = 2, 1, 0


def database(cluster: Cluster) -> Spec:
    """Return the embedded PostgreSQL."""
    return Spec(
        name="postgres",
        command=tuple(cluster.command()),
        probe=cluster.is_ready,
        address=f"{LOOPBACK}:{cluster.port} (PostgreSQL {MAJOR})",
        port=cluster.port,
        rank=_STORES,
        stop_signal=signal.SIGINT,  # disconnects everyone, then stops
        stop_seconds=20,
        identity=identity(),
        before_start=cluster.forget_dead_server,
    )


def dashboard(settings: Settings) -> Spec:
    """Return the dashboard."""
    host, port = settings.dashboard.host, settings.dashboard.port
    # Streamlit would refuse the pages' connection under another name than this machine's.
    public = urlsplit(settings.dashboard.address).hostname
    return Spec(
        name="dashboard",
        command=_python(
            "streamlit",
            "run",
            str(REPOSITORY / "dashboard" / "app.py"),
            f"--server.address={host}",
            f"--server.port={port}",
            "--server.headless=true",
            "--server.fileWatcherType=none",
            "--browser.gatherUsageStats=false",
            *([f"--browser.serverAddress={public}"] if public else []),
        ),
        probe=probes.responds(port, "/_stcore/health", host=_reachable(host)),
        address=f"http://{_reachable(host)}:{port}",
        port=port,
        rank=_SERVES,
        facts=_facts(settings),
    )


def venue(settings: Settings, home: Home) -> Spec:
    """Return the embedded paper venue."""
    told = settings.venue
    return Spec(
        name="venue",
        command=_python(
            "venue",
            f"--state={home.root / 'venue'}",
            f"--port={told.port}",
            f"--start={told.start}",
            f"--pace={told.pace}",
            f"--seed={told.seed}",
            f"--cash={told.cash}",
            *([f"--market={settings.market}"] if settings.market.is_dir() else []),
            "--demo",
            *(["--faults"] if told.faults else []),
        ),
        environment={
            "VENUE_KEY_ID": settings.broker.key_id,
            "VENUE_SECRET_KEY": settings.broker.secret_key,
        },
        probe=probes.responds(told.port, "/venue/status"),
        address=f"http://{LOOPBACK}:{told.port}",
        port=told.port,
        rank=_SERVES,
        facts=_facts(settings),
    )


def pipeline(settings: Settings, home: Home) -> list[Spec]:
    """Return Dagster's code server, and the two that ask it: webserver and daemon."""
    port, code_port = settings.dagster.port, settings.dagster.code_port
    workspace = f"--workspace={home.workspace}"
    return [
        Spec(
            name="code-server",
            # One process instead of `code-server start`'s two: the supervisor restarts it.
            command=_python(
                "dagster",
                "api",
                "grpc",
                f"--host={LOOPBACK}",
                f"--port={code_port}",
                "--module-name=pipelines.definitions",
                f"--location-name={LOCATION}",
                f"--working-directory={REPOSITORY}",
                "--use-python-environment-entry-point",
                "--inject-env-vars-from-instance",
                # Code that cannot be loaded is told in the web page and by `up`, not by a death.
                "--lazy-load-user-code",
                "--log-level=warning",
            ),
            probe=probes.listens(code_port),
            address=f"{LOOPBACK}:{code_port}",
            port=code_port,
            rank=_SERVES,
            stop_seconds=15,
            spares_group=True,
            facts=_facts(settings),
        ),
        Spec(
            name="webserver",
            command=_python(
                "dagster_webserver",
                f"--host={LOOPBACK}",
                f"--port={port}",
                workspace,
                "--log-level=warning",
            ),
            probe=probes.responds(port, "/server_info"),
            address=f"http://{LOOPBACK}:{port}",
            port=port,
            rank=_SERVES,
            facts=_facts(settings),
        ),
        Spec(
            name="daemon",
            command=_python("dagster._daemon", "run", workspace, "--log-level=warning"),
            rank=_STARTS_WORK,
            stop_seconds=15,
            facts=_facts(settings),
        ),
    ]


def registry(settings: Settings) -> Spec:
    """Return the MLflow server; its database address stays out of the process list."""
    port = settings.mlflow.port
    return Spec(
        name="mlflow",
        command=_python(
            "mlflow",
            "server",
            f"--host={LOOPBACK}",
            f"--port={port}",
            "--workers=1",
            "--serve-artifacts",
        ),
        environment={
            "MLFLOW_BACKEND_STORE_URI": with_driver(settings.database.url("mlflow"), "psycopg2"),
            "MLFLOW_ARTIFACTS_DESTINATION": settings.mlflow.artifacts,
        },
        probe=probes.responds(port, "/health"),
        address=f"http://{LOOPBACK}:{port}",
        port=port,
        rank=_SERVES,
        facts=_facts(settings),
    )


def workers(settings: Settings) -> list[Spec]:
    """Return the loops that must not wait for a sensor's tick; the last tells the time."""
    return [
        Spec(
            name=name,
            command=_python("worker", name),
            rank=_STARTS_WORK,
            facts=_facts(settings),
        )
        for name in WORKERS
        if name != "feed" or settings.sources.live
    ]


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _facts(settings: Settings) -> str:
    """Return all settings and the build: a process started with others is outdated."""
    return settings.model_dump_json()


def _reachable(host: str) -> str:
    return LOOPBACK if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
