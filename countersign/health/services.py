"""The services: database and its schemas, lake, broker, and the desk's own processes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
from alembic.script import ScriptDirectory

import ledger
from adapters import object_store
from adapters.object_store import BucketMissingError, StoreError
from config.settings import Settings
from countersign.health.findings import Finding, note, ok, wrong
from countersign.overview import of
from countersign.processes.homes import Home
from countersign.processes.postgres import plainly
from dashboard import oidc
from warehouse import migrate as warehouse

_LEDGER = "select version_num from desk.alembic_version"
_WAREHOUSE = "select max(version) from desk.warehouse_migrations"


def services(settings: Settings, home: Home) -> Iterator[Finding]:
    """Look at everything the desk talks to."""
    yield from database(settings)
    yield from stores(settings)
    if settings.broker.kind == "venue" and not settings.broker.key_id:
        # Without keys of its own the desk has no venue: one that answers there is another desk's.
        yield note("Paper venue", "not made yet", "./desk up makes it.")
    else:
        yield broker(settings)
    if settings.dashboard.sign_in == "oidc":
        yield provider(settings)
    yield from processes(home)


def database(settings: Settings) -> Iterator[Finding]:
    """Look whether PostgreSQL answers and its schemas are those of this version."""
    if not settings.database.dsn:
        yield note("Database", "embedded, not running", "./desk up starts it.")
        return
    try:
        with psycopg.connect(settings.database.url("desk"), connect_timeout=5) as connection:
            yield ok("Database", f"PostgreSQL {connection.info.server_version // 10000} answers")
            yield _ledger_schema(_first(connection, _LEDGER))
            yield _warehouse_schema(_first(connection, _WAREHOUSE))
    except (psycopg.OperationalError, psycopg.ProgrammingError) as e:
        if settings.database.kind == "embedded":
            advice = "./desk status tells how it stands, ./desk logs postgres why."
        else:
            advice = (
                "Start the server, or correct COUNTERSIGN_DATABASE__DSN (host, port, user, "
                "password, database)."
            )
        yield wrong("Database", plainly(e), advice)


def stores(settings: Settings) -> Iterator[Finding]:
    """Look whether objects can be written and read, and the warehouse's files where in S3."""
    told = settings.lake
    yield _store("Lake", settings)
    own_bucket = told.kind == "folder" or settings.warehouse.bucket != told.bucket
    if settings.warehouse.kind == "s3" and own_bucket:
        place = told.model_copy(update={"kind": "s3", "bucket": settings.warehouse.bucket})
        yield _store("Warehouse's files", settings.model_copy(update={"lake": place}))


def broker(settings: Settings) -> Finding:
    """Look whether the broker answers and takes the keys."""
    told = settings.broker
    headers = {"APCA-API-KEY-ID": told.key_id, "APCA-API-SECRET-KEY": told.secret_key}
    embedded = told.kind == "venue"
    try:
        reply = httpx.get(
            f"{told.url}/v2/account", headers=headers, timeout=10, trust_env=not embedded
        )
    except httpx.HTTPError as e:
        if embedded:
            return note("Paper venue", f"{told.url} does not answer", "./desk up starts it.")
        return wrong("Broker", f"{told.url} does not answer: {e}", "Look at the network.")
    if reply.status_code in {401, 403}:
        return wrong(
            "Broker",
            f"{told.url} refuses the keys ({reply.status_code})",
            "Look at COUNTERSIGN_BROKER__KEY_ID and COUNTERSIGN_BROKER__SECRET_KEY; paper and "
            "live accounts have different ones.",
        )
    if reply.is_error:
        return wrong("Broker", f"{told.url} answers {reply.status_code}", "Try again later.")
    number = str(reply.json().get("account_number"))
    if settings.mode == "live" and number != settings.live.confirm_account:
        return wrong(
            "Broker",
            f"the account is {number}, live.confirm_account is {settings.live.confirm_account}",
            "Both must agree before anything is sent.",
        )
    return ok("Broker", f"{told.url}, account {number}")


def provider(settings: Settings) -> Finding:
    """Look whether the provider that signs people in describes itself."""
    told = settings.dashboard
    found, advice = _halves(oidc.trouble(told))
    if found:
        return wrong("Sign-in", found, advice)
    return ok("Sign-in", f"{told.oidc_provider}, back to {told.origin}{oidc.CALLBACK}")


def processes(home: Home) -> Iterator[Finding]:
    """Look whether all processes of a running desk are well."""
    overview = of(home)
    if not overview.is_running:
        yield note("Processes", "the desk does not run", "./desk up starts it.")
        return
    for process in overview.facts["processes"]:
        name, state = process["name"], process["state"]
        if state == "running":
            yield ok(name, f"running, {process['restarts']} restarts")
        else:
            said = f"{state}: {process['detail']}" if process["detail"] else state
            yield wrong(name, said, f"./desk logs {name}")


def _store(subject: str, settings: Settings) -> Finding:
    store = object_store.from_settings(settings)
    if settings.lake.kind == "folder" and not settings.lake.path.exists():
        return note(subject, f"{store.name} is not made yet", "./desk up makes it.")
    try:
        store.check()
    except BucketMissingError:
        return note(subject, f"{store.name} answers, the bucket is not made yet", "./desk up does.")
    except StoreError as e:
        return wrong(subject, *_halves(str(e)))
    return ok(subject, f"{store.name} can be written and read")


def _halves(message: str) -> tuple[str, str]:
    """Return what was found and what to do, of a message whose first sentence is the former."""
    found, _, advice = message.partition(". ")
    return (found, advice) if advice else (message, "")


def _ledger_schema(found: object) -> Finding:
    scripts = ScriptDirectory(str(Path(str(ledger.__file__)).parent / "migrations"))
    known = {script.revision for script in scripts.walk_revisions()}
    head = scripts.get_current_head()
    if found is None:
        return note("Ledger", "no tables yet", "./desk up makes them.")
    if found not in known:
        return wrong(
            "Ledger",
            f"at schema {found}; this version knows up to {head}",
            "Start the newer version, or restore an older backup.",
        )
    if found != head:
        return note("Ledger", f"at schema {found}, newest is {head}", "./desk up upgrades it.")
    return ok("Ledger", f"schema {found}")


def _warehouse_schema(found: object) -> Finding:
    newest = max(migration.version for migration in warehouse.migrations())
    if found is None:
        return note("Warehouse", "no tables yet", "./desk up makes them.")
    if int(str(found)) > newest:
        return wrong(
            "Warehouse",
            f"at migration {found}; this version ends with {newest}",
            "Start the newer version, or restore an older backup.",
        )
    return ok("Warehouse", f"migration {found} of {newest}")


def _first(connection: psycopg.Connection[tuple[object, ...]], query: str) -> object:
    try:
        with connection.transaction():
            row = connection.execute(query.encode()).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return row[0] if row else None
