"""Which ports this desk uses and what the others are told about it (runtime.json)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.settings import Settings, SettingsError
from countersign.processes.ports import LOOPBACK, next_free
from countersign.processes.postgres import Cluster

POSTGRES_PORT = 5544
LABELS = {
    "postgres": "PostgreSQL",
    "venue": "the paper venue",
    "dashboard": "the dashboard",
    "dagster": "Dagster",
    "code": "Dagster's code server",
    "mlflow": "MLflow",
}
"""What a person calls whatever listens on a port of that name."""


@dataclass(frozen=True)
class Ports:
    """The port of everything that listens."""

    postgres: int
    venue: int
    dashboard: int
    dagster: int
    code: int
    mlflow: int


@dataclass(frozen=True)
class Moved:
    """A port that was taken, and the one used instead."""

    name: str
    wanted: int
    used: int

    @property
    def sentence(self) -> str:
        """What a person is told."""
        return f"Port {self.wanted} is taken; {LABELS[self.name]} uses {self.used}."


def choose(wanted: Ports, held: Mapping[str, int]) -> tuple[Ports, list[Moved]]:
    """Return free ports, the wanted ones where possible.

    Parameters
    ----------
    wanted : Ports
        As configured.
    held : mapping
        Name to port of this desk's processes that still run: those keep theirs.
    """
    used: dict[str, int] = {}
    moved = []
    for name, port in vars(wanted).items():
        taken = set(used.values()) | (set(held.values()) - {held.get(name)})
        used[name] = held[name] if name in held else next_free(port, taken=taken)
        if used[name] != port and name not in held:
            moved.append(Moved(name, port, used[name]))
    return Ports(**used), moved


def needed(settings: Settings) -> frozenset[str]:
    """Return the names of the ports that a desk with these settings listens on."""
    elsewhere = set()
    if settings.database.kind == "server":
        elsewhere.add("postgres")
    if settings.broker.kind != "venue":
        elsewhere.add("venue")
    return frozenset(LABELS) - elsewhere


def wanted(settings: Settings) -> Ports:
    """Return the ports as configured."""
    return Ports(
        postgres=POSTGRES_PORT,
        venue=settings.venue.port,
        dashboard=settings.dashboard.port,
        dagster=settings.dagster.port,
        code=settings.dagster.code_port,
        mlflow=settings.mlflow.port,
    )


def runtime(
    settings: Settings, ports: Ports, secrets: Mapping[str, str], cluster: Cluster | None
) -> dict[str, Any]:
    """Return the contents of runtime.json.

    Parameters
    ----------
    settings : Settings
        As told, without an earlier runtime.json.
    ports : Ports
        Those in use.
    secrets : mapping
        The desk's own keys.
    cluster : Cluster or None
        The embedded PostgreSQL, None when `settings` names a server.
    """
    told: dict[str, Any] = {
        "dashboard": {"port": ports.dashboard},
        "dagster": {"port": ports.dagster, "code_port": ports.code},
        "mlflow": {"port": ports.mlflow, "tracking_uri": f"http://{LOOPBACK}:{ports.mlflow}"},
    }
    if cluster:
        told["database"] = {"dsn": cluster.url("desk")}
    if settings.broker.kind == "venue":
        told["venue"] = {"port": ports.venue}
        told["broker"] = {
            "url": f"http://{LOOPBACK}:{ports.venue}",
            "data_url": f"http://{LOOPBACK}:{ports.venue}",
            "stream_url": f"ws://{LOOPBACK}:{ports.venue}/stream",
            "key_id": secrets["venue_key_id"],
            "secret_key": secrets["venue_secret_key"],
        }
    return told


def require_server(told: Settings) -> None:
    """Refuse an address of a PostgreSQL server that nobody asked to use.

    Raises
    ------
    SettingsError
        If one is given and `database.kind` is embedded: half the desk would use each.
    """
    if told.database.kind == "embedded" and told.database.dsn:
        raise SettingsError(
            "`database.dsn` names a PostgreSQL server, but `database.kind` is embedded. Set "
            "COUNTERSIGN_DATABASE__KIND=server to use it, or unset COUNTERSIGN_DATABASE__DSN.",
            key="database.dsn",
        )
