"""The desk's settings: file, folder, where it runs, environment, in that order."""

import datetime as dt
import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, model_validator

from config.addresses import Bucket, Dsn, Endpoint, Port
from config.alerts import AlertSettings
from config.build import REPOSITORY, build_hash
from config.dashboard import DashboardSettings
from config.documents import DERIVED, ROOT, Frozen, document, is_private, validated
from config.errors import DisagreementError, SettingsError, unreadable
from config.live import LIVE_HOST, PAPER_HOST, refuse_accidents
from config.sources import SourcesSettings
from config.strategies import StrategiesSettings, StrategySettings

__all__ = ["Settings", "SettingsError", "load"]

PREFIX = "COUNTERSIGN_"
_OTHER_VARIABLES = frozenset(
    {"COUNTERSIGN_REQUIRE_SERVERS", "COUNTERSIGN_MINIO", "COUNTERSIGN_CHROMIUM"}
)
_SECRETS = frozenset(
    {
        "lake.access_key",
        "lake.secret_key",
        "broker.key_id",
        "broker.secret_key",
        "dashboard.oidc_client_secret",
        "database.dsn",
        "alerts.webhook_url",
        "alerts.smtp_password",
    }
)
_ALPACA = {
    "paper": (f"https://{PAPER_HOST}", f"wss://{PAPER_HOST}/stream"),
    "live": (f"https://{LIVE_HOST}", f"wss://{LIVE_HOST}/stream"),
}
_ALPACA_DATA = "https://data.alpaca.markets"
# Alpaca allows 200 calls a minute, and a look at working orders costs six: at this pace a desk
# makes fewer than 100, which leaves as many for what it sends. The venue may be asked at any time.
_LOOK_SECONDS = {"venue": 0.0, "alpaca": 10.0}
_CLOCK_SECONDS = 60.0

DatabaseName = Literal["desk", "dagster", "mlflow", "optuna"]


class LakeSettings(Frozen):
    """Where raw objects lie."""

    kind: Literal["folder", "s3"] = "folder"
    path: Path
    endpoint: Endpoint = ""  # host:port
    bucket: Annotated[Bucket, Field(min_length=3)] = "lake"
    region: str = "us-east-1"
    secure: bool = False
    access_key: str = ""
    secret_key: str = Field(default="", repr=False)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.kind == "s3":
            _require_s3(self, "lake.kind")
        return self


class WarehouseSettings(Frozen):
    """Where DuckLake keeps its data files."""

    kind: Literal["folder", "s3"] = "folder"
    path: Path
    bucket: Bucket = ""  # the lake's when empty
    prefix: str = "warehouse"


class DatabaseSettings(Frozen):
    """The PostgreSQL server; `dsn` names the database `desk`, the others stand beside it."""

    kind: Literal["embedded", "server"] = "embedded"
    dsn: Dsn = Field(default="", repr=False)
    dagster: str = "dagster"
    mlflow: str = "mlflow"
    optuna: str = "optuna"

    @model_validator(mode="after")
    def _given(self) -> Self:
        if self.kind == "server" and not self.dsn:
            raise DisagreementError(
                "`database.kind` is server, and there is no address of one. Set "
                "COUNTERSIGN_DATABASE__DSN to one like postgresql://user:password@host:5432/desk.",
                "database.kind",
            )
        return self

    def url(self, name: DatabaseName) -> str:
        """Return `postgresql://user:password@host:port/NAME` of one of the four databases."""
        if not self.dsn:
            raise SettingsError(
                "The embedded PostgreSQL has no address yet: it is started by ./desk up.",
                key="database.dsn",
            )
        if name == "desk":
            return self.dsn
        parts = urlsplit(self.dsn)
        return urlunsplit(parts._replace(path=f"/{getattr(self, name)}"))


class BrokerSettings(Frozen):
    """The broker's REST and streaming addresses."""

    kind: Literal["venue", "alpaca"] = "venue"
    url: str = ""
    data_url: str = ""
    stream_url: str = ""
    feed: str = "iex"
    look_seconds: Annotated[float, Field(ge=0, le=30)] = 0.0  # at least, between two looks
    key_id: str = Field(default="", repr=False)
    secret_key: str = Field(default="", repr=False)

    @property
    def clock_seconds(self) -> float:
        """How long market time is counted on from the broker's last word; a replay's jumps."""
        return 0.0 if self.kind == "venue" else _CLOCK_SECONDS


