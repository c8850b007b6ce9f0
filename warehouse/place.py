"""Where a warehouse is: its catalogue, its data files and the keys to them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from psycopg.conninfo import conninfo_to_dict

from config.settings import Settings
from warehouse.errors import WarehouseMissingError, WarehouseUnavailableError

CATALOG = "lake"
CATALOG_SCHEMA = "ducklake"
_EXTENSIONS = ("ducklake", "postgres_scanner")
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    # Nothing is fetched from a network, and no Python variable is read as a table.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


@dataclass(frozen=True)
class Bucket:
    """An S3 endpoint and the keys to it."""

    endpoint: str  # host:port
    region: str
    secure: bool
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class Place:
    """Catalogue, data files and keys of one warehouse."""

    dsn: str = field(repr=False)  # of the database `desk`
    data_path: str  # a folder or s3://bucket/prefix, ends in /
    bucket: Bucket | None = None


def from_settings(settings: Settings) -> Place:
    """Return the place of the warehouse that `settings` names."""
    dsn = settings.database.url("desk")
    stores, lake = settings.warehouse, settings.lake
    if stores.kind == "folder":
        return Place(dsn, f"{stores.path.absolute()}/")
    keys = Bucket(lake.endpoint, lake.region, lake.secure, lake.access_key, lake.secret_key)
    return Place(dsn, f"s3://{stores.bucket}/{stores.prefix.strip('/')}/", keys)


def attached(place: Place, *, read_only: bool, create: bool) -> duckdb.DuckDBPyConnection:
    """Return a new DuckDB instance with the warehouse attached as `lake`.

    Parameters
    ----------
    place : Place
        Where the warehouse is.
    read_only : bool
        Whether writes are refused.
    create : bool
        Whether a missing catalogue is created; its PostgreSQL schema must exist.

    Raises
    ------
    WarehouseMissingError
        If there is no catalogue and `create` is false.
    WarehouseUnavailableError
        If PostgreSQL or the data path cannot be reached.
    """
    con = duckdb.connect(config=_CONFIG)
    try:
        for name in (*_EXTENSIONS, *(("httpfs",) if place.bucket else ())):
            con.execute(f"LOAD '{_extension(name)}'")
        _store_keys(con, place)
        con.execute(_attach(place, read_only=read_only, create=create))
    except duckdb.Error as e:
        con.close()
        raise _explained(e, place) from e
    return con


def _extension(name: str) -> Path:
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    if found is None or found.origin is None:
        raise WarehouseUnavailableError(
            f"The DuckDB extension {name} is not installed. Run ./desk up, which installs it."
        )
    folder = Path(found.origin).parent / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{name}.duckdb_extension"


def _store_keys(con: duckdb.DuckDBPyConnection, place: Place) -> None:
    """Keep passwords in secrets, so that no error message repeats them."""
    names = {
        "host": "HOST", "hostaddr": "HOST", "port": "PORT", "dbname": "DATABASE",
        "user": "USER", "password": "PASSWORD", "sslmode": "SSLMODE",
    }  # fmt: skip
    told = conninfo_to_dict(place.dsn)
    pairs = [f"{names[k]} {_text(str(v))}" for k, v in told.items() if k in names and v]
    con.execute(f"CREATE SECRET catalogue (TYPE postgres, {', '.join(pairs)})")
    if (keys := place.bucket) is not None:
        con.execute(
            f"CREATE SECRET data (TYPE s3, ENDPOINT {_text(keys.endpoint)}, URL_STYLE 'path', "
            f"USE_SSL {str(keys.secure).lower()}, REGION {_text(keys.region)}, "
            f"KEY_ID {_text(keys.access_key)}, SECRET {_text(keys.secret_key)})"
        )


def _attach(place: Place, *, read_only: bool, create: bool) -> str:
    options = [
        f"DATA_PATH {_text(place.data_path)}",
        f"META_SCHEMA '{CATALOG_SCHEMA}'",
        "META_SECRET 'catalogue'",
        f"CREATE_IF_NOT_EXISTS {str(create).lower()}",
    ]
    if read_only:
        options.append("READ_ONLY")
    return f"ATTACH 'ducklake:postgres:' AS {CATALOG} ({', '.join(options)})"


def _explained(error: duckdb.Error, place: Place) -> Exception:
    text = str(error).splitlines()[0]
    if "does not exist" in text and "creating a new DuckLake" in text:
        return WarehouseMissingError(
            "The warehouse has not been created in this database. Run ./desk up."
        )
    if "DATA_PATH" in text:
        return WarehouseMissingError(
            f"The warehouse's catalogue names another data path than {place.data_path}: {text} "
            "Set [warehouse] back, or start with a fresh database (./desk reset)."
        )
    return WarehouseUnavailableError(f"The warehouse at {place.data_path} cannot be opened: {text}")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