class VenueSettings(Frozen):
    """The replay of the embedded venue."""

    start: dt.date
    pace: Annotated[Decimal, Field(gt=0, le=10_000)] = Decimal(1)  # market minutes per second
    seed: int = 0
    cash: Annotated[Decimal, Field(gt=0)] = Decimal(100_000)  # USD
    port: Port = 8810
    faults: bool = False  # its settings endpoint may inject faults: for tests only


class HistorySettings(Frozen):
    """The sessions the desk may hold, for its partitions; open-ended outside the replay."""

    first_session: dt.date
    last_session: dt.date  # of the embedded sample; the replay ends here


class DagsterSettings(Frozen):
    """Ports of the Dagster webserver and code server."""

    port: Port = 3000
    code_port: Port = 4266


class MlflowSettings(Frozen):
    """The MLflow server; `artifacts` is a folder or a bucket address."""

    port: Port = 5001
    tracking_uri: str
    artifacts: str


class TrainingSettings(Frozen):
    """How models are trained."""

    model: Literal["xgboost", "lightgbm", "forest", "linear", "ensemble"] = "xgboost"
    features: Literal["core", "all"] | tuple[str, ...] = "core"
    horizon: Annotated[int, Field(ge=1, le=60)] = 5  # sessions
    trials: Annotated[int, Field(ge=1)] = 12
    device: Literal["cpu", "cuda"] = "cpu"
    seed: int = 7
    every: Annotated[int, Field(ge=1)] = 21  # sessions between two trainings
    every_drifted: Annotated[int, Field(ge=1)] = 5  # the same while features have drifted
    time_decay: Annotated[float, Field(gt=0, le=1)] = 1.0  # of the oldest row; 1: none
    anchored: bool = False  # each training window begins with the first session; else it rolls
    first_session: dt.date | None = None


class LiveSettings(Frozen):
    """The second of the two settings that live trading needs."""

    confirm_account: str = ""


class Settings(Frozen):
    """Everything the desk was told, parsed once."""

    home: Path
    mode: Literal["embedded", "paper", "live"] = "embedded"
    lake: LakeSettings
    warehouse: WarehouseSettings
    database: DatabaseSettings
    broker: BrokerSettings
    history: HistorySettings
    sources: SourcesSettings
    venue: VenueSettings
    dashboard: DashboardSettings
    dagster: DagsterSettings
    mlflow: MlflowSettings
    training: TrainingSettings
    strategy: StrategySettings
    strategies: StrategiesSettings = StrategiesSettings()
    live: LiveSettings = LiveSettings()
    alerts: AlertSettings = AlertSettings()
    build: str

    @property
    def market(self) -> Path:
        """What the venue replays in place of the sample, if it is there: a made-up market."""
        return self.home / "market"

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _require_broker(self)
        if self.strategies.swing == "proposed" and self.strategy.portfolio != "none":
            raise DisagreementError(
                f"`strategy.portfolio` is {self.strategy.portfolio}, which decides about all "
                "symbols at once by the model's word, and `strategies.swing` is proposed, which "
                "decides by its own. Set one of them to none, or to shown.",
                "strategies.swing",
                "strategy.portfolio",
            )
        if self.strategy.long_short:
            _require_research(self)
        if self.warehouse.kind == "s3":
            _require_s3(self.lake, "warehouse.kind")
        return self


_SECTIONS = Settings.model_fields.keys() - DERIVED


def load(environ: Mapping[str, str] = os.environ, *, running: bool = True) -> Settings:
    """Return the settings of the desk whose home `environ` names.

    Later sources win: config/desk.toml, DESK_HOME/desk.toml, DESK_HOME/runtime.json (what the
    supervisor started, and where), COUNTERSIGN_<SECTION>__<KEY>. A port that something listens on
    is that of the third whatever a variable asked for: it may have been taken. Without `running`
    the third is left out: what the desk was told, not where it runs.

    Raises
    ------
    SettingsError
        Naming the file or variable, the key, its value and what is allowed.
    """
    folder = home(environ)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    _merge(values, document(ROOT / "desk.toml"), str(ROOT / "desk.toml"), sources)
    own = folder / "desk.toml"
    if _exists(own):
        told = document(own)
        _refuse_public_secrets(told, own)
        _merge(values, told, str(own), sources)
    used = _runtime(folder) if running else {}
    _merge(values, used, str(folder / "runtime.json"), sources)
    for name, key, value in _variables(environ):
        _merge(values, _nested(key, value), f"the variable {name}", sources)
    _merge(values, _ports(used), str(folder / "runtime.json"), sources)
    _complete(values, folder)
    return validated(Settings, values, sources, "the settings")


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder with everything this desk owns (DESK_HOME, default `var/`)."""
    return Path(environ.get("DESK_HOME") or REPOSITORY / "var").expanduser().absolute()


def _merge(into: dict[str, Any], new: dict[str, Any], source: str, sources: dict[str, str]) -> None:
    for section, told in new.items():
        if section in DERIVED:
            raise SettingsError(
                f"Unknown key `{section}` in {source}. Known here: {', '.join(sorted(_SECTIONS))}.",
                source=source,
                key=section,
            )
        if isinstance(told, dict):
            known = into.setdefault(section, {})
            if not isinstance(known, dict):
                raise SettingsError(
                    f"[{section}] in {source} is a section, but `{section}` is a value. Wanted: "
                    f"{section} = … above all sections.",
                    source=source,
                    key=section,
                )
            known.update(told)
            sources.update({f"{section}.{key}": source for key in told})
        elif isinstance(into.get(section), dict):
            raise SettingsError(
                f"`{section}` was {told!r} in {source}, but it is a section. Wanted: a key in it, "
                f"as [{section}] KEY = … in a file or {PREFIX}{section.upper()}__KEY=… as a "
                "variable.",
                source=source,
                key=section,
            )
        else:
            into[section] = told
        sources[section] = source


def _runtime(folder: Path) -> dict[str, Any]:
    path = folder / "runtime.json"
    if not _exists(path):
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:  # the desk was stopped a moment ago
        return {}
    except OSError as e:
        raise unreadable(path, e) from e
    except ValueError as e:
        raise SettingsError(f"The file {path} is damaged ({e}). Run ./desk down, then up.") from e
    return told if isinstance(told, dict) else {}


def _ports(used: dict[str, Any]) -> dict[str, Any]:
    ports: dict[str, Any] = {}
    for section, told in used.items():
        for key in ("port", "code_port"):
            if isinstance(told, dict) and key in told:
                ports.setdefault(section, {})[key] = told[key]
    return ports


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as e:
        raise unreadable(path, e) from e
    return True


def _variables(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    found = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _OTHER_VARIABLES:
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        section = key.split(".")[0]
        if section not in _SECTIONS:
            raise SettingsError(
                f"Unknown variable {name}. Wanted: {PREFIX}MODE, or {PREFIX}<SECTION>__<KEY> with "
                f"one of the sections {', '.join(sorted(_SECTIONS - {'mode'}))}.",
                source=name,
                key=key,
            )
        found.append((name, key, environ[name]))
    return found


def _nested(key: str, value: str) -> dict[str, Any]:
    section, _, name = key.partition(".")
    return {section: {name: value}} if name else {section: value}


def _refuse_public_secrets(told: dict[str, Any], path: Path) -> None:
    given = {
        f"{section}.{key}"
        for section, inner in told.items()
        if isinstance(inner, dict)
        for key in inner
    }
    for key in sorted(given & _SECRETS):
        if not is_private(path):
            section, name = key.upper().split(".")
            raise SettingsError(
                f"`{key}` is a secret and {path} can be read by others. Set the variable "
                f"{PREFIX}{section}__{name} instead, or run: chmod 600 {path}",
                source=str(path),
                key=key,
            )


def _complete(values: dict[str, Any], folder: Path) -> None:
    """Fill in what follows from the home folder, the mode and the ports."""
    values["home"] = folder
    values["build"] = build_hash(folder)
    for section in _SECTIONS - {"mode"}:
        values.setdefault(section, {})
    lake, warehouse, mlflow = values["lake"], values["warehouse"], values["mlflow"]
    lake.setdefault("path", folder / "lake")
    warehouse.setdefault("path", folder / "warehouse")
    if not warehouse.get("bucket"):
        warehouse["bucket"] = lake.get("bucket", "lake")
    mlflow.setdefault("tracking_uri", f"http://127.0.0.1:{mlflow.get('port', 5001)}")
    mlflow.setdefault("artifacts", str(folder / "mlflow" / "artifacts"))
    _complete_broker(values)


def _complete_broker(values: dict[str, Any]) -> None:
    broker, mode = values["broker"], values.get("mode")
    if broker.get("kind") == "venue":
        port = values["venue"].get("port", 8810)
        urls = (f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/stream")
        data = urls[0]
    else:
        urls, data = _ALPACA.get(str(mode), ("", "")), _ALPACA_DATA
    for key, value in zip(("url", "stream_url", "data_url"), (*urls, data), strict=True):
        if not broker.get(key):
            broker[key] = value
    if broker.get("kind") in _LOOK_SECONDS:
        broker.setdefault("look_seconds", _LOOK_SECONDS[broker["kind"]])


def _require_s3(lake: LakeSettings, kind: str) -> None:
    if not lake.endpoint:
        raise DisagreementError(
            f"`{kind}` is s3, and `lake.endpoint` does not say where. Set "
            "COUNTERSIGN_LAKE__ENDPOINT to host:port, like 127.0.0.1:9000.",
            kind,
        )
    keys = {"ACCESS_KEY": lake.access_key, "SECRET_KEY": lake.secret_key}
    missing = [f"{PREFIX}LAKE__{name}" for name, value in keys.items() if not value]
    if missing:
        raise DisagreementError(
            f"`{kind}` is s3, and the keys to {lake.endpoint} are not complete. Set "
            f"{' and '.join(missing)}.",
            kind,
        )


def _require_research(told: Settings) -> None:
    """Refuse a long/short policy where the desk would have to follow it: it sells nothing short."""
    why = (
        "`strategy.long_short` is true, which is for research: models are judged with shares sold "
        "short, and the desk proposes no short sale."
    )
    if told.mode == "live":
        raise DisagreementError(
            f"{why} `mode` is live. Set `strategy.long_short` to false, or `mode` to paper or "
            "embedded.",
            "strategy.long_short",
            "mode",
        )
    if told.strategy.portfolio != "none":
        raise DisagreementError(
            f"{why} `strategy.portfolio` is {told.strategy.portfolio}, which would trade half of "
            "it. Set `strategy.portfolio` to none, or `strategy.long_short` to false.",
            "strategy.long_short",
            "strategy.portfolio",
        )


def _require_broker(told: Settings) -> None:
    broker, mode = told.broker, told.mode
    if mode == "embedded" and broker.kind != "venue":
        raise DisagreementError(
            f"`broker.kind` is {broker.kind}, but `mode` is embedded, which trades on the venue "
            "only. Set COUNTERSIGN_MODE to paper or live, or `broker.kind` to venue.",
            "broker.kind",
            "mode",
        )
    if mode != "embedded" and broker.kind != "alpaca":
        raise DisagreementError(
            f"`mode` is {mode}, but `broker.kind` is {broker.kind}. Set "
            "COUNTERSIGN_BROKER__KIND=alpaca, or `mode` to embedded.",
            "mode",
            "broker.kind",
        )
    if broker.kind == "alpaca" and not (broker.key_id and broker.secret_key):
        raise DisagreementError(
            "`broker.kind` is alpaca, and its keys are not complete. Set "
            "COUNTERSIGN_BROKER__KEY_ID and COUNTERSIGN_BROKER__SECRET_KEY.",
            "broker.kind",
        )
    refuse_accidents(
        mode=mode,
        url=broker.url,
        stream_url=broker.stream_url,
        key_id=broker.key_id,
        confirm_account=told.live.confirm_account,
    )
